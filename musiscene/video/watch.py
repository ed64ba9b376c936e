"""Watches and hears a video in one pass each, side by side."""

from __future__ import annotations

import threading
from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeAlias

import msgspec
import numpy as np

from musiscene.errors import VideoLimitError
from musiscene.video.analysis import Shot, VideoAnalysis, VideoInfo, VideoScene
from musiscene.video.facts import (
    activity,
    calm_motion,
    choose_keyframes,
    scene_facts,
)
from musiscene.video.fingerprints import shot_fingerprint
from musiscene.video.frames import FrameReader
from musiscene.video.frames_table import FrameTable
from musiscene.video.frames_times import FrameTimes, frame_times
from musiscene.video.limits import VideoLimits
from musiscene.video.probe import describe, rate_text, upright, with_checksum
from musiscene.video.probe_file import open_video
from musiscene.video.scenes import group_shots, shot_look
from musiscene.video.shots import Boundary, find_boundaries
from musiscene.video.shots_detectors import CutDetectors
from musiscene.video.sound import hear_video, speech_share, stretch_lufs

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from numpy.typing import NDArray

    from musiscene.video.analysis import VideoSound
    from musiscene.video.probe_file import OpenVideo

Progress: TypeAlias = "Callable[[str, float], None]"
"""Told `watching` or `listening` and which share of it is done, 0 to 1."""
DEFAULT_LIMITS = VideoLimits()
TOLD_FRAMES = 50


class Watched(msgspec.Struct, frozen=True, kw_only=True):
    """What one pass over the picture gave."""

    info: VideoInfo
    frames: np.ndarray[Any, Any]
    times: FrameTimes
    boundaries: list[Boundary]
    motion_frames: int
    notices: list[str]


def watch_video(
    path: Path,
    *,
    limits: VideoLimits = DEFAULT_LIMITS,
    progress: Progress | None = None,
    stop: threading.Event | None = None,
) -> VideoAnalysis:
    """Everything that is measured in a video, picture and sound.

    Args:
        path: A file of this machine.
        limits: What it may hold and how long watching may take.
        progress: Told `watching` or `listening` and the share that is done; may be called from two
            threads.
        stop: Set by another thread to give up.

    Returns:
        Shots, scenes without captions, activity and sound.

    Raises:
        VideoError: If it cannot be watched.
        VideoStoppedError: If `stop` was set.
        VideoToolsMissingError: If a library is missing.
    """
    path = Path(path)
    halt = _Halt(stop)
    heard: list[str] = []
    hearing: Future[VideoSound | None] | None = None
    with ThreadPoolExecutor(2, thread_name_prefix="video") as pool:
        try:
            with open_video(path, limits=limits) as video:
                header = describe(video, limits=limits)
                hashing = pool.submit(with_checksum, header, path, limits=limits, stop=halt)
                if header.audio_streams:
                    hearing = pool.submit(
                        hear_video,
                        path,
                        limits=limits,
                        progress=progress,
                        stop=halt,
                        note=heard.append,
                    )
                watched = _watch(video, header, limits=limits, progress=progress, stop=halt)
            sound = None if hearing is None else hearing.result()
            checksum = hashing.result().sha256
        except BaseException:
            halt.set()  # the threads would otherwise work on for nobody
            raise
    watched.notices.extend(heard)
    return _analysis(watched, sound, checksum)


class _Halt(threading.Event):
    """Set by us, or by whoever called."""

    def __init__(self, outer: threading.Event | None) -> None:
        super().__init__()
        self._outer = outer

    def is_set(self) -> bool:
        return super().is_set() or (self._outer is not None and self._outer.is_set())


def _watch(
    video: OpenVideo,
    header: VideoInfo,
    *,
    limits: VideoLimits,
    progress: Progress | None,
    stop: threading.Event,
) -> Watched:
    rate = header.rate
    reader = FrameReader(video, limits=limits, stop=stop)
    detectors = CutDetectors(rate)
    table = FrameTable(float(rate))
    for number, (seconds, picture) in enumerate(reader):
        table.add(seconds, picture)
        detectors.add(picture)
        if progress is not None and number % TOLD_FRAMES == 0:
            progress("watching", min(1.0, number / max(header.frames, 1)))
    frames = table.frames()
    times = frame_times(frames["seconds"], rate=rate, last_seconds=reader.last_seconds)
    if times.rate > limits.max_frame_rate:
        reason = f"has {float(times.rate):g} frames a second"
        raise VideoLimitError(video.path, f"{reason}, the limit is {limits.max_frame_rate:g}")
    shortened = reader.check_length(times.duration_seconds)
    boundaries = find_boundaries(
        frames, content=detectors.content, adaptive=detectors.adaptive, rate=float(times.rate)
    )
    if len(boundaries) > limits.max_shots:
        reason = f"has {len(boundaries)} shots, the limit is {limits.max_shots}: it is noise"
        raise VideoLimitError(video.path, reason)
    info = msgspec.structs.replace(
        upright(header, video, turn=reader.turn),
        frame_rate=rate_text(times.rate),
        is_variable_rate=times.is_variable,
        frames=times.count,
        duration_seconds=times.duration_seconds,
    )
    if progress is not None:
        progress("watching", 1.0)
    return Watched(
        info=info,
        frames=frames,
        times=times,
        boundaries=boundaries,
        motion_frames=table.motion_frames,
        notices=_notices(reader, times, shortened),
    )


def _notices(reader: FrameReader, times: FrameTimes, shortened: str | None) -> list[str]:
    notices = [shortened] if shortened else []
    if reader.bad:
        notices.append(f"{reader.bad} of {reader.good + reader.bad} frames are broken")
    if times.is_variable:
        rate = f"{float(times.rate):.5g}"
        notices.append(f"frames come at uneven times: numbers are those at {rate} a second")
    if times.repaired:
        notices.append(f"{times.repaired} frames have no time of their own: it was estimated")
    return notices


def _analysis(watched: Watched, sound: VideoSound | None, checksum: str) -> VideoAnalysis:
    shots, spans = _shots(watched)
    starts = [first for first, _ in spans]
    motion = calm_motion(watched.frames, starts, watched.motion_frames)
    return VideoAnalysis(
        info=msgspec.structs.replace(watched.info, sha256=checksum),
        shots=shots,
        scenes=_scenes(watched, shots, spans, motion, sound),
        activity=activity(
            watched.times.seconds,
            motion,
            [shot.start_seconds for shot in shots[1:]],
            watched.times.duration_seconds,
        ),
        sound=sound,
        notices=tuple(watched.notices),
    )


def _shots(watched: Watched) -> tuple[tuple[Shot, ...], list[tuple[int, int]]]:
    """The shots, and the places of their frames among the decoded ones."""
    times = watched.times
    kept: list[Boundary] = []
    for boundary in watched.boundaries:
        number = int(times.numbers[boundary.place])
        if not kept or number > times.numbers[kept[-1].place]:
            kept.append(boundary)
    ends = [*(one.place for one in kept[1:]), len(watched.frames)]
    shots = []
    for boundary, end in zip(kept, ends, strict=True):
        is_last = end == len(watched.frames)
        start_seconds = float(times.seconds[boundary.place])
        end_seconds = times.duration_seconds if is_last else float(times.seconds[end])
        hashes = watched.frames["hash"][boundary.place : end]
        shots.append(
            Shot(
                start_frame=int(times.numbers[boundary.place]),
                end_frame=times.count if is_last else int(times.numbers[end]),
                start_seconds=start_seconds,
                end_seconds=end_seconds,
                begins=boundary.begins,
                strength=round(boundary.strength, 4),
                fingerprint=shot_fingerprint(hashes, end_seconds - start_seconds),
            )
        )
    return tuple(shots), [(one.place, end) for one, end in zip(kept, ends, strict=True)]


def _scenes(
    watched: Watched,
    shots: Sequence[Shot],
    spans: Sequence[tuple[int, int]],
    motion: NDArray[np.float32],
    sound: VideoSound | None,
) -> tuple[VideoScene, ...]:
    looks = [
        shot_look(watched.frames[first:end], shot.end_seconds - shot.start_seconds)
        for shot, (first, end) in zip(shots, spans, strict=True)
    ]
    scenes = []
    for number, (first, last) in enumerate(group_shots(shots, looks)):
        own = slice(spans[first][0], spans[last][1])
        start, end = shots[first].start_seconds, shots[last].end_seconds
        facts = msgspec.structs.replace(
            scene_facts(watched.frames[own], motion[own], shots[first : last + 1]),
            speech=speech_share(sound, start, end),
            loudness_lufs=stretch_lufs(sound, start, end),
        )
        places = choose_keyframes(watched.frames, spans[first : last + 1], end - start)
        scenes.append(
            VideoScene(
                number=number,
                start_frame=shots[first].start_frame,
                end_frame=shots[last].end_frame,
                start_seconds=start,
                end_seconds=end,
                first_shot=first,
                last_shot=last,
                keyframes_seconds=tuple(float(watched.times.seconds[place]) for place in places),
                facts=facts,
            )
        )
    return tuple(scenes)

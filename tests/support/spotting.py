"""Videos and tracks as a planner of cues sees them, made so that the best plan is known."""

from __future__ import annotations

import hashlib
import itertools
from fractions import Fraction
from types import SimpleNamespace
from typing import TYPE_CHECKING, cast
from uuid import UUID

import msgspec
import numpy as np

from indexer.catalogue.shown import ShownSegment, ShownTrack
from indexer.matching.results import BestTracks, Reading
from indexer.spotting.cue_plan import PlanWishes
from indexer.spotting.material import Material
from indexer.spotting.scene_fits import SceneFits
from indexer.spotting.voices import TrackListener
from musiscene.video.analysis import (
    SceneCaption,
    SceneFacts,
    Shot,
    Stretch,
    VideoAnalysis,
    VideoInfo,
    VideoScene,
    VideoSound,
)

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from numpy.typing import NDArray

    from indexer.spotting.scene_fits import SceneScorer


class MadeScene(msgspec.Struct, frozen=True, kw_only=True):
    """A scene of a made video."""

    seconds: float
    caption: str = "a quiet street"
    level: float = 0.5
    """Of its activity."""
    cuts: tuple[float, ...] = ()
    """Within it, in seconds from its beginning."""
    look: int | None = None
    """Shots of one look have the same fingerprint; None for one of their own."""
    no_music: bool = False


class MadeTrack(msgspec.Struct, frozen=True, kw_only=True):
    """A track whose turns and energy are known."""

    seconds: float = 60.0
    turns: tuple[float, ...] = ()
    levels: tuple[float, ...] = (0.5,)
    """Of the energy: one more than there are turns, or one for all."""
    bpm: float = 120.0
    key: str = "C:major"
    has_beats: bool = True
    loudness_lufs: float | None = -14.0


def made_analysis(
    *scenes: MadeScene,
    rate: str = "25",
    speech: Sequence[tuple[float, float]] = (),
    name: str = "cut.mp4",
) -> VideoAnalysis:
    """A video of these scenes."""
    fps = Fraction(rate)
    shots: list[Shot] = []
    made: list[VideoScene] = []
    frame = 0
    for number, scene in enumerate(scenes):
        start, end = frame, frame + round(scene.seconds * fps)
        edges = [start, *(start + round(cut * fps) for cut in scene.cuts), end]
        first = len(shots)
        for place, (begin, stop) in enumerate(itertools.pairwise(edges)):
            look = 1_000 + 100 * number + place if scene.look is None else scene.look
            shots.append(_shot(begin, stop, fps, _fingerprint(look)))
        made.append(_scene(number, scene, (start, end), (first, len(shots) - 1), fps))
        frame = end
    seconds = float(frame / fps)
    ends = np.array([scene.end_seconds for scene in made])
    of_second = np.searchsorted(ends, np.arange(int(np.ceil(seconds))) + 0.5)
    activity = [scenes[min(int(place), len(scenes) - 1)].level for place in of_second]
    return VideoAnalysis(
        info=_info(name, rate, frame, seconds),
        shots=tuple(shots),
        scenes=tuple(made),
        activity=tuple(activity),
        sound=_sound(speech) if speech else None,
    )


def track_id(number: int) -> UUID:
    """The id of a made track; numbers count from 0."""
    return UUID(int=number + 1)


def shown_track(track: MadeTrack, number: int = 0) -> ShownTrack:
    """A track as the catalogue shows it."""
    edges = [0.0, *track.turns, track.seconds]
    levels = track.levels if len(track.levels) > 1 else track.levels * (len(track.turns) + 1)
    middles = np.arange(int(np.ceil(track.seconds))) + 0.5
    energy = np.array(levels)[np.searchsorted(track.turns, middles)]
    beats = np.arange(0.0, track.seconds, 60 / track.bpm) if track.has_beats else np.zeros(0)
    return ShownTrack(
        id=track_id(number),
        path=f"/music/track{number}.flac",
        audio_hash=f"{number:064x}",
        recording_id=None,
        title=f"Track {number}",
        artist=None,
        duration_seconds=track.seconds,
        bpm=track.bpm,
        key=track.key,
        loudness_lufs=track.loudness_lufs,
        licence=None,
        generated=False,
        energy_curve=energy.astype("<f2").tobytes(),
        beat_times=beats.astype("<f4").tobytes(),
        downbeat_times=beats[::4].astype("<f4").tobytes(),
        segments=[
            ShownSegment(place, start, end, None)
            for place, (start, end) in enumerate(itertools.pairwise(edges))
        ],
        captions=[],
        tags=[],
    )


class MadeScorer:
    """Fits that are known, instead of a matcher's.

    Args:
        confidences: Shape (scenes, tracks).
        tracks: In the same order.
        answered_from: Confidence from which something fits a scene.
    """

    def __init__(
        self,
        confidences: NDArray[np.float64],
        tracks: Sequence[MadeTrack],
        answered_from: float = 0.2,
    ) -> None:
        self._confidences, self._answered_from = confidences, answered_from
        self._tracks = {track_id(n): shown_track(one, n) for n, one in enumerate(tracks)}
        self.catalogue = SimpleNamespace(
            shown=lambda wanted: {one: self._tracks[one] for one in wanted if one in self._tracks}
        )

    def fits(
        self, scenes: Sequence[VideoScene], _wishes: PlanWishes, *, also: Iterable[UUID] = ()
    ) -> SceneFits:
        """The same for all wishes."""
        del also
        reading = Reading(answerable=1.0, moods=(), music=(), wishes=())
        track_ids = tuple(self._tracks)
        shape = (len(scenes), len(track_ids))
        best = [
            BestTracks(
                track_ids=track_ids,
                chance=1.0,
                is_answered=bool(len(row)) and bool(row.max() >= self._answered_from),
                reading=reading,
            )
            for row in self._confidences
        ]
        return SceneFits(
            track_ids=track_ids,
            scores=self._confidences.reshape(shape),
            confidences=self._confidences.reshape(shape),
            best=tuple(best),
        )


def made_material(
    analysis: VideoAnalysis,
    tracks: Sequence[MadeTrack],
    confidences: Sequence[Sequence[float]] | NDArray[np.float64],
    wishes: PlanWishes | None = None,
    *,
    keep: Iterable[tuple[int, int]] = (),
    listener: TrackListener | None = None,
) -> Material:
    """What a plan is made of, where all fits are known."""
    table = np.array(confidences, np.float64).reshape(len(analysis.scenes), len(tracks))
    return Material(
        analysis,
        wishes or PlanWishes(),
        cast("SceneScorer", MadeScorer(table, tracks)),
        listener or TrackListener(),
        keep=keep,
    )


def _fingerprint(look: int) -> str:
    return hashlib.sha256(str(look).encode()).hexdigest()[:16]


def _shot(start: int, end: int, fps: Fraction, fingerprint: str) -> Shot:
    return Shot(
        start_frame=start,
        end_frame=end,
        start_seconds=float(start / fps),
        end_seconds=float(end / fps),
        begins="cut" if start else "start",
        strength=1.0,
        fingerprint=fingerprint,
    )


def _scene(
    number: int, scene: MadeScene, frames: tuple[int, int], shots: tuple[int, int], fps: Fraction
) -> VideoScene:
    start, end = (float(frame / fps) for frame in frames)
    return VideoScene(
        number=number,
        start_frame=frames[0],
        end_frame=frames[1],
        start_seconds=start,
        end_seconds=end,
        first_shot=shots[0],
        last_shot=shots[1],
        keyframes_seconds=((start + end) / 2,),
        facts=SceneFacts(
            cuts_per_minute=0.0,
            motion=scene.level,
            brightness=0.5,
            contrast=0.2,
            saturation=0.3,
            warmth=0.0,
            speech=0.0,
            loudness_lufs=None,
        ),
        captions=(SceneCaption(text=scene.caption, source="given", by="cut.srt"),),
        no_music=scene.no_music,
    )


def _info(name: str, rate: str, frames: int, seconds: float) -> VideoInfo:
    return VideoInfo(
        name=name,
        size_bytes=1_000,
        sha256="a" * 64,
        container="mov,mp4,m4a,3gp,3g2,mj2",
        codec="h264",
        width=320,
        height=180,
        rotation=0,
        frame_rate=rate,
        is_variable_rate=False,
        frames=frames,
        duration_seconds=seconds,
        start_timecode=None,
        audio_codec=None,
        audio_streams=0,
        video_streams=1,
    )


def _sound(speech: Sequence[tuple[float, float]]) -> VideoSound:
    return VideoSound(
        loudness_lufs=-23.0,
        speech=tuple(Stretch(start_seconds=start, end_seconds=end) for start, end in speech),
        speech_levels_db=tuple((-40.0,) * 18 for _ in speech),
        energy=(),
        music=None,
    )

"""A plan and its video -> what they sound like together, as sound or under the picture.

The mix lies in a file beside the result until it is done, so an hour needs no more memory than a
minute. The video's own sound is one recording: music that is in it already stays in it.
"""

from __future__ import annotations

import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, Final

import msgspec
import numpy as np

from indexer.spotting.errors import ExportError
from indexer.spotting.preview.levels import level_points
from indexer.spotting.preview.loudness import Master, master
from indexer.spotting.preview.mux import CONTAINERS, video_suffix, write_video
from indexer.spotting.preview.scratch import SAMPLE_RATE, Scratch
from indexer.spotting.preview.sources import own_pieces, track_pieces
from musiscene.errors import AudioError, VideoStoppedError
from musiscene.generate.files import CODECS, encode_blocks

if TYPE_CHECKING:
    import threading
    from collections.abc import Callable, Iterator
    from fractions import Fraction
    from uuid import UUID

    from numpy.typing import NDArray

    from indexer.spotting.cue_plan import Cue, CuePlan

TARGET_LUFS: Final = -14.0
LOUDEST_LUFS, QUIETEST_LUFS = -5.0, -40.0
DECLICK_SECONDS: Final = 0.005
"""A cue without a fade begins and ends so softly, unless its track begins there."""
MIXED_SHARE: Final = 0.6
"""Of the work, when all is mixed."""


class PreviewReport(msgspec.Struct, frozen=True, kw_only=True):
    """What was mixed."""

    path: str
    """What was written; `.mkv` where the container asked for cannot hold the picture."""
    seconds: float
    lufs: float | None
    """Loudness reached (ITU-R BS.1770-4); None where nothing sounds."""
    true_peak_db: float | None
    """Of full scale, before a lossy codec; None where nothing sounds."""
    left_out: tuple[str, ...]
    """What is not in it, and why."""


def mix_preview(
    plan: CuePlan,
    video: Path,
    out: Path,
    *,
    audio_of: Callable[[UUID], Path | None],
    lufs: float = TARGET_LUFS,
    progress: Callable[[str, float], None] | None = None,
    stop: threading.Event | None = None,
) -> PreviewReport:
    """Mix a video's sound with the music of its plan.

    Args:
        plan: The plan.
        video: Its video.
        out: Its end says what is written: sound (`.wav`, `.flac`, `.mp3`), or the untouched picture
            with the sound (`.mp4`, `.mov`, `.mkv`).
        audio_of: Where the file of a track lies; None where it is gone.
        lufs: Loudness of the whole.
        progress: Is told what is being done, and how much of all is done: 0 to 1.
        stop: When it is set, mixing ends soon and nothing is written.

    Returns:
        What was reached.

    Raises:
        ExportError: If the name or the loudness cannot be, or the file cannot be written.
        VideoStoppedError: If it was stopped.
        VideoError: If the video cannot be opened.
    """
    import av

    suffix = out.suffix.lower()
    if suffix not in CODECS and suffix not in CONTAINERS:
        raise ExportError(f"{out}: the name must end with {', '.join([*CODECS, *CONTAINERS])}")
    if not QUIETEST_LUFS <= lufs <= LOUDEST_LUFS:
        raise ExportError(f"{lufs} LUFS is outside {QUIETEST_LUFS:g} to {LOUDEST_LUFS:g}")
    if suffix in CONTAINERS:
        suffix = video_suffix(video, suffix)
    target = out.with_suffix(suffix)
    told = _Told(progress, stop)
    try:
        out.parent.mkdir(parents=True, exist_ok=True)
        with (
            tempfile.TemporaryDirectory(prefix=".preview-", dir=out.parent) as folder,
            (Path(folder) / "mix").open("w+b") as mix_file,
            (Path(folder) / "peaks").open("w+b") as peaks_file,
        ):
            samples = max(1, round(plan.video.frames / plan.video.rate * SAMPLE_RATE))
            mix = Scratch(mix_file, channels=2, samples=samples)
            left_out = _mix(plan, video, mix, audio_of, told)
            told.step("loudness", MIXED_SHARE)
            peaks = Scratch(peaks_file, channels=1, samples=samples)
            finished = master(mix, peaks, target_lufs=lufs, step=told.go_on)
            partial = Path(folder) / f"preview{suffix}"
            _write(finished, plan, video, partial, told)
            partial.replace(target)
    except (OSError, av.FFmpegError) as error:
        raise ExportError(f"{target}: cannot be written ({_reason(error)})") from error
    told.step("done", 1.0)
    peak_db = 20 * float(np.log10(finished.true_peak)) if finished.lufs is not None else None
    return PreviewReport(
        path=str(target),
        seconds=samples / SAMPLE_RATE,
        lufs=None if finished.lufs is None else round(finished.lufs, 2),
        true_peak_db=None if peak_db is None else round(peak_db, 2),
        left_out=tuple(left_out),
    )


class _Told:
    """Tells how far it is, and ends it where that is wished."""

    def __init__(
        self, progress: Callable[[str, float], None] | None, stop: threading.Event | None
    ) -> None:
        self._progress = progress
        self._stop = stop

    def go_on(self) -> None:
        if self._stop is not None and self._stop.is_set():
            raise VideoStoppedError

    def step(self, what: str, share: float) -> None:
        self.go_on()
        if self._progress is not None:
            self._progress(what, min(1.0, share))


def _mix(
    plan: CuePlan,
    video: Path,
    mix: Scratch,
    audio_of: Callable[[UUID], Path | None],
    told: _Told,
) -> list[str]:
    """Mix everything; what could not be is told."""
    left_out: list[str] = []
    if plan.video.audio_codec is not None:
        try:
            for first, piece in own_pieces(video):
                told.step("own sound", 0.5 * MIXED_SHARE * max(0, first) / mix.samples)
                mix.add(first, piece)
        except AudioError as error:
            left_out.append(f"the video's own sound: {error.reason}")
    if plan.video.audio_streams > 1:
        left_out.append(f"{plan.video.audio_streams - 1} further sounds of the video")
    for cue in plan.cues:
        if cue.kind != "track" or cue.chosen is None:
            continue
        path = audio_of(cue.chosen.track.id)
        if cue.is_muted:
            left_out.append(f"{cue.id}: muted")
        elif path is None:
            left_out.append(f"{cue.id}: the file of its track is gone")
        else:
            told.step("music", MIXED_SHARE * (0.5 + 0.5 * cue.end_frame / plan.video.frames))
            try:
                _mix_cue(cue, path, mix, plan.video.rate, told)
            except AudioError as error:
                left_out.append(f"{cue.id}: {error.reason}")
    return left_out


def _mix_cue(cue: Cue, path: Path, mix: Scratch, rate: Fraction, told: _Told) -> None:
    if cue.chosen is None:
        return
    source_start_seconds = max(0.0, cue.chosen.source_start_seconds)
    first = round(cue.start_frame / rate * SAMPLE_RATE)
    last = round(cue.end_frame / rate * SAMPLE_RATE)
    at = first
    for piece in track_pieces(path, round(source_start_seconds * SAMPLE_RATE), last - first):
        told.go_on()
        here = np.arange(at, at + piece.shape[1])
        mix.add(at, piece * _gain(cue, here, (first, last), is_start=source_start_seconds == 0.0))
        at += piece.shape[1]


def _gain(
    cue: Cue, at: NDArray[np.int64], span: tuple[int, int], *, is_start: bool
) -> NDArray[np.float32]:
    """What each sample of a cue is multiplied by: level, ducks and fades of equal power."""
    times, levels_db = zip(*level_points(cue), strict=True)
    gain = 10 ** (np.interp(at / SAMPLE_RATE, times, levels_db) / 20)
    fade_in = max(cue.fade_in_seconds, 0.0 if is_start else DECLICK_SECONDS)
    fade_out = max(cue.fade_out_seconds, DECLICK_SECONDS)
    for fade_seconds, into in ((fade_in, at - span[0]), (fade_out, span[1] - at)):
        if fade_seconds > 0:
            share = np.clip(into / (fade_seconds * SAMPLE_RATE), 0.0, 1.0)
            gain = gain * np.sin(np.pi / 2 * share)
    shaped: NDArray[np.float32] = gain.astype(np.float32)
    return shaped


def _write(finished: Master, plan: CuePlan, video: Path, path: Path, told: _Told) -> None:
    rest = 1.0 - MIXED_SHARE
    whole = max(plan.video.duration_seconds, 1e-6)
    if path.suffix in CONTAINERS:

        def step(seconds: float) -> None:
            told.step("writing", MIXED_SHARE + rest * (0.5 + 0.5 * seconds / whole))

        write_video(
            finished.blocks(), video, path, start_timecode=plan.video.start_timecode, step=step
        )
        return

    def watched() -> Iterator[NDArray[np.float32]]:
        for block in finished.blocks():
            told.step("writing", MIXED_SHARE + 0.5 * rest)
            yield block

    tags = {"title": f"{plan.video.name}, preview"}
    encode_blocks(watched(), path, sample_rate=SAMPLE_RATE, channels=2, tags=tags)


def _reason(error: BaseException) -> str:
    return getattr(error, "strerror", None) or str(error)

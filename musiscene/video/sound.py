"""What is heard in a video: how loud it is, who speaks when, and the music that it has already.

The sound is decoded once, in pieces; what is kept grows by a few numbers a second.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import numpy as np

from musiscene.audio.container import open_audio
from musiscene.audio.decode import PacketDecoder
from musiscene.audio.energy import ENERGY_RANGE_DB, relative_energy, second_powers
from musiscene.audio.excerpts import ANALYSIS_RATE
from musiscene.audio.limits import AudioLimits
from musiscene.audio.loudness import integrated_lufs
from musiscene.audio.masking import BANDS_HZ, frame_powers, levels_db
from musiscene.audio.mono_stream import mono_pieces
from musiscene.audio.read import SILENT_PEAK, BlockLoudness
from musiscene.audio.speech import FRAME_SAMPLES, SPEECH_RATE, SpeechDetector, stretches_of
from musiscene.errors import AudioError, VideoStoppedError
from musiscene.video.analysis import Stretch, VideoSound
from musiscene.video.limits import VideoLimits
from musiscene.video.temp_music import TempMusicListener

if TYPE_CHECKING:
    import threading
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from numpy.typing import NDArray

    from musiscene.audio.container import OpenAudio
    from musiscene.audio.decode import Block

PIECE_SECONDS: Final = 32
"""A whole number of seconds and of the speech detector's frames."""
LEAST_SHIFT_SECONDS: Final = 0.1
"""By which sound has to begin before or after the picture to be moved: less is a codec's own."""
DEFAULT_LIMITS: Final = VideoLimits()


def hear_video(
    path: Path,
    *,
    limits: VideoLimits = DEFAULT_LIMITS,
    progress: Callable[[str, float], None] | None = None,
    stop: threading.Event | None = None,
    note: Callable[[str], None] | None = None,
) -> VideoSound | None:
    """Listen to a video's default audio stream from beginning to end.

    Sound that is missing or broken never fails a video: what can be heard counts.

    Args:
        path: The video.
        limits: What is allowed.
        progress: Is told what is being done, and how much of it is done: 0 to 1.
        stop: When it is set, listening ends soon.
        note: Is told what a person should know: why there is no sound, or where it breaks off.

    Returns:
        What is heard; None where there is no sound that can be decoded.

    Raises:
        VideoStoppedError: If it was stopped.
        VideoToolsMissingError: If the network that finds speech is not installed.
    """
    allowed = AudioLimits(
        max_bytes=limits.max_bytes,
        max_seconds=limits.max_seconds,
        timeout_seconds=limits.timeout_seconds,
        min_seconds=0.0,
    )
    listener = _Listener(stop, progress)
    try:
        with open_audio(path, limits=allowed) as opened:
            listener.expects_seconds = opened.declared_seconds() or 0.0
            shift = shift_seconds(opened)
            blocks = listener.measured(PacketDecoder(path, opened, allowed).blocks())
            for piece in _pieces(mono_pieces(blocks, ANALYSIS_RATE), shift):
                listener.hear(piece)
    except AudioError as error:
        listener.error = error
    if listener.error is not None and note is not None:
        used = "what was decoded is used" if listener.seconds else "it is not used"
        note(f"its sound {listener.error.reason}; {used}")
    return listener.sound()


def shift_seconds(opened: OpenAudio) -> float:
    """By how much the sound of an open video begins after its picture, in seconds; 0 if hardly."""
    import av

    attached = av.stream.Disposition.attached_pic
    pictures = [one for one in opened.container.streams.video if not one.disposition & attached]
    starts = [
        float(one.start_time * one.time_base)
        for one in (opened.stream, *pictures[:1])
        if one.start_time is not None and one.time_base is not None
    ]
    if len(starts) < 2:  # noqa: PLR2004  # sound and picture
        return 0.0
    shift = starts[0] - starts[1]
    return shift if abs(shift) >= LEAST_SHIFT_SECONDS else 0.0


def speech_share(sound: VideoSound | None, start_seconds: float, end_seconds: float) -> float:
    """Share of a stretch in which somebody speaks.

    Args:
        sound: Of the video.
        start_seconds: Of the stretch.
        end_seconds: Likewise.

    Returns:
        0 to 1.

    Example:
        >>> spoken = (Stretch(start_seconds=1.0, end_seconds=3.0),)
        >>> sound = VideoSound(
        ...     loudness_lufs=-23.0, speech=spoken, speech_levels_db=(), energy=(), music=None
        ... )
        >>> speech_share(sound, 2.0, 6.0)
        0.25
    """
    if sound is None or end_seconds <= start_seconds:
        return 0.0
    spoken = sum(
        max(0.0, min(one.end_seconds, end_seconds) - max(one.start_seconds, start_seconds))
        for one in sound.speech
    )
    return round(min(1.0, spoken / (end_seconds - start_seconds)), 3)


def stretch_lufs(
    sound: VideoSound | None, start_seconds: float, end_seconds: float
) -> float | None:
    """Loudness of a stretch, from the energy of its seconds and the loudness of the whole.

    The gates of BS.1770-4 work on seconds here, not on blocks of 400 ms: within 1 LU for speech and
    music.

    Args:
        sound: Of the video.
        start_seconds: Of the stretch.
        end_seconds: Likewise.

    Returns:
        In LUFS; None where everything lies `ENERGY_RANGE_DB` below the loudest second, or is
        silent.
    """
    if sound is None or sound.loudness_lufs is None or end_seconds <= start_seconds:
        return None
    whole = integrated_lufs(_relative_powers(sound.energy))
    first = min(int(start_seconds), max(0, len(sound.energy) - 1))
    last = max(first + 1, int(np.ceil(end_seconds)))
    part = integrated_lufs(_relative_powers(sound.energy[first:last]))
    if whole is None or part is None:
        return None
    return round(sound.loudness_lufs + part - whole, 1)


def _relative_powers(energy: tuple[float, ...]) -> NDArray[np.float64]:
    values = np.asarray(energy, dtype=np.float64)
    return np.where(values > 0, 10 ** ((values - 1) * ENERGY_RANGE_DB / 10), 0.0)


class _Listener:
    """Everything that is measured, piece by piece."""

    def __init__(
        self, stop: threading.Event | None, progress: Callable[[str, float], None] | None
    ) -> None:
        self.expects_seconds = 0.0
        self.seconds = 0.0
        self.error: AudioError | None = None
        self._stop, self._progress = stop, progress
        self._loudness = BlockLoudness()
        self._detector = SpeechDetector()
        self._temp = TempMusicListener()
        self._spoken: list[NDArray[np.float32]] = []
        self._powers: list[NDArray[np.float64]] = []
        self._bands: list[NDArray[np.float32]] = []
        self._peak = 0.0

    def measured(self, blocks: Iterator[Block]) -> Iterator[Block]:
        """Pass blocks on, measured; a sound that breaks ends there.

        Args:
            blocks: As they are decoded.

        Yields:
            Block: Each of them.

        Raises:
            VideoStoppedError: If it was stopped.
        """
        try:
            for block in blocks:
                if self._stop is not None and self._stop.is_set():
                    raise VideoStoppedError
                self._loudness.add(block)
                self._peak = max(self._peak, block.peak)
                yield block
        except AudioError as error:  # what came before it is still on its way
            self.error = error

    def hear(self, piece: NDArray[np.float32]) -> None:
        """Hear mono audio at `ANALYSIS_RATE`: whole seconds, but for the last piece."""
        self._spoken.append(self._detector.add(piece))
        self._powers.append(second_powers(piece, sample_rate=ANALYSIS_RATE))
        self._bands.append(_bands_of_frames(piece))
        self._temp.add(piece)
        self.seconds += len(piece) / ANALYSIS_RATE
        if self._progress is not None:
            done = self.seconds / self.expects_seconds if self.expects_seconds else 0.0
            self._progress("listening", min(done, 1.0))

    def sound(self) -> VideoSound | None:
        """What was heard in all; None if nothing could be."""
        if not self._powers:
            return None
        self._spoken.append(self._detector.add(np.zeros(0, dtype=np.float32), last=True))
        energy = relative_energy(np.concatenate(self._powers))
        if self._peak < SILENT_PEAK:
            silent = tuple(0.0 for _ in energy)
            return VideoSound(
                loudness_lufs=None, speech=(), speech_levels_db=(), energy=silent, music=None
            )
        stretches = stretches_of(np.concatenate(self._spoken))
        loudness = self._loudness.integrated_lufs()
        return VideoSound(
            loudness_lufs=None if loudness is None else round(loudness, 2),
            speech=tuple(Stretch(start_seconds=start, end_seconds=end) for start, end in stretches),
            speech_levels_db=self._levels(stretches),
            energy=tuple(round(float(value), 3) for value in energy),
            music=self._temp.music(energy),
        )

    def _levels(self, stretches: tuple[tuple[float, float], ...]) -> tuple[tuple[float, ...], ...]:
        bands = np.concatenate(self._bands)
        frames_per_second = SPEECH_RATE / FRAME_SAMPLES
        levels = []
        for start, end in stretches:
            first = min(round(start * frames_per_second), len(bands) - 1)
            last = max(first + 1, round(end * frames_per_second))
            mean = levels_db(bands[first:last].mean(axis=0))
            levels.append(tuple(round(float(level), 1) for level in mean))
        return tuple(levels)


def _bands_of_frames(piece: NDArray[np.float32]) -> NDArray[np.float32]:
    """Power in each band for each frame of the speech detector, shape (frames, bands)."""
    wanted = round(len(piece) / FRAME_SAMPLES)
    found = frame_powers(piece, ANALYSIS_RATE)
    if wanted == 0:
        return np.zeros((0, len(BANDS_HZ)), dtype=np.float32)
    return found[np.minimum(np.arange(wanted), len(found) - 1)]


def _pieces(mono: Iterator[NDArray[np.float32]], shift: float) -> Iterator[NDArray[np.float32]]:
    """Cut mono audio at `ANALYSIS_RATE` into pieces of `PIECE_SECONDS`, moved by `shift` seconds.

    Sound that begins before the picture loses its beginning.
    """
    moved = round(shift * ANALYSIS_RATE)
    dropped = max(0, -moved)
    waiting = [np.zeros(max(0, moved), dtype=np.float32)]
    count = len(waiting[0])
    length = PIECE_SECONDS * ANALYSIS_RATE
    for samples in mono:
        kept = samples[dropped:]
        dropped -= len(samples) - len(kept)
        waiting.append(kept)
        count += len(kept)
        if count >= length:
            joined = np.concatenate(waiting)
            whole = count // length * length
            for start in range(0, whole, length):
                yield joined[start : start + length]
            waiting, count = [joined[whole:]], count - whole
    rest = np.concatenate(waiting)
    if len(rest):
        yield rest

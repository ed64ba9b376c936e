"""The same recording in other files, and recordings that only sound alike, for measuring."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, NamedTuple, cast

import av
import numpy as np

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from av.audio.stream import AudioStream
    from numpy.typing import NDArray

RATE: Final = 44_100
"""Of the stereo waveforms here, in Hz."""
COPY_SECONDS: Final = 60.0
"""So much of a track is copied; encoding all of it would take hours."""


class Coding(NamedTuple):
    """A file format."""

    suffix: str
    codec: str
    bit_rate: int = 0
    sample_rate: int = RATE
    layout: str = "stereo"
    sample_format: str = ""


PCM: Final = Coding(".wav", "pcm_s16le")
CODINGS: Final[dict[str, Coding]] = {
    "mp3 320k": Coding(".mp3", "libmp3lame", 320_000),
    "mp3 128k": Coding(".mp3", "libmp3lame", 128_000),
    "mp3 64k": Coding(".mp3", "libmp3lame", 64_000),
    "mp3 64k mono 22.05 kHz": Coding(".mp3", "libmp3lame", 64_000, 22_050, "mono"),
    "vorbis 96k": Coding(".ogg", "vorbis", 96_000),
    "opus 128k": Coding(".opus", "libopus", 128_000, 48_000),
    "opus 64k": Coding(".opus", "libopus", 64_000, 48_000),
    "opus 32k": Coding(".opus", "libopus", 32_000, 48_000),
    "aac 256k": Coding(".m4a", "aac", 256_000),
    "aac 96k": Coding(".m4a", "aac", 96_000),
    "flac 16 bit": Coding(".flac", "flac", sample_format="s16"),
    "flac 24 bit 48 kHz": Coding(".flac", "flac", 0, 48_000, "stereo", "s32"),
    "wav 22.05 kHz mono": Coding(".wav", "pcm_s16le", 0, 22_050, "mono"),
}
"""Kind of copy -> how the unchanged samples are coded."""


def read_stereo(path: Path, *, seconds: float = COPY_SECONDS) -> NDArray[np.float32]:
    """Decode the beginning of a file.

    Args:
        path: Any audio file.
        seconds: How much at most.

    Returns:
        float32, shape (2, samples), at `RATE`.
    """
    resampler = av.AudioResampler(format="fltp", layout="stereo", rate=RATE)
    parts, count = [], 0
    with av.open(str(path)) as container:
        for frame in container.decode(container.streams.audio[0]):
            frame.pts = None
            for resampled in resampler.resample(frame):
                parts.append(resampled.to_ndarray())
                count += parts[-1].shape[1]
            if count >= seconds * RATE:
                break
    waveform = np.concatenate(parts, axis=1)[:, : round(seconds * RATE)]
    return waveform.astype(np.float32)


def write_coded(path: Path, waveform: NDArray[np.float32], coding: Coding) -> Path:
    """Encode a waveform.

    Args:
        path: Without its suffix.
        waveform: float32, shape (2, samples), at `RATE`.
        coding: How.

    Returns:
        The file.
    """
    target = path.with_name(path.name + coding.suffix)
    with av.open(str(target), "w") as container:
        # FFmpeg calls its own Vorbis encoder experimental.
        options = {"strict": "experimental"}
        stream = cast(
            "AudioStream",
            container.add_stream(coding.codec, rate=coding.sample_rate, options=options),
        )
        stream.layout = coding.layout
        if coding.sample_format:
            stream.format = coding.sample_format
        if coding.bit_rate:
            stream.bit_rate = coding.bit_rate
        resampler = av.AudioResampler(
            format=stream.format, layout=coding.layout, rate=coding.sample_rate,
            frame_size=stream.codec_context.frame_size or 4096,
        )  # fmt: skip
        whole = av.AudioFrame.from_ndarray(
            np.ascontiguousarray(np.clip(waveform, -1, 1)), format="fltp", layout="stereo"
        )
        whole.sample_rate = RATE
        for frame in [*resampler.resample(whole), *resampler.resample(None)]:
            container.mux(stream.encode(frame))
        container.mux(stream.encode(None))
    return target


def limited(waveform: NDArray[np.float32], *, gain_db: float = 8.0) -> NDArray[np.float32]:
    """Pushed into a limiter, as loud masters are: the gain follows the peaks of 5 ms.

    Args:
        waveform: float32, shape (2, samples).
        gain_db: How far.

    Returns:
        Likewise, below full scale.
    """
    from scipy.ndimage import maximum_filter1d, uniform_filter1d

    scaled = waveform * np.float32(10 ** (gain_db / 20))
    width = round(0.005 * RATE)
    peaks = maximum_filter1d(np.abs(scaled).max(axis=0), 2 * width + 1)
    gain = uniform_filter1d(np.minimum(1.0, 0.95 / np.maximum(peaks, 1e-6)), width)
    out: NDArray[np.float32] = (scaled * gain).astype(np.float32)
    return out


def copies(waveform: NDArray[np.float32]) -> Iterator[tuple[str, NDArray[np.float32], Coding]]:
    """Every kind of copy of a recording that must be known again.

    Args:
        waveform: float32, shape (2, samples), at `RATE`.

    Yields:
        The kind, the samples, and how to code them.
    """
    for kind, coding in CODINGS.items():
        yield kind, waveform, coding
    yield "gain -12 dB", waveform * np.float32(0.25), PCM
    yield "gain +3 dB, clipped", waveform * np.float32(1.41), PCM
    yield "limiter +8 dB", limited(waveform), PCM
    for seconds in (0.07, 0.5, 2.3, 5.0):
        yield f"silence {seconds} s before", _padded(waveform, seconds), PCM
    for start, end in ((0.2, 0.0), (2.5, 0.0), (0.0, 3.0), (1.7, 1.7)):
        kind = f"without {start} s at the start, {end} s at the end"
        yield kind, _cut(waveform, start, end), PCM
    hard = _padded(_cut(limited(waveform), 0.0, 2.0), 1.3)
    yield "limiter, silence, cut, mp3 64k", hard, CODINGS["mp3 64k"]
    yield "cut, gain, opus 32k", _cut(waveform, 1.1, 0.0) * np.float32(0.3), CODINGS["opus 32k"]


def alterations(
    waveform: NDArray[np.float32], other: NDArray[np.float32]
) -> dict[str, Callable[[], NDArray[np.float32]]]:
    """Recordings made of a real one that are not that one.

    Args:
        waveform: float32, shape (2, samples), at `RATE`.
        other: Another recording, likewise.

    Returns:
        Kind -> makes it.
    """
    half = waveform.shape[1] // 2
    third = waveform.shape[1] // 3
    beat = 10 * RATE
    rms = float(np.sqrt(np.mean(waveform**2)))
    return {
        "same first half, another second half": lambda: np.concatenate(
            [waveform[:, :half], other[:, half : 2 * half]], axis=1
        ),
        "12 s of another one inside": lambda: np.concatenate(
            [waveform[:, :third], other[:, : 12 * RATE], waveform[:, third + 12 * RATE :]], axis=1
        ),
        "10 s cut out of the middle": lambda: np.concatenate(
            [waveform[:, :third], waveform[:, third + beat :]], axis=1
        ),
        "longer by its first half": lambda: np.concatenate([waveform, waveform[:, :half]], axis=1),
        "2 % faster": lambda: _resampled(waveform, 1 / 1.02),
        "a semitone higher": lambda: _resampled(waveform, 2 ** (-1 / 12)),
        "a lead as loud": lambda: waveform + _lead(waveform.shape[1], rms),
        "a lead 6 dB below": lambda: waveform + _lead(waveform.shape[1], rms * 0.5),
        "a lead 12 dB below": lambda: waveform + _lead(waveform.shape[1], rms * 0.25),
    }


def _padded(waveform: NDArray[np.float32], seconds: float) -> NDArray[np.float32]:
    return np.pad(waveform, ((0, 0), (round(seconds * RATE), 0)))


def _cut(waveform: NDArray[np.float32], start: float, end: float) -> NDArray[np.float32]:
    return waveform[:, round(start * RATE) : waveform.shape[1] - round(end * RATE)]


def _resampled(waveform: NDArray[np.float32], factor: float) -> NDArray[np.float32]:
    import soxr

    slower: NDArray[np.float32] = soxr.resample(waveform.T, RATE, RATE * factor).T
    return slower


def _lead(samples: int, rms: float, *, seed: int = 7) -> NDArray[np.float32]:
    """A voice-like lead: phrases of gliding, trembling tones with formants, rests between."""
    draw = np.random.default_rng(seed)
    time = np.arange(samples) / RATE
    pitch = np.zeros(samples)
    level = np.zeros(samples)
    at = 2.0
    while at < samples / RATE:
        for _ in range(int(draw.integers(4, 9))):
            length = float(draw.uniform(0.25, 0.9))
            here = (time >= at) & (time < at + length)
            pitch[here] = 220 * 2 ** (draw.integers(0, 15) / 12)
            level[here] = draw.uniform(0.5, 1) * np.hanning(max(int(here.sum()), 1)) ** 0.3
            at += length
        at += float(draw.uniform(1.0, 4.0))
    phase = 2 * np.pi * np.cumsum(pitch * (1 + 0.01 * np.sin(2 * np.pi * 5.5 * time))) / RATE
    voice = sum(np.sin(number * phase) / number**0.8 for number in range(1, 13)) * level
    scaled = voice * (rms / max(float(np.sqrt(np.mean(voice[level > 0] ** 2))), 1e-9))
    return np.stack([scaled, scaled]).astype(np.float32)

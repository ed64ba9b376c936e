"""How much of a voice is lost under music, and how far the music must come down.

Band by band, in the manner of the Speech Intelligibility Index: a band of the voice is heard in
full where it stands 15 dB above the music, and not at all where it lies 15 dB below it; each band
counts as much as it carries of what is understood. Both are levels in the same mix, so no
calibration to sound pressure is needed, and the threshold of hearing plays no part.

Source: ANSI S3.5-1997, one-third octave band procedure (table 3: bands and their importance for
average speech; section 4.7: audibility (E - D + 15) / 30, from 0 to 1).
"""

from __future__ import annotations

from functools import lru_cache
from typing import TYPE_CHECKING, Final

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import ArrayLike, NDArray

BANDS_HZ: Final[tuple[float, ...]] = (
    160.0, 200.0, 250.0, 315.0, 400.0, 500.0, 630.0, 800.0, 1000.0, 1250.0, 1600.0, 2000.0,
    2500.0, 3150.0, 4000.0, 5000.0, 6300.0, 8000.0,
)  # fmt: skip
"""Middles of the bands."""
IMPORTANCE: Final[tuple[float, ...]] = (
    0.0083, 0.0095, 0.0150, 0.0289, 0.0440, 0.0578, 0.0653, 0.0711, 0.0818, 0.0844, 0.0882, 0.0898,
    0.0868, 0.0844, 0.0771, 0.0527, 0.0364, 0.0185,
)  # fmt: skip
"""Share of each band in what is understood; they sum to 1."""
AUDIBLE_RANGE_DB: Final = 30.0
"""From 15 dB below the music to 15 dB above it."""
SILENCE_DB: Final = -120.0
"""Of a band in which there is nothing."""
VOICE_RANGE_DB: Final = 50.0
"""A band of the voice this far below its strongest one says nothing: a telephone has few bands."""
MOST_MASKING: Final = 0.1
"""What may be lost of a voice under ducked music: the mean STOI is then 0.92 (docs/masking.md)."""
LOWEST_GAIN_DB: Final = -60.0

_TOP_HZ = 7_300.0  # where resamplers to 16 kHz begin to cut: levels agree at all sample rates
_FRAME_SECONDS = 0.064
_BISECTIONS = 14


def band_levels_db(waveform: NDArray[np.float32], sample_rate: int) -> NDArray[np.float32]:
    """Measure the mean level of a sound in each band.

    Args:
        waveform: Mono audio in [-1, 1], float32, shape (samples,).
        sample_rate: Of `waveform`, in Hz; bands above half of it are silent.

    Returns:
        In dB of full scale (a sine at full scale has -3 dB), float32, shape (bands,).

    Example:
        >>> tone = 0.1 * np.sin(2 * np.pi * 1000 * np.arange(16_000) / 16_000)
        >>> levels = band_levels_db(tone.astype(np.float32), 16_000)
        >>> float(levels.max().round()), BANDS_HZ[int(levels.argmax())]
        (-23.0, 1000.0)
    """
    powers = frame_powers(waveform, sample_rate)
    if not len(powers):
        return np.full(len(BANDS_HZ), SILENCE_DB, dtype=np.float32)
    return levels_db(powers.mean(axis=0))


def window_levels_db(
    waveform: NDArray[np.float32], sample_rate: int, seconds: float = 1.0
) -> NDArray[np.float32]:
    """Measure the level of each stretch of equal length in each band.

    Args:
        waveform: Mono audio in [-1, 1], float32, shape (samples,).
        sample_rate: Of `waveform`, in Hz.
        seconds: Of one stretch.

    Returns:
        In dB of full scale, float32, shape (stretches, bands); the last, partial one counts.
    """
    step = max(1, round(seconds * sample_rate))
    starts = range(0, len(waveform), step)
    levels = [band_levels_db(waveform[start : start + step], sample_rate) for start in starts]
    return np.stack(levels) if levels else np.zeros((0, len(BANDS_HZ)), dtype=np.float32)


def frame_powers(waveform: NDArray[np.float32], sample_rate: int) -> NDArray[np.float32]:
    """Measure the power in each band of frames of 64 ms that overlap by half.

    Args:
        waveform: Mono audio in [-1, 1], float32, shape (samples,).
        sample_rate: Of `waveform`, in Hz.

    Returns:
        Mean squares, float32, shape (frames, bands); a frame every 32 ms, none of silence's own.
    """
    from musiscene.audio.spectrum import frame_magnitudes

    length = 2 * round(_FRAME_SECONDS * sample_rate / 2)
    if not len(waveform):
        return np.zeros((0, len(BANDS_HZ)), dtype=np.float32)
    missing = max(0, length - len(waveform))
    padded = np.pad(waveform, (0, missing)) if missing else waveform
    window, bands = _bands(sample_rate, length)
    blocks = frame_magnitudes(padded, window=window, hop_length=length // 2)
    powers = [np.square(block) @ bands for block in blocks]
    found: NDArray[np.float32] = np.concatenate(powers) * np.float32(length / (length - missing))
    return found


def levels_db(powers: NDArray[np.floating]) -> NDArray[np.float32]:
    """Put mean squares into dB of full scale, not below `SILENCE_DB`; any shape."""
    floor = 10 ** (SILENCE_DB / 10)
    found: NDArray[np.float32] = (10 * np.log10(np.maximum(powers, floor))).astype(np.float32)
    return found


def masking(voice_db: ArrayLike, music_db: ArrayLike) -> NDArray[np.float64] | float:
    """Say which share of a voice's intelligibility music takes.

    Args:
        voice_db: Levels of the voice, shape (..., bands).
        music_db: Levels of the music in the same mix, shape (..., bands); the leading axes of both
            are broadcast.

    Returns:
        0 (nothing is lost) to 1 (all is), shape (...); a float for one voice and one music. 0 where
        there is no voice.

    Example:
        >>> voice, music = np.full(18, -30.0), np.full(18, -30.0)
        >>> masking(voice, music), masking(voice, music - 15), masking(voice, music + 15)
        (0.5, 0.0, 1.0)
    """
    voice = np.asarray(voice_db, dtype=np.float64)
    music = np.asarray(music_db, dtype=np.float64)
    heard = np.clip((voice - music) / AUDIBLE_RANGE_DB + 0.5, 0, 1)
    lost = 1 - (heard * _weights(voice)).sum(axis=-1)
    lost = np.where(_has_voice(voice), np.clip(lost, 0, 1), 0.0)
    return float(lost) if lost.ndim == 0 else lost


def needed_gain_db(
    voice_db: ArrayLike, music_db: ArrayLike, *, most_masking: float = MOST_MASKING
) -> NDArray[np.float64] | float:
    """Say how far music must come down for a voice to be understood.

    Args:
        voice_db: Levels of the voice, shape (..., bands).
        music_db: Levels of the music in the same mix, shape (..., bands).
        most_masking: What may be lost, as `masking` measures it; 0 to 1.

    Returns:
        The least change of gain in dB, `LOWEST_GAIN_DB` to 0, by which no more is lost; shape
        (...), a float for one voice and one music.

    Example:
        >>> voice = np.full(18, -30.0)
        >>> round(needed_gain_db(voice, voice, most_masking=0.25), 1)
        -7.5
        >>> needed_gain_db(voice, voice - 20)
        0.0
    """
    voice = np.asarray(voice_db, dtype=np.float64)
    music = np.asarray(music_db, dtype=np.float64)
    shape = np.broadcast_shapes(voice.shape, music.shape)[:-1]
    low, high = np.full(shape, LOWEST_GAIN_DB), np.zeros(shape)
    low = np.where(masking(voice, music) <= most_masking, high, low)
    for _ in range(_BISECTIONS):  # what is lost grows with the gain
        middle = (low + high) / 2
        is_enough = masking(voice, music + middle[..., None]) <= most_masking
        low, high = np.where(is_enough, middle, low), np.where(is_enough, high, middle)
    return float(low) if low.ndim == 0 else low


def _weights(voice_db: NDArray[np.float64]) -> NDArray[np.float64]:
    speaks = voice_db > np.maximum(
        voice_db.max(axis=-1, keepdims=True) - VOICE_RANGE_DB, SILENCE_DB + 1
    )
    weights = np.where(speaks, IMPORTANCE, 0.0)
    shares: NDArray[np.float64] = weights / np.maximum(weights.sum(axis=-1, keepdims=True), 1e-9)
    return shares


def _has_voice(voice_db: NDArray[np.float64]) -> NDArray[np.bool_]:
    found: NDArray[np.bool_] = voice_db.max(axis=-1) > SILENCE_DB + 1
    return found


@lru_cache(maxsize=16)
def _bands(sample_rate: int, length: int) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """The window, and what of each frequency's squared magnitude counts for each band."""
    window = np.sqrt(np.hanning(length + 1)[:-1])
    frequencies = np.fft.rfftfreq(length, 1 / sample_rate)
    width = frequencies[1]
    middles = np.array(BANDS_HZ)
    lows, highs = middles * 2 ** (-1 / 6), np.minimum(middles * 2 ** (1 / 6), _TOP_HZ)
    # A bin that lies across an edge counts on both sides by what it has there.
    overlap = np.minimum(frequencies[:, None] + width / 2, highs) - np.maximum(
        frequencies[:, None] - width / 2, lows
    )
    shares = np.clip(overlap / width, 0, 1)
    shares[1:-1] *= 2
    bands = shares / (length * np.square(window).sum())
    return window.astype(np.float32), bands.astype(np.float32)

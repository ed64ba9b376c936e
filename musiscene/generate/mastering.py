"""Every backend's music -> one loudness, without clipping, also between the samples.

Source: ITU-R BS.1770-4, annex 2 (true peak by four times the sample rate).
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import numpy as np

from musiscene.audio.loudness import LoudnessMeter, integrated_lufs
from musiscene.errors import GenerationError

if TYPE_CHECKING:
    from numpy.typing import NDArray

TARGET_LUFS: Final = -16.0
NEAR_LU: Final = 0.05
MOST_ROUNDS: Final = 8
"""Holding peaks down takes some loudness away, which is then made up for."""
CEILING: Final = 10 ** (-1.0 / 20)
"""True peak, 1 dB below full scale."""
OVERSAMPLING: Final = 4
LOOK_AHEAD_SECONDS: Final = 0.004
BLOCK_SAMPLES, OVERLAP_SAMPLES = 2**18, 64
"""Of what is oversampled at once, and of what belongs to its neighbours."""


def to_loudness(
    music: NDArray[np.float32], *, sample_rate: int, target_lufs: float = TARGET_LUFS
) -> NDArray[np.float32]:
    """Bring music to one loudness without clipping.

    Args:
        music: Shape (channels, samples).
        sample_rate: In Hz.
        target_lufs: The loudness.

    Returns:
        The same, louder or quieter; a limiter that looks ahead keeps true peaks below `CEILING`.

    Raises:
        GenerationError: If nothing sounds.
    """
    loudness = _loudness(music, sample_rate)
    if loudness is None:
        raise GenerationError("the music came out silent; try another seed")
    peaks = peaks_around(music)
    reach = max(1, round(LOOK_AHEAD_SECONDS * sample_rate))
    factor, mastered = 1.0, music
    for _ in range(MOST_ROUNDS):
        factor *= 10 ** ((target_lufs - loudness) / 20)
        mastered = music * limiter_gain(peaks, factor, reach)
        loudness = _loudness(mastered, sample_rate)
        if loudness is None or abs(loudness - target_lufs) < NEAR_LU:
            break
    over = true_peak(mastered) / CEILING
    return mastered / np.float32(over) if over > 1.0 else mastered


def true_peak(music: NDArray[np.float32]) -> float:
    """The highest point of a waveform between its samples.

    Args:
        music: Shape (channels, samples).

    Returns:
        1 is full scale.
    """
    return float(peaks_around(music).max(initial=0.0))


def peaks_around(music: NDArray[np.float32]) -> NDArray[np.float32]:
    """The highest point around each sample, of all channels.

    Args:
        music: Shape (channels, samples).

    Returns:
        1 is full scale, shape (samples,); it goes by `OVERLAP_SAMPLES` neighbours on either side.
    """
    from scipy.signal import resample_poly

    samples = music.shape[1]
    peaks = np.zeros(samples, dtype=np.float32)
    for start in range(0, samples, BLOCK_SAMPLES):
        end = min(samples, start + BLOCK_SAMPLES)
        first, last = max(0, start - OVERLAP_SAMPLES), min(samples, end + OVERLAP_SAMPLES)
        fine = np.abs(resample_poly(music[:, first:last], OVERSAMPLING, 1, axis=1)).max(axis=0)
        highest = fine.reshape(-1, OVERSAMPLING).max(axis=1)
        peaks[start:end] = highest[start - first : end - first]
    highest_of_both: NDArray[np.float32] = np.maximum(peaks, np.abs(music).max(axis=0))
    return highest_of_both


def limiter_gain(peaks: NDArray[np.float32], factor: float, reach: int) -> NDArray[np.float32]:
    """The gain of a limiter: falls before a peak, rises after it, and is smooth.

    Args:
        peaks: As `peaks_around` gives them, shape (samples,).
        factor: By which the music is made louder.
        reach: Samples that it looks ahead; the gain goes by twice as many on either side.

    Returns:
        What every sample is to be multiplied by, `factor` included, shape (samples,).
    """
    from scipy.ndimage import minimum_filter1d, uniform_filter1d

    gain: NDArray[np.float32] = np.float32(factor) * np.minimum(
        np.float32(1.0), np.float32(CEILING) / np.maximum(peaks * np.float32(factor), 1e-9)
    )
    if float(gain.min()) == float(gain.max()):
        return gain
    lowest = minimum_filter1d(gain, 2 * reach + 1, mode="nearest")
    smooth: NDArray[np.float32] = uniform_filter1d(lowest, 2 * reach + 1, mode="nearest")
    return smooth


def _loudness(music: NDArray[np.float32], sample_rate: int) -> float | None:
    meter = LoudnessMeter(sample_rate=sample_rate, weights=[1.0] * len(music))
    meter.add(music)
    return integrated_lufs(meter.block_powers())

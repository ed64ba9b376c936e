"""Integrated loudness of a stream of samples, without keeping them.

Source: ITU-R BS.1770-4, annex 1: K-weighting, blocks of 400 ms that overlap by 75 %, an absolute
gate at -70 LKFS and a relative gate 10 LU below the mean of what passes it. Filter coefficients
are pyloudnorm's (Steinmetz and Reiss 2021).
"""

from __future__ import annotations

from itertools import pairwise
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

HOPS_PER_SECOND = 10
HOPS_PER_BLOCK = 4  # 400 ms
ABSOLUTE_GATE_LUFS = -70.0
RELATIVE_GATE_LU = -10.0
LUFS_OFFSET = -0.691
SURROUND_WEIGHT = 1.41
WEIGHT_OF_CHANNEL = {
    "LFE": 0.0,
    "LFE2": 0.0,
    "BL": SURROUND_WEIGHT,
    "BR": SURROUND_WEIGHT,
    "SL": SURROUND_WEIGHT,
    "SR": SURROUND_WEIGHT,
}
# Below this a filter's memory cannot be heard, and as a denormal number it slows silence tenfold.
NEGLIGIBLE_STATE = 1e-30


def channel_weights(names: Sequence[str]) -> tuple[float, ...]:
    """BS.1770-4 weight of each channel.

    Args:
        names: FFmpeg's: FL, FR, FC, LFE, SL, ...

    Returns:
        In the same order.

    Example:
        >>> channel_weights(["FL", "FR", "FC", "LFE", "SL", "SR"])
        (1.0, 1.0, 1.0, 0.0, 1.41, 1.41)
    """
    return tuple(WEIGHT_OF_CHANNEL.get(name, 1.0) for name in names)


class LoudnessMeter:
    """Collects the power of 400 ms blocks from samples that arrive in pieces of any length.

    Args:
        sample_rate: Of the samples, in Hz.
        weights: One per channel, as `channel_weights` gives them.
    """

    def __init__(self, *, sample_rate: int, weights: Sequence[float]) -> None:
        self._sample_rate = sample_rate
        self._weights = np.asarray(weights, dtype=np.float64)
        self._numerator, self._denominator = _k_weighting(sample_rate)
        order = self._denominator.size - 1
        self._state = np.zeros((self._weights.size, order))
        self._sample_count = 0
        self._hop_energies: list[float] = []
        self._open_hop_energy = 0.0

    def add(self, samples: NDArray[np.float32]) -> None:
        """Measure the next samples, float32, shape (channels, samples)."""
        from scipy.signal import lfilter

        filtered, self._state = lfilter(
            self._numerator, self._denominator, samples, axis=1, zi=self._state
        )
        self._state[np.abs(self._state) < NEGLIGIBLE_STATE] = 0.0
        energies = self._weights @ np.square(filtered)  # (samples,)
        last = self._sample_count + energies.size
        first_hop = len(self._hop_energies) + 1
        last_hop = last * HOPS_PER_SECOND // self._sample_rate
        ends = [self._end_of_hop(hop) for hop in range(first_hop, last_hop + 2)]
        cuts = [0, *(end - self._sample_count for end in ends if end <= last)]
        for start, stop in pairwise(cuts):
            self._hop_energies.append(self._open_hop_energy + float(energies[start:stop].sum()))
            self._open_hop_energy = 0.0
        self._open_hop_energy += float(energies[cuts[-1] :].sum())
        self._sample_count = last

    def block_powers(self) -> NDArray[np.float64]:
        """Mean weighted power of every complete block, shape (blocks,)."""
        hops = np.asarray(self._hop_energies)
        if hops.size < HOPS_PER_BLOCK:
            return np.empty(0)
        block_samples = HOPS_PER_BLOCK * self._sample_rate / HOPS_PER_SECOND
        windows = np.lib.stride_tricks.sliding_window_view(hops, HOPS_PER_BLOCK)
        powers: NDArray[np.float64] = windows.sum(axis=1) / block_samples
        return powers

    def _end_of_hop(self, hop: int) -> int:
        return hop * self._sample_rate // HOPS_PER_SECOND


def integrated_lufs(block_powers: NDArray[np.float64]) -> float | None:
    """Loudness in LUFS of what passes both gates, None where nothing does.

    Args:
        block_powers: As `LoudnessMeter.block_powers` gives them, shape (blocks,).

    Returns:
        The integrated loudness.
    """
    heard = block_powers[block_powers > _power_at(ABSOLUTE_GATE_LUFS)]
    if heard.size == 0:
        return None
    relative_gate = heard.mean() * 10 ** (RELATIVE_GATE_LU / 10)
    gated = heard[heard > relative_gate]
    return float(LUFS_OFFSET + 10 * np.log10(gated.mean()))


def _power_at(lufs: float) -> float:
    return float(10 ** ((lufs - LUFS_OFFSET) / 10))


def _k_weighting(sample_rate: int) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    from pyloudnorm import IIRfilter

    shelf = IIRfilter(4.0, 1 / np.sqrt(2), 1500.0, sample_rate, "high_shelf")
    high_pass = IIRfilter(0.0, 0.5, 38.0, sample_rate, "high_pass")
    # One filter of order 4 runs twice as fast as the two of order 2 in turn.
    return np.convolve(shelf.b, high_pass.b), np.convolve(shelf.a, high_pass.a)

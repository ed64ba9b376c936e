"""What BeatNet's network looks at: a logarithmic spectrum fifty times a second, and its increase.

Source: Heydari, Cwitkowitz and Duan, "BeatNet: CRNN and particle filtering for online joint beat,
downbeat and meter tracking", ISMIR 2021, section 3.1. The numbers agree with madmom's filterbank.
"""

from __future__ import annotations

from functools import lru_cache
from typing import TYPE_CHECKING, Final

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

SAMPLE_RATE: Final = 22_050
HOP_LENGTH: Final = 441
FRAME_RATE: Final = SAMPLE_RATE // HOP_LENGTH  # 50 frames per second
WINDOW_LENGTH: Final = 1411  # 64 ms
BANDS: Final = 136
"""Filters that remain where neighbours fall on the same bin."""

_BINS = WINDOW_LENGTH // 2
_LOWEST_HZ, _HIGHEST_HZ, _REFERENCE_HZ = 30.0, 17_000.0, 440.0
_BANDS_PER_OCTAVE = 24


def spectra(waveform: NDArray[np.float32]) -> NDArray[np.float32]:
    """Return log10(1 + filtered magnitude) of every whole window, and how much it rose.

    Args:
        waveform: Mono at `SAMPLE_RATE`, float32, shape (samples,); frame i is the window that
            begins at i * HOP_LENGTH.

    Returns:
        Float32, shape (frames, 2 * BANDS): levels, then their increase since the frame before,
        0 in the first frame.
    """
    if len(waveform) < WINDOW_LENGTH:
        return np.zeros((0, 2 * BANDS), np.float32)
    windows = np.lib.stride_tricks.sliding_window_view(waveform, WINDOW_LENGTH)[::HOP_LENGTH]
    shape = np.hanning(WINDOW_LENGTH).astype(np.float32)
    magnitude = np.abs(np.fft.rfft(windows * shape, axis=1))[:, :_BINS].astype(np.float32)
    levels = np.log10(1.0 + magnitude @ _filters().T)
    rises = np.maximum(np.diff(levels, axis=0, prepend=levels[:1]), 0.0)
    both: NDArray[np.float32] = np.hstack([levels, rises]).astype(np.float32)
    return both


@lru_cache(maxsize=1)
def _filters() -> NDArray[np.float32]:
    """Triangles of area 1 between quarter tones, shape (BANDS, bins)."""
    first = np.ceil(np.log2(_LOWEST_HZ / _REFERENCE_HZ) * _BANDS_PER_OCTAVE)
    last = np.floor(np.log2(_HIGHEST_HZ / _REFERENCE_HZ) * _BANDS_PER_OCTAVE)
    corners_hz = _REFERENCE_HZ * 2.0 ** (np.arange(first, last + 1) / _BANDS_PER_OCTAVE)
    bins = np.arange(_BINS)
    # The bins' own spacing, not that of a window of odd length: so the network was trained.
    bins_hz = bins * SAMPLE_RATE / (2 * _BINS)
    corners = np.unique(np.abs(bins_hz[:, None] - corners_hz).argmin(axis=0))
    filters = []
    for low, middle, high in zip(corners, corners[1:], corners[2:], strict=False):
        if high - low < 2:  # noqa: PLR2004  too narrow for a triangle: one bin
            triangle = (bins == low).astype(float)
        else:
            rising = (bins - low) / (middle - low)
            falling = (high - bins) / (high - middle)
            triangle = np.maximum(np.minimum(rising, falling), 0.0)
        filters.append(triangle / triangle.sum())
    return np.array(filters, dtype=np.float32)

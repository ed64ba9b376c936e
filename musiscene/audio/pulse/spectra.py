"""What BeatNet's network looks at: a logarithmic spectrum fifty times a second, and its increase.

The network learnt windows of 1411 samples at 22,050 Hz. At 16 kHz 1024 samples last as long to one
part in ten thousand and their bins lie as close, so nothing need be resampled and the transform is
a fast one; above 8 kHz, where no music is left, the levels are 0.

Source: Heydari, Cwitkowitz and Duan, "BeatNet: CRNN and particle filtering for online joint beat,
downbeat and meter tracking", ISMIR 2021, section 3.1. The numbers agree with madmom's filterbank.
"""

from __future__ import annotations

from functools import lru_cache
from typing import TYPE_CHECKING, Final

import numpy as np

from musiscene.audio.spectrum import frame_magnitudes

if TYPE_CHECKING:
    from numpy.typing import NDArray

SAMPLE_RATE: Final = 16_000
HOP_LENGTH: Final = 320
FRAME_RATE: Final = SAMPLE_RATE // HOP_LENGTH  # 50 frames per second
WINDOW_LENGTH: Final = 1024  # 64 ms
BANDS: Final = 136
"""Filters that remain where neighbours fall on the same bin."""

_LEARNT_RATE, _LEARNT_WINDOW = 22_050, 1411
_LEARNT_BINS = _LEARNT_WINDOW // 2
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
    # As loud as the longer windows that the network learnt, which sum up more samples.
    shape = (np.hanning(WINDOW_LENGTH) * _LEARNT_WINDOW / WINDOW_LENGTH).astype(np.float32)
    both = np.zeros((1 + (len(waveform) - WINDOW_LENGTH) // HOP_LENGTH, 2 * BANDS), np.float32)
    levels, rises = both[:, :BANDS], both[:, BANDS:]
    frame = 0
    for magnitude in frame_magnitudes(waveform, window=shape, hop_length=HOP_LENGTH):
        here = slice(frame, frame + len(magnitude))
        levels[here] = np.log10(1.0 + magnitude[:, :_BINS] @ _filters().T)
        frame += len(magnitude)
    np.maximum(levels[1:] - levels[:-1], 0.0, out=rises[1:])
    return both


@lru_cache(maxsize=1)
def _filters() -> NDArray[np.float32]:
    """Triangles of area 1 between quarter tones, float32, shape (BANDS, _BINS)."""
    first = np.ceil(np.log2(_LOWEST_HZ / _REFERENCE_HZ) * _BANDS_PER_OCTAVE)
    last = np.floor(np.log2(_HIGHEST_HZ / _REFERENCE_HZ) * _BANDS_PER_OCTAVE)
    corners_hz = _REFERENCE_HZ * 2.0 ** (np.arange(first, last + 1) / _BANDS_PER_OCTAVE)
    bins = np.arange(_LEARNT_BINS)
    # The bins' own spacing, not that of a window of odd length: so the network was trained.
    bins_hz = bins * _LEARNT_RATE / (2 * _LEARNT_BINS)
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
    return np.array(filters, dtype=np.float32)[:, :_BINS]

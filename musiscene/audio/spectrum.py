"""Magnitude spectra of a waveform, as the descriptors read them."""

from __future__ import annotations

from functools import lru_cache
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Iterator

    from numpy.typing import NDArray

BLOCK_SAMPLES = 1 << 18
"""Windowed at once: what is computed on it stays in the processor's cache."""


def magnitudes(
    waveform: NDArray[np.float32], *, window_length: int, hop_length: int
) -> Iterator[NDArray[np.float32]]:
    """Transform frames centred on every multiple of the hop, with silence around the waveform.

    Args:
        waveform: Mono audio, float32, shape (samples,).
        window_length: Of the Hann window and the transform, in samples; even.
        hop_length: From frame to frame, in samples.

    Yields:
        The magnitudes of some consecutive frames, float32, shape (frames, window_length / 2 + 1);
        `1 + samples // hop_length` frames in all.
    """
    padded = np.pad(waveform, window_length // 2)
    window = _periodic_hann(window_length)
    yield from frame_magnitudes(padded, window=window, hop_length=hop_length)


def frame_magnitudes(
    waveform: NDArray[np.float32], *, window: NDArray[np.float32], hop_length: int
) -> Iterator[NDArray[np.float32]]:
    """Transform every whole frame of a waveform, the first at its first sample.

    Args:
        waveform: Mono audio, float32, at least as long as the window, shape (samples,).
        window: Float32, of even length.
        hop_length: From frame to frame, in samples.

    Yields:
        The magnitudes of some consecutive frames, float32, shape (frames, window_length / 2 + 1).
    """
    from scipy.fft import rfft

    frames = np.lib.stride_tricks.sliding_window_view(waveform, len(window))[::hop_length]
    block = max(1, BLOCK_SAMPLES // len(window))
    for start in range(0, len(frames), block):
        spectrum = rfft(frames[start : start + block] * window, axis=1)
        yield np.abs(spectrum)


@lru_cache(maxsize=8)
def _periodic_hann(length: int) -> NDArray[np.float32]:
    return np.hanning(length + 1)[:-1].astype(np.float32)

"""The spectrogram that MusiCNN hears.

Source: Pons and Serra 2019, arXiv:1909.06654, section 2 and the released extractor, which calls
`librosa.feature.melspectrogram` with the settings below. The extractor rounds the mel energies to
float16 before the logarithm; that overflows on loud music and is left out.
"""

from __future__ import annotations

import functools
from typing import TYPE_CHECKING

import numpy as np
import torch
from torch.nn import functional as F

if TYPE_CHECKING:
    from numpy.typing import NDArray

SAMPLE_RATE = 16_000
N_FFT = 512
HOP_LENGTH = 256
N_MELS = 96
BLOCK_FRAMES = 4096  # about a minute, 16 MB of windows


def count_frames(sample_count: int) -> int:
    """Return how many frames a waveform has: one centred on every multiple of the hop."""
    return 1 + sample_count // HOP_LENGTH


def log_mel_spectrogram(
    waveform: NDArray[np.float32], *, first_frame: int = 0, frame_count: int | None = None
) -> torch.Tensor:
    """Return log10(10,000 · mel + 1) of a waveform, or of a stretch of it.

    Mel energies are those of `librosa.feature.melspectrogram` in its defaults: frames centred, and
    silence before the first sample and after the last. Memory beyond the result is bounded.

    Args:
        waveform: Mono audio in [-1, 1] at 16 kHz, float32, shape (samples,).
        first_frame: Where the stretch begins, in frames of the whole waveform.
        frame_count: Length of the stretch; None for all that follows.

    Returns:
        float32, shape (frame_count, 96), from 0 up.

    Raises:
        ValueError: If `waveform` is empty or not one-dimensional, or has fewer frames.
    """
    if waveform.ndim != 1 or waveform.size == 0:
        raise ValueError(f"a waveform has the shape (samples,), not {waveform.shape}")
    available = count_frames(waveform.size)
    end_frame = available if frame_count is None else first_frame + frame_count
    if not 0 <= first_frame < end_frame <= available:
        raise ValueError(f"frames {first_frame} to {end_frame} of {available}")
    blocks = [
        _log_mel_block(waveform, first, min(first + BLOCK_FRAMES, end_frame))
        for first in range(first_frame, end_frame, BLOCK_FRAMES)
    ]
    return torch.cat(blocks)


def _log_mel_block(waveform: NDArray[np.float32], first_frame: int, end_frame: int) -> torch.Tensor:
    start = first_frame * HOP_LENGTH - N_FFT // 2
    end = (end_frame - 1) * HOP_LENGTH + N_FFT // 2
    # Single precision here loses 1e-5 of the result, where a loud tone stands beside near silence.
    heard = torch.from_numpy(waveform[max(start, 0) : end].astype(np.float64))
    padded = F.pad(heard, (max(-start, 0), max(end - waveform.size, 0)))
    windows = padded.unfold(0, N_FFT, HOP_LENGTH)  # (frames, n_fft)
    spectrum = torch.fft.rfft(windows * _window())  # (frames, n_fft / 2 + 1)
    power = (spectrum.real.square() + spectrum.imag.square()).float()
    return torch.log10(10_000 * (power @ _mel_filters()) + 1)  # (frames, n_mels)


@functools.cache
def _window() -> torch.Tensor:
    return torch.hann_window(N_FFT, dtype=torch.float64)


@functools.cache
def _mel_filters() -> torch.Tensor:
    """Return Slaney's mel filters, float32, shape (n_fft / 2 + 1, n_mels)."""
    from librosa.filters import mel

    filters: NDArray[np.float32] = mel(sr=SAMPLE_RATE, n_fft=N_FFT, n_mels=N_MELS)
    return torch.from_numpy(filters).T.contiguous()

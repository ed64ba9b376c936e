"""Novelty curves: how much begins at each hundredth of a second, per frequency band."""

from __future__ import annotations

from functools import lru_cache
from typing import TYPE_CHECKING

import numpy as np

from musiscene.audio.excerpts import ANALYSIS_RATE
from musiscene.audio.spectrum import magnitudes

if TYPE_CHECKING:
    from numpy.typing import NDArray

FRAME_RATE = 100  # frames per second
BAND_EDGES_HZ = (30.0, 160.0, 500.0, 2000.0, 8000.0)  # kick and bass, body, melody, hats
BAND_COUNT = len(BAND_EDGES_HZ) - 1

_HOP_LENGTH = ANALYSIS_RATE // FRAME_RATE
_N_FFT = 1024
_N_MELS = 80
_FLUX_LAG = 2  # frames: a slow attack rises over more than one
_LOG_GAIN = 1000.0
_MEAN_FRAMES = 101  # local mean taken away: about one second


def log_mel(waveform: NDArray[np.float32]) -> NDArray[np.float32]:
    """Compress a mel spectrogram so that quiet onsets count beside loud ones.

    Args:
        waveform: Mono audio at `ANALYSIS_RATE`, float32, shape (samples,).

    Returns:
        log(1 + 1000 m) of the magnitude mel spectrum scaled by its own 99th percentile, so that
        gain changes nothing; float32, shape (mel_bands, frames).
    """
    if len(waveform) < _N_FFT:
        waveform = np.pad(waveform, (0, _N_FFT - len(waveform)))
    blocks = magnitudes(waveform, window_length=_N_FFT, hop_length=_HOP_LENGTH)
    mel = np.concatenate([_mel_filters() @ block.T for block in blocks], axis=1)
    reference = np.percentile(mel, 99)
    if reference <= 0:
        return np.zeros_like(mel, dtype=np.float32)
    compressed: NDArray[np.float32] = np.log1p(_LOG_GAIN * mel / reference).astype(np.float32)
    return compressed


def novelty_curves(waveform: NDArray[np.float32]) -> NDArray[np.float32]:
    """Measure what begins in each band at each frame.

    Source: spectral flux with a maximum filter over frequency against vibrato (Böck & Widmer,
    "Maximum filter vibrato suppression for onset detection", DAFx 2013), per band.

    Args:
        waveform: Mono audio at `ANALYSIS_RATE`, float32, shape (samples,).

    Returns:
        Rows: the bands of `BAND_EDGES_HZ`, then their sum; local mean removed, half-wave
        rectified, float32, shape (BAND_COUNT + 1, frames).
    """
    from scipy.ndimage import maximum_filter1d, uniform_filter1d

    spectrum = log_mel(waveform)
    earlier = maximum_filter1d(spectrum, size=3, axis=0)
    flux = np.zeros_like(spectrum)
    flux[:, _FLUX_LAG:] = np.maximum(spectrum[:, _FLUX_LAG:] - earlier[:, :-_FLUX_LAG], 0)
    bands = np.stack([flux[rows].sum(axis=0) for rows in _band_rows()])
    curves = np.concatenate([bands, bands.sum(axis=0, keepdims=True)])
    curves -= uniform_filter1d(curves, size=_MEAN_FRAMES, axis=1)
    rectified: NDArray[np.float32] = np.maximum(curves, 0).astype(np.float32)
    return rectified


@lru_cache(maxsize=1)
def _mel_filters() -> NDArray[np.float32]:
    import librosa

    filters: NDArray[np.float32] = librosa.filters.mel(
        sr=ANALYSIS_RATE, n_fft=_N_FFT, n_mels=_N_MELS, fmin=BAND_EDGES_HZ[0], norm=None
    )
    return filters


@lru_cache(maxsize=1)
def _band_rows() -> tuple[NDArray[np.int64], ...]:
    import librosa

    centres = librosa.mel_frequencies(_N_MELS + 2, fmin=BAND_EDGES_HZ[0], fmax=8000.0)[1:-1]
    bands = np.digitize(centres, BAND_EDGES_HZ[1:-1])
    return tuple(np.flatnonzero(bands == band) for band in range(BAND_COUNT))

"""Pitch-class energy of a waveform, corrected for tuning, for the melody and for the bass."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from musiscene.audio.excerpts import ANALYSIS_RATE

if TYPE_CHECKING:
    from numpy.typing import NDArray

N_FFT = 8192  # 0.5 s: separates semitones down to about 65 Hz
HOP_LENGTH = 2048
FRAME_RATE = ANALYSIS_RATE / HOP_LENGTH

_LOWEST_MIDI, _HIGHEST_MIDI = 28, 96  # E1 to C7
_BASS_MIDI = 52  # below E3


def pitch_salience(waveform: NDArray[np.float32]) -> NDArray[np.float32]:
    """Measure how strongly each semitone sounds in each frame.

    Spectral peaks only (a drum has energy everywhere but few steady peaks), magnitudes
    compressed, and the tuning of the whole excerpt estimated from the peaks.

    Args:
        waveform: Mono audio at `ANALYSIS_RATE`, float32, shape (samples,).

    Returns:
        float32, shape (semitones, frames); row 0 is MIDI pitch 28 (E1).
    """
    import librosa

    if len(waveform) < N_FFT:
        waveform = np.pad(waveform, (0, N_FFT - len(waveform)))
    magnitude = np.abs(librosa.stft(waveform, n_fft=N_FFT, hop_length=HOP_LENGTH))
    frequencies, peaks = _spectral_peaks(magnitude)
    pitches = 69 + 12 * np.log2(frequencies / 440.0)
    strengths = np.sqrt(peaks)
    pitches = pitches - _tuning(pitches, strengths)
    semitones = np.rint(pitches).astype(int) - _LOWEST_MIDI
    count = _HIGHEST_MIDI - _LOWEST_MIDI + 1
    # A peak half way between two semitones says nothing about either.
    weights = strengths * np.maximum(np.cos(np.pi * (pitches - np.rint(pitches))), 0) ** 2
    keep = (semitones >= 0) & (semitones < count) & (peaks > 0)
    frames = np.broadcast_to(np.arange(magnitude.shape[1]), peaks.shape)
    salience = np.zeros((count, magnitude.shape[1]))
    np.add.at(salience, (semitones[keep], frames[keep]), weights[keep])
    return salience.astype(np.float32)


def fold_to_chroma(
    salience: NDArray[np.float32], *, lowest: int = _LOWEST_MIDI, highest: int = _HIGHEST_MIDI
) -> NDArray[np.float32]:
    """Sum semitones into the twelve pitch classes.

    Args:
        salience: From `pitch_salience`, shape (semitones, frames).
        lowest: First MIDI pitch that counts.
        highest: Last MIDI pitch that counts.

    Returns:
        float32, shape (12, frames); row 0 is C.
    """
    chroma = np.zeros((12, salience.shape[1]), dtype=np.float32)
    for pitch in range(lowest, highest + 1):
        chroma[pitch % 12] += salience[pitch - _LOWEST_MIDI]
    return chroma


def bass_chroma(salience: NDArray[np.float32]) -> NDArray[np.float32]:
    """Sum the semitones below E3 into pitch classes, float32, shape (12, frames)."""
    return fold_to_chroma(salience, highest=_BASS_MIDI)


def _spectral_peaks(
    magnitude: NDArray[np.float32],
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Interpolated frequency (Hz) and magnitude of local maxima; magnitude 0 elsewhere."""
    bin_hz = ANALYSIS_RATE / N_FFT
    first = int(440 * 2 ** ((_LOWEST_MIDI - 1 - 69) / 12) / bin_hz)
    last = min(int(440 * 2 ** ((_HIGHEST_MIDI + 1 - 69) / 12) / bin_hz), len(magnitude) - 2)
    left, middle, right = (
        magnitude[first + shift : last + shift].astype(np.float64) for shift in (-1, 0, 1)
    )
    floor = 0.01 * magnitude.max(axis=0, keepdims=True)
    is_peak = (middle > left) & (middle >= right) & (middle > floor)
    curvature = left - 2 * middle + right
    offset = np.where(is_peak, 0.5 * (left - right) / np.where(is_peak, curvature, 1.0), 0.0)
    frequencies: NDArray[np.float64] = np.float64(bin_hz) * (
        np.arange(first, last)[:, None] + offset
    ).astype(np.float64)
    strengths: NDArray[np.float64] = np.where(is_peak, middle, 0.0)
    return frequencies, strengths


def _tuning(pitches: NDArray[np.float64], strengths: NDArray[np.float64]) -> float:
    """Deviation from A4 = 440 Hz in semitones, -0.5 to 0.5: the circular mean over all peaks."""
    total = np.sum(strengths * np.exp(2j * np.pi * pitches))
    return float(np.angle(total) / (2 * np.pi)) if abs(total) > 0 else 0.0

"""Which periods a novelty curve repeats at, on a logarithmic axis of tempo.

On that axis every metrical relation is a shift: the bar, the half-beat and the triplet of a tempo
lie at fixed distances from it, whatever the tempo. Two measures are read side by side, because
they fail differently (Peeters, "Template-based estimation of time-varying tempo", EURASIP 2007):
the autocorrelation shows multiples of the period, the Fourier magnitude its fractions. Both are
read of what begins and of where a trained network hears beats and bars.
"""

from __future__ import annotations

from functools import lru_cache
from typing import TYPE_CHECKING

import numpy as np

from musiscene.audio.learnt import tempo_logits
from musiscene.audio.onsets import FRAME_RATE
from musiscene.audio.pulse.spectra import FRAME_RATE as PULSE_RATE

if TYPE_CHECKING:
    from numpy.typing import NDArray

BINS_PER_OCTAVE = 48
_LOWEST_BPM = 10.0  # a bar of four at 40 bpm
_AXIS_OCTAVES = 6.6  # up to the sixteenth note of 240 bpm
_FINER = 3  # evaluated this much finer, then the maximum is kept: peaks are narrower than a bin
_AXIS_BPM = _LOWEST_BPM * 2.0 ** (
    np.arange(round(BINS_PER_OCTAVE * _AXIS_OCTAVES) + 1) / BINS_PER_OCTAVE
)
_FIRST_TEMPO = 2 * BINS_PER_OCTAVE  # 40 bpm
_TEMPO_COUNT = round(np.log2(240 / 40) * BINS_PER_OCTAVE) + 1
TEMPO_GRID_BPM = _AXIS_BPM[_FIRST_TEMPO : _FIRST_TEMPO + _TEMPO_COUNT]
RATIOS = (1 / 4, 1 / 3, 1 / 2, 2 / 3, 3 / 4, 1, 4 / 3, 3 / 2, 2, 3, 4)


def autocorrelation(curves: NDArray[np.float32]) -> NDArray[np.float64]:
    """Correlate each curve with itself at the period of every tempo of the axis.

    Args:
        curves: Novelty, float32, shape (curves, frames).

    Returns:
        Mean-free, 1 at lag zero, unbiased in lag; shape (curves, axis_bins).
    """
    frames = curves.shape[1]
    centred = curves - curves.mean(axis=1, keepdims=True)
    spectrum = np.fft.rfft(centred, n=2 * frames, axis=1)
    products = np.fft.irfft(np.abs(spectrum) ** 2, axis=1)[:, :frames]
    products *= frames / np.maximum(frames - np.arange(frames), frames // 4)
    products /= np.maximum(products[:, :1], 1e-9)
    lags = 60.0 * FRAME_RATE / _fine_axis()
    values = np.stack([np.interp(lags, np.arange(frames), row, right=0.0) for row in products])
    pooled: NDArray[np.float64] = values.reshape(len(curves), -1, _FINER).max(axis=2)
    return pooled


def fourier_strength(curves: NDArray[np.float32]) -> NDArray[np.float64]:
    """Measure the sinusoid at every tempo of the axis in each curve.

    Args:
        curves: Novelty, float32, shape (curves, frames).

    Returns:
        Magnitude relative to the curve's own sum, 0 to 1; shape (curves, axis_bins).
    """
    frames = curves.shape[1]
    window = np.hanning(frames)
    weighted = curves * window
    total = np.maximum(weighted.sum(axis=1, keepdims=True), 1e-9)
    centred = weighted - window * total / window.sum()
    size = 8 * 2 ** int(np.ceil(np.log2(frames)))
    magnitude = np.abs(np.fft.rfft(centred, n=size, axis=1)) / total
    positions = _fine_axis() / 60.0 / FRAME_RATE * size
    values = np.stack([np.interp(positions, np.arange(size // 2 + 1), row) for row in magnitude])
    pooled: NDArray[np.float64] = values.reshape(len(curves), -1, _FINER).max(axis=2)
    return pooled


def tempo_log_odds(
    curves: NDArray[np.float32], activations: NDArray[np.float32]
) -> NDArray[np.float64]:
    """Score every tempo of `TEMPO_GRID_BPM` for one excerpt.

    Args:
        curves: Novelty of `onsets.novelty_curves`, float32, shape (curves, frames).
        activations: Of `beat_activations` in the same excerpt, float32, shape (frames, 2).

    Returns:
        Log probability, shape (tempi,).
    """
    measures = np.concatenate([_measures(curves), _measures(_pulse_curves(activations))])
    places = _FIRST_TEMPO + np.arange(_TEMPO_COUNT)
    related = [
        measures[
            :, np.clip(places + round(np.log2(ratio) * BINS_PER_OCTAVE), 0, len(_AXIS_BPM) - 1)
        ]
        for ratio in RATIOS
    ]
    features = np.concatenate(related).T.astype(np.float32)  # (tempi, ratios * measures)
    logits = tempo_logits(features, np.log2(TEMPO_GRID_BPM / 110.0))
    peak = logits.max()
    normalised: NDArray[np.float64] = logits - peak - np.log(np.exp(logits - peak).sum())
    return normalised


def _pulse_curves(activations: NDArray[np.float32]) -> NDArray[np.float32]:
    """Every beat, and those that begin bars, at `FRAME_RATE`; shape (2, frames)."""
    places = np.arange(len(activations), step=PULSE_RATE / FRAME_RATE)
    every, first = activations.sum(axis=1), activations[:, 1]
    known = np.arange(len(activations))
    return np.stack([np.interp(places, known, curve) for curve in (every, first)]).astype(
        np.float32
    )


def _measures(curves: NDArray[np.float32]) -> NDArray[np.float64]:
    """Autocorrelation and relative Fourier strength, shape (2 * curves, axis_bins)."""
    strength = fourier_strength(curves)
    return np.concatenate(
        [
            np.maximum(autocorrelation(curves), -0.2),
            strength / np.maximum(strength.max(axis=1, keepdims=True), 1e-6),
        ]
    )


def refine_bpm(novelties: list[NDArray[np.float32]], bpm: float) -> float:
    """Sharpen a tempo by the long-window phase agreement of its beats and their subdivisions.

    Args:
        novelties: Novelty of each excerpt, float32, shape (curves, frames) each.
        bpm: Tempo to the nearest bin of the grid.

    Returns:
        The tempo within 2.5 % of `bpm` with the strongest harmonics.
    """
    from scipy.signal import zoom_fft

    candidates = bpm * np.linspace(0.975, 1.025, 101)
    strength = np.zeros(len(candidates))
    for curves in novelties:
        total = curves[-1] * np.hanning(curves.shape[1])
        for harmonic in (1, 2, 4):
            ends = candidates[[0, -1]] * harmonic / 60.0
            tones = zoom_fft(total, ends, m=len(candidates), fs=FRAME_RATE, endpoint=True)
            strength += np.abs(tones)
    return float(candidates[int(np.argmax(strength))])


@lru_cache(maxsize=1)
def _fine_axis() -> NDArray[np.float64]:
    offsets = (np.arange(_FINER) - (_FINER - 1) / 2) / _FINER / BINS_PER_OCTAVE
    fine: NDArray[np.float64] = (_AXIS_BPM[:, None] * 2.0**offsets).ravel()
    return fine

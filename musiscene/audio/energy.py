"""Energy over time, and the few facts about texture that mood needs beside it."""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec
import numpy as np

from musiscene.audio.excerpts import ANALYSIS_RATE, spread_excerpts

if TYPE_CHECKING:
    from numpy.typing import NDArray

ENERGY_RANGE_DB = 40.0
"""A second this far below the loudest one has energy 0."""
_CHUNK_SECONDS = 60  # filtered at a time, so that memory does not grow with length


class TextureStatistics(msgspec.Struct, frozen=True, kw_only=True):
    """How busy, bright and percussive a track sounds; all independent of its gain."""

    onset_rate_hz: float
    """Note and drum onsets per second."""
    onset_strength: float
    """Mean rise of the log spectrum per frame: 0 for a held pad, above 0.3 for dense drums."""
    brightness_hz: float
    """Spectral centroid, mean over frames weighted by their magnitude."""
    percussive_share: float
    """Share of onset strength above 2 kHz, 0 to 1."""
    dynamics_db: float
    """Standard deviation of the loudness of seconds within 40 dB of the loudest."""


def energy_curve(waveform: NDArray[np.float32], *, sample_rate: int) -> NDArray[np.float32]:
    """Measure the loudness of each second relative to the loudest second.

    K-weighted mean square in decibels (the weighting of ITU-R BS.1770-4), mapped so that the
    loudest second is 1 and a second `ENERGY_RANGE_DB` below it, or quieter, is 0.

    Args:
        waveform: Mono audio, float32, shape (samples,).
        sample_rate: Of `waveform`, in Hz.

    Returns:
        One value a second, 0 to 1, float32, shape (seconds,); the last, partial second counts.
        All zeros for silence.

    Example:
        >>> rising = np.linspace(0, 1, 3 * 16_000) * np.sin(np.arange(3 * 16_000) / 4)
        >>> curve = energy_curve(rising.astype(np.float32), sample_rate=16_000)
        >>> bool(np.all(np.diff(curve) > 0)), float(curve[-1])
        (True, 1.0)
    """
    power = second_powers(waveform, sample_rate=sample_rate)
    if not len(power) or power.max() <= 0:
        return np.zeros(len(power), dtype=np.float32)
    relative_db = 10 * np.log10(np.maximum(power / power.max(), 1e-12))
    curve: NDArray[np.float32] = np.clip(1 + relative_db / ENERGY_RANGE_DB, 0, 1).astype(np.float32)
    return curve


def second_powers(waveform: NDArray[np.float32], *, sample_rate: int) -> NDArray[np.float64]:
    """Measure the K-weighted mean square of each second, shape (seconds,).

    Args:
        waveform: Mono audio, float32, shape (samples,).
        sample_rate: Of `waveform`, in Hz.

    Returns:
        Mean squares; the last, partial second is averaged over what there is of it.
    """
    from pyloudnorm.iirfilter import IIRfilter
    from scipy.signal import lfilter

    stages = [
        IIRfilter(4.0, 1 / np.sqrt(2), 1500.0, sample_rate, "high_shelf"),
        IIRfilter(0.0, 0.5, 38.0, sample_rate, "high_pass"),
    ]
    states = [np.zeros(2) for _ in stages]
    powers: list[float] = []
    chunk = _CHUNK_SECONDS * sample_rate
    for start in range(0, len(waveform), chunk):
        part = np.nan_to_num(waveform[start : start + chunk], posinf=0.0, neginf=0.0)
        for index, stage in enumerate(stages):
            part, states[index] = lfilter(stage.b, stage.a, part, zi=states[index])
        edges = np.arange(0, len(part), sample_rate)
        counts = np.diff(np.append(edges, len(part)))
        powers.extend(np.add.reduceat(np.square(part), edges) / counts)
    return np.array(powers)


def measure_texture(waveform: NDArray[np.float32], *, sample_rate: int) -> TextureStatistics:
    """Measure how busy, bright and percussive a track sounds.

    Args:
        waveform: Mono audio, float32, shape (samples,).
        sample_rate: Of `waveform`, in Hz.

    Returns:
        Means over up to four excerpts; all zeros for silence.
    """
    from musiscene.audio.onsets import novelty_curves, pick_onsets

    excerpts = spread_excerpts(waveform, sample_rate=sample_rate, max_excerpts=4)
    curves = [novelty_curves(excerpt) for excerpt in excerpts]
    seconds = sum(len(excerpt) for excerpt in excerpts) / ANALYSIS_RATE
    if not seconds or not any(curve.any() for curve in curves):
        return TextureStatistics(
            onset_rate_hz=0.0,
            onset_strength=0.0,
            brightness_hz=0.0,
            percussive_share=0.0,
            dynamics_db=0.0,
        )
    bands = np.concatenate(curves, axis=1).mean(axis=1)
    return TextureStatistics(
        onset_rate_hz=sum(len(pick_onsets(curve[-1])) for curve in curves) / seconds,
        onset_strength=float(bands[-1]),
        brightness_hz=float(np.mean([_centroid_hz(excerpt) for excerpt in excerpts])),
        percussive_share=float(bands[-2] / max(bands[:-1].sum(), 1e-9)),
        dynamics_db=_dynamics_db(second_powers(waveform, sample_rate=sample_rate)),
    )


def _centroid_hz(excerpt: NDArray[np.float32]) -> float:
    """Magnitude-weighted mean frequency over the whole excerpt."""
    import librosa

    magnitude = np.abs(librosa.stft(excerpt, n_fft=1024, hop_length=1024)).sum(axis=1)
    frequencies = np.linspace(0, ANALYSIS_RATE / 2, len(magnitude))
    return float(frequencies @ magnitude / max(magnitude.sum(), 1e-9))


def _dynamics_db(powers: NDArray[np.float64]) -> float:
    """Standard deviation, in decibels, of the seconds that can be heard."""
    audible = powers[powers > powers.max() * 10 ** (-ENERGY_RANGE_DB / 10)]
    return float(np.std(10 * np.log10(audible)))

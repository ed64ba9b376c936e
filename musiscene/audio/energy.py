"""Energy over time."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

ENERGY_RANGE_DB = 40.0
"""A second this far below the loudest one has energy 0."""
_CHUNK_SECONDS = 60  # filtered at a time, so that memory does not grow with length


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
    return relative_energy(second_powers(waveform, sample_rate=sample_rate))


def relative_energy(power: NDArray[np.float64]) -> NDArray[np.float32]:
    """Map mean squares of seconds as `energy_curve` does.

    Args:
        power: From `second_powers`, shape (seconds,).

    Returns:
        0 to 1, float32, shape (seconds,).
    """
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

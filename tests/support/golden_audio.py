"""The audio behind stored values. If it changes, they are wrong: write a new function."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

RATE = 16_000


def chords_bursts_and_sweep() -> NDArray[np.float32]:
    """Ten seconds at 16 kHz: struck chords, noise bursts on a beat, a rising sweep, and silence.

    Loud and soft, tonal and noisy, full and empty: whatever a spectrogram can hold. The samples
    come from uniform numbers of PCG64, whose stream NumPy keeps.
    """
    time = np.arange(10 * RATE) / RATE
    waveform = np.zeros_like(time)
    for start, pitches in enumerate(((48, 60, 64, 67), (53, 60, 65, 69), (55, 59, 62, 67))):
        struck = np.where(time >= start, np.exp(-2 * np.maximum(time - start, 0)), 0)
        for pitch in pitches:
            hertz = 440 * 2 ** ((pitch - 69) / 12)
            for partial in range(1, 6):
                waveform += 0.2 / partial * struck * np.sin(2 * np.pi * hertz * partial * time)
    noise = np.random.default_rng(7).random(time.size) * 2 - 1
    is_beating = (time >= 3) & (time < 6)
    waveform += np.where(is_beating, 0.8 * noise * np.exp(-30 * (time % 0.5)), 0)
    sweep_seconds = np.clip(time - 6, 0, 3)
    rising = np.sin(2 * np.pi * (60 * sweep_seconds + 1200 * sweep_seconds**2))
    waveform += np.where((time >= 6) & (time < 9), 0.5 * rising, 0)
    return np.clip(waveform, -1, 1).astype(np.float32)

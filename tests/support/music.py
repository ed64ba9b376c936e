"""Small pieces of music, made in memory at a known tempo, key and form."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

RATE = 16_000


def clicks(bpm: float, seconds: float, *, accent_every: int = 4) -> NDArray[np.float32]:
    """Decaying 1 kHz bursts on every beat, the first of each bar lower and louder."""
    waveform = np.zeros(round(seconds * RATE), dtype=np.float32)
    time = np.arange(800) / RATE
    for beat, start in enumerate(np.arange(0.1, seconds - 0.1, 60 / bpm)):
        accented = beat % accent_every == 0
        burst = np.sin(2 * np.pi * (200 if accented else 1000) * time) * np.exp(-time * 80)
        first = round(start * RATE)
        waveform[first : first + len(time)] += (0.8 if accented else 0.4) * burst
    return waveform


def chord(
    pitches: Sequence[int], seconds: float, *, brightness: float = 0.5
) -> NDArray[np.float32]:
    """A struck chord of MIDI pitches, four partials each, decaying slowly."""
    time = np.arange(round(seconds * RATE)) / RATE
    waveform = np.zeros_like(time)
    for pitch in pitches:
        frequency = 440 * 2 ** ((pitch - 69) / 12)
        for partial in range(1, 5):
            waveform += brightness ** (partial - 1) * np.sin(2 * np.pi * frequency * partial * time)
    envelope = np.minimum(time * 100, 1) * np.exp(-time)
    scaled: NDArray[np.float32] = (0.1 * waveform * envelope).astype(np.float32)
    return scaled


def cadence(tonic: int, mode: str, *, seconds_per_chord: float = 1.0) -> NDArray[np.float32]:
    """I-IV-V-I twice, over its bass; in minor the dominant has its leading note."""
    third = 4 if mode == "major" else 3
    triads = {0: (0, third, 7), 5: (5, 5 + third, 12), 7: (7, 11, 14)}
    parts = [
        chord(
            [36 + (tonic + root) % 12, *(60 + tonic + step for step in triads[root])],
            seconds_per_chord,
        )
        for root in (0, 5, 7, 0, 0, 5, 7, 0)
    ]
    return np.concatenate(parts)


def noise(seconds: float, *, seed: int = 0) -> NDArray[np.float32]:
    """White noise at about -20 dBFS."""
    samples = np.random.default_rng(seed).normal(scale=0.1, size=round(seconds * RATE))
    return samples.astype(np.float32)

"""Key of a track (tonic and mode), with the probability that it is right."""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec
import numpy as np

from musiscene.audio.excerpts import spread_excerpts

if TYPE_CHECKING:
    from numpy.typing import NDArray

TONICS = ("C", "C#", "D", "D#", "E", "F", "F#", "G", "G#", "A", "A#", "B")
"""One spelling per pitch class, in sharps: B flat is written A#."""
MODES = ("major", "minor")

# Temperley, "What's key for key?", Music Perception 17(1), 1999, table of revised profiles.
_PROFILES = np.array(
    [
        [5.0, 2.0, 3.5, 2.0, 4.5, 4.0, 2.0, 4.5, 2.0, 3.5, 1.5, 4.0],
        [5.0, 2.0, 3.5, 4.5, 2.0, 4.0, 2.0, 4.5, 3.5, 2.0, 1.5, 4.0],
    ]
)


class KeyEstimate(msgspec.Struct, frozen=True, kw_only=True):
    """Tonic and mode, with a confidence."""

    tonic: str
    """One of `TONICS`."""
    mode: str
    """`major` or `minor`."""
    confidence: float
    """Probability that tonic and mode are both right, 0 to 1; 0 where nothing can be heard."""

    @property
    def name(self) -> str:
        """Tonic and mode as filters and catalogue write them, e.g. `E:major`."""
        return f"{self.tonic}:{self.mode}"


def estimate_key(waveform: NDArray[np.float32], *, sample_rate: int) -> KeyEstimate:
    """Estimate the key of a track.

    Args:
        waveform: Mono audio in [-1, 1], float32, shape (samples,).
        sample_rate: Of `waveform`, in Hz.

    Returns:
        The key; C major with confidence 0 where there is no sound.

    Example:
        >>> estimate_key(np.zeros(16_000, dtype=np.float32), sample_rate=16_000).confidence
        0.0
    """
    from musiscene.audio.chroma import bass_chroma, fold_to_chroma, pitch_salience

    total = np.zeros(12)
    for excerpt in spread_excerpts(waveform, sample_rate=sample_rate):
        salience = pitch_salience(excerpt)
        total += fold_to_chroma(salience).sum(axis=1) + bass_chroma(salience).sum(axis=1)
    if not total.any():
        return KeyEstimate(tonic="C", mode="major", confidence=0.0)
    correlations = np.array(
        [
            [np.corrcoef(total, np.roll(profile, tonic))[0, 1] for profile in _PROFILES]
            for tonic in range(12)
        ]
    )
    probability = np.exp(12.0 * (correlations - correlations.max()))
    probability /= probability.sum()
    tonic, mode = np.unravel_index(int(np.argmax(probability)), probability.shape)
    return KeyEstimate(
        tonic=TONICS[tonic],
        mode=MODES[mode],
        confidence=round(float(probability[tonic, mode]), 3),
    )

"""Key of a track (tonic and mode), with the probability that it is right."""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec
import numpy as np

from musiscene.audio.excerpt_details import excerpt_details

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from musiscene.audio.excerpt_details import ExcerptDetails

TONICS = ("C", "C#", "D", "D#", "E", "F", "F#", "G", "G#", "A", "A#", "B")
"""One spelling per pitch class, in sharps: B flat is written A#."""
MODES = ("major", "minor")


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


def estimate_key(
    waveform: NDArray[np.float32],
    *,
    sample_rate: int,
    excerpts: Sequence[ExcerptDetails] | None = None,
) -> KeyEstimate:
    """Estimate the key of a track.

    Args:
        waveform: Mono audio in [-1, 1], float32, shape (samples,).
        sample_rate: Of `waveform`, in Hz.
        excerpts: Of `excerpt_details` in the same waveform, if they are at hand.

    Returns:
        The key; C major with confidence 0 where there is no sound.

    Example:
        >>> estimate_key(np.zeros(16_000, dtype=np.float32), sample_rate=16_000).confidence
        0.0
    """
    from musiscene.audio.chroma import key_features
    from musiscene.audio.learnt import key_logits

    if excerpts is None:
        excerpts = excerpt_details(waveform, sample_rate=sample_rate)
    votes = []
    for excerpt in excerpts:
        if excerpt.salience.any():
            logits = key_logits(key_features(excerpt.salience))
            votes.append(logits - np.log(np.exp(logits).sum()))
    if not votes:
        return KeyEstimate(tonic="C", mode="major", confidence=0.0)
    probability = np.exp(np.mean(votes, axis=0))  # (12, 2)
    probability /= probability.sum()
    tonic, mode = np.unravel_index(int(np.argmax(probability)), probability.shape)
    return KeyEstimate(
        tonic=TONICS[tonic],
        mode=MODES[mode],
        confidence=round(float(probability[tonic, mode]), 3),
    )

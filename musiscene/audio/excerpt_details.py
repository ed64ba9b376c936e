"""Tones and onsets of a few excerpts of a track, which key, tempo and affect are all read from."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from musiscene.audio.excerpts import excerpt_spans, to_analysis_rate

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

EXCERPT_SECONDS = 30.0


class ExcerptDetails(NamedTuple):
    """One excerpt."""

    start_seconds: float
    """From the beginning of the track."""
    end_seconds: float
    """From the beginning of the track."""
    salience: NDArray[np.float32]
    """Of `chroma.pitch_salience`, shape (semitones, frames)."""
    novelty: NDArray[np.float32]
    """Of `onsets.novelty_curves`, shape (curves, frames)."""


def excerpt_details(waveform: NDArray[np.float32], *, sample_rate: int) -> list[ExcerptDetails]:
    """Measure excerpts spread evenly over a track.

    Args:
        waveform: Mono audio in [-1, 1], float32, shape (samples,).
        sample_rate: Of `waveform`, in Hz.

    Returns:
        At most eight, in order.

    Raises:
        ValueError: If `waveform` is not one-dimensional or `sample_rate` is not positive.
    """
    from musiscene.audio.chroma import pitch_salience
    from musiscene.audio.onsets import novelty_curves

    if waveform.ndim != 1 or sample_rate <= 0:
        raise ValueError(f"need a mono waveform, got {waveform.shape} at {sample_rate} Hz")
    details = []
    for start, end in excerpt_spans(len(waveform), round(EXCERPT_SECONDS * sample_rate)):
        excerpt = to_analysis_rate(waveform[start:end], sample_rate=sample_rate)
        details.append(
            ExcerptDetails(
                start / sample_rate,
                end / sample_rate,
                pitch_salience(excerpt),
                novelty_curves(excerpt),
            )
        )
    return details

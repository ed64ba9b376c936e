"""A bounded number of excerpts of a track, so that an hour costs no more than a few minutes."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

ANALYSIS_RATE = 16_000  # Hz; tempo, key and segments need nothing above 8 kHz


def spread_excerpts(
    waveform: NDArray[np.float32],
    *,
    sample_rate: int,
    excerpt_seconds: float = 30.0,
    max_excerpts: int = 8,
) -> list[NDArray[np.float32]]:
    """Cut a few excerpts spread evenly over a track and bring them to `ANALYSIS_RATE`.

    A track under one and a half excerpts is returned whole.

    Args:
        waveform: Mono audio in [-1, 1], float32, shape (samples,).
        sample_rate: Of `waveform`, in Hz.
        excerpt_seconds: Length of one excerpt, in seconds.
        max_excerpts: At most this many; fewer where they would overlap.

    Returns:
        Excerpts in order, each float32, shape (excerpt_samples,), at `ANALYSIS_RATE`. One empty
        excerpt for an empty waveform.

    Raises:
        ValueError: If `waveform` is not one-dimensional or `sample_rate` is not positive.

    Example:
        >>> minute = np.zeros(60 * 16_000, dtype=np.float32)
        >>> [len(excerpt) for excerpt in spread_excerpts(minute, sample_rate=16_000)]
        [480000, 480000]
    """
    if waveform.ndim != 1 or sample_rate <= 0:
        raise ValueError(f"need a mono waveform, got {waveform.shape} at {sample_rate} Hz")
    spans = excerpt_spans(
        len(waveform), round(excerpt_seconds * sample_rate), max_excerpts=max_excerpts
    )
    return [to_analysis_rate(waveform[start:end], sample_rate=sample_rate) for start, end in spans]


def excerpt_spans(count: int, length: int, *, max_excerpts: int = 8) -> list[tuple[int, int]]:
    """Say where the excerpts of a track lie.

    Args:
        count: Samples of the track.
        length: Samples of an excerpt.
        max_excerpts: At most this many; fewer where they would overlap.

    Returns:
        Beginning and end of each, in order.
    """
    if count < 1.5 * length:
        return [(0, count)]
    excerpts = min(max_excerpts, count // length)
    # Equal gaps before, between and after: neither the fade-in nor the fade-out gets a full vote.
    gap = (count - excerpts * length) / (excerpts + 1)
    starts = [round(gap + index * (length + gap)) for index in range(excerpts)]
    return [(start, start + length) for start in starts]


def to_analysis_rate(waveform: NDArray[np.float32], *, sample_rate: int) -> NDArray[np.float32]:
    """Resample to `ANALYSIS_RATE` and replace values that are not finite by silence.

    Args:
        waveform: Mono audio, float32, shape (samples,).
        sample_rate: Of `waveform`, in Hz.

    Returns:
        The same sound at 16 kHz, float32, shape (resampled,).
    """
    finite = np.nan_to_num(waveform.astype(np.float32, copy=False), nan=0.0, posinf=0.0, neginf=0.0)
    if sample_rate == ANALYSIS_RATE or not len(finite):
        return finite
    import soxr

    resampled: NDArray[np.float32] = soxr.resample(finite, sample_rate, ANALYSIS_RATE)
    return resampled

"""A bounded number of excerpts of a track, so that an hour costs no more than a few minutes."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

ANALYSIS_RATE = 16_000  # Hz; tempo, key and segments need nothing above 8 kHz


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

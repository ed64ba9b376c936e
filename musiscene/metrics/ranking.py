"""How well a ranking of a whole library puts the wanted tracks first, and what chance reaches.

All functions take gains in the order of the ranking: what the track at each rank is worth, 0 where
it is not wanted. Every track of the library stands in the ranking, so the wanted ones are all in it
and the expectations of a random order are exact.

Source: Manning, Raghavan & Schuetze 2008, Introduction to Information Retrieval, chapter 8
(precision, recall, reciprocal rank); Jarvelin & Kekalainen 2002, Cumulated gain-based evaluation of
IR techniques (nDCG; gains as they are, discounted by log2(rank + 1)).
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

RECIPROCAL_RANK: Final = "reciprocal_rank"
FIRST_RANK: Final = "first_rank"


def measure_rankings(
    gains: NDArray[np.float64], *, cutoffs: Sequence[int]
) -> dict[str, NDArray[np.float64]]:
    """Every metric of every ranking.

    Args:
        gains: By rank, best first, at least one above 0 in each row; shape (rankings, tracks).
        cutoffs: How many of the first tracks are looked at, each from 1 on.

    Returns:
        Metric -> one figure for each ranking, float64, shape (rankings,): `precision_at_K`,
        `recall_at_K` and `ndcg_at_K` for each cutoff K, `reciprocal_rank` and `first_rank` of the
        first wanted track, ranks counted from 1. A cutoff past the library's end divides the
        precision all the same.

    Raises:
        ValueError: If nothing is wanted in some row.
    """
    wanted = gains > 0
    counts = wanted.sum(axis=1)
    if not counts.all():
        raise ValueError("some rankings hold no wanted track")
    first_rank = wanted.argmax(axis=1) + 1.0
    figures = {}
    best_gains = np.sort(gains, axis=1)[:, ::-1]
    for cutoff in cutoffs:
        hits = wanted[:, :cutoff].sum(axis=1)
        figures[f"precision_at_{cutoff}"] = hits / cutoff
        figures[f"recall_at_{cutoff}"] = hits / counts
        figures[f"ndcg_at_{cutoff}"] = _dcg(gains, cutoff) / _dcg(best_gains, cutoff)
    return {**figures, RECIPROCAL_RANK: 1.0 / first_rank, FIRST_RANK: first_rank}


def expect_at_random(gains: NDArray[np.float64], *, cutoffs: Sequence[int]) -> dict[str, float]:
    """What a ranking in random order reaches on average, exactly.

    Args:
        gains: Of the tracks in any order, at least one above 0, shape (tracks,).
        cutoffs: As for `measure_rankings`.

    Returns:
        Metric -> its expectation, for the metrics of `measure_rankings`.

    Raises:
        ValueError: If nothing is wanted.
    """
    chances = first_rank_chances(len(gains), int((gains > 0).sum()))
    ranks = np.arange(1, len(gains) + 1)
    expected = {}
    # In a random order every rank holds the mean gain on average.
    mean_gains = np.full((1, len(gains)), gains.mean())
    best_gains = np.sort(gains)[None, ::-1]
    for cutoff in cutoffs:
        seen = min(cutoff, len(gains))
        expected[f"precision_at_{cutoff}"] = float((gains > 0).mean()) * seen / cutoff
        expected[f"recall_at_{cutoff}"] = seen / len(gains)
        expected[f"ndcg_at_{cutoff}"] = float(
            (_dcg(mean_gains, cutoff) / _dcg(best_gains, cutoff))[0]
        )
    return {
        **expected,
        RECIPROCAL_RANK: float((chances / ranks).sum()),
        FIRST_RANK: float((chances * ranks).sum()),
    }


def first_rank_chances(tracks: int, wanted: int) -> NDArray[np.float64]:
    """How likely the first wanted track stands at each rank of a random order.

    Args:
        tracks: In the ranking.
        wanted: How many of them, from 1 to `tracks`.

    Returns:
        Probabilities of the ranks from 1 on, float64, shape (tracks,).

    Raises:
        ValueError: If `wanted` is out of range.

    Example:
        >>> first_rank_chances(4, 2).round(3).tolist()
        [0.5, 0.333, 0.167, 0.0]
    """
    if not 1 <= wanted <= tracks:
        raise ValueError(f"{wanted} of {tracks} tracks are wanted")
    left = tracks - np.arange(tracks)  # tracks that have not been drawn before each rank
    hits = np.minimum(wanted / left, 1.0)
    still_none = np.concatenate(([1.0], np.cumprod(1.0 - hits)[:-1]))
    chances: NDArray[np.float64] = still_none * hits
    return chances


def _dcg(gains: NDArray[np.float64], cutoff: int) -> NDArray[np.float64]:
    """Discounted cumulated gain of the first ranks, shape (rankings,)."""
    first = gains[:, :cutoff]
    total: NDArray[np.float64] = first @ (1.0 / np.log2(np.arange(first.shape[1]) + 2.0))
    return total

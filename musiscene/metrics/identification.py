"""Do texts belong to their own rows: each looks for its reference among all of them.

A text that would suit any row is as likely to find one as another, however well it is written.
Ranks count from 1; rows whose similarity ties share the mean of their ranks, so that a text that
is the same everywhere stands at chance.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import msgspec
import numpy as np

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

SAME: Final = 1e-6
"""Cosines nearer than this are equal: the same text comes out of two batches not bit for bit."""


class Identification(msgspec.Struct, frozen=True, kw_only=True):
    """How well rows are found."""

    rows: int
    """How many references there were to choose from."""
    recall_at_1: float
    """Share of texts whose own reference came first."""
    recall_at_10: float
    """Share of texts whose own reference was among the first ten."""
    median_rank: float
    """Of the own reference; 1 is best."""
    mean_reciprocal_rank: float
    """Of the own reference; 1 is best."""


def own_ranks(similarity: NDArray[np.floating]) -> NDArray[np.float64]:
    """The rank of each text's own reference.

    Args:
        similarity: Of text i with reference j, shape (rows, rows); the own ones on the diagonal.

    Returns:
        Ranks from 1 to rows, float64, shape (rows,).

    Raises:
        ValueError: If `similarity` is not square.
    """
    if similarity.ndim != 2 or similarity.shape[0] != similarity.shape[1]:  # noqa: PLR2004  a matrix
        raise ValueError(f"similarity has the shape {similarity.shape}, not (rows, rows)")
    above = similarity - np.diagonal(similarity)[:, None]
    ahead = (above > SAME).sum(axis=1)
    tied = (np.abs(above) <= SAME).sum(axis=1) - 1
    ranks: NDArray[np.float64] = 1.0 + ahead + tied / 2.0
    return ranks


def identification(ranks: NDArray[np.float64]) -> Identification:
    """Summarise ranks.

    Args:
        ranks: From `own_ranks`, one for each row and each reference.

    Returns:
        The figures.
    """
    return Identification(
        rows=len(ranks),
        recall_at_1=float((ranks <= 1).mean()),
        recall_at_10=float((ranks <= 10).mean()),  # noqa: PLR2004  the name says it
        median_rank=float(np.median(ranks)),
        mean_reciprocal_rank=float((1.0 / ranks).mean()),
    )


def chance(rows: int) -> Identification:
    """What texts that know nothing reach on average.

    Args:
        rows: How many references there are to choose from.

    Returns:
        The expectations.
    """
    return identification(np.arange(1, rows + 1, dtype=np.float64))


def percentiles_within(
    similarity: NDArray[np.floating], groups: Sequence[str]
) -> NDArray[np.float64]:
    """The rank of each text's own reference among those of its group, from 0 (first) to 1 (last).

    People write in their own way, and the manner alone gives away who wrote; among texts of one
    person it does not. Chance is 0.5.

    Args:
        similarity: As for `own_ranks`.
        groups: Of each row; empty for none.

    Returns:
        Percentile ranks, float64, shape (rows,); NaN for rows that are alone or have no group.
    """
    names = np.array(groups)
    found = np.full(len(names), np.nan)
    for name in set(groups) - {""}:
        (members,) = np.nonzero(names == name)
        if len(members) > 1:
            ranks = own_ranks(similarity[np.ix_(members, members)])
            found[members] = (ranks - 1.0) / (len(members) - 1)
    return found

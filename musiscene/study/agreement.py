"""How far raters agree: Krippendorff's alpha for ordered categories, and ICC(2, k).

Sources: Krippendorff 2011, Computing Krippendorff's alpha-reliability; Shrout & Fleiss 1979,
Intraclass correlations, Psychological Bulletin 86; McGraw & Wong 1996, Psychological Methods 1.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from musiscene.metrics.bootstrap import LEVEL, RESAMPLES, Interval

if TYPE_CHECKING:
    from numpy.typing import NDArray

FEWEST = 2


def ordinal_alpha(
    ratings: NDArray[np.float64], *, seed: int = 0, resamples: int = RESAMPLES
) -> Interval | None:
    """Krippendorff's alpha for ordered categories; pieces are drawn for its interval.

    Args:
        ratings: NaN where a rater gave none, shape (raters, pieces).
        seed: Of the draws.
        resamples: How many.

    Returns:
        1 for full agreement, 0 for none beyond chance; None where no piece has two ratings, or all
        ratings are the same.

    Example:
        >>> ordinal_alpha(np.array([[1.0, 2.0, 3.0], [1.0, 2.0, 3.0]])).mean
        1.0
    """
    pairable = (~np.isnan(ratings)).sum(axis=0) >= FEWEST
    values = np.unique(ratings[:, pairable])
    values = values[~np.isnan(values)]
    if len(values) < FEWEST:
        return None
    counts = (ratings[:, pairable, None] == values).sum(axis=0).astype(float)  # (pieces, values)
    per_piece = counts.sum(axis=1)
    pairs = counts[:, :, None] * counts[:, None, :]
    pairs -= counts[:, :, None] * np.eye(len(values))
    pairs /= (per_piece - 1)[:, None, None]  # (pieces, values, values)
    rng = np.random.default_rng(seed)
    drawn = rng.multinomial(len(pairs), np.full(len(pairs), 1 / len(pairs)), size=resamples)
    found = _alpha(np.tensordot(drawn.astype(float), pairs, axes=1))
    low, high = np.nanquantile(found, [(1 - LEVEL) / 2, (1 + LEVEL) / 2])
    return Interval(mean=float(_alpha(pairs.sum(axis=0))), low=float(low), high=float(high))


def _alpha(coincidences: NDArray[np.float64]) -> NDArray[np.float64]:
    """Alpha of tables, shape (..., values, values), that say how often values met in a piece."""
    totals = coincidences.sum(axis=-1)  # (..., values)
    upto = np.cumsum(totals, axis=-1) - totals / 2
    distances = np.square(upto[..., :, None] - upto[..., None, :])
    observed = (coincidences * distances).sum(axis=(-2, -1))
    chance = (totals[..., :, None] * totals[..., None, :] * distances).sum(axis=(-2, -1))
    with np.errstate(divide="ignore", invalid="ignore"):
        return np.asarray(1 - (totals.sum(axis=-1) - 1) * observed / chance, dtype=np.float64)


def intraclass_correlation(ratings: NDArray[np.float64], level: float = LEVEL) -> Interval | None:
    """ICC(2, k): how reliable the mean over these raters is, if raters and pieces are drawn.

    Args:
        ratings: NaN where a rater gave none, shape (raters, pieces); raters with gaps are left out.
        level: Share of studies whose interval holds the truth.

    Returns:
        The correlation; None with fewer than two whole raters or pieces, or no variance.
    """
    from scipy.stats import f as f_distribution

    whole = ratings[~np.isnan(ratings).any(axis=1)].T  # (pieces, raters)
    pieces, raters = whole.shape
    if pieces < FEWEST or raters < FEWEST:
        return None
    grand = whole.mean()
    rows, columns = whole.mean(axis=1), whole.mean(axis=0)
    rest = whole - rows[:, None] - columns[None, :] + grand
    of_pieces = raters * np.square(rows - grand).sum() / (pieces - 1)
    of_raters = pieces * np.square(columns - grand).sum() / (raters - 1)
    of_rest = np.square(rest).sum() / ((pieces - 1) * (raters - 1))
    if of_rest <= 0 or of_pieces <= 0:
        return None
    single = (of_pieces - of_rest) / (
        of_pieces + (raters - 1) * of_rest + raters * (of_raters - of_rest) / pieces
    )
    mean = (of_pieces - of_rest) / (of_pieces + (of_raters - of_rest) / pieces)
    ratio = of_raters / of_rest
    down = pieces * (1 + (raters - 1) * single) - raters * single
    freedom = ((raters - 1) * (pieces - 1) * (raters * single * ratio + down) ** 2) / (
        (pieces - 1) * (raters * single * ratio) ** 2 + down**2
    )
    tail = (1 + level) / 2
    upper = f_distribution.ppf(tail, pieces - 1, freedom)
    lower = f_distribution.ppf(tail, freedom, pieces - 1)
    spread = raters * of_raters + (raters * pieces - raters - pieces) * of_rest
    lowest = pieces * (of_pieces - upper * of_rest) / (upper * spread + pieces * of_pieces)
    highest = (
        pieces * (lower * of_pieces - of_rest) / (spread + pieces * lower * of_pieces)
    )  # fmt: skip
    return Interval(
        mean=float(mean), low=_of_mean(lowest, raters), high=_of_mean(highest, raters)
    )  # fmt: skip


def _of_mean(single: float, raters: int) -> float:
    """Spearman and Brown's: from the reliability of one rater to that of the mean of all."""
    return float(raters * single / (1 + (raters - 1) * single))

"""A mean over raters and items, where both are drawn from many: how sure it is.

Answers of one rater are alike, and so are answers to one item. The variance of the mean is that of
the raters' sums and of the items' sums less that of the cells, which both hold. Means over many
studies at once are of arrays with leading axes.

Source: Cameron, Gelbach & Miller 2011, Robust inference with multiway clustering, Journal of
Business & Economic Statistics 29, section 2; degrees of freedom: Satterthwaite 1946, Biometrics 2.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec
import numpy as np
from numpy.typing import NDArray

from musiscene.metrics.bootstrap import LEVEL, Interval

if TYPE_CHECKING:
    from typing import TypeAlias

    Numbers: TypeAlias = NDArray[np.float64]


class CrossedMean(msgspec.Struct, frozen=True):
    """Means over raters and items."""

    mean: NDArray[np.float64]
    """Over all cells that are there, shape (...)."""
    error: NDArray[np.float64]
    """Standard error, shape (...)."""
    freedom: NDArray[np.float64]
    """Degrees of freedom, shape (...)."""

    def p_values(self) -> NDArray[np.float64]:
        """Chance of a mean as far from 0 if the true one is 0, two-sided, shape (...)."""
        from scipy.stats import t

        with np.errstate(divide="ignore", invalid="ignore"):
            statistic = np.abs(self.mean) / self.error
        statistic = np.where(self.error > 0, statistic, np.where(self.mean == 0, 0.0, np.inf))
        return np.asarray(2 * t.sf(statistic, self.freedom), dtype=np.float64)

    def reach(self, level: float = LEVEL) -> NDArray[np.float64]:
        """Half the width of the interval, shape (...)."""
        from scipy.stats import t

        return np.asarray(t.ppf((1 + level) / 2, self.freedom) * self.error, dtype=np.float64)

    def interval(self, level: float = LEVEL) -> Interval:
        """The interval of a single mean.

        Args:
            level: Share of studies whose interval holds the truth.

        Returns:
            The mean and its ends.
        """
        mean, reach = float(self.mean), float(self.reach(level))
        return Interval(mean=mean, low=mean - reach, high=mean + reach)


def crossed_mean(values: Numbers) -> CrossedMean:
    """The mean of cells over raters and items.

    Args:
        values: NaN where a rater did not answer, shape (..., raters, items).

    Returns:
        Mean, standard error and degrees of freedom.

    Raises:
        ValueError: If there are fewer than two raters, or a mean of nothing.
    """
    known = ~np.isnan(values)
    count = known.sum(axis=(-2, -1))
    raters = known.any(axis=-1).sum(axis=-1)
    items = known.any(axis=-2).sum(axis=-1)
    if not count.all() or (raters < 2).any():  # noqa: PLR2004  one rater has no spread
        raise ValueError("at least two raters must have answered")
    filled = np.where(known, values, 0.0)
    mean = filled.sum(axis=(-2, -1)) / count
    off = np.where(known, filled - mean[..., None, None], 0.0)
    by_rater = np.square(off.sum(axis=-1)).sum(axis=-1) / count**2 * raters / (raters - 1)
    many = np.maximum(items - 1, 1)
    by_item = np.square(off.sum(axis=-2)).sum(axis=-1) / count**2 * items / many
    by_item = np.where(items > 1, by_item, 0.0)
    row = off.sum(axis=-1, keepdims=True) / np.maximum(known.sum(axis=-1, keepdims=True), 1)
    column = off.sum(axis=-2, keepdims=True) / np.maximum(known.sum(axis=-2, keepdims=True), 1)
    rest = np.where(known, off - row - column, 0.0)
    # With gaps, rows and columns do not part: the cells' own squares are taken, as in the source.
    is_whole = count == raters * items
    free = np.where(is_whole, np.maximum(count - raters - items + 1, 1), count - 1)
    of_whole = np.square(rest).sum(axis=(-2, -1)) / free / count
    of_cells = np.square(off).sum(axis=(-2, -1)) / count**2
    by_cell = np.where(items > 1, np.where(is_whole, of_whole, of_cells), 0.0)
    variance = np.maximum(by_rater + by_item - by_cell, np.maximum(by_rater, by_item) * 0.5)
    parts = by_rater**2 / (raters - 1) + by_item**2 / many + by_cell**2 / free
    with np.errstate(divide="ignore", invalid="ignore"):
        freedom = np.where(parts > 0, variance**2 / parts, raters - 1.0)
    freedom = np.clip(freedom, 1.0, None)
    return CrossedMean(mean, np.sqrt(variance), freedom)

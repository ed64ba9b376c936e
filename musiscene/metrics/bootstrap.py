"""How sure a mean over rows is, and the difference of two means over the same rows.

Source: Efron & Tibshirani 1993, An Introduction to the Bootstrap, section 13.3 (percentiles).
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import msgspec
import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

RESAMPLES: Final = 2000
LEVEL: Final = 0.95


class Interval(msgspec.Struct, frozen=True, kw_only=True):
    """A mean and where it may lie."""

    mean: float
    """Over the rows."""
    low: float
    """Lower end of the interval."""
    high: float
    """Upper end of the interval."""


def bootstrap_mean(
    values: NDArray[np.float64], *, seed: int = 0, resamples: int = RESAMPLES, level: float = LEVEL
) -> Interval:
    """The mean of a metric over rows, with its percentile bootstrap interval.

    Args:
        values: One for each row, shape (rows,).
        seed: The same seed draws the same rows.
        resamples: How often as many rows are drawn with replacement.
        level: Share of resamples that the interval holds.

    Returns:
        The interval.

    Raises:
        ValueError: If there are no rows.
    """
    if not len(values):
        raise ValueError("there are no rows")
    rng = np.random.default_rng(seed)
    drawn = rng.integers(0, len(values), size=(resamples, len(values)))
    means = values[drawn].mean(axis=1)
    low, high = np.quantile(means, [(1 - level) / 2, (1 + level) / 2])
    return Interval(mean=float(values.mean()), low=float(low), high=float(high))


def bootstrap_difference(
    first: NDArray[np.float64],
    second: NDArray[np.float64],
    *,
    seed: int = 0,
    resamples: int = RESAMPLES,
    level: float = LEVEL,
) -> Interval:
    """How far one metric is above another on the same rows, which are drawn in pairs.

    Args:
        first: One for each row, shape (rows,).
        second: Likewise, of the same rows in the same order.
        seed: As for `bootstrap_mean`.
        resamples: As for `bootstrap_mean`.
        level: As for `bootstrap_mean`.

    Returns:
        The interval of `first` minus `second`; clear of zero if both ends have one sign.

    Raises:
        ValueError: If the rows differ in number, or there are none.
    """
    if first.shape != second.shape:
        raise ValueError(f"rows of shape {first.shape} cannot be paired with {second.shape}")
    return bootstrap_mean(first - second, seed=seed, resamples=resamples, level=level)

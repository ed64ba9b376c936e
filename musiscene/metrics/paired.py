"""Whether one system is better than another on the same rows, and how sure that is for many pairs.

Source: Fisher 1935, The Design of Experiments, section 21 (permutation of signs); Holm 1979, A
Simple Sequentially Rejective Multiple Test Procedure.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

PERMUTATIONS: Final = 4_999


def permutation_p(
    first: NDArray[np.floating], second: NDArray[np.floating], *, seed: int = 0
) -> float:
    """How often chance alone would make a mean difference as large, whichever way.

    Args:
        first: A figure for each row, shape (rows,).
        second: Another system's, of the same rows.
        seed: The same seed draws the same permutations.

    Returns:
        The p-value of a paired permutation test; 1 if nothing differs.

    Raises:
        ValueError: If the rows differ in number, or there are fewer than two.
    """
    from scipy.stats import permutation_test

    if first.shape != second.shape or len(first) < 2:  # noqa: PLR2004  a mean difference
        raise ValueError(f"rows of shape {first.shape} cannot be paired with {second.shape}")
    if np.array_equal(first, second):
        return 1.0

    def difference(x: NDArray[Any], y: NDArray[Any], axis: int) -> NDArray[Any]:
        means: NDArray[Any] = (x - y).mean(axis=axis)
        return means

    tested = permutation_test(
        (first, second),
        difference,
        permutation_type="samples",
        vectorized=True,
        n_resamples=PERMUTATIONS,
        rng=np.random.default_rng(seed),
    )
    return float(tested.pvalue)


def holm(p_values: Sequence[float]) -> list[float]:
    """Correct p-values of a family of tests.

    Args:
        p_values: In any order.

    Returns:
        Adjusted ones in the same order: below 0.05 with an error among all of them of 0.05.

    Example:
        >>> [round(p, 3) for p in holm([0.01, 0.04, 0.03])]
        [0.03, 0.06, 0.06]
    """
    order = np.argsort(p_values)
    factors = len(p_values) - np.arange(len(p_values))
    raised = np.maximum.accumulate(np.asarray(p_values, dtype=np.float64)[order] * factors)
    adjusted = np.empty(len(p_values))
    adjusted[order] = np.minimum(raised, 1.0)
    return [float(p) for p in adjusted]

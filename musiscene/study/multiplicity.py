"""Many tests at once."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Sequence


def holm(p_values: Sequence[float]) -> list[float]:
    """P-values such that the chance of any false discovery stays below what each is held to.

    Source: Holm 1979, A simple sequentially rejective multiple test procedure, Scandinavian Journal
    of Statistics 6.

    Args:
        p_values: One for each test.

    Returns:
        Corrected, in the same order.

    Example:
        >>> [round(value, 3) for value in holm([0.01, 0.04, 0.03])]
        [0.03, 0.06, 0.06]
    """
    values = np.asarray(p_values, dtype=np.float64)
    order = np.argsort(values)
    raised = np.maximum.accumulate(values[order] * np.arange(len(values), 0, -1))
    corrected = np.empty_like(values)
    corrected[order] = np.minimum(raised, 1.0)
    return [float(value) for value in corrected]

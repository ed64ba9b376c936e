"""Learning rates: a linear warm-up, then half a cosine.

Source: Liu et al. 2023, MU-LLaMA, arXiv:2308.11276 (as its released recipes set them); Goyal et al.
2017, arXiv:1706.02677, section 2.1 (linear scaling with the batch).
"""

from __future__ import annotations

import math

SCALED_BATCH = 256
"""Rows for which a base learning rate is meant."""


def peak_learning_rate(base: float, *, rows_per_update: int) -> float:
    """Scale a base learning rate to the number of rows in an update.

    Args:
        base: Meant for `SCALED_BATCH` rows.
        rows_per_update: Batch times accumulation times processes.

    Returns:
        The highest learning rate of the schedule.

    Example:
        >>> peak_learning_rate(1e-3, rows_per_update=32)
        0.000125
    """
    return base * rows_per_update / SCALED_BATCH


def learning_rate(epoch: float, *, peak: float, warmup_epochs: float, epochs: float) -> float:
    """The learning rate at a place in the training.

    Args:
        epoch: Epochs done, fractions included.
        peak: Reached at the end of the warm-up.
        warmup_epochs: Length of the warm-up; 0 for none.
        epochs: Of the whole training, where it ends at zero.

    Returns:
        The learning rate.

    Example:
        >>> learning_rate(0.5, peak=1.0, warmup_epochs=1, epochs=20)
        0.5
        >>> learning_rate(20, peak=1.0, warmup_epochs=1, epochs=20)
        0.0
    """
    if epoch < warmup_epochs:
        return peak * epoch / warmup_epochs
    done = (epoch - warmup_epochs) / (epochs - warmup_epochs)
    return 0.5 * peak * (1.0 + math.cos(math.pi * min(done, 1.0)))

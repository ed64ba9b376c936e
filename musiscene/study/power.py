"""How many raters a study needs, by simulation."""

from __future__ import annotations

from itertools import combinations
from typing import Final

import msgspec
import numpy as np

from musiscene.metrics.paired import holm
from musiscene.study.crossed import crossed_mean
from musiscene.study.simulate import SPREADS, Spreads, expected_ratings, simulate_ratings

ALPHA: Final = 0.05
WANTED_POWER: Final = 0.8
RATERS: Final = (5, 8, 10, 12, 15, 20, 25, 30, 40, 50, 60, 80, 100, 150, 200)
MIDDLE: Final = 3.0


class Power(msgspec.Struct, frozen=True, kw_only=True):
    """What studies of one size find, over many simulated ones."""

    raters: int
    """In each study."""
    difference: float
    """By which the best system is worth more than each other, in points."""
    power: float
    """Share of studies in which it is clearly better than all others, after correction; with no
    difference 0."""
    best_found: float
    """Share in which its mean is the highest."""
    order_found: float
    """Share in which all means stand in the true order, where the systems are a step apart each."""
    false_alarms: float
    """Share in which any pair of equal systems is called different, after correction."""
    coverage: float
    """Share of the mean opinion scores' 95 % intervals that hold the truth."""


def power_of(
    *,
    raters: int,
    difference: float,
    systems: int = 4,
    items: int = 20,
    studies: int = 500,
    seed: int = 0,
    spreads: Spreads = SPREADS,
) -> Power:
    """Hold many studies with simulated raters.

    Args:
        raters: In each study.
        difference: By which the first system is worth more than each other, in points.
        systems: In each study.
        items: In each study; every rater hears all.
        studies: How many are held.
        seed: Of all chance.
        spreads: What makes ratings differ.

    Returns:
        What they find.
    """
    rng = np.random.default_rng([seed, raters, round(difference * 1000)])
    means = [MIDDLE + difference, *[MIDDLE] * (systems - 1)]

    def held(worth: list[float]) -> np.ndarray[tuple[int, ...], np.dtype[np.float64]]:
        return simulate_ratings(
            rng, worth, studies=studies, raters=raters, items=items, spreads=spreads
        )

    ratings = held(means)
    scores = crossed_mean(ratings)
    truth = expected_ratings(means, spreads=spreads)
    covered = np.abs(scores.mean - truth) <= scores.reach()
    pairs = list(combinations(range(systems), 2))
    tests = crossed_mean(np.stack([ratings[:, one] - ratings[:, two] for one, two in pairs], 1))
    corrected = np.asarray([holm(row) for row in tests.p_values()])
    is_clear = corrected < ALPHA
    with_best = [at for at, (one, _) in enumerate(pairs) if one == 0]
    won = is_clear[:, with_best] & (tests.mean[:, with_best] > 0)
    equal = [at for at, (one, _) in enumerate(pairs) if one > 0 or difference == 0]
    ladder = [MIDDLE + difference * (systems / 2 - 0.5 - at) for at in range(systems)]
    stood = held(ladder).mean(axis=(-2, -1))
    return Power(
        raters=raters,
        difference=difference,
        power=float(won.all(axis=1).mean()) if difference else 0.0,
        best_found=float((scores.mean.argmax(axis=1) == 0).mean()),
        order_found=float((np.diff(stood, axis=1) < 0).all(axis=1).mean()),
        false_alarms=float(is_clear[:, equal].any(axis=1).mean()) if equal else 0.0,
        coverage=float(covered.mean()),
    )


def raters_needed(
    difference: float, *, systems: int, items: int, studies: int = 200, seed: int = 0
) -> int | None:
    """The smallest of some numbers of raters with which a best system is found out.

    Args:
        difference: By which it is worth more than each other, in points.
        systems: In the study.
        items: That each rater hears.
        studies: Simulated for each number.
        seed: Of all chance.

    Returns:
        The number; None if even the highest is too few, as with few items.
    """
    low, high = 0, len(RATERS)
    while low < high:
        middle = (low + high) // 2
        found = power_of(
            raters=RATERS[middle],
            difference=difference,
            systems=systems,
            items=items,
            studies=studies,
            seed=seed,
        )
        low, high = (low, middle) if found.power >= WANTED_POWER else (middle + 1, high)
    return RATERS[low] if low < len(RATERS) else None

"""Comparisons of pairs: how strong each system is, and whether one is preferred to another.

Source: Bradley & Terry 1952, Biometrika 39; Hunter 2004, MM algorithms for generalized
Bradley-Terry models, Annals of Statistics 32. A choice of neither counts half for both.
"""

from __future__ import annotations

from itertools import combinations
from typing import TYPE_CHECKING, Final

import msgspec
import numpy as np

from musiscene.metrics.bootstrap import LEVEL, Interval
from musiscene.metrics.paired import holm

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

RESAMPLES: Final = 1000
STEPS: Final = 200
PRIOR: Final = 0.1
"""Of a win for each system over each other, lest one that never lost be endlessly strong."""


class Strength(msgspec.Struct, frozen=True, kw_only=True):
    """Where a system stands among the others."""

    system: str
    """Its name."""
    strength: Interval
    """Natural logarithm of its odds against the mean of all."""
    win_share: float
    """Share of its comparisons that it won, neither counting half."""


class Duel(msgspec.Struct, frozen=True, kw_only=True):
    """Two systems, compared with each other."""

    first: str
    """One system."""
    second: str
    """The other."""
    first_wins: int
    """How often the first was preferred."""
    second_wins: int
    """How often the second was."""
    neither: int
    """How often neither was."""
    raters_for_first: int
    """Raters who preferred the first more often than the second."""
    raters_for_second: int
    """Likewise the second."""
    p_value: float
    """Of a binomial test over these raters: one rater's answers are alike."""
    p_corrected: float
    """The same after Holm's correction over all pairs."""


def strengths(
    wins: NDArray[np.float64], systems: Sequence[str], *, seed: int, resamples: int = RESAMPLES
) -> list[Strength]:
    """Bradley and Terry's strengths; raters are drawn for the intervals.

    Args:
        wins: How often a rater preferred a system (second axis) to another (third), neither
            counting half for both, shape (raters, systems, systems).
        systems: Their names.
        seed: Of the draws.
        resamples: How many.

    Returns:
        One for each system, in the same order.
    """
    rng = np.random.default_rng(seed)
    drawn = rng.multinomial(len(wins), np.full(len(wins), 1 / len(wins)), size=resamples)
    logs = log_strengths(np.tensordot(drawn.astype(float), wins, axes=1))
    low, high = np.quantile(logs, [(1 - LEVEL) / 2, (1 + LEVEL) / 2], axis=0)
    total = wins.sum(axis=0)
    found = log_strengths(total)
    won, played = total.sum(axis=1), total.sum(axis=1) + total.sum(axis=0)
    return [
        Strength(
            system=name,
            strength=Interval(mean=float(found[at]), low=float(low[at]), high=float(high[at])),
            win_share=float(won[at] / played[at]) if played[at] else 0.5,
        )
        for at, name in enumerate(systems)
    ]


def log_strengths(wins: NDArray[np.float64]) -> NDArray[np.float64]:
    """The most likely strengths, with a mean of 0.

    Args:
        wins: Of the row's system over the column's, shape (..., systems, systems).

    Returns:
        Natural logarithms, shape (..., systems).
    """
    count = wins.shape[-1]
    wins = wins + PRIOR * (1 - np.eye(count))
    won = wins.sum(axis=-1)
    games = wins + np.swapaxes(wins, -1, -2)
    strength = np.ones(won.shape)
    for _ in range(STEPS):
        together = strength[..., :, None] + strength[..., None, :]
        strength = won / (games / together).sum(axis=-1)
        strength /= np.exp(np.log(strength).mean(axis=-1, keepdims=True))
    return np.asarray(np.log(strength), dtype=np.float64)


def duels(
    wins: NDArray[np.float64], neither: NDArray[np.float64], systems: Sequence[str]
) -> list[Duel]:
    """Every pair of systems, tested over raters.

    Args:
        wins: Whole wins, shape (raters, systems, systems).
        neither: Choices of neither, in both halves, of the same shape.
        systems: Their names.

    Returns:
        The pairs that were compared at all.
    """
    from scipy.stats import binomtest

    found = []
    for one, other in combinations(range(len(systems)), 2):
        if not (wins[:, one, other] + wins[:, other, one] + neither[:, one, other]).any():
            continue
        net = wins[:, one, other] - wins[:, other, one]
        pro, contra = int((net > 0).sum()), int((net < 0).sum())
        p_value = float(binomtest(pro, pro + contra).pvalue) if pro + contra else 1.0
        found.append(
            Duel(
                first=systems[one],
                second=systems[other],
                first_wins=int(wins[:, one, other].sum()),
                second_wins=int(wins[:, other, one].sum()),
                neither=int(neither[:, one, other].sum()),
                raters_for_first=pro,
                raters_for_second=contra,
                p_value=p_value,
                p_corrected=p_value,
            )
        )
    corrected = holm([duel.p_value for duel in found])
    return [
        msgspec.structs.replace(duel, p_corrected=value)
        for duel, value in zip(found, corrected, strict=True)
    ]

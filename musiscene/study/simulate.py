"""Raters who do not exist, with preferences that are known."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import msgspec
import numpy as np
from msgspec import Meta

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from musiscene.study.design import Study
    from musiscene.study.order import Trial

Spread = Annotated[float, Meta(ge=0)]


class Spreads(msgspec.Struct, frozen=True, kw_only=True):
    """Standard deviations, in points of the scale, of what makes ratings differ."""

    rater: Spread = 0.5
    """How generous a rater is."""
    item: Spread = 0.3
    """How hard an item is for all systems."""
    rater_system: Spread = 0.25
    """A rater's own taste for a system."""
    item_system: Spread = 0.25
    """How well a system does with an item."""
    noise: Spread = 0.8
    """Of a single rating."""


SPREADS = Spreads()


def simulate_ratings(
    rng: np.random.Generator,
    means: Sequence[float],
    *,
    studies: int,
    raters: int,
    items: int,
    spreads: Spreads = SPREADS,
    points: int = 5,
) -> NDArray[np.float64]:
    """Ratings of many studies in which every rater hears every system with every item.

    Args:
        rng: Source of chance.
        means: What each system is worth, before rounding and the ends of the scale.
        studies: How many.
        raters: In each.
        items: In each.
        spreads: What makes ratings differ.
        points: Of the scale.

    Returns:
        Whole numbers in [1, points], shape (studies, systems, raters, items).
    """
    count = len(means)

    def drawn(spread: float, *shape: int) -> NDArray[np.float64]:
        return rng.normal(0.0, spread, shape)

    worth = (
        np.asarray(means)[None, :, None, None]
        + drawn(spreads.rater, studies, 1, raters, 1)
        + drawn(spreads.item, studies, 1, 1, items)
        + drawn(spreads.rater_system, studies, count, raters, 1)
        + drawn(spreads.item_system, studies, count, 1, items)
        + drawn(spreads.noise, studies, count, raters, items)
    )
    return np.clip(np.rint(worth), 1, points)


def expected_ratings(
    means: Sequence[float], *, spreads: Spreads = SPREADS, points: int = 5
) -> NDArray[np.float64]:
    """What the ratings of `simulate_ratings` are on average over all raters and items.

    Args:
        means: As there.
        spreads: As there.
        points: As there.

    Returns:
        One for each system, shape (systems,).
    """
    from scipy.stats import norm

    spread = float(np.sqrt(sum(value**2 for value in msgspec.structs.astuple(spreads))))
    edges = np.arange(1, points) + 0.5
    above = norm.sf(edges[None, :], loc=np.asarray(means)[:, None], scale=spread)
    return np.asarray(1.0 + above.sum(axis=1), dtype=np.float64)


class SimulatedRater:
    """Answers the trials of one session.

    Args:
        study: The study.
        slot: The rater's place.
        worth: System -> what it is worth, in points.
        lazy: Whether answers are drawn without listening.
        spreads: What makes ratings differ.
    """

    def __init__(
        self,
        study: Study,
        slot: int,
        worth: dict[str, float],
        *,
        lazy: bool = False,
        spreads: Spreads = SPREADS,
    ) -> None:
        self._study = study
        self._worth = worth
        self._lazy = lazy
        self._spreads = spreads
        self._rng = np.random.default_rng([study.plan.seed, 5, slot])
        self._bias = self._rng.normal(0.0, spreads.rater)
        self._tastes = {
            system: self._rng.normal(0.0, spreads.rater_system) for system in study.systems
        }

    def values(self, trial: Trial) -> dict[str, int]:
        """What the rater says on one page.

        Args:
            trial: Of the session.

        Returns:
            As `Answer.values` has it.
        """
        if trial.kind == "comparison":
            return {"preference": self._preference(trial)}
        points = self._study.plan.points
        if trial.kind == "check":
            tones = next(
                one.tones for one in self._study.checks if one.token == trial.tokens[0]
            )  # fmt: skip
            return {"tones": int(self._rng.integers(1, 6)) if self._lazy else tones}
        if self._lazy:
            drawn = self._rng.integers(1, points + 1, len(self._study.plan.questions))
        else:
            liking = self._liking(trial.systems[0]) + self._bias
            noise = self._rng.normal(0.0, self._spreads.noise, len(self._study.plan.questions))
            drawn = np.clip(np.rint(liking + noise), 1, points).astype(int)
        keys = (question.key for question in self._study.plan.questions)
        return dict(zip(keys, map(int, drawn), strict=True))

    def _liking(self, system: str) -> float:
        return self._worth[system] + float(self._tastes[system])

    def _preference(self, trial: Trial) -> int:
        if self._lazy:
            return int(self._rng.integers(-1, 2))
        first, second = (self._liking(system) for system in trial.systems)
        noise = self._rng.normal(0.0, self._spreads.noise * 2**0.5)
        gap = first - second + noise
        if abs(gap) < 0.25:  # noqa: PLR2004  too little to tell
            return -1
        return 0 if gap > 0 else 1

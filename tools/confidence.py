"""How far the matcher knows when it is wrong: shares, calibration, risk against coverage."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Final

import msgspec
import numpy as np

from musiscene.metrics.bootstrap import LEVEL, RESAMPLES, Interval
from tools.asking import Bin, error_of, reliability

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from numpy.typing import NDArray

    from tools.asking import Asked

NORMAL_QUANTILE: Final = 1.959964
"""Of the standard normal law, for intervals of `LEVEL`."""
DRAWS: Final = 1000
SHOWN_HITS: Final = 10
"""What an answer holds unless more are asked for."""


class Share(msgspec.Struct, frozen=True, kw_only=True):
    """How many of some briefs were answered."""

    name: str
    texts: int
    """Different ones; each was asked in one or more libraries."""
    accepted: Interval
    """Mean over texts of the share of libraries that answered, with Wilson's interval."""


class Calibration(msgspec.Struct, frozen=True, kw_only=True):
    """Whether chances come true as often as they say."""

    name: str
    count: int
    error: float
    """Expected calibration error."""
    error_by_luck: float
    """The same, if each row came true with just the chance that was said: what so few rows show of
    a perfect teller."""
    true: float
    """Weighted share that came true."""
    bins: list[Bin]


class RiskCoverage(msgspec.Struct, frozen=True, kw_only=True):
    """What is wrong among the answers when only the surest are given."""

    name: str
    briefs: int
    coverage: float
    """Share that is answered at the threshold in use."""
    risk: float
    """Share of these that is wrong."""
    area: float
    """Mean risk over all coverages, briefs by falling confidence."""
    area_by_chance: float
    """The same, by falling chance of having an answer at all."""
    area_random: float
    """Expected of a random order: the share of all briefs that is wrong."""
    area_perfect: float
    """Of an order with all right answers first."""
    gain: Interval
    """`area_random` less `area`, over resampled texts."""
    curve: list[float]
    """Risk at 1, 2, ... answered briefs, by confidence."""
    curve_by_chance: list[float]
    curve_perfect: list[float]


def wilson(share: float, trials: int) -> Interval:
    """A share with its interval.

    Source: Wilson 1927, Probable Inference, the Law of Succession, and Statistical Inference.

    Args:
        share: 0 to 1.
        trials: Above 0.

    Returns:
        The interval of `LEVEL`, which is never empty, also where all or none succeeded.
    """
    square = NORMAL_QUANTILE**2
    middle = (share + square / (2 * trials)) / (1 + square / trials)
    spread = share * (1 - share) / trials + square / (4 * trials**2)
    half = NORMAL_QUANTILE * math.sqrt(spread) / (1 + square / trials)
    return Interval(mean=share, low=max(0.0, middle - half), high=min(1.0, middle + half))


def accepted(name: str, asked: Sequence[Asked], threshold: float) -> Share:
    """How many of some briefs were answered.

    Args:
        name: Of the briefs.
        asked: At least one.
        threshold: Chance of an answer from which one is given.

    Returns:
        The share; a text that several libraries were asked counts once.
    """
    answers: dict[str, list[bool]] = {}
    for one in asked:
        answers.setdefault(one.text, []).append(one.chance >= threshold)
    share = float(np.mean([np.mean(own) for own in answers.values()]))
    return Share(name=name, texts=len(answers), accepted=wilson(share, len(answers)))


def calibration(
    name: str,
    chances: NDArray[np.float64],
    labels: NDArray[np.bool_],
    weights: NDArray[np.float64] | None = None,
) -> Calibration:
    """Hold chances against what came true.

    Args:
        name: Of the chances.
        chances: 0 to 1, shape (rows,).
        labels: Shape (rows,).
        weights: Shape (rows,); None for alike.

    Returns:
        Errors and a reliability table.
    """
    generator = np.random.default_rng(0)
    lucky = [
        error_of(chances, generator.random(len(chances)) < chances, weights) for _ in range(DRAWS)
    ]
    return Calibration(
        name=name,
        count=len(chances),
        error=error_of(chances, labels, weights),
        error_by_luck=float(np.mean(lucky)),
        true=float(np.average(labels, weights=weights)),
        bins=reliability(chances, labels, weights),
    )


def answer_calibrations(asked: Sequence[Asked]) -> list[Calibration]:
    """Of the chance that a brief has an answer: as counted, and with both sorts weighing alike.

    How many briefs of each sort there are was chosen by who wrote them, and a chance cannot be
    right for every mixture.
    """
    chances = np.array([one.chance for one in asked])
    labels = np.array([one.is_answerable for one in asked])
    alike = np.where(labels, 1.0 / max(1, labels.sum()), 1.0 / max(1, (~labels).sum()))
    return [
        calibration("answer chance, briefs as counted", chances, labels),
        calibration("answer chance, both sorts alike", chances, labels, alike),
    ]


def hit_calibrations(asked: Sequence[Asked]) -> list[Calibration]:
    """Of the hits' confidence, in libraries where it is known of every track whether it is wanted.

    Args:
        asked: Of such libraries, with nonsense.

    Returns:
        Over all tracks and over the hits that are shown, for briefs with an answer; and over the
        hits that are shown for all.
    """
    real = [one for one in asked if one.is_answerable]
    rows = (
        ("all tracks, briefs with an answer", real, None),
        (f"first {SHOWN_HITS} hits, briefs with an answer", real, SHOWN_HITS),
        (f"first {SHOWN_HITS} hits, all briefs", asked, SHOWN_HITS),
    )
    found = []
    for name, briefs, shown in rows:
        of_hits = [one.confidences[one.order[:shown]] for one in briefs]
        are_wanted = [one.wanted[one.order[:shown]] for one in briefs]
        found.append(calibration(name, np.concatenate(of_hits), np.concatenate(are_wanted)))
    return found


def risk_coverage(
    name: str,
    asked: Sequence[Asked],
    threshold: float,
    is_wrong: Callable[[Asked], bool] = lambda one: not one.is_right,
) -> RiskCoverage:
    """Answer the surest briefs first.

    Source: El-Yaniv & Wiener 2010, On the Foundations of Noise-free Selective Classification,
    section 2; area as in Geifman, Uziel, El-Yaniv 2019, Bias-Reduced Uncertainty Estimation.

    Args:
        name: Of the briefs.
        asked: At least one.
        threshold: Chance of an answer from which one is given.
        is_wrong: Whether an answer is.

    Returns:
        Curves and their areas.
    """
    wrong = np.array([is_wrong(one) for one in asked], dtype=np.float64)
    sure = np.array([one.confidence for one in asked])
    chances = np.array([one.chance for one in asked])
    answered = chances >= threshold
    by_confidence = risks(sure, wrong)
    by_chance = risks(chances, wrong)
    perfect = risks(-wrong, wrong)
    return RiskCoverage(
        name=name,
        briefs=len(asked),
        coverage=float(answered.mean()),
        risk=float(wrong[answered].mean()) if answered.any() else 0.0,
        area=float(by_confidence.mean()),
        area_by_chance=float(by_chance.mean()),
        area_random=float(wrong.mean()),
        area_perfect=float(perfect.mean()),
        gain=_gain([one.text for one in asked], sure, wrong),
        curve=by_confidence.tolist(),
        curve_by_chance=by_chance.tolist(),
        curve_perfect=perfect.tolist(),
    )


def risks(sure: NDArray[np.float64], wrong: NDArray[np.float64]) -> NDArray[np.float64]:
    """Share of wrong answers among the 1, 2, ... surest.

    Args:
        sure: How sure each answer is, shape (briefs,); among equals the order is left to chance,
            and the expectation is given.
        wrong: 1 for a wrong answer and 0 for a right one, shape (briefs,).

    Returns:
        Shape (briefs,).

    Example:
        >>> risks(np.array([0.9, 0.2, 0.2, 0.1]), np.array([0.0, 1.0, 0.0, 1.0])).tolist()
        [0.0, 0.25, 0.3333333333333333, 0.5]
    """
    levels, level_of = np.unique(-sure, return_inverse=True)
    counts = np.bincount(level_of, minlength=len(levels))
    expected = np.bincount(level_of, weights=wrong, minlength=len(levels)) / counts
    shares: NDArray[np.float64] = np.cumsum(np.repeat(expected, counts))
    return shares / np.arange(1, len(sure) + 1)


def _gain(texts: Sequence[str], sure: NDArray[np.float64], wrong: NDArray[np.float64]) -> Interval:
    """Area of a random order less that by confidence, with a percentile interval over texts."""
    of_text: dict[str, list[int]] = {}
    for row, text in enumerate(texts):
        of_text.setdefault(text, []).append(row)
    groups = [np.array(rows) for rows in of_text.values()]
    generator = np.random.default_rng(0)
    gains = []
    for _ in range(RESAMPLES):
        drawn = generator.integers(0, len(groups), size=len(groups))
        rows = np.concatenate([groups[one] for one in drawn])
        gains.append(wrong[rows].mean() - risks(sure[rows], wrong[rows]).mean())
    low, high = np.quantile(gains, [(1 - LEVEL) / 2, (1 + LEVEL) / 2])
    mean = float(wrong.mean() - risks(sure, wrong).mean())
    return Interval(mean=mean, low=float(low), high=float(high))

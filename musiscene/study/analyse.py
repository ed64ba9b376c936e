"""Answers -> what can be said of the systems, and how sure it is."""

from __future__ import annotations

from itertools import combinations
from typing import TYPE_CHECKING, Final

import msgspec
import numpy as np

from musiscene.metrics.bootstrap import Interval
from musiscene.metrics.paired import holm
from musiscene.study.agreement import intraclass_correlation, ordinal_alpha
from musiscene.study.answers import completion_code
from musiscene.study.crossed import crossed_mean
from musiscene.study.preference import Duel, Strength, duels, strengths
from musiscene.study.tables import Rater, tabulate

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from musiscene.study.answers import Answers
    from musiscene.study.design import Study
    from musiscene.study.tables import Tables

ALPHA: Final = 0.05
FEWEST: Final = 2


class OpinionScore(msgspec.Struct, frozen=True, kw_only=True):
    """A system's mean opinion score."""

    system: str
    """Its name."""
    score: Interval
    """Over raters and items, both drawn from many."""
    ratings: int
    """How many."""


class Difference(msgspec.Struct, frozen=True, kw_only=True):
    """Two systems' ratings by the same raters of the same items."""

    first: str
    """One system."""
    second: str
    """The other."""
    difference: Interval
    """First less second, in points of the scale; not corrected for many pairs."""
    p_value: float
    """Over raters and items: whether it would hold for others of both."""
    p_corrected: float
    """The same after Holm's correction over all pairs."""
    wilcoxon_p_corrected: float
    """Wilcoxon's signed-rank test over the raters' mean differences, corrected likewise: whether it
    would hold for other raters of these very items."""
    standardised: float
    """The difference over the standard deviation of the ratings of both (Cohen's d)."""
    superiority: float
    """Share of a rater's pairs that the first wins, ties counting half."""

    @property
    def is_clear(self) -> bool:
        """Whether one is better, after correction."""
        return self.p_corrected < ALPHA


class QuestionReport(msgspec.Struct, frozen=True, kw_only=True):
    """What was answered to one question."""

    key: str
    """Of the question."""
    text: str
    """Of the question."""
    scores: tuple[OpinionScore, ...]
    """One for each system."""
    differences: tuple[Difference, ...]
    """One for each pair of systems."""
    friedman_p: float | None
    """Whether the systems differ at all, over raters; None with fewer than three systems."""
    alpha: Interval | None
    """Krippendorff's, for ordered categories."""
    icc: Interval | None
    """ICC(2, k), of raters without gaps."""
    drift: Interval | None
    """Points by which ratings rise from the first to the last page."""
    positions: tuple[Interval, ...]
    """How far ratings in each position of an item's row lie above their system's mean."""


class StudyReport(msgspec.Struct, frozen=True, kw_only=True):
    """A study's results so far."""

    title: str
    """Of the study."""
    raters: tuple[Rater, ...]
    """All who answered anything."""
    counted: int
    """Those whose answers count."""
    finished: int
    """Those who came to the end."""
    unreadable: int
    """Lines of the file that are no record."""
    questions: tuple[QuestionReport, ...]
    """Of ratings; none until two raters count."""
    strengths: tuple[Strength, ...]
    """Of comparisons, by Bradley and Terry."""
    duels: tuple[Duel, ...]
    """Of comparisons, pair by pair."""
    completion_codes: dict[int, str]
    """Place -> code that was shown to the rater, of those who came to the end."""


def analyse(study: Study, answers: Answers) -> StudyReport:
    """Weigh the answers that exist so far.

    Args:
        study: The study.
        answers: Of it.

    Returns:
        The report; without figures until the answers of two raters count.
    """
    tables = tabulate(study, answers)
    counted = sum(rater.left_out is None for rater in tables.raters)
    finished = [rater.rater for rater in tables.raters if rater.answered == rater.trials]
    is_enough = counted >= FEWEST
    has_choices = is_enough and (tables.wins.any() or tables.neither.any())
    code = study.plan.completion_code
    return StudyReport(
        title=study.plan.title,
        raters=tables.raters,
        counted=counted,
        finished=len(finished),
        unreadable=answers.unreadable,
        questions=tuple(_questions(study, tables)) if is_enough else (),
        strengths=tuple(
            strengths(tables.wins + tables.neither / 2, study.systems, seed=study.plan.seed)
            if has_choices
            else ()
        ),
        duels=tuple(duels(tables.wins, tables.neither, study.systems)) if has_choices else (),
        completion_codes={slot: code or completion_code(study.secret, slot) for slot in finished},
    )


def _questions(study: Study, tables: Tables) -> list[QuestionReport]:
    texts = {question.key: question.text for question in study.plan.questions}
    return [
        _question(study, tables, key, texts[key])
        for key, ratings in tables.ratings.items()
        if all((~np.isnan(one)).any(axis=1).sum() >= FEWEST for one in ratings)
    ]


def _question(study: Study, tables: Tables, key: str, text: str) -> QuestionReport:
    ratings = tables.ratings[key]
    by_piece = ratings.transpose(1, 0, 2).reshape(ratings.shape[1], -1)
    off = ratings - np.nanmean(ratings, axis=(1, 2), keepdims=True)
    return QuestionReport(
        key=key,
        text=text,
        scores=tuple(
            OpinionScore(
                system=name,
                score=crossed_mean(of_system).interval(),
                ratings=int((~np.isnan(of_system)).sum()),
            )
            for name, of_system in zip(study.systems, ratings, strict=True)
        ),
        differences=tuple(differences(ratings, study.systems)),
        friedman_p=_friedman(ratings),
        alpha=ordinal_alpha(by_piece, seed=study.plan.seed),
        icc=intraclass_correlation(by_piece),
        drift=_drift(off, tables.places),
        positions=tuple(_positions(off, tables.positions)),
    )


def differences(ratings: NDArray[np.float64], systems: tuple[str, ...]) -> list[Difference]:
    """Every pair of systems that two raters rated with the same items.

    Args:
        ratings: NaN where there are none, shape (systems, raters, items).
        systems: Their names.

    Returns:
        The pairs, tested and corrected.
    """
    found: list[Difference] = []
    signed_rank: list[float] = []
    for one, other in combinations(range(len(systems)), 2):
        both = ratings[one] - ratings[other]
        if (~np.isnan(both)).any(axis=1).sum() < FEWEST:
            continue
        mean = crossed_mean(both)
        p_value = float(mean.p_values())
        spread = np.sqrt((np.nanvar(ratings[one]) + np.nanvar(ratings[other])) / 2)
        signed_rank.append(_signed_rank(both))
        found.append(
            Difference(
                first=systems[one],
                second=systems[other],
                difference=mean.interval(),
                p_value=p_value,
                p_corrected=p_value,
                wilcoxon_p_corrected=1.0,
                standardised=float(mean.mean / spread) if spread > 0 else 0.0,
                superiority=float(np.nanmean(np.where(np.isnan(both), both, np.sign(both))) + 1)
                / 2,
            )
        )
    corrected = zip(holm([one.p_value for one in found]), holm(signed_rank), strict=True)
    return [
        msgspec.structs.replace(one, p_corrected=crossed, wilcoxon_p_corrected=ranked)
        for one, (crossed, ranked) in zip(found, corrected, strict=True)
    ]


def _signed_rank(both: NDArray[np.float64]) -> float:
    from scipy.stats import wilcoxon

    answered = ~np.isnan(both).all(axis=1)
    means = np.nanmean(both[answered], axis=1)
    return float(wilcoxon(means).pvalue) if means.any() else 1.0


def _friedman(ratings: NDArray[np.float64]) -> float | None:
    from scipy.stats import friedmanchisquare

    known = ~np.isnan(ratings)
    whole = known.any(axis=2).all(axis=0)
    if len(ratings) <= FEWEST or whole.sum() < FEWEST:
        return None
    means = np.nanmean(ratings[:, whole], axis=2)  # (systems, raters)
    if (means == means[:1]).all():
        return 1.0
    return float(friedmanchisquare(*means).pvalue)


def _over_raters(values: NDArray[np.float64]) -> Interval | None:
    """A mean of one value for each rater; NaN for those without."""
    values = values[~np.isnan(values)]
    if len(values) < FEWEST:
        return None
    return crossed_mean(values[:, None]).interval()


def _drift(off: NDArray[np.float64], places: NDArray[np.float64]) -> Interval | None:
    """The mean of the raters' slopes of ratings over the session."""
    slopes = []
    for rater in range(off.shape[1]):
        known = ~np.isnan(off[:, rater])
        when, what = places[:, rater][known], off[:, rater][known]
        is_spread = len(when) > FEWEST and np.ptp(when) > 0
        slopes.append(np.polyfit(when, what, 1)[0] if is_spread else np.nan)
    return _over_raters(np.asarray(slopes))


def _positions(off: NDArray[np.float64], positions: NDArray[np.float64]) -> list[Interval]:
    found = []
    for position in range(len(off)):
        there = positions == position
        counts = there.sum(axis=(0, 2))
        sums = np.where(there & ~np.isnan(off), off, 0.0).sum(axis=(0, 2))
        of_rater = np.where(counts > 0, sums / np.maximum(counts, 1), np.nan)
        if (interval := _over_raters(of_rater)) is not None:
            found.append(interval)
    return found

"""Answers -> arrays: who is left out, and what the others said."""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec
import numpy as np
from numpy.typing import NDArray

from musiscene.study.order import session_of

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from musiscene.study.answers import Answer, Answers
    from musiscene.study.design import Study
    from musiscene.study.order import Trial


class Rater(msgspec.Struct, frozen=True, kw_only=True):
    """One rater's part in the study."""

    rater: int
    """Number of the place."""
    trials: int
    """In the session."""
    answered: int
    """Of them."""
    missed_checks: int
    """Attention checks with a wrong number."""
    minutes: float
    """On pages that were answered."""
    touch: bool
    """Whether any page was answered on a touch screen."""
    left_out: str | None = None
    """Why the answers do not count; None where they do."""


class Tables(msgspec.Struct, frozen=True, kw_only=True):
    """What counts, as arrays."""

    raters: tuple[Rater, ...]
    """All who answered anything, those left out too."""
    ratings: dict[str, NDArray[np.float64]]
    """Question -> ratings, NaN where there are none, shape (systems, raters, items)."""
    places: NDArray[np.float64]
    """How far into the session each rating was given, from 0 to 1, in the same shape."""
    positions: NDArray[np.float64]
    """Which in the row of its item's pieces it was, from 0, in the same shape."""
    wins: NDArray[np.float64]
    """Preferences of a row's system over a column's, shape (raters, systems, systems)."""
    neither: NDArray[np.float64]
    """Choices of neither, in both halves, of that shape."""


def judge_rater(study: Study, slot: int, given: Mapping[int, Answer]) -> Rater:
    """What a rater did, and whether it counts by the study's rules.

    Args:
        study: The study.
        slot: The rater's place.
        given: Trial -> answer.

    Returns:
        The rater.
    """
    session = session_of(study, slot)
    answered = [trial for trial in session if trial.number in given]
    tones = {check.token: check.tones for check in study.checks}
    missed = sum(
        given[trial.number].values.get("tones") != tones[trial.tokens[0]]
        for trial in answered
        if trial.kind == "check"
    )
    rule, why = study.plan.exclusion, None
    if missed > rule.missed_checks:
        why = f"missed {missed} attention checks"
    elif len(answered) < rule.least_share * len(session):
        why = f"answered {len(answered)} of {len(session)} trials"
    elif rule.leave_out_constant and _is_constant(answered, given):
        why = "gave every rating the same value"
    return Rater(
        rater=slot,
        trials=len(session),
        answered=len(answered),
        missed_checks=missed,
        minutes=sum(answer.milliseconds for answer in given.values()) / 60_000,
        touch=any(answer.touch for answer in given.values()),
        left_out=why,
    )


def tabulate(study: Study, answers: Answers) -> Tables:
    """Put what counts into arrays.

    Args:
        study: The study.
        answers: All that exist so far.

    Returns:
        The tables.
    """
    judged = tuple(judge_rater(study, slot, given) for slot, given in sorted(answers.given.items()))
    counted = [rater.rater for rater in judged if rater.left_out is None]
    systems = {name: at for at, name in enumerate(study.systems)}
    items = {item.name: at for at, item in enumerate(study.items)}
    shape = (len(systems), len(counted), len(items))
    ratings = {question.key: np.full(shape, np.nan) for question in study.plan.questions}
    places, positions = np.full(shape, np.nan), np.full(shape, np.nan)
    wins = np.zeros((len(counted), len(systems), len(systems)))
    neither = np.zeros_like(wins)
    for row, slot in enumerate(counted):
        session = session_of(study, slot)
        for trial in session:
            answer = answers.given[slot].get(trial.number)
            if answer is None or trial.item is None:
                continue
            heard = [systems[name] for name in trial.systems]
            if trial.kind == "comparison":
                _note_choice(answer.values["preference"], heard, wins[row], neither[row])
                continue
            cell = (heard[0], row, items[trial.item])
            places[cell] = trial.number / max(1, len(session) - 1)
            positions[cell] = trial.position
            for key, table in ratings.items():
                table[cell] = answer.values.get(key, np.nan)
    return Tables(
        raters=judged,
        ratings=ratings if study.plan.rates else {},
        places=places,
        positions=positions,
        wins=wins,
        neither=neither,
    )


def _note_choice(
    choice: int, heard: list[int], wins: NDArray[np.float64], neither: NDArray[np.float64]
) -> None:
    first, second = heard
    if choice < 0:
        neither[first, second] += 1
        neither[second, first] += 1
    elif choice == 0:
        wins[first, second] += 1
    else:
        wins[second, first] += 1


def _is_constant(answered: Sequence[Trial], given: Mapping[int, Answer]) -> bool:
    values = [
        value
        for trial in answered
        if trial.kind == "rating"
        for value in given[trial.number].values.values()
    ]
    return len(values) > 1 and len(set(values)) == 1

"""Who hears what, and when: the same for the same study and place, and balanced over places.

Systems stand in the rows of a Williams square: over as many places as it has rows, every system is
heard equally often in every position of an item, and follows every other equally often.

Source: Williams 1949, Experimental designs balanced for the estimation of residual effects of
treatments, Australian Journal of Scientific Research A 2.
"""

from __future__ import annotations

from itertools import combinations
from typing import TYPE_CHECKING, Literal

import msgspec
import numpy as np

from musiscene.errors import RaterUnknownError

if TYPE_CHECKING:
    from musiscene.study.design import Study


class Trial(msgspec.Struct, frozen=True, kw_only=True):
    """One page of one rater."""

    number: int
    """In the rater's session, from 0."""
    kind: Literal["rating", "comparison", "check"]
    """What is asked."""
    systems: tuple[str, ...]
    """Heard, in the order of the players; none in a check."""
    item: str | None
    """What they are played for; None in a check."""
    tokens: tuple[str, ...]
    """Of what is heard."""
    position: int
    """Which in a row of its item's pieces it is, from 0."""


def williams_rows(count: int) -> list[list[int]]:
    """Orders of things such that each stands in every position, and follows every other, as often.

    Args:
        count: Of things, at least 1.

    Returns:
        `count` orders for an even count or 1, else twice as many.

    Example:
        >>> williams_rows(4)
        [[0, 1, 3, 2], [1, 2, 0, 3], [2, 3, 1, 0], [3, 0, 2, 1]]
    """
    zigzag = [(place + 1) // 2 if place % 2 else -(place // 2) for place in range(count)]
    rows = [[(start + step) % count for step in zigzag] for start in range(count)]
    if count % 2 and count > 1:
        rows += [row[::-1] for row in rows]
    return rows


def session_of(study: Study, slot: int) -> list[Trial]:
    """All trials of one rater.

    Args:
        study: The study.
        slot: The rater's place, from 0.

    Returns:
        In the order they are answered: ratings first, then comparisons, checks among them.

    Raises:
        RaterUnknownError: If the study has no such place.
    """
    plan = study.plan
    if not 0 <= slot < plan.raters:
        raise RaterUnknownError(f"the study has {plan.raters} places, none with number {slot}")
    rng = np.random.default_rng([plan.seed, 1, slot])
    chosen = _chosen_items(study, slot)
    shuffled = [chosen[index] for index in rng.permutation(len(chosen))]
    trials = _ratings(study, slot, shuffled, rng) if plan.rates else []
    if plan.pairs_per_item:
        shuffled = [chosen[index] for index in rng.permutation(len(chosen))]
        trials += _comparisons(study, slot, shuffled)
    for place in sorted(rng.integers(1, len(trials) + 1, plan.checks), reverse=True):
        check = study.checks[int(rng.integers(len(study.checks)))]
        trials.insert(int(place), _trial("check", tokens=(check.token,)))
    return [msgspec.structs.replace(one, number=number) for number, one in enumerate(trials)]


def _trial(
    kind: Literal["rating", "comparison", "check"],
    *,
    tokens: tuple[str, ...],
    systems: tuple[str, ...] = (),
    item: str | None = None,
    position: int = 0,
) -> Trial:
    return Trial(
        number=0, kind=kind, systems=systems, item=item, tokens=tokens, position=position
    )  # fmt: skip


def _chosen_items(study: Study, slot: int) -> list[int]:
    """Indices of the rater's items; over the places each item is chosen equally often."""
    count = len(study.items)
    wanted = min(study.plan.items_per_rater or count, count)
    order = np.random.default_rng([study.plan.seed, 2]).permutation(count)
    return [int(order[(slot * wanted + step) % count]) for step in range(wanted)]


def _ratings(study: Study, slot: int, items: list[int], rng: np.random.Generator) -> list[Trial]:
    rows = williams_rows(len(study.systems))
    shared = np.random.default_rng([study.plan.seed, 3])  # the same for all places
    naming = shared.permutation(len(study.systems))
    offsets = shared.permutation(len(study.items))
    cells = study.by_cell

    def heard(index: int, position: int) -> Trial:
        # Places that share an item meet its rows in turn, whatever items lie between them.
        visit = slot * len(items) // len(study.items) if len(items) < len(study.items) else slot
        row = rows[(visit + int(offsets[index])) % len(rows)]
        system = study.systems[int(naming[row[position]])]
        item = study.items[index].name
        token = cells[system, item].token
        return _trial("rating", tokens=(token,), systems=(system,), item=item, position=position)

    positions = range(len(study.systems))
    if study.plan.arrangement == "item":
        return [heard(index, position) for index in items for position in positions]
    return [
        heard(items[place], position)
        for position in positions
        for place in rng.permutation(len(items))
    ]


def _comparisons(study: Study, slot: int, items: list[int]) -> list[Trial]:
    pairs = list(combinations(study.systems, 2))
    offsets = np.random.default_rng([study.plan.seed, 4]).permutation(len(study.items))
    cells = study.by_cell
    trials = []
    for index in items:
        item = study.items[index].name
        for step in range(min(study.plan.pairs_per_item, len(pairs))):
            turn = slot * study.plan.pairs_per_item + step + int(offsets[index])
            pair = pairs[turn % len(pairs)]
            if (turn // len(pairs) + slot + index) % 2:
                pair = (pair[1], pair[0])
            tokens = tuple(cells[system, item].token for system in pair)
            trials.append(_trial("comparison", tokens=tokens, systems=pair, item=item))
    return trials


def session_minutes(study: Study) -> float:
    """How long a rater needs: every piece once, and some seconds for each question."""
    seconds = 60.0  # to read and agree
    per_question = 5.0
    for trial in session_of(study, 0):
        questions = len(study.plan.questions) if trial.kind == "rating" else 1
        seconds += questions * per_question + len(trial.tokens) * study.plan.excerpt_seconds
    return seconds / 60

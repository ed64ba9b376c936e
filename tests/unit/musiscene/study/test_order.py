from __future__ import annotations

from collections import Counter
from itertools import pairwise
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from musiscene.errors import RaterUnknownError
from musiscene.study.design import Check, Item, Plan, Stimulus, Study
from musiscene.study.order import session_of, williams_rows

if TYPE_CHECKING:
    from musiscene.study.order import Trial

PLACES = 120


def study_of(
    *,
    systems: int = 4,
    items: int = 6,
    **plan: Any,  # noqa: ANN401  as Plan has them
) -> Study:
    names = tuple(f"s{at}" for at in range(systems))
    clips = tuple(Item(name=f"i{at}") for at in range(items))
    stimuli = tuple(
        Stimulus(
            token=f"{system}-{item.name}", system=system, item=item.name, source="", sha256="",
            seconds=1.0, loudness_lufs=-23.0,
        )
        for system in names
        for item in clips
    )  # fmt: skip
    checks = tuple(Check(token=f"c{tones}", tones=tones) for tones in range(1, 6))
    return Study(
        plan=Plan(**({"raters": PLACES} | plan)), systems=names, items=clips, stimuli=stimuli,
        checks=checks, media={}, secret="",
    )  # fmt: skip


def rated(trials: list[Trial]) -> list[Trial]:
    return [trial for trial in trials if trial.kind == "rating"]


class TestWilliamsRows:
    @given(st.integers(2, 9))
    def test_each_stands_everywhere_and_follows_every_other_equally_often(self, count: int):
        rows = williams_rows(count)
        stands = Counter((one, place) for row in rows for place, one in enumerate(row))
        follows = Counter(pair for row in rows for pair in pairwise(row))
        assert all(sorted(row) == list(range(count)) for row in rows)
        assert (len(stands), len(set(stands.values()))) == (count * count, 1)
        assert (len(follows), len(set(follows.values()))) == (count * (count - 1), 1)


class TestSessionOf:
    @pytest.mark.parametrize("arrangement", ["item", "spread"])
    def test_each_piece_is_heard_once_by_each_rater(self, arrangement: str):
        study = study_of(arrangement=arrangement)
        for slot in range(8):
            heard = [(one.systems, one.item) for one in rated(session_of(study, slot))]
            assert len(heard) == len(set(heard)) == 24

    @pytest.mark.parametrize("arrangement", ["item", "spread"])
    @pytest.mark.parametrize("items_per_rater", [None, 2, 3])
    def test_each_system_has_each_position_of_each_item_equally_often(
        self, arrangement: str, items_per_rater: int | None
    ):
        study = study_of(arrangement=arrangement, items_per_rater=items_per_rater)
        seen = Counter(
            (one.item, one.systems, one.position)
            for slot in range(PLACES)
            for one in rated(session_of(study, slot))
        )
        assert (len(seen), len(set(seen.values()))) == (6 * 4 * 4, 1)

    def test_an_items_pieces_stand_in_a_row_or_apart(self):
        together = rated(session_of(study_of(arrangement="item", checks=0), 3))
        assert [one.item for one in together] == sorted(
            (one.item for one in together), key=[one.item for one in together].index
        )
        apart = rated(session_of(study_of(arrangement="spread", checks=0), 3))
        assert all(
            len({one.item for one in apart[at : at + 6]}) == 6 for at in range(0, len(apart), 6)
        )

    def test_every_pair_is_compared_equally_often_with_each_first(self):
        study = study_of(rates=False, pairs_per_item=1, checks=0, raters=144)
        pairs = Counter(one.systems for slot in range(144) for one in session_of(study, slot))
        assert (len(pairs), max(pairs.values()) - min(pairs.values())) == (12, 0)

    def test_checks_stand_at_other_places_for_others_and_never_first(self):
        study = study_of(checks=3)
        places = [
            tuple(one.number for one in session_of(study, slot) if one.kind == "check")
            for slot in range(20)
        ]
        assert all(len(found) == 3 and found[0] > 0 for found in places)
        assert len(set(places)) > 15

    def test_it_is_the_same_again_and_another_with_another_seed(self):
        study, other = study_of(seed=1), study_of(seed=2)
        assert session_of(study, 5) == session_of(study, 5) != session_of(other, 5)

    @pytest.mark.parametrize("slot", [-1, PLACES])
    def test_there_is_none_without_a_place(self, slot: int):
        with pytest.raises(RaterUnknownError, match="places"):
            session_of(study_of(), slot)

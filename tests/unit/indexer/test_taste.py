from __future__ import annotations

from typing import TYPE_CHECKING
from uuid import UUID

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from indexer.taste import (
    ENOUGH,
    FAR,
    NEAR,
    PRIOR_OPINIONS,
    REJECTION_WORTH,
    Taste,
    brief_vector,
    tidy_brief,
)

if TYPE_CHECKING:
    from numpy.typing import NDArray

TRACKS = [UUID(int=number) for number in range(4)]
QUERY = np.array([[1.0, 0.0]], np.float32)

Said = tuple[float, int, bool]
"""Similarity of the brief to `QUERY`, track, verdict."""

SAID = st.tuples(
    st.sampled_from([-0.2, FAR, 0.35, 0.42, 0.5, NEAR, 0.9, 0.9951, 1.0]),
    st.integers(0, 2),
    st.booleans(),
)


def at(similarity: float) -> list[float]:
    """A brief of this similarity to `QUERY`."""
    return [similarity, float(np.sqrt(1.0 - similarity**2))]


def taste_of(said: list[Said]) -> Taste:
    return Taste(
        np.array([at(similarity) for similarity, _, _ in said], np.float32).reshape(-1, 2),
        [TRACKS[track] for _, track, _ in said],
        np.array([is_accepted for _, _, is_accepted in said], bool),
        [f"brief {number}" for number in range(len(said))],
    )


def moved(said: list[Said]) -> NDArray[np.float32]:
    return taste_of(said).adjust(QUERY, TRACKS)


class TestAdjust:
    @given(st.lists(SAID, max_size=14), SAID)
    def test_one_more_verdict_never_moves_its_track_the_wrong_way(
        self, said: list[Said], more: Said
    ):
        _, track, is_accepted = more
        before, after = moved(said)[track], moved([*said, more])[track]
        assert after >= before - 1e-6 if is_accepted else after <= before + 1e-6

    @given(st.lists(SAID, max_size=14))
    def test_stays_in_bounds_and_leaves_tracks_alone_that_nobody_judged(self, said: list[Said]):
        values = moved(said)
        assert values.dtype == np.float32
        assert (np.abs(values) <= 1.0).all()
        assert values[3] == 0.0

    @given(st.lists(SAID, max_size=14), st.randoms())
    def test_order_makes_no_difference(self, said: list[Said], chance: object):
        shuffled = list(said)
        chance.shuffle(shuffled)  # type: ignore[attr-defined]
        np.testing.assert_allclose(moved(said), moved(shuffled), atol=1e-6)

    @pytest.mark.parametrize(("is_accepted", "expected"), [(True, 1.0), (False, -1.0)])
    def test_the_very_same_brief_needs_nobody_else(self, *, is_accepted: bool, expected: float):
        assert moved([(1.0, 0, is_accepted)])[0] == expected

    def test_the_very_same_brief_outweighs_all_others(self):
        said: list[Said] = [(0.9, 0, True)] * 50
        assert 0.9 < moved(said)[0] < 1.0
        assert moved([*said, (1.0, 0, False)])[0] == -1.0

    def test_below_enough_near_opinions_nothing_happens(self):
        said: list[Said] = [(0.9, 0, True)] * (ENOUGH - 1)
        assert moved(said).tolist() == [0.0] * 4
        assert moved([*said, (0.9, 1, True)])[0] > 0.0

    def test_far_briefs_neither_count_nor_weigh(self):
        assert moved([(FAR, 0, True)] * 50).tolist() == [0.0] * 4
        said: list[Said] = [(0.9, 0, True)] * ENOUGH
        assert moved([*said, *[(FAR, 0, False)] * 50])[0] == moved(said)[0]

    def test_few_opinions_are_drawn_toward_nothing(self):
        others: list[Said] = [(0.9, 1, True)] * ENOUGH
        one, ten = (moved([*others, *[(0.9, 0, True)] * count])[0] for count in (1, 10))
        assert one == pytest.approx(1 / (1 + PRIOR_OPINIONS))
        assert ten == pytest.approx(10 / (10 + PRIOR_OPINIONS))

    def test_weighs_by_the_nearness_of_briefs_and_the_worth_of_verdicts(self):
        middle = (FAR + NEAR) / 2
        said: list[Said] = [(0.9, 0, False)] * ENOUGH + [(middle, 0, True)]
        against = REJECTION_WORTH * ENOUGH
        expected = (0.25 - against) / (ENOUGH + 0.25 + PRIOR_OPINIONS)
        assert moved(said)[0] == pytest.approx(expected, rel=1e-4)

    def test_the_acceptance_that_makes_it_enough_lets_no_rejections_loose(self):
        rejected: list[Said] = [(0.9, 0, False)] * (ENOUGH - 1)
        assert moved([*rejected, (0.9, 0, True)])[0] == 0.0

    def test_several_captions_are_one_brief(self):
        captions = np.array([at(0.8), at(-0.8)], np.float32)  # their mean points along (0, 1)
        rain = Taste(brief_vector(captions)[None], [TRACKS[0]], np.array([True]), ["rain\na cat"])
        assert rain.adjust(captions, TRACKS[:1]).tolist() == [1.0]
        assert rain.adjust(captions[:1], TRACKS[:1]).tolist() == [0.0]

    def test_the_very_same_text_is_known_by_other_vectors(self):
        taste = taste_of([(0.5, 0, False)])
        assert taste.adjust(QUERY, TRACKS[:1]).tolist() == [0.0]
        assert taste.adjust(QUERY, TRACKS[:1], brief=" brief  0\n").tolist() == [-1.0]
        assert taste.explain(QUERY, TRACKS[0], brief="brief 0") == 'rejected for "brief 0"'

    def test_captions_may_be_weighted(self):
        captions = np.array([at(0.8), at(-0.8)], np.float32)
        weights = np.array([[0.75], [0.25]], np.float32)
        rain = Taste(brief_vector(weights * captions)[None], [TRACKS[0]], np.array([True]), [""])
        assert rain.adjust(weights * captions, TRACKS[:1]).tolist() == [1.0]
        assert rain.adjust(captions, TRACKS[:1]).tolist() == [0.0]

    def test_float16_vectors_still_know_their_brief(self):
        vector = np.random.default_rng(0).normal(size=(1, 384)).astype(np.float32)
        vector /= np.linalg.norm(vector)
        stored = vector.astype("<f2").astype(np.float32)
        rain = Taste(stored, [TRACKS[0]], np.array([False]), ["rain"])
        assert rain.adjust(vector, TRACKS[:1]).tolist() == [-1.0]

    def test_without_opinions_nothing_happens(self):
        assert Taste.empty().adjust(QUERY, TRACKS).tolist() == [0.0] * 4
        assert moved([(1.0, 0, True)])[:0].tolist() == []


class TestExplain:
    def test_quotes_the_nearest_brief_that_was_gone_by(self):
        said: list[Said] = [(0.7, 0, True), (0.9, 0, True), (0.95, 0, False)]
        taste = taste_of([*said, *[(0.8, 0, True)] * ENOUGH])
        assert taste.explain(QUERY, TRACKS[0]) == 'accepted for "brief 1"'
        assert taste.explain(QUERY, TRACKS[1]) is None

    def test_says_that_the_very_same_brief_was_rejected(self):
        assert taste_of([(1.0, 0, False)]).explain(QUERY, TRACKS[0]) == 'rejected for "brief 0"'

    @given(st.lists(SAID, max_size=14))
    def test_explains_what_it_moves_and_nothing_else(self, said: list[Said]):
        taste = taste_of(said)
        for track, value in zip(TRACKS, moved(said), strict=True):
            reason = taste.explain(QUERY, track)
            assert (reason is None) == (value == 0.0)
            assert reason is None or reason.startswith("accepted" if value > 0.0 else "rejected")


class TestTaste:
    def test_opinions_that_do_not_line_up_are_refused(self):
        with pytest.raises(ValueError, match="every opinion needs"):
            Taste(np.zeros((2, 2), np.float32), TRACKS[:1], np.array([True]), ["rain"])


class TestTidyBrief:
    @pytest.mark.parametrize(
        "text", ["rain on glass", "  rain  on\tglass \n", "\nrain on glass\n\n"]
    )
    def test_blanks_make_no_difference(self, text: str):
        assert tidy_brief(text) == "rain on glass"

import numpy as np
import pytest

from musiscene.metrics.identification import (
    chance,
    identification,
    own_ranks,
    percentiles_within,
)


class TestOwnRanks:
    def test_counts_those_ahead(self):
        similarity = np.array([[0.9, 0.1, 0.2], [0.8, 0.5, 0.1], [0.9, 0.8, 0.7]])
        np.testing.assert_array_equal(own_ranks(similarity), [1, 2, 3])

    def test_ties_share_the_mean_of_their_ranks(self):
        similarity = np.array([[0.5, 0.5, 0.5], [0.9, 0.5, 0.5], [0.0, 0.0, 0.1]])
        np.testing.assert_array_equal(own_ranks(similarity), [2, 2.5, 1])

    def test_one_text_for_all_rows_stands_at_chance(self):
        row = np.random.default_rng(0).random(50)
        ranks = own_ranks(np.tile(row, (50, 1)))
        np.testing.assert_array_equal(np.sort(ranks), np.arange(1, 51))

    def test_refuses_what_is_not_square(self):
        with pytest.raises(ValueError, match=r"\(2, 3\)"):
            own_ranks(np.zeros((2, 3)))


class TestIdentification:
    def test_figures_by_hand(self):
        figures = identification(np.array([1.0, 2.0, 10.0, 20.0]))
        assert figures.recall_at_1 == 0.25
        assert figures.recall_at_10 == 0.75
        assert figures.median_rank == 6.0
        assert figures.mean_reciprocal_rank == pytest.approx((1 + 0.5 + 0.1 + 0.05) / 4)

    def test_chance_is_what_random_similarities_reach(self):
        rng = np.random.default_rng(0)
        drawn = [identification(own_ranks(rng.random((40, 40)))) for _ in range(200)]
        expected = chance(40)
        assert expected.recall_at_10 == 0.25
        for name in ("recall_at_1", "recall_at_10", "median_rank", "mean_reciprocal_rank"):
            mean = np.mean([getattr(one, name) for one in drawn])
            assert mean == pytest.approx(getattr(expected, name), rel=0.08)


class TestPercentilesWithin:
    def test_looks_among_the_own_group_only(self):
        similarity = np.array(
            [[0.5, 0.9, 0.1, 0.9], [0.1, 0.5, 0.2, 0.9], [0.9, 0.9, 0.5, 0.9], [0, 0, 0, 0]]
        )
        found = percentiles_within(similarity, ["x", "y", "x", ""])
        np.testing.assert_array_equal(found, [0.0, np.nan, 1.0, np.nan])

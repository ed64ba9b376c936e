from itertools import permutations
from math import log2

import numpy as np
import pytest

from musiscene.metrics.ranking import expect_at_random, first_rank_chances, measure_rankings

GRADES = [3.0, 1.0, 0.0, 0.0, 0.0]


class TestMeasureRankings:
    def test_figures_by_hand(self):
        gains = np.array([[0.0, 1.0, 0.0, 1.0, 0.0], [1.0, 0.0, 3.0, 0.0, 0.0]])
        figures = measure_rankings(gains, cutoffs=(2, 4))
        assert figures["first_rank"].tolist() == [2, 1]
        assert figures["reciprocal_rank"].tolist() == [0.5, 1.0]
        assert figures["precision_at_2"].tolist() == [0.5, 0.5]
        assert figures["precision_at_4"].tolist() == [0.5, 0.5]
        assert figures["recall_at_2"].tolist() == [0.5, 0.5]
        assert figures["recall_at_4"].tolist() == [1.0, 1.0]
        ideal = 1 + 1 / log2(3)
        assert figures["ndcg_at_4"][0] == pytest.approx((1 / log2(3) + 1 / log2(5)) / ideal)
        assert figures["ndcg_at_2"][1] == pytest.approx(1 / (3 + 1 / log2(3)))

    def test_the_best_order_has_an_ndcg_of_1(self):
        figures = measure_rankings(np.array([[3.0, 1.0, 0.0]]), cutoffs=(1, 2, 3))
        for cutoff in (1, 2, 3):
            assert figures[f"ndcg_at_{cutoff}"][0] == pytest.approx(1.0)

    def test_a_cutoff_past_the_end_divides_the_precision_all_the_same(self):
        figures = measure_rankings(np.array([[1.0, 0.0]]), cutoffs=(10,))
        assert figures["precision_at_10"][0] == pytest.approx(0.1)
        assert figures["recall_at_10"][0] == 1.0

    def test_refuses_a_ranking_without_wanted_tracks(self):
        with pytest.raises(ValueError, match="no wanted track"):
            measure_rankings(np.array([[1.0, 0.0], [0.0, 0.0]]), cutoffs=(1,))


class TestExpectAtRandom:
    def test_is_the_mean_over_all_orders(self):
        orders = np.array(list(permutations(GRADES)))
        measured = measure_rankings(orders, cutoffs=(1, 3, 8))
        expected = expect_at_random(np.array(GRADES), cutoffs=(1, 3, 8))
        assert set(expected) == set(measured)
        for metric, figures in measured.items():
            assert expected[metric] == pytest.approx(figures.mean()), metric


class TestFirstRankChances:
    def test_one_wanted_track_stands_anywhere_alike(self):
        np.testing.assert_allclose(first_rank_chances(4, 1), [0.25] * 4)

    @pytest.mark.parametrize("wanted", [1, 3, 7])
    def test_add_up_to_one(self, wanted: int):
        assert first_rank_chances(7, wanted).sum() == pytest.approx(1.0)

    @pytest.mark.parametrize("wanted", [0, 5])
    def test_refuses_what_no_library_holds(self, wanted: int):
        with pytest.raises(ValueError, match="of 4 tracks"):
            first_rank_chances(4, wanted)

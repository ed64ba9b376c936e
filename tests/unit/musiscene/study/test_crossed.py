from __future__ import annotations

import numpy as np
import pytest

from musiscene.study.crossed import crossed_mean
from musiscene.study.simulate import expected_ratings, simulate_ratings

WORTH = [3.0, 3.0, 3.5]


class TestCrossedMean:
    def test_the_variance_is_that_of_a_balanced_analysis_of_variance(self):
        """Expected mean squares: var(mean) = (MS raters + MS items - MS rest) / cells."""
        values = np.random.default_rng(3).normal(size=(7, 5)) + np.arange(7)[:, None]
        rows, columns = values.mean(axis=1), values.mean(axis=0)
        of_rows, of_columns = 5 * rows.var(ddof=1), 7 * columns.var(ddof=1)
        rest = values - rows[:, None] - columns + values.mean()
        of_rest = np.square(rest).sum() / 24
        found = crossed_mean(values)
        assert float(found.mean) == pytest.approx(values.mean())
        expected = (of_rows + of_columns - of_rest) / 35
        assert float(found.error) ** 2 == pytest.approx(expected)

    def test_intervals_hold_the_truth_and_equal_systems_are_called_equal(self):
        rng = np.random.default_rng(0)
        ratings = simulate_ratings(rng, WORTH, studies=1500, raters=12, items=15)
        scores = crossed_mean(ratings)
        covered = (np.abs(scores.mean - expected_ratings(WORTH)) <= scores.reach()).mean()
        assert 0.93 < covered < 0.97
        alarms = (crossed_mean(ratings[:, 0] - ratings[:, 1]).p_values() < 0.05).mean()
        assert alarms < 0.05 + 2 * (0.05 * 0.95 / 1500) ** 0.5

    def test_raters_who_heard_other_items_count_too(self):
        rng = np.random.default_rng(1)
        ratings = simulate_ratings(rng, WORTH, studies=1500, raters=24, items=12)
        turns = (np.arange(24)[:, None] + np.arange(12)) % 3 > 0
        scores = crossed_mean(np.where(turns, np.nan, ratings))
        covered = (np.abs(scores.mean - expected_ratings(WORTH)) <= scores.reach()).mean()
        assert 0.92 < covered < 0.98

    def test_one_rater_says_nothing_of_others(self):
        with pytest.raises(ValueError, match="two raters"):
            crossed_mean(np.array([[1.0, 2.0]]))

    def test_no_spread_is_no_doubt(self):
        same = crossed_mean(np.ones((3, 4)))
        assert (float(same.error), float(same.p_values())) == (0.0, 0.0)
        assert float(crossed_mean(np.zeros((3, 4))).p_values()) == 1.0

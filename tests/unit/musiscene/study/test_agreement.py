from __future__ import annotations

import numpy as np
import pytest

from musiscene.study.agreement import intraclass_correlation, ordinal_alpha

NONE = np.nan


class TestOrdinalAlpha:
    def test_it_is_what_krippendorff_computes(self):
        """Krippendorff 2011, section D: four observers, twelve units, gaps."""
        ratings = np.array([
            [1, 2, 3, 3, 2, 1, 4, 1, 2, NONE, NONE, NONE],
            [1, 2, 3, 3, 2, 2, 4, 1, 2, 5, NONE, 3],
            [NONE, 3, 3, 3, 2, 3, 4, 2, 2, 5, 1, NONE],
            [1, 2, 3, 3, 2, 4, 4, 1, 2, 5, 1, NONE],
        ])  # fmt: skip
        found = ordinal_alpha(ratings)
        assert found is not None
        assert found.mean == pytest.approx(0.815, abs=5e-4)
        assert found.low < found.mean < found.high <= 1.0

    def test_chance_is_zero(self):
        found = ordinal_alpha(np.random.default_rng(0).integers(1, 6, (20, 300)).astype(float))
        assert found is not None
        assert found.low < 0.0 < found.high
        assert abs(found.mean) < 0.02

    @pytest.mark.parametrize(
        "ratings",
        [
            pytest.param([[3.0, 3.0], [3.0, 3.0]], id="all the same"),
            pytest.param([[1.0, NONE], [NONE, 2.0]], id="no piece twice"),
        ],
    )
    def test_there_is_none_where_nothing_can_be_said(self, ratings: list[list[float]]):
        assert ordinal_alpha(np.array(ratings)) is None


class TestIntraclassCorrelation:
    def test_it_is_what_shrout_and_fleiss_compute(self):
        """Shrout & Fleiss 1979, tables 2 and 4; the interval as McGraw & Wong 1996 give it."""
        judges = np.array([
            [9, 2, 5, 8], [6, 1, 3, 2], [8, 4, 6, 8], [7, 1, 2, 6], [10, 5, 6, 9], [6, 2, 4, 7],
        ], dtype=float).T  # fmt: skip
        found = intraclass_correlation(judges)
        assert found is not None
        assert (found.mean, found.low, found.high) == pytest.approx((0.62, 0.07, 0.93), abs=5e-3)

    def test_raters_with_gaps_are_left_out(self):
        whole = np.random.default_rng(0).normal(size=(5, 8)) + np.arange(8)
        gap = np.vstack([whole, [NONE, *range(7)]])
        assert intraclass_correlation(gap) == intraclass_correlation(whole)

    def test_one_rater_agrees_with_nobody(self):
        assert intraclass_correlation(np.array([[1.0, 2.0, 3.0]])) is None

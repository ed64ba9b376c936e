import numpy as np
import pytest
from scipy.stats import ttest_rel

from musiscene.metrics.paired import holm, permutation_p


class TestPermutationP:
    def test_is_near_the_t_test_where_that_holds(self):
        rng = np.random.default_rng(0)
        first = rng.normal(size=60)
        second = first + rng.normal(0.2, 0.8, size=60)
        assert permutation_p(first, second) == pytest.approx(
            ttest_rel(first, second).pvalue, abs=0.02
        )

    def test_few_rows_are_counted_in_full(self):
        assert permutation_p(np.array([1.0, 2.0, 3.0]), np.zeros(3)) == pytest.approx(2 / 2**3)

    def test_nothing_differs(self):
        assert permutation_p(np.ones(5), np.ones(5)) == 1.0

    def test_unequal_rows_are_refused(self):
        with pytest.raises(ValueError, match="paired"):
            permutation_p(np.ones(5), np.ones(4))


class TestHolm:
    def test_is_in_the_order_given_and_never_above_one(self):
        assert holm([0.5, 0.001, 0.02]) == pytest.approx([0.5, 0.003, 0.04])
        assert holm([0.9, 0.8]) == [1.0, 1.0]
        assert holm([]) == []

import numpy as np
import pytest

from musiscene.metrics.bootstrap import bootstrap_difference, bootstrap_mean


class TestBootstrapMean:
    def test_covers_the_truth_as_often_as_it_says(self):
        rng = np.random.default_rng(0)
        intervals = [bootstrap_mean(rng.normal(3.0, 1.0, 60), resamples=400) for _ in range(300)]
        covered = np.mean([one.low <= 3.0 <= one.high for one in intervals])
        assert 0.90 <= covered <= 0.98

    def test_has_the_width_of_the_normal_interval(self):
        values = np.random.default_rng(1).normal(0.0, 2.0, 400)
        interval = bootstrap_mean(values)
        half = 1.96 * values.std() / np.sqrt(400)
        assert interval.high - interval.low == pytest.approx(2 * half, rel=0.08)
        assert interval.mean == pytest.approx(values.mean())

    def test_the_seed_decides(self):
        values = np.arange(20.0)
        assert bootstrap_mean(values, seed=4) == bootstrap_mean(values, seed=4)
        assert bootstrap_mean(values, seed=4) != bootstrap_mean(values, seed=5)

    def test_refuses_no_rows(self):
        with pytest.raises(ValueError, match="no rows"):
            bootstrap_mean(np.zeros(0))


class TestBootstrapDifference:
    def test_pairs_take_out_what_rows_share(self):
        rng = np.random.default_rng(2)
        shared = rng.normal(0.0, 5.0, 100)
        better, worse = shared + 0.3 + rng.normal(0, 0.1, 100), shared
        assert bootstrap_difference(better, worse).low > 0.2

    def test_no_difference_is_zero(self):
        values = np.arange(5.0)
        interval = bootstrap_difference(values, values)
        assert (interval.mean, interval.low, interval.high) == (0.0, 0.0, 0.0)

    def test_refuses_other_rows(self):
        with pytest.raises(ValueError, match="cannot be paired"):
            bootstrap_difference(np.zeros(3), np.zeros(4))

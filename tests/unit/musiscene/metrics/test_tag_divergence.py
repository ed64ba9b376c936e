import numpy as np
import pytest

from musiscene.metrics.tag_divergence import tag_divergence


class TestTagDivergence:
    def test_the_same_tags_diverge_by_nothing(self):
        scores = np.random.default_rng(0).uniform(size=(3, 50))
        assert tag_divergence(scores, scores) == pytest.approx(np.zeros(3))
        assert tag_divergence(scores, scores * 0.5) == pytest.approx(np.zeros(3))

    def test_two_tags_are_as_by_hand(self):
        found = tag_divergence(np.array([0.2, 0.2]), np.array([0.3, 0.1]))
        assert found == pytest.approx(0.5 * np.log(0.5 / 0.75) + 0.5 * np.log(0.5 / 0.25))

    def test_a_tag_that_is_not_heard_at_all_leaves_it_finite(self):
        assert np.isfinite(tag_divergence(np.array([1.0, 0.0]), np.array([0.0, 1.0])))

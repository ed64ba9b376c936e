import numpy as np
import pytest

from musiscene.metrics.spread import spread


class TestSpread:
    def test_one_piece_in_turns_counts_as_one(self):
        found = spread(np.tile([1.0, 2.0], (5, 1)))
        assert found.vendi == pytest.approx(1.0)
        assert found.mean_distance == pytest.approx(0.0)

    def test_wholly_different_pieces_count_in_full(self):
        found = spread(np.eye(4) * 3.0)
        assert found.vendi == pytest.approx(4.0)
        assert found.mean_distance == pytest.approx(1.0)

    def test_two_pairs_count_as_two(self):
        assert spread(np.repeat(np.eye(2), 3, axis=0)).vendi == pytest.approx(2.0)

    def test_one_piece_is_refused(self):
        with pytest.raises(ValueError, match="two"):
            spread(np.ones((1, 3)))

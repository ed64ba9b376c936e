import numpy as np
import pytest

from musiscene.metrics.kernel_distance import SCALE, KernelReference


def draws(count: int, *, shift: float = 0.0, seed: int = 0) -> np.ndarray:
    return np.random.default_rng(seed).normal(shift, 1.0, size=(count, 5))


class TestKernelReference:
    def test_small_sets_of_one_distribution_are_at_nothing_on_average(self):
        reference = KernelReference(draws(200))
        found = [reference.distance(draws(6, seed=seed)) for seed in range(1, 150)]
        error = np.std(found) / np.sqrt(len(found))
        assert abs(np.mean(found)) < 4 * error
        assert min(found) < 0 < max(found)

    def test_grows_with_the_distance(self):
        near, far = (
            KernelReference(draws(60)).distance(draws(60, shift=s, seed=1)) for s in (0.5, 2.0)
        )
        assert 0 < near < far

    def test_two_pairs_are_as_by_hand(self):
        reference, made = np.array([[0.0], [2.0]]), np.array([[0.0], [0.0]])
        one, none = np.exp(-4 / 8), 1.0
        expected = one + none - 2.0 * (2 * none + 2 * one) / 4
        assert KernelReference(reference).distance(made) == pytest.approx(SCALE * expected)

    @pytest.mark.parametrize(
        ("reference", "made", "message"),
        [
            pytest.param(draws(1), draws(3), "no pairs", id="one row"),
            pytest.param(draws(3), draws(1), "no pairs", id="one other row"),
            pytest.param(np.ones((3, 2)), draws(3)[:, :2], "one and the same", id="one point"),
        ],
    )
    def test_what_has_no_distance_is_refused(
        self, reference: np.ndarray, made: np.ndarray, message: str
    ):
        with pytest.raises(ValueError, match=message):
            KernelReference(reference).distance(made)

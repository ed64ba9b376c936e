import numpy as np
import pytest
from scipy.linalg import sqrtm

from musiscene.metrics.frechet import (
    Gaussian,
    fit_gaussian,
    frechet_distance,
    frechet_of_pieces,
)

WIDTH = 6


def draws(count: int, *, shift: float = 0.0, scale: float = 1.0, seed: int = 0) -> np.ndarray:
    return np.random.default_rng(seed).normal(shift, scale, size=(count, WIDTH))


def pieces(count: int, *, shift: float = 0.0, seed: int = 0) -> list[np.ndarray]:
    return list(draws(count * 4, shift=shift, seed=seed).reshape(count, 4, WIDTH))


class TestFrechetDistance:
    def test_one_dimension_is_the_closed_form(self):
        first = Gaussian(np.array([1.0]), np.array([[4.0]]))
        second = Gaussian(np.array([4.0]), np.array([[25.0]]))
        assert frechet_distance(first, second) == pytest.approx(3.0**2 + (2.0 - 5.0) ** 2)

    def test_diagonal_covariances_are_the_sum_over_their_axes(self):
        variances = np.array([0.5, 1.0, 9.0]), np.array([2.0, 1.0, 0.25])
        means = np.array([0.0, 1.0, -2.0]), np.array([1.0, 1.0, 2.0])
        expected = sum(
            (m - n) ** 2 + (np.sqrt(v) - np.sqrt(w)) ** 2
            for m, n, v, w in zip(*means, *variances, strict=True)
        )
        first, second = (Gaussian(m, np.diag(v)) for m, v in zip(means, variances, strict=True))
        assert frechet_distance(first, second) == pytest.approx(expected)

    def test_correlated_ones_are_as_by_a_matrix_root(self):
        rng = np.random.default_rng(1)
        mixed = [rows @ rng.normal(size=(WIDTH, WIDTH)) for rows in (draws(50), draws(60, seed=2))]
        first, second = map(fit_gaussian, mixed)
        root = sqrtm(first.covariance @ second.covariance).real
        expected = np.square(first.mean - second.mean).sum() + np.trace(
            first.covariance + second.covariance - 2.0 * root
        )
        assert frechet_distance(first, second) == pytest.approx(expected)
        assert frechet_distance(second, first) == pytest.approx(expected)

    def test_a_set_is_nowhere_from_itself(self):
        fitted = fit_gaussian(draws(40))
        assert frechet_distance(fitted, fitted) == pytest.approx(0.0, abs=1e-9)

    def test_fewer_rows_than_dimensions_are_no_trouble(self):
        fitted = fit_gaussian(draws(3))
        assert frechet_distance(fitted, fitted) == pytest.approx(0.0, abs=1e-6)

    def test_one_row_is_refused(self):
        with pytest.raises(ValueError, match="no covariance"):
            fit_gaussian(draws(1))


class TestFrechetOfPieces:
    REFERENCE = Gaussian(np.zeros(WIDTH), np.eye(WIDTH))

    def test_the_fewer_pieces_the_larger_and_the_limit_is_nearer_the_truth(self):
        found = {
            count: [
                frechet_of_pieces(self.REFERENCE, pieces(count, seed=seed), seed=seed, resamples=2)
                for seed in range(20)
            ]
            for count in (8, 32)
        }
        plain = {n: np.mean([one.distance.mean for one in all_]) for n, all_ in found.items()}
        limit = {n: np.mean([one.limit for one in all_]) for n, all_ in found.items()}
        assert plain[8] > 2.0 * plain[32] > 0.0  # the truth is 0
        assert abs(limit[8]) < 0.4 * plain[8]
        assert abs(limit[32]) < 0.4 * plain[32]

    def test_the_limit_of_shifted_pieces_is_their_shift(self):
        found = [
            frechet_of_pieces(self.REFERENCE, pieces(20, shift=1.0, seed=seed), resamples=2)
            for seed in range(20)
        ]
        assert np.mean([one.limit for one in found]) == pytest.approx(WIDTH, rel=0.05)
        assert found[0].bias == pytest.approx(found[0].distance.mean - found[0].limit)

    def test_the_interval_holds_the_distance_and_is_the_same_for_a_seed(self):
        first, second = (
            frechet_of_pieces(self.REFERENCE, pieces(10, shift=0.5), seed=3) for _ in range(2)
        )
        assert first == second
        assert first.distance.low < first.distance.mean < first.distance.high

    def test_too_few_pieces_are_refused(self):
        with pytest.raises(ValueError, match="too few"):
            frechet_of_pieces(self.REFERENCE, pieces(3))

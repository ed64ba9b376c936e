from __future__ import annotations

import numpy as np
import pytest
from scipy.optimize import minimize

from musiscene.metrics.paired import holm
from musiscene.study.preference import PRIOR, duels, log_strengths, strengths

SYSTEMS = ("a", "b", "c")


class TestLogStrengths:
    def test_they_are_the_most_likely_ones(self):
        wins = np.array([[0, 8, 9], [3, 0, 6], [1, 4, 0]], dtype=float)

        def cost(logs: np.ndarray) -> float:
            gaps = logs[:, None] - logs[None, :]
            return float(((wins + PRIOR * (1 - np.eye(3))) * np.log1p(np.exp(-gaps))).sum())

        best = minimize(cost, np.zeros(3), tol=1e-12).x
        assert log_strengths(wins) == pytest.approx(best - best.mean(), abs=1e-4)

    def test_one_that_never_lost_stays_finite(self):
        assert np.isfinite(log_strengths(np.array([[0.0, 9.0], [0.0, 0.0]]))).all()


class TestStrengths:
    def test_intervals_hold_known_strengths(self):
        rng, logs = np.random.default_rng(0), np.array([0.8, 0.0, -0.8])
        odds = 1 / (1 + np.exp(logs[None, :] - logs[:, None]))
        held = 0
        for study in range(60):
            upper = np.triu(rng.binomial(4, odds, size=(30, 3, 3)), 1)
            wins = upper + np.transpose(np.triu(4 - upper, 1), (0, 2, 1))
            found = strengths(wins.astype(float), SYSTEMS, seed=study, resamples=200)
            held += sum(
                one.strength.low <= truth <= one.strength.high
                for one, truth in zip(found, logs, strict=True)
            )
        assert held / 180 > 0.88


class TestDuels:
    def test_a_rater_counts_once_however_often_asked(self):
        wins = np.zeros((2, 3, 3))
        wins[0, 0, 1], wins[1, 1, 0] = 50, 1
        [duel] = duels(wins, np.zeros_like(wins), SYSTEMS)
        assert (duel.first_wins, duel.raters_for_first, duel.raters_for_second) == (50, 1, 1)
        assert duel.p_value == 1.0

    def test_all_raters_on_one_side_are_clear(self):
        wins = np.zeros((12, 3, 3))
        wins[:, 0, 1] = 1
        [duel] = duels(wins, np.zeros_like(wins), SYSTEMS)
        assert duel.p_value == pytest.approx(2 * 0.5**12)


class TestHolm:
    def test_it_is_what_statisticians_print(self):
        assert holm([0.01, 0.02, 0.03, 0.04]) == pytest.approx([0.04, 0.06, 0.06, 0.06])
        assert holm([]) == []

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from indexer.match import STAGES
from indexer.matching.fusion import Curve, answer_measures, fitted


class TestCurve:
    @given(st.floats(-1e6, 1e6))
    def test_is_a_probability_at_any_measure(self, measure: float):
        assert 0.0 <= Curve(bias=0.5, slopes={"score": 3.0}).chance({"score": measure}) <= 1.0

    def test_is_the_logistic_function(self):
        curve = Curve(bias=1.0, slopes={"a": 2.0, "b": -1.0})
        assert curve.chance({"a": 0.5, "b": 2.0}) == pytest.approx(0.5)
        assert curve.chance({"a": 1.0, "b": 0.0}) == pytest.approx(1 / (1 + np.exp(-3.0)))


class TestFitted:
    def test_every_stage_has_a_weight_and_none_is_turned_round(self):
        assert set(fitted().weights) == set(STAGES)
        assert min(fitted().weights.values()) >= 0.0

    def test_a_better_score_is_never_less_sure(self):
        assert fitted().fits.slopes.keys() == {"score"}
        assert fitted().fits.slopes["score"] > 0

    def test_the_curve_asks_for_measures_that_there_are(self):
        measures = answer_measures(
            np.zeros(14, np.float32), strangeness=1.0, mood_value=0.0, likeness=0.0, facts=0.0
        )
        assert set(fitted().answerable.slopes) <= set(measures)
        assert 0.0 < fitted().answered_from < 1.0

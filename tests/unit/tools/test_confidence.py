from __future__ import annotations

import numpy as np
import pytest

from tools.asking import Asked, error_of
from tools.confidence import (
    accepted,
    answer_calibrations,
    calibration,
    hit_calibrations,
    risk_coverage,
    risks,
    wilson,
)


def asked(text: str, chance: float, *, kind: str = "", best: int = 0) -> Asked:
    """A brief in a library of two tracks, of which it wants the first if it has an answer."""
    return Asked(
        text,
        kind,
        np.zeros((1, 2)),
        np.array([not kind, False]),
        {},
        chance,
        chance * np.array([0.4, 0.4]),
        np.array([best, 1 - best]),
        are_all_known=not kind,
    )


class TestWilson:
    def test_agrees_with_a_published_interval(self):
        # Newcombe 1998, Statistics in Medicine 17(8), table I: 81 of 263.
        found = wilson(81 / 263, 263)
        assert (found.low, found.high) == pytest.approx((0.2553, 0.3662), abs=5e-5)

    def test_is_not_empty_where_nothing_was_answered(self):
        found = wilson(0.0, 10)
        assert found.low == 0.0
        assert found.high == pytest.approx(0.2775, abs=5e-5)


class TestAccepted:
    def test_the_same_text_in_two_libraries_is_one_trial(self):
        once = accepted("x", [asked("a", 0.9, kind="k"), asked("a", 0.1, kind="k")], 0.5)
        assert (once.texts, once.accepted) == (1, wilson(0.5, 1))


class TestCalibration:
    def test_chances_that_come_true_as_often_as_they_say_have_no_error(self):
        chances, labels = np.full(4, 0.25), np.array([True, False, False, False])
        found = calibration("x", chances, labels)
        assert (found.error, found.true) == (0.0, 0.25)
        assert found.error_by_luck > 0.0

    def test_sure_and_wrong_is_the_largest_error(self):
        assert error_of(np.ones(3), np.zeros(3, bool)) == 1.0

    def test_both_sorts_weigh_alike_however_many_there_are(self):
        rows = [asked("real", 0.5), *(asked(str(one), 0.5, kind="k") for one in range(9))]
        counted, alike = answer_calibrations(rows)
        assert counted.error == pytest.approx(0.4)
        assert alike.error == pytest.approx(0.0)

    def test_hits_of_nonsense_are_never_right(self):
        everything, shown, mixed = hit_calibrations([asked("a", 1.0), asked("b", 1.0, kind="k")])
        assert (everything.true, shown.true, mixed.true) == (0.5, 0.5, 0.25)


class TestRisks:
    def test_equals_share_their_risk(self):
        wrong = np.array([1.0, 0.0])
        assert risks(np.zeros(2), wrong).tolist() == [0.5, 0.5]

    def test_a_random_order_has_the_area_that_is_stated(self):
        generator = np.random.default_rng(0)
        wrong = (generator.random(40) < 0.3).astype(float)
        areas = [risks(generator.random(40), wrong).mean() for _ in range(2000)]
        assert np.mean(areas) == pytest.approx(wrong.mean(), abs=0.01)


class TestRiskCoverage:
    def test_knowing_what_is_wrong_reaches_the_perfect_area(self):
        rows = [
            asked("right", 0.9),
            asked("wrong", 0.2, best=1),
            asked("none", 0.1, kind="k"),
        ]
        found = risk_coverage("x", rows, 0.15)
        assert found.area == found.area_perfect == pytest.approx((0 + 1 / 2 + 2 / 3) / 3)
        assert found.coverage == pytest.approx(2 / 3)
        assert found.risk == 0.5
        assert found.gain.mean == pytest.approx(2 / 3 - found.area)

    def test_the_other_way_round_is_worse_than_random(self):
        rows = [asked("right", 0.1), asked("none", 0.9, kind="k")]
        found = risk_coverage("x", rows, 0.5)
        assert found.area > found.area_random > found.area_perfect

from __future__ import annotations

from musiscene.study.power import power_of, raters_needed


class TestPowerOf:
    def test_more_raters_find_more_and_equal_systems_stay_equal(self):
        few = power_of(raters=8, difference=0.6, items=12, studies=150)
        many = power_of(raters=40, difference=0.6, items=12, studies=150)
        assert few.power < many.power
        none = power_of(raters=10, difference=0.0, items=12, studies=300)
        assert none.false_alarms <= 0.05 + 2 * (0.05 * 0.95 / 300) ** 0.5
        assert 0.92 < none.coverage < 0.98


class TestRatersNeeded:
    def test_a_large_difference_needs_few_and_a_tiny_one_more_than_there_are(self):
        large = raters_needed(1.0, systems=3, items=12, studies=60)
        assert large is not None
        assert large <= 15
        assert raters_needed(0.01, systems=3, items=12, studies=30) is None

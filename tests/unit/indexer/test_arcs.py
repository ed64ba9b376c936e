from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from indexer.arcs import CLIMAX_SHARE, FULL_RISE, Energy


class TestArcFits:
    @settings(deadline=None, max_examples=60)
    @given(st.lists(st.floats(0, 1, width=16), min_size=8, max_size=80), st.data())
    def test_look_ups_give_what_sampling_the_window_gives(
        self, values: list[float], data: st.DataObject
    ):
        energy = Energy(np.array(values), float(len(values)))
        start = data.draw(st.floats(0, len(values) - 5.0))
        end = data.draw(st.floats(start + 4.0, len(values)))
        fits = energy.arc_fits(np.array([start]), np.array([end]))
        moments = np.linspace(start, end, 60_001)[:-1] + (end - start) / 120_000
        level = energy.level[np.minimum(moments.astype(int), len(values) - 1)]
        steady = 1 - min(np.sqrt(12) * level.std(), 1)
        assert fits["steady"][0] == pytest.approx(steady, abs=2e-3)
        if level.std() > 0.05:
            rise = np.polyfit(moments, level, 1)[0] * (end - start)
            shape = np.corrcoef(moments, level)[0, 1] * min(abs(rise) / FULL_RISE, 1)
            loud = level[-20_000:] if shape > 0 else level[:20_000]
            fit = abs(shape) * (1 - CLIMAX_SHARE + CLIMAX_SHARE * loud.mean())
            assert fits["build" if shape > 0 else "release"][0] == pytest.approx(fit, abs=5e-3)

    def test_silence_is_steady(self):
        fits = Energy(np.zeros(0), 30.0).arc_fits(np.array([0.0]), np.array([30.0]))
        assert fits["build"][0] == fits["release"][0] == 0
        assert fits["steady"][0] == pytest.approx(1, abs=1e-3)


class TestMeans:
    def test_are_of_the_energy_as_measured(self):
        energy = Energy(np.array([0.2, 0.4, 0.6, 0.8]), 4.0)
        assert energy.means(np.array([0.0, 2.0, 3.5])) == pytest.approx((0.3, 2 / 3), abs=1e-3)

    def test_a_curve_that_is_too_short_goes_on(self):
        assert Energy(np.array([0.5]), 2.2).curve.tolist() == [0.5, 0.5, 0.5]


class TestPeak:
    def test_is_the_loudest_second_of_the_window(self):
        energy = Energy(np.array([1.0, 0.2, 0.7, 0.3]), 4.0)
        assert energy.peak(1.0, 4.0) == 2.5

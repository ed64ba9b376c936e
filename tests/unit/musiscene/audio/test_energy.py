import tracemalloc

import numpy as np
import pytest

from musiscene.audio.energy import ENERGY_RANGE_DB, energy_curve
from tests.support.music import RATE, noise


class TestEnergyCurve:
    def test_rises_with_a_crescendo(self):
        waveform = noise(10) * np.linspace(0.01, 1, 10 * RATE, dtype=np.float32)

        curve = energy_curve(waveform, sample_rate=RATE)

        assert curve.shape == (10,)
        assert np.all(np.diff(curve) > 0)
        assert curve[-1] == 1.0

    def test_twenty_decibels_are_half_of_the_range(self):
        waveform = noise(4)
        waveform[: 2 * RATE] *= 0.1

        curve = energy_curve(waveform, sample_rate=RATE)

        assert curve[0] == pytest.approx(1 - 20 / ENERGY_RANGE_DB, abs=0.03)

    def test_does_not_depend_on_where_the_minutes_are_cut(self):
        waveform = noise(125)

        curve = energy_curve(waveform, sample_rate=RATE)

        assert curve.shape == (125,)
        assert curve.min() > 0.97

    def test_a_partial_second_counts(self):
        assert energy_curve(noise(2.5), sample_rate=RATE).shape == (3,)

    def test_silence_is_zero(self):
        assert not energy_curve(np.zeros(3 * RATE, dtype=np.float32), sample_rate=RATE).any()
        assert energy_curve(np.zeros(0, dtype=np.float32), sample_rate=RATE).shape == (0,)

    def test_memory_does_not_grow_with_length(self):
        waveform = np.full(20 * 60 * RATE, 0.1, dtype=np.float32)
        energy_curve(waveform[:RATE], sample_rate=RATE)
        tracemalloc.start()

        energy_curve(waveform, sample_rate=RATE)

        peak = tracemalloc.get_traced_memory()[1]
        tracemalloc.stop()
        assert peak < waveform.nbytes / 2

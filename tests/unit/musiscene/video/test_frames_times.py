"""Times of frames as files have them, right and wrong."""

from __future__ import annotations

from fractions import Fraction
from typing import TYPE_CHECKING

import numpy as np
import pytest

from musiscene.video.frames_times import FrameTimes, frame_times

if TYPE_CHECKING:
    from numpy.typing import ArrayLike

RATE = Fraction(25)


def times_of(stamps: ArrayLike, rate: Fraction = RATE) -> FrameTimes:
    return frame_times(np.asarray(stamps, dtype=float), rate=rate, last_seconds=None)


class TestFrameTimes:
    @pytest.mark.parametrize("rate", [Fraction(24000, 1001), Fraction(60000, 1001), RATE])
    def test_milliseconds_keep_the_grid(self, rate: Fraction):
        found = times_of(np.round(np.arange(5000) / float(rate), 3), rate)
        assert (found.rate, found.is_variable, found.repaired) == (rate, False, 0)
        assert found.numbers.tolist() == list(range(5000))
        assert found.count == 5000

    def test_a_header_that_is_wrong_yields_to_the_frames(self):
        found = times_of(np.arange(500) * 1001 / 24000, Fraction(30))
        assert (found.rate, found.is_variable) == (Fraction(24000, 1001), False)

    def test_a_few_frames_left_out_are_gaps_in_the_numbers(self):
        kept = np.delete(np.arange(300), [50, 120])
        found = times_of(kept / 25)
        assert not found.is_variable
        assert found.numbers.tolist() == kept.tolist()

    def test_uneven_times_are_numbered_at_the_mean_rate(self):
        stamps = np.cumsum(np.random.default_rng(1).uniform(0.01, 0.09, 400))
        found = times_of(stamps - stamps[0])
        assert found.is_variable
        assert float(found.rate) == pytest.approx(399 / (stamps[-1] - stamps[0]), rel=1e-3)
        assert abs(found.count - 400) <= 1

    def test_repeated_and_missing_times_are_repaired_and_counted(self):
        stamps = np.arange(100) / 25
        stamps[10] = np.nan
        stamps[20] = stamps[19]
        stamps[30] = 0.0
        found = times_of(stamps)
        assert found.repaired == 3
        assert np.all(np.diff(found.seconds) > 0)
        assert found.seconds[99] == pytest.approx(99 / 25)

    def test_no_times_at_all_mean_the_stated_rate(self):
        for stamps in (np.zeros(50), np.full(50, np.nan)):
            found = times_of(stamps)
            assert found.seconds.tolist() == pytest.approx((np.arange(50) / 25).tolist())

    def test_one_frame_lasts_one_frame(self):
        found = times_of([0.0])
        assert (found.count, found.duration_seconds) == (1, 0.04)

from __future__ import annotations

import numpy as np
import pytest

from musiscene.audio.loudness import LoudnessMeter, integrated_lufs
from musiscene.errors import GenerationError
from musiscene.generate.mastering import CEILING, to_loudness, true_peak

RATE = 32_000


def lufs(music: np.ndarray) -> float:
    meter = LoudnessMeter(sample_rate=RATE, weights=[1.0] * len(music))
    meter.add(music)
    return integrated_lufs(meter.block_powers()) or -np.inf


def clicks(level: float) -> np.ndarray:
    """Soft noise with short loud strokes."""
    random = np.random.default_rng(0)
    noise = 0.05 * random.standard_normal((2, 12 * RATE))
    noise[:, :: RATE // 2] += level
    return noise.astype(np.float32)


class TestToLoudness:
    @pytest.mark.parametrize("level", [0.3, 1.0, 2.0])
    def test_reaches_its_loudness_below_the_ceiling(self, level: float):
        music = to_loudness(clicks(level), sample_rate=RATE)
        assert lufs(music) == pytest.approx(-16.0, abs=0.2)
        assert true_peak(music) <= CEILING * 1.0001

    def test_holds_peaks_that_lie_between_samples(self):
        times = np.arange(8 * RATE)
        quarter = np.sin(np.pi * times / 2 + np.pi / 4)  # samples at 0.707 of the peak
        loud = quarter[None].astype(np.float32)
        assert true_peak(loud) == pytest.approx(1.0, abs=0.03)
        music = to_loudness(loud, sample_rate=RATE, target_lufs=-1.0)
        assert true_peak(music) <= CEILING * 1.0001

    def test_leaves_the_shape_of_what_needs_no_limit(self):
        quiet = 0.01 * np.random.default_rng(1).standard_normal((1, 6 * RATE)).astype(np.float32)
        music = to_loudness(quiet, sample_rate=RATE, target_lufs=-30.0)
        assert np.ptp(music[0] / quiet[0]) < 1e-3

    def test_refuses_silence(self):
        with pytest.raises(GenerationError, match="silent"):
            to_loudness(np.zeros((2, 4 * RATE), np.float32), sample_rate=RATE)

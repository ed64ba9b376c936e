import subprocess
import sys

import numpy as np
import pytest

from musiscene.audio.tempo import estimate_tempo
from tests.support.music import RATE, clicks, noise


class TestEstimateTempo:
    @pytest.mark.parametrize("bpm", [82.0, 97.0, 120.0, 141.5])
    def test_finds_the_tempo_of_a_click_track(self, bpm: float):
        estimate = estimate_tempo(clicks(bpm, 20), sample_rate=RATE)

        assert estimate.bpm == pytest.approx(bpm, rel=0.01)

    def test_agrees_at_another_sample_rate(self):
        waveform = np.repeat(clicks(100, 15), 3)

        assert estimate_tempo(waveform, sample_rate=3 * RATE).bpm == pytest.approx(100, rel=0.01)

    def test_is_surer_of_clicks_than_of_noise(self):
        of_clicks = estimate_tempo(clicks(110, 20), sample_rate=RATE)
        of_noise = estimate_tempo(noise(20), sample_rate=RATE)

        assert of_noise.confidence < 0.5 < of_clicks.confidence

    @pytest.mark.parametrize("samples", [0, 1, 100, RATE])
    def test_short_silence_has_no_tempo(self, samples: int):
        estimate = estimate_tempo(np.zeros(samples, dtype=np.float32), sample_rate=RATE)

        assert (estimate.bpm, estimate.confidence) == (0.0, 0.0)

    def test_one_second_of_sound_gives_a_tempo_within_the_grid(self):
        assert 40 <= estimate_tempo(noise(1), sample_rate=RATE).bpm <= 245

    def test_same_input_gives_the_same_answer(self):
        waveform = clicks(93, 12) + noise(12)

        first, second = (estimate_tempo(waveform, sample_rate=RATE) for _ in range(2))

        assert first == second

    def test_gain_changes_nothing(self):
        waveform = clicks(93, 12)

        quiet = estimate_tempo(0.01 * waveform, sample_rate=RATE)

        assert quiet.bpm == pytest.approx(estimate_tempo(waveform, sample_rate=RATE).bpm, rel=0.01)

    def test_pace_never_moves_a_tempo_except_by_a_simple_ratio(self):
        waveform = clicks(100, 20, accent_every=2)
        plain = estimate_tempo(waveform, sample_rate=RATE).bpm

        for pace in (-1.0, 1.0):
            ratio = estimate_tempo(waveform, sample_rate=RATE, pace=pace).bpm / plain
            assert min(abs(ratio / r - 1) for r in (1 / 3, 0.5, 2 / 3, 1, 1.5, 2, 3)) < 0.02

    def test_rejects_stereo(self):
        with pytest.raises(ValueError, match="mono"):
            estimate_tempo(np.zeros((2, RATE), dtype=np.float32), sample_rate=RATE)

    def test_module_imports_without_the_signal_libraries(self):
        code = (
            "import sys, musiscene.audio.tempo, musiscene.audio.key\n"
            "sys.exit(bool({'librosa', 'scipy'} & set(sys.modules)))"
        )

        finished = subprocess.run([sys.executable, "-c", code], check=False)  # noqa: S603

        assert finished.returncode == 0

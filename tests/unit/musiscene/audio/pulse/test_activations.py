import numpy as np
import pytest

from musiscene.audio.pulse import activations
from musiscene.audio.pulse.activations import beat_activations
from musiscene.audio.pulse.spectra import FRAME_RATE
from tests.support.music import RATE, clicks, noise


class TestBeatActivations:
    def test_are_fifty_probabilities_a_second(self):
        heard = beat_activations(clicks(120, 3.03), sample_rate=RATE)

        assert heard.shape == (152, 2)
        assert heard.dtype == np.float32
        assert (heard >= 0).all()
        assert (heard.sum(axis=1) <= 1 + 1e-6).all()

    def test_are_high_at_clicks_and_low_between(self):
        heard = beat_activations(clicks(120, 12), sample_rate=RATE).sum(axis=1)
        beats = np.arange(5.1, 11.5, 0.5) * FRAME_RATE

        near = np.rint(beats).astype(int)[:, None] + np.arange(-1, 3)
        between = np.rint(beats + 0.2 * FRAME_RATE).astype(int)
        assert heard[near].max(axis=1).mean() > 0.5
        assert heard[between].mean() < 0.1

    def test_chunks_change_nothing(self, monkeypatch: pytest.MonkeyPatch):
        waveform = clicks(93, 45) + noise(45)
        whole = beat_activations(waveform, sample_rate=RATE)

        monkeypatch.setattr(activations, "STRIPS_AT_ONCE", 1)

        difference = np.abs(beat_activations(waveform, sample_rate=RATE) - whole)

        assert difference.mean() < 0.001

    def test_strips_change_little(self, monkeypatch: pytest.MonkeyPatch):
        waveform = clicks(93, 45) + noise(45)
        monkeypatch.setattr(activations, "STRIP_FRAMES", 60 * FRAME_RATE)
        in_one_go = beat_activations(waveform, sample_rate=RATE)
        monkeypatch.undo()

        difference = np.abs(beat_activations(waveform, sample_rate=RATE) - in_one_go)

        assert difference.mean() < 0.005

    def test_gain_changes_nothing(self):
        waveform = clicks(93, 6)
        quiet = beat_activations(0.01 * waveform, sample_rate=RATE)

        np.testing.assert_allclose(quiet, beat_activations(waveform, sample_rate=RATE), atol=0.02)

    @pytest.mark.parametrize("samples", [0, 1, 319, 321])
    def test_silence_has_no_beats(self, samples: int):
        heard = beat_activations(np.zeros(samples, np.float32), sample_rate=RATE)

        assert heard.shape == (-(-samples // 320), 2)
        assert not heard.any()

    def test_values_that_are_not_finite_are_silence(self):
        waveform = clicks(120, 4)
        waveform[1000:1010] = np.nan
        waveform[2000] = np.inf

        assert np.isfinite(beat_activations(waveform, sample_rate=RATE)).all()

    def test_rejects_stereo(self):
        with pytest.raises(ValueError, match="mono"):
            beat_activations(np.zeros((2, RATE), np.float32), sample_rate=RATE)

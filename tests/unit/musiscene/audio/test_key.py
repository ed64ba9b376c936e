import numpy as np
import pytest

from musiscene.audio.key import MODES, TONICS, estimate_key
from tests.support.music import RATE, cadence, noise


class TestEstimateKey:
    @pytest.mark.parametrize("mode", MODES)
    @pytest.mark.parametrize("tonic", range(12))
    def test_finds_the_key_of_a_cadence(self, tonic: int, mode: str):
        estimate = estimate_key(cadence(tonic, mode), sample_rate=RATE)

        assert estimate.name == f"{TONICS[tonic]}:{mode}"

    def test_follows_a_recording_tuned_a_third_of_a_semitone_sharp(self):
        waveform = cadence(4, "major")
        positions = np.arange(0, len(waveform) - 1, 2 ** (0.33 / 12))
        sharp = np.interp(positions, np.arange(len(waveform)), waveform).astype(np.float32)

        assert estimate_key(sharp, sample_rate=RATE).name == "E:major"

    def test_is_surer_of_a_cadence_than_of_noise(self):
        of_music = estimate_key(cadence(7, "major"), sample_rate=RATE)
        of_noise = estimate_key(noise(10), sample_rate=RATE)

        assert of_noise.confidence < 0.5 < of_music.confidence

    @pytest.mark.parametrize("samples", [0, 1, 100, RATE])
    def test_silence_has_no_confidence(self, samples: int):
        estimate = estimate_key(np.zeros(samples, dtype=np.float32), sample_rate=RATE)

        assert estimate.confidence == 0.0

    def test_same_input_gives_the_same_answer(self):
        waveform = cadence(2, "minor") + noise(8)

        assert estimate_key(waveform, sample_rate=RATE) == estimate_key(waveform, sample_rate=RATE)

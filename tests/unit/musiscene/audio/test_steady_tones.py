from __future__ import annotations

import numpy as np

from musiscene.audio.steady_tones import MUSIC_STEADINESS, tone_steadiness
from tests.support.music import RATE, cadence, noise
from tests.support.voices import needs_espeak, spoken


def hum(seconds: float) -> np.ndarray:
    time = np.arange(round(seconds * RATE)) / RATE
    partials = [np.sin(2 * np.pi * 50 * part * time) / part for part in range(1, 30)]
    summed: np.ndarray = 0.1 * np.sum(partials, axis=0)
    return summed.astype(np.float32)


class TestToneSteadiness:
    def test_music_is_steady_in_every_second(self):
        found = tone_steadiness(cadence(0, "major", seconds_per_chord=4.0))
        assert found.shape == (32,)
        assert (found > MUSIC_STEADINESS).mean() > 0.9

    def test_noise_silence_and_hum_are_no_music(self):
        for sound in (noise(20.0), np.zeros(20 * RATE, np.float32), hum(20.0)):
            assert (tone_steadiness(sound.astype(np.float32)) < MUSIC_STEADINESS).all()

    @needs_espeak
    def test_a_voice_is_no_music(self):
        assert np.median(tone_steadiness(spoken())) < MUSIC_STEADINESS

    def test_short_sounds_have_seconds_too(self):
        assert tone_steadiness(np.zeros(0, np.float32)).shape == (0,)
        assert tone_steadiness(np.zeros(1_000, np.float32)).tolist() == [0.0]

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from musiscene.audio.masking import (
    BANDS_HZ,
    IMPORTANCE,
    LOWEST_GAIN_DB,
    SILENCE_DB,
    band_levels_db,
    masking,
    needed_gain_db,
    window_levels_db,
)

RATE = 16_000
LEVELS = st.lists(st.floats(-90, 0), min_size=18, max_size=18).map(np.array)


def tone(hertz: float, *, rate: int = RATE, seconds: float = 1.0, peak: float = 0.1) -> np.ndarray:
    time = np.arange(round(seconds * rate)) / rate
    return (peak * np.sin(2 * np.pi * hertz * time)).astype(np.float32)


class TestBandLevels:
    @pytest.mark.parametrize("hertz", [200.0, 1000.0, 4000.0])
    def test_a_tone_has_its_level_in_its_band(self, hertz: float):
        levels = band_levels_db(tone(hertz), RATE)
        assert BANDS_HZ[int(levels.argmax())] == hertz
        assert levels.max() == pytest.approx(-23.0, abs=0.5)

    def test_white_noise_rises_a_decibel_a_band(self):
        noise = np.random.default_rng(0).normal(scale=0.1, size=10 * RATE).astype(np.float32)
        levels = band_levels_db(noise, RATE)
        assert levels[10] - levels[4] == pytest.approx(6.0, abs=0.7)
        total = 10 * np.log10(np.sum(10 ** (levels / 10)))
        assert total == pytest.approx(-20.0, abs=0.5)

    def test_sample_rates_agree(self):
        noise = np.random.default_rng(0).normal(scale=0.1, size=48_000 * 4).astype(np.float32)
        import soxr

        slow = soxr.resample(noise, 48_000, RATE, quality="VHQ")
        difference = band_levels_db(noise, 48_000) - band_levels_db(slow, RATE)
        assert np.abs(difference[:-1]).max() < 0.3
        assert abs(difference[-1]) < 1.5  # half of it lies at the resampler's edge

    def test_silence_and_nothing_are_silent(self):
        for sound in (np.zeros(RATE, np.float32), np.zeros(0, np.float32)):
            assert (band_levels_db(sound, RATE) <= SILENCE_DB + 0.01).all()

    def test_a_few_samples_have_a_level(self):
        assert band_levels_db(tone(1000.0)[:300], RATE).max() == pytest.approx(-23.0, abs=4)

    def test_windows_follow_the_sound(self):
        sound = np.concatenate([tone(1000.0), np.zeros(RATE, np.float32), tone(1000.0)[:4000]])
        levels = window_levels_db(sound, RATE)
        assert levels.shape == (3, 18)
        assert levels[0].max() > -24 > -100 > levels[1].max()
        assert levels[2].max() == pytest.approx(levels[0].max(), abs=0.5)
        assert window_levels_db(sound[:0], RATE).shape == (0, 18)


class TestMasking:
    def test_the_importances_sum_to_one(self):
        assert sum(IMPORTANCE) == pytest.approx(1.0)

    @given(LEVELS, LEVELS, st.floats(0, 30))
    def test_louder_music_never_masks_less(self, voice: np.ndarray, music: np.ndarray, more: float):
        before, after = masking(voice, music), masking(voice, music + more)
        assert 0 <= before <= after + 1e-9 <= 1 + 1e-6

    def test_what_lies_outside_the_voice_masks_nothing(self):
        voice = np.full(18, -30.0)
        bass = np.full(18, -90.0)
        bass[:2] = 0.0
        assert masking(voice, bass) == pytest.approx(sum(IMPORTANCE[:2]))

    def test_a_voice_of_few_bands_is_measured_in_them(self):
        telephone = np.full(18, -110.0)
        telephone[4:13] = -30.0
        assert masking(telephone, np.full(18, -30.0)) == pytest.approx(0.5)

    def test_nobody_can_be_masked_where_nobody_speaks(self):
        assert masking(np.full(18, SILENCE_DB), np.zeros(18)) == 0.0

    def test_thousands_of_windows_at_once(self):
        draw = np.random.default_rng(0)
        voice, music = draw.uniform(-60, -20, (3, 1, 18)), draw.uniform(-60, -20, (50, 18))
        lost = masking(voice, music)
        assert isinstance(lost, np.ndarray)
        assert lost.shape == (3, 50)
        assert lost[1, 7] == pytest.approx(masking(voice[1, 0], music[7]))


class TestNeededGain:
    @given(LEVELS, LEVELS, st.floats(0.05, 0.9))
    def test_brings_the_loss_to_the_bound_and_no_further(
        self, voice: np.ndarray, music: np.ndarray, most: float
    ):
        gain = needed_gain_db(voice, music, most_masking=most)
        assert isinstance(gain, float)
        assert LOWEST_GAIN_DB <= gain <= 0
        if gain > LOWEST_GAIN_DB:
            assert masking(voice, music + gain) <= most + 1e-9
        if gain < 0:
            assert masking(voice, music + gain + 0.01) > most - 1e-9

    def test_leaves_quiet_music_alone(self):
        assert needed_gain_db(np.full(18, -30.0), np.full(18, -60.0)) == 0.0

    def test_takes_many_windows(self):
        voice, music = np.full(18, -30.0), np.linspace(-60, 0, 7)[:, None] + np.zeros(18)
        gains = needed_gain_db(voice, music)
        assert isinstance(gains, np.ndarray)
        assert (np.diff(gains) <= 0).all()
        assert gains[-1] == pytest.approx(-42.0, abs=0.02)

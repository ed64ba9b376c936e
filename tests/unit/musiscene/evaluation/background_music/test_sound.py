import numpy as np
import pytest

from musiscene.evaluation.background_music.sound import check_sound

RATE = 16_000


class TestCheckSound:
    def test_finds_silence_and_clipping(self):
        tone = np.sin(2 * np.pi * 997 * np.arange(4 * RATE) / RATE).astype(np.float32)
        piece = np.clip(np.stack([tone, tone]) * 2.0, -1.0, 1.0)
        piece[:, : 2 * RATE] = 0.0
        found = check_sound(piece, sample_rate=RATE)
        assert found.silent_share == 0.5
        assert found.clipped_share == pytest.approx(0.5 * 2 / 3, abs=0.01)  # |sin| > 1/2
        assert found.peak == 1.0

    def test_a_tone_has_its_loudness(self):
        tone = 0.1 * np.sin(2 * np.pi * 997 * np.arange(4 * RATE) / RATE).astype(np.float32)
        found = check_sound(tone[None], sample_rate=RATE)
        assert found.loudness_lufs == pytest.approx(-23.0, abs=0.1)  # BS.1770: -20 dBFS peak, mono
        assert found.clipped_share == found.silent_share == 0.0

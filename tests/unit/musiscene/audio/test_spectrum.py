import librosa
import numpy as np
import pytest

from musiscene.audio import spectrum
from musiscene.audio.spectrum import magnitudes
from tests.support.music import noise


class TestMagnitudes:
    @pytest.mark.parametrize(("window", "hop"), [(1024, 160), (512, 512), (8192, 1024)])
    def test_are_those_of_librosa(self, window: int, hop: int):
        waveform = noise(1.37)
        expected = np.abs(librosa.stft(waveform, n_fft=window, hop_length=hop, pad_mode="constant"))

        found = np.concatenate(list(magnitudes(waveform, window_length=window, hop_length=hop)))

        np.testing.assert_allclose(found, expected.T, atol=2e-4)

    def test_blocks_change_nothing(self, monkeypatch: pytest.MonkeyPatch):
        waveform = noise(1.0)
        whole = np.concatenate(list(magnitudes(waveform, window_length=256, hop_length=64)))

        monkeypatch.setattr(spectrum, "BLOCK_SAMPLES", 1024)
        parts = list(magnitudes(waveform, window_length=256, hop_length=64))

        assert max(map(len, parts)) == 4
        np.testing.assert_array_equal(np.concatenate(parts), whole)

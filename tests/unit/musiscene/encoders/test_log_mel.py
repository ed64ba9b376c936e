from __future__ import annotations

from typing import TYPE_CHECKING

import librosa
import numpy as np
import pytest

from musiscene.encoders import log_mel
from musiscene.encoders.log_mel import count_frames, log_mel_spectrogram
from tests.support.golden_audio import chords_bursts_and_sweep

if TYPE_CHECKING:
    from numpy.typing import NDArray


def reference(waveform: NDArray[np.floating]) -> NDArray[np.floating]:
    mel = librosa.feature.melspectrogram(
        y=waveform, sr=16_000, n_fft=512, hop_length=256, n_mels=96, power=2.0
    )
    loudness: NDArray[np.floating] = np.log10(10_000 * mel.T + 1)
    return loudness


class TestLogMelSpectrogram:
    @pytest.mark.parametrize("samples", [160_000, 159_999, 2560, 513])
    def test_is_that_of_librosa(self, samples: int):
        waveform = chords_bursts_and_sweep()[:samples]
        heard = log_mel_spectrogram(waveform)
        assert heard.shape == (count_frames(samples), 96)
        np.testing.assert_allclose(heard.numpy(), reference(waveform), atol=5e-6)

    def test_stays_exact_in_silence_beside_a_full_scale_tone(self):
        waveform = np.zeros(16_000, dtype=np.float32)
        waveform[:8000] = np.sin(2 * np.pi * 440 * np.arange(8000) / 16_000)
        np.testing.assert_allclose(
            log_mel_spectrogram(waveform).numpy(), reference(waveform.astype(np.float64)), atol=5e-6
        )

    def test_blocks_leave_no_seam(self, monkeypatch: pytest.MonkeyPatch):
        waveform = chords_bursts_and_sweep()
        at_once = log_mel_spectrogram(waveform)
        monkeypatch.setattr(log_mel, "BLOCK_FRAMES", 37)
        np.testing.assert_allclose(log_mel_spectrogram(waveform), at_once, atol=1e-6)

    @pytest.mark.parametrize(("first", "count"), [(0, 3), (100, 187), (624, 2)])
    def test_a_stretch_is_cut_from_the_whole(self, first: int, count: int):
        waveform = chords_bursts_and_sweep()
        stretch = log_mel_spectrogram(waveform, first_frame=first, frame_count=count)
        whole = log_mel_spectrogram(waveform)[first : first + count]
        np.testing.assert_allclose(stretch, whole, atol=1e-6)

    @pytest.mark.parametrize("shape", [(0,), (2, 100)])
    def test_refuses_what_is_no_waveform(self, shape: tuple[int, ...]):
        with pytest.raises(ValueError, match="shape"):
            log_mel_spectrogram(np.zeros(shape, dtype=np.float32))

    @pytest.mark.parametrize(("first", "count"), [(-1, 2), (0, 5), (4, None), (2, 0)])
    def test_refuses_frames_outside_the_waveform(self, first: int, count: int | None):
        with pytest.raises(ValueError, match="frames"):
            log_mel_spectrogram(
                np.zeros(1000, dtype=np.float32), first_frame=first, frame_count=count
            )

import numpy as np

from musiscene.audio.pulse.spectra import BANDS, HOP_LENGTH, SAMPLE_RATE, WINDOW_LENGTH, spectra


def tone(frequency: float, seconds: float) -> np.ndarray:
    time = np.arange(round(seconds * SAMPLE_RATE)) / SAMPLE_RATE
    return (0.5 * np.sin(2 * np.pi * frequency * time)).astype(np.float32)


class TestSpectra:
    def test_one_row_a_whole_window(self):
        waveform = np.zeros(WINDOW_LENGTH + 3 * HOP_LENGTH - 1, np.float32)

        assert spectra(waveform).shape == (3, 2 * BANDS)
        assert spectra(waveform[: WINDOW_LENGTH - 1]).shape == (0, 2 * BANDS)

    def test_silence_is_zero(self):
        assert not spectra(np.zeros(SAMPLE_RATE, np.float32)).any()

    def test_higher_tones_lie_in_higher_bands(self):
        bands = [int(spectra(tone(f, 0.5))[3, :BANDS].argmax()) for f in (110, 440, 1760, 7040)]

        assert bands == sorted(set(bands))

    def test_two_octaves_are_48_bands_where_bins_are_dense(self):
        low, high = (int(spectra(tone(f, 0.5))[3, :BANDS].argmax()) for f in (1760, 7040))

        assert abs(high - low - 48) <= 1

    def test_level_of_a_full_tone_is_that_of_its_window(self):
        """A sine of amplitude a has magnitude a * sum(window) / 2 in its bin."""
        bin_hz = SAMPLE_RATE / WINDOW_LENGTH
        waveform = tone(round(1000 / bin_hz) * bin_hz, 0.5)
        magnitude = 0.5 * np.hanning(WINDOW_LENGTH).sum() / 2

        level = float(spectra(waveform)[3, :BANDS].max())

        assert np.log10(1 + magnitude / 3) < level < np.log10(1 + magnitude)

    def test_only_rises_are_told(self):
        waveform = np.concatenate([tone(440, 0.3), np.zeros(SAMPLE_RATE // 3, np.float32)])
        rises = spectra(waveform)[:, BANDS:]

        assert (rises >= 0).all()
        assert not rises[0].any()

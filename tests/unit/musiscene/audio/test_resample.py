from __future__ import annotations

import math
from typing import TYPE_CHECKING

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from musiscene.audio.read import read_audio
from musiscene.audio.resample import HannResampler, resample_hann
from tests.support.audio import noise, sine, write_audio

if TYPE_CHECKING:
    from pathlib import Path

    from numpy.typing import NDArray

RATES = [
    pytest.param(44_100, 24_000, id="44.1 kHz down"),
    pytest.param(48_000, 24_000, id="half"),
    pytest.param(16_000, 24_000, id="up"),
    pytest.param(8_000, 44_100, id="far up"),
    pytest.param(96_000, 16_000, id="a sixth"),
]


def by_the_formula(
    samples: NDArray[np.float32], *, rate_in: int, rate_out: int
) -> NDArray[np.float64]:
    """Every output sample as a float64 sum over all input samples: no phases, no frames."""
    cutoff_hertz = 0.99 * min(rate_in, rate_out)
    times_in = np.arange(samples.size) / rate_in
    times_out = np.arange(math.ceil(samples.size * rate_out / rate_in)) / rate_out
    crossings = cutoff_hertz * (times_in[None, :] - times_out[:, None])
    window = np.where(np.abs(crossings) < 6, 0.5 + 0.5 * np.cos(np.pi * crossings / 6), 0.0)
    weights = cutoff_hertz / rate_in * np.sinc(crossings) * window
    resampled: NDArray[np.float64] = weights @ samples.astype(np.float64)
    return resampled


def amplitude(waveform: NDArray[np.float32]) -> float:
    """Of a tone, from the RMS of its middle half."""
    middle = waveform[waveform.size // 4 : -waveform.size // 4].astype(np.float64)
    return float(np.sqrt(2 * np.mean(middle**2)))


class TestResampleHann:
    @pytest.mark.parametrize(("rate_in", "rate_out"), RATES)
    def test_is_the_formula(self, rate_in: int, rate_out: int):
        samples = noise(seconds=0.02, sample_rate=rate_in, amplitude=0.3)
        resampled = resample_hann(samples, rate_in=rate_in, rate_out=rate_out)
        expected = by_the_formula(samples, rate_in=rate_in, rate_out=rate_out)
        assert resampled.dtype == np.float32
        assert resampled.shape == expected.shape
        np.testing.assert_allclose(resampled, expected, rtol=0, atol=2e-6)

    @pytest.mark.parametrize(("rate_in", "rate_out"), RATES)
    @pytest.mark.parametrize("count", [0, 1, 2, 146, 147, 148, 999])
    def test_length_is_rounded_up(self, rate_in: int, rate_out: int, count: int):
        ones = np.ones(count, dtype=np.float32)
        expected = -(-count * rate_out // rate_in)
        assert resample_hann(ones, rate_in=rate_in, rate_out=rate_out).size == expected

    @pytest.mark.parametrize(("rate_in", "rate_out"), RATES)
    def test_a_tone_keeps_its_amplitude_and_place(self, rate_in: int, rate_out: int):
        resampled = resample_hann(
            sine(1000, seconds=0.5, sample_rate=rate_in), rate_in=rate_in, rate_out=rate_out
        )
        assert amplitude(resampled) == pytest.approx(0.5, rel=2e-3)
        expected = sine(1000, seconds=0.5, sample_rate=rate_out)
        inner = slice(rate_out // 20, -rate_out // 20)
        np.testing.assert_allclose(resampled[inner], expected[inner], rtol=0, atol=2e-3)

    @pytest.mark.parametrize("hertz", [15_000, 20_000])
    def test_a_tone_above_the_new_nyquist_is_gone(self, hertz: int):
        tone = sine(hertz, seconds=0.5, sample_rate=44_100)
        assert amplitude(resample_hann(tone, rate_in=44_100, rate_out=24_000)) < 5e-3

    def test_the_same_rate_changes_nothing(self):
        tone = sine(440, seconds=0.01)
        assert resample_hann(tone, rate_in=44_100, rate_out=44_100) is tone


class TestHannResampler:
    @pytest.mark.parametrize(("rate_in", "rate_out"), [(44_100, 24_000), (16_000, 24_000)])
    @settings(deadline=None, max_examples=40)
    @given(sizes=st.lists(st.integers(0, 400), max_size=12))
    def test_the_pieces_do_not_change_the_whole(
        self, rate_in: int, rate_out: int, sizes: list[int]
    ):
        samples = np.random.default_rng(0).normal(size=sum(sizes)).astype(np.float32)
        resampler = HannResampler(rate_in, rate_out)
        ends = np.cumsum(sizes, dtype=int)
        parts = [
            resampler.resample_chunk(samples[end - size : end])
            for size, end in zip(sizes, ends, strict=True)
        ]
        parts.append(resampler.resample_chunk(np.empty(0, dtype=np.float32), last=True))
        whole = resample_hann(samples, rate_in=rate_in, rate_out=rate_out)
        np.testing.assert_allclose(np.concatenate(parts), whole, rtol=0, atol=2e-6)

    def test_says_what_it_can_before_the_end(self):
        resampler = HannResampler(48_000, 24_000)
        early = resampler.resample_chunk(np.ones(48_000, dtype=np.float32))
        assert 23_990 <= early.size < 24_000


class TestReadAudio:
    def test_hears_through_it_where_that_is_asked(self, tmp_path: Path):
        path = write_audio(tmp_path / "noise.flac", noise(seconds=1.0), sample_rate=44_100)
        native = read_audio(path, sample_rate=44_100).waveform
        hann = read_audio(path, sample_rate=24_000, resampler="hann").waveform
        soxr = read_audio(path, sample_rate=24_000).waveform
        expected = resample_hann(native, rate_in=44_100, rate_out=24_000)
        np.testing.assert_allclose(hann, expected, rtol=0, atol=2e-6)
        assert np.abs(hann - soxr[: hann.size]).max() > 1e-3

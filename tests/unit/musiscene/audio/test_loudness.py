from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pyloudnorm
import pytest

from musiscene.audio.loudness import LoudnessMeter, channel_weights, integrated_lufs
from tests.support.audio import noise, silence, sine

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray


def streamed_lufs(
    samples: NDArray[np.float32],
    *,
    sample_rate: int,
    weights: Sequence[float] | None = None,
    piece: int = 1_000,
) -> float | None:
    meter = LoudnessMeter(sample_rate=sample_rate, weights=weights or [1.0] * samples.shape[0])
    for first in range(0, samples.shape[1], piece):
        meter.add(samples[:, first : first + piece])
    return integrated_lufs(meter.block_powers())


def swelling_noise(
    channels: int, *, sample_rate: int, seconds: float = 12.0
) -> NDArray[np.float32]:
    """Loud, quiet and silent thirds, so that both gates have work to do."""
    quiet = noise(seconds=seconds / 3, sample_rate=sample_rate, amplitude=0.002)
    loud = noise(seconds=seconds / 3, sample_rate=sample_rate, amplitude=0.2, seed=1)
    one = np.concatenate([loud, quiet, silence(seconds=seconds / 3, sample_rate=sample_rate)])
    return np.stack([one * (1 - 0.2 * channel) for channel in range(channels)])


class TestAgainstPyloudnorm:
    """`pyloudnorm.Meter.integrated_loudness` on the whole signal is the reference."""

    @pytest.mark.parametrize("channels", [1, 2])
    @pytest.mark.parametrize(
        "sample_rate", [8_000, 11_025, 22_050, 44_100, 48_000, 96_000, 192_000, 384_000]
    )
    def test_equals_the_whole_signal_measured_at_once(self, channels: int, sample_rate: int):
        samples = swelling_noise(channels, sample_rate=sample_rate, seconds=6.0)
        reference = pyloudnorm.Meter(sample_rate).integrated_loudness(samples.T.astype(float))
        estimated = streamed_lufs(samples, sample_rate=sample_rate)
        assert estimated == pytest.approx(reference, abs=0.05)

    def test_surround_counts_for_more(self):
        samples = swelling_noise(5, sample_rate=48_000)
        reference = pyloudnorm.Meter(48_000).integrated_loudness(samples.T.astype(float))
        weights = channel_weights(["FL", "FR", "FC", "SL", "SR"])
        assert streamed_lufs(samples, sample_rate=48_000, weights=weights) == pytest.approx(
            reference, abs=0.05
        )

    @pytest.mark.parametrize("piece", [1, 441, 4_799, 44_100, 10**9])
    def test_the_length_of_the_pieces_changes_nothing(self, piece: int):
        samples = swelling_noise(1, sample_rate=8_000, seconds=1.5)
        whole = streamed_lufs(samples, sample_rate=8_000, piece=10**9)
        assert streamed_lufs(samples, sample_rate=8_000, piece=piece) == pytest.approx(whole)


class TestIntegratedLufs:
    def test_full_scale_tone_of_997_hz_in_one_channel_is_minus_3(self):
        """BS.1770-4, annex 1: a 0 dBFS, 997 Hz tone in one channel reads -3.01 LKFS."""
        tone = sine(997, seconds=5, sample_rate=48_000, amplitude=1.0)
        assert streamed_lufs(tone[None], sample_rate=48_000) == pytest.approx(-3.01, abs=0.1)

    def test_bass_channel_does_not_count(self):
        tone = sine(440, seconds=2)
        weights = channel_weights(["FC", "LFE"])
        both = streamed_lufs(np.stack([tone, tone]), sample_rate=44_100, weights=weights)
        assert both == pytest.approx(streamed_lufs(tone[None], sample_rate=44_100))

    def test_silence_has_none(self):
        assert streamed_lufs(silence(seconds=2)[None], sample_rate=44_100) is None

    def test_below_the_absolute_gate_has_none(self):
        assert streamed_lufs(sine(440, seconds=2, amplitude=1e-4)[None], sample_rate=44_100) is None

    def test_shorter_than_a_block_has_none(self):
        assert streamed_lufs(sine(440, seconds=0.39)[None], sample_rate=44_100) is None

import time
import tracemalloc

import numpy as np
import pytest
from numpy.typing import NDArray

from musiscene.audio.pulse.bars import likeliest_beats, mean_bpm


def pulses(
    interval: int, count: int, *, meter: int, first_bar: int = 0, offset: int = 7
) -> NDArray[np.float32]:
    """Activations of a steady pulse: 0.9 where a bar begins, 0.8 at other beats, 0.01 between."""
    heard = np.full((offset + interval * count, 2), 0.01, np.float32)
    for beat in range(count):
        is_first = (beat - first_bar) % meter == 0
        heard[offset + beat * interval, int(is_first)] = 0.9 if is_first else 0.8
    return heard


class TestLikeliestBeats:
    @pytest.mark.parametrize("meter", [3, 4])
    @pytest.mark.parametrize("first_bar", [0, 1, 2])
    def test_finds_every_beat_and_bar(self, meter: int, first_bar: int):
        beats = likeliest_beats(pulses(25, 40, meter=meter, first_bar=first_bar))

        inside = (beats.frames >= 7) & (beats.frames < 7 + 40 * 25)
        assert beats.frames[inside].tolist() == [7 + 25 * beat for beat in range(40)]
        expected = [(beat - first_bar) % meter == 0 for beat in range(40)]
        assert beats.begins_bar[inside].tolist() == expected

    def test_follows_a_slow_change_of_tempo(self):
        times = np.cumsum(np.linspace(20, 30, 60).round().astype(int))
        heard = np.full((times[-1] + 20, 2), 0.01, np.float32)
        heard[times, (np.arange(60) % 4 == 0).astype(int)] = 0.9

        beats = likeliest_beats(heard)

        assert np.abs(beats.frames[:, None] - times).min(axis=0).max() <= 1

    def test_a_missing_beat_is_filled_in(self):
        heard = pulses(25, 24, meter=4)
        heard[7 + 10 * 25] = 0.01

        assert 7 + 10 * 25 in likeliest_beats(heard).frames

    @pytest.mark.parametrize(("bpm", "interval"), [(60.0, 50), (120.0, 25)])
    def test_a_known_tempo_decides_the_octave(self, bpm: float, interval: int):
        beats = likeliest_beats(pulses(25, 40, meter=4), bpm=bpm)

        assert np.median(np.diff(beats.frames)) == interval
        assert mean_bpm(beats) == pytest.approx(bpm, rel=0.03)

    @pytest.mark.parametrize("frames", [0, 1, 20])
    def test_less_than_a_beat_has_none(self, frames: int):
        beats = likeliest_beats(np.zeros((frames, 2), np.float32))

        assert len(beats.frames) == len(beats.begins_bar) == 0
        assert mean_bpm(beats) == 0.0

    def test_half_an_hour_of_noise_takes_seconds(self):
        heard = np.random.default_rng(0).uniform(0, 0.4, (90_000, 2)).astype(np.float32)
        started = time.process_time()

        beats = likeliest_beats(heard, bpm=100)

        assert time.process_time() - started < 60
        assert 60 * 30 / 0.7 < len(beats.frames) < 60 * 30 / 0.5

    def test_memory_is_small_and_grows_by_the_frame(self):
        heard = np.random.default_rng(0).uniform(0, 0.4, (6_000, 2)).astype(np.float32)
        tracemalloc.start()

        likeliest_beats(heard)

        _, peak_bytes = tracemalloc.get_traced_memory()
        tracemalloc.stop()
        assert peak_bytes < 6_000 * 500

from collections.abc import Sequence

import numpy as np
import pytest

from musiscene.audio.beats import NO_BEATS, find_beats
from musiscene.audio.tempo import estimate_tempo
from tests.support.music import RATE, clicks, noise

FIRST_CLICK = 0.1
TOLERANCE_SECONDS = 0.07
WARM_UP_SECONDS = 5.0


def times(bpm: float, seconds: float, *, every: int = 1) -> np.ndarray:
    return np.arange(FIRST_CLICK, seconds - 0.1, every * 60 / bpm)


def f_measure(estimated: Sequence[float], reference: np.ndarray) -> float:
    """Of hits within 70 ms after five seconds, as in MIREX."""
    found = np.array(estimated)
    found, reference = found[found > WARM_UP_SECONDS], reference[reference > WARM_UP_SECONDS]
    if not len(found):
        return 0.0
    distances = np.abs(found[:, None] - reference)
    hits = min(
        int((distances.min(axis=1) <= TOLERANCE_SECONDS).sum()),
        int((distances.min(axis=0) <= TOLERANCE_SECONDS).sum()),
    )
    return 2 * hits / (len(found) + len(reference))


class TestFindBeats:
    @pytest.mark.parametrize("bpm", [70.0, 97.0, 120.0, 141.5])
    def test_finds_the_beats_of_a_click_track(self, bpm: float):
        beats = find_beats(clicks(bpm, 20), sample_rate=RATE)

        assert f_measure(beats.beat_times_seconds, times(bpm, 20)) > 0.95

    @pytest.mark.parametrize(("bpm", "meter"), [(100.0, 4), (120.0, 4), (110.0, 3), (150.0, 3)])
    def test_finds_where_the_bars_begin(self, bpm: float, meter: int):
        beats = find_beats(clicks(bpm, 24, accent_every=meter), sample_rate=RATE, bpm=bpm)

        assert f_measure(beats.downbeat_times_seconds, times(bpm, 24, every=meter)) > 0.9

    def test_downbeats_are_beats_and_times_rise(self):
        beats = find_beats(clicks(113, 15), sample_rate=RATE)

        assert set(beats.downbeat_times_seconds) <= set(beats.beat_times_seconds)
        assert (np.diff(beats.beat_times_seconds) > 0).all()

    @pytest.mark.parametrize("bpm", [60.0, 120.0])
    def test_keeps_to_a_known_tempo_whichever_octave(self, bpm: float):
        beats = find_beats(clicks(120, 20), sample_rate=RATE, bpm=bpm)

        assert 60 / np.mean(np.diff(beats.beat_times_seconds)) == pytest.approx(bpm, rel=0.04)

    def test_beats_agree_with_the_tempo(self):
        waveform = clicks(131, 20, accent_every=2)
        beats = find_beats(waveform, sample_rate=RATE)
        tempo = estimate_tempo(waveform, sample_rate=RATE)

        assert 60 / np.mean(np.diff(beats.beat_times_seconds)) == pytest.approx(tempo.bpm, rel=0.02)

    @pytest.mark.parametrize("samples", [0, 1, 100, RATE // 2, 5 * RATE])
    def test_silence_has_no_beats(self, samples: int):
        assert find_beats(np.zeros(samples, np.float32), sample_rate=RATE) == NO_BEATS

    def test_a_second_of_sound_is_too_short(self):
        assert find_beats(clicks(120, 1.2), sample_rate=RATE) == NO_BEATS

    def test_is_surer_of_clicks_than_of_noise(self):
        of_noise = find_beats(noise(20), sample_rate=RATE)

        assert of_noise.confidence < 0.5 < find_beats(clicks(110, 20), sample_rate=RATE).confidence

    def test_beats_move_with_the_sound(self):
        silence = np.zeros(round(2.5 * RATE), np.float32)
        beats = find_beats(np.concatenate([silence, clicks(100, 20)]), sample_rate=RATE, bpm=100)

        late = [seconds - 2.5 for seconds in beats.beat_times_seconds]
        assert f_measure(late, times(100, 20)) > 0.95

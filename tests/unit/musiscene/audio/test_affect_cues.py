import numpy as np
import pytest

from musiscene.audio.affect_cues import CUES, affect_cues
from tests.support.music import RATE, cadence, chord


def repeated(pitches: list[int], seconds_each: float, *, seconds: float = 12.0):
    return np.concatenate([chord(pitches, seconds_each)] * round(seconds / seconds_each))


class TestAffectCues:
    def test_every_cue_has_a_finite_value(self):
        cues = affect_cues(cadence(0, "major"), sample_rate=RATE)

        assert tuple(cues) == CUES
        assert np.isfinite(list(cues.values())).all()

    @pytest.mark.parametrize("name", ["major", "major_triads"])
    def test_major_lies_above_minor(self, name: str):
        major, minor = (
            affect_cues(cadence(2, mode), sample_rate=RATE)[name] for mode in ("major", "minor")
        )

        assert major > minor + 0.3

    def test_harmony_is_the_same_in_every_key(self):
        here, there = (affect_cues(cadence(tonic, "major"), sample_rate=RATE) for tonic in (0, 3))

        for name in ("diatonic", *(f"interval_{step}" for step in range(1, 7))):
            assert here[name] == pytest.approx(there[name], abs=0.1)

    def test_an_octave_higher_is_an_octave_in_the_bass(self):
        low, high = (
            affect_cues(repeated([pitch, pitch + 4, pitch + 7], 2.0), sample_rate=RATE)
            for pitch in (48, 60)
        )

        assert high["bass"] - low["bass"] == pytest.approx(12, abs=1)
        assert high["pitch"] > low["pitch"] + 3

    def test_four_times_the_chords_are_two_octaves_of_density(self):
        slow, fast = (
            affect_cues(repeated([60, 64, 67], seconds), sample_rate=RATE)["events"]
            for seconds in (1.0, 0.25)
        )

        assert fast - slow == pytest.approx(2, abs=0.3)

    def test_chords_that_change_are_a_harmony_that_changes(self):
        still = affect_cues(repeated([60, 64, 67], 2.0), sample_rate=RATE)
        moving = affect_cues(cadence(0, "major"), sample_rate=RATE)

        assert moving["harmonic_change"] > still["harmonic_change"] + 0.05

    def test_gain_changes_nothing(self):
        waveform = cadence(5, "minor")
        loud, quiet = (affect_cues(gain * waveform, sample_rate=RATE) for gain in (1.0, 0.05))

        assert quiet == pytest.approx(loud, abs=0.02)

    @pytest.mark.parametrize("seconds", [0, 1, 40])
    def test_silence_has_no_cues(self, seconds: int):
        assert affect_cues(np.zeros(seconds * RATE, np.float32), sample_rate=RATE) == {}

    def test_a_single_short_tone_is_heard(self):
        cues = affect_cues(chord([69], 0.6), sample_rate=RATE)

        assert cues["pitch"] == pytest.approx(69, abs=15)
        assert cues["harmonic_change"] == 0

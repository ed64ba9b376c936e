import math

import pytest

from musiscene.affect import (
    WEIGHTS,
    WORD_PLACES,
    Affect,
    estimate_affect,
    load_weights,
    mood_words,
    tempo_cue,
)
from musiscene.audio.affect_cues import CUES, affect_cues
from tests.support.music import RATE, cadence

MEANS = {name: cue.mean for name, cue in load_weights().cues.items() if name in CUES}


def affect(bpm: float = 105.0, loudness_lufs: float | None = None, **changed: float) -> Affect:
    return estimate_affect(
        MEANS | changed, tempo_bpm=bpm, tempo_confidence=1.0, loudness_lufs=loudness_lufs
    )


class TestEstimateAffect:
    def test_no_sound_is_the_middle(self):
        assert estimate_affect({}, tempo_bpm=0.0, tempo_confidence=0.0) == Affect(
            valence=0.0, arousal=0.0
        )

    @pytest.mark.parametrize(
        ("name", "low", "high"),
        [("major", 0.0, 1.0), ("major_triads", -0.3, 0.5), ("diatonic", 0.7, 0.95)],
    )
    def test_valence_follows_the_harmony(self, name: str, low: float, high: float):
        assert affect(**{name: low}).valence < affect(**{name: high}).valence - 0.05

    @pytest.mark.parametrize(
        ("low", "high"),
        [
            pytest.param(affect(bpm=60.0), affect(bpm=150.0), id="tempo"),
            pytest.param(affect(loudness_lufs=-25.0), affect(loudness_lufs=-8.0), id="loudness"),
            pytest.param(affect(events=0.7), affect(events=2.5), id="events"),
            pytest.param(affect(tone_onsets=2.5), affect(tone_onsets=4.0), id="tones"),
        ],
    )
    def test_arousal_follows_the_motion(self, low: Affect, high: Affect):
        assert low.arousal < high.arousal - 0.05

    def test_a_loudness_that_is_not_known_counts_as_the_mean(self):
        mean = load_weights().cues["loudness"].mean

        assert affect().arousal == pytest.approx(affect(loudness_lufs=mean).arousal)

    def test_a_cue_far_from_all_that_was_learnt_says_no_more_than_three_deviations(self):
        cue = load_weights().cues["events"]

        assert affect(events=cue.mean + 3 * cue.deviation) == affect(events=1000.0)

    def test_equals_the_sum_of_the_file(self):
        weights = load_weights()
        major = weights.cues["major"]
        tempo = weights.cues["tempo"]
        total = weights.valence + major.valence * (1.0 - major.mean) / major.deviation
        total += tempo.valence * (0.0 - tempo.mean) / tempo.deviation

        assert affect(major=1.0).valence == pytest.approx(math.tanh(total))

    def test_the_file_knows_every_cue_and_is_small(self):
        assert set(load_weights().cues) == {*CUES, "tempo", "loudness"}
        assert WEIGHTS.stat().st_size < 100_000

    def test_fast_bright_music_is_happier_and_livelier_than_a_slow_dark_one(self):
        bright, dark = (
            estimate_affect(
                affect_cues(cadence(0, mode, seconds_per_chord=seconds), sample_rate=RATE),
                tempo_bpm=bpm,
                tempo_confidence=0.9,
                loudness_lufs=-16.0,
            )
            for mode, seconds, bpm in (("major", 0.4, 150.0), ("minor", 3.0, 60.0))
        )

        assert bright.valence > dark.valence + 0.2
        assert bright.arousal > dark.arousal + 0.2


class TestTempoCue:
    def test_no_tempo_says_nothing(self):
        assert tempo_cue(0.0, 0.0) == 0.0

    def test_half_as_sure_says_half_as_much(self):
        assert tempo_cue(160.0, 0.4) == pytest.approx(tempo_cue(160.0, 0.8) / 2)


class TestMoodWords:
    @pytest.mark.parametrize("word", sorted(WORD_PLACES))
    def test_every_word_names_its_own_place(self, word: str):
        valence, arousal = WORD_PLACES[word]
        assert mood_words(Affect(valence=valence, arousal=arousal))[0] == word

    @pytest.mark.parametrize("degrees", range(0, 360, 15))
    @pytest.mark.parametrize("radius", [0.5, 0.9])
    def test_opposite_places_share_no_word(self, degrees: int, radius: float):
        valence = radius * math.cos(math.radians(degrees))
        arousal = radius * math.sin(math.radians(degrees))
        here = mood_words(Affect(valence=valence, arousal=arousal))
        there = mood_words(Affect(valence=-valence, arousal=-arousal))
        assert len(here) == len(there) == 2
        assert not set(here) & set(there)
        for word, sign in [(here[0], 1), (there[0], -1)]:
            place = WORD_PLACES[word]
            assert sign * (place[0] * valence + place[1] * arousal) > 0

import math
from typing import Any

import pytest

from musiscene.affect import TAG_PLACES, WORD_PLACES, Affect, estimate_affect, mood_words
from musiscene.vocabularies import MSD_TAGS, MTT_TAGS

UNSURE: dict[str, Any] = {
    "tempo_bpm": 0.0, "tempo_confidence": 0.0, "mode": "major", "mode_confidence": 0.0, "tags": {},
}  # fmt: skip


class TestEstimateAffect:
    def test_no_evidence_is_the_middle(self):
        assert estimate_affect(**UNSURE) == Affect(valence=0.0, arousal=0.0)

    @pytest.mark.parametrize(
        ("low", "high"),
        [
            pytest.param(
                {"mode": "minor", "mode_confidence": 0.8},
                {"mode": "major", "mode_confidence": 0.8},
                id="mode",
            ),
            pytest.param({"tags": {"sad": 0.3}}, {"tags": {"happy": 0.3}}, id="tags"),
            pytest.param(
                {"tempo_bpm": 60.0, "tempo_confidence": 1.0},
                {"tempo_bpm": 140.0, "tempo_confidence": 1.0},
                id="tempo",
            ),
        ],
    )
    def test_valence_follows(self, low: dict[str, Any], high: dict[str, Any]):
        gloomy, bright = estimate_affect(**UNSURE | low), estimate_affect(**UNSURE | high)
        assert gloomy.valence < 0 < bright.valence

    @pytest.mark.parametrize(
        ("low", "high"),
        [
            pytest.param(
                {"tempo_bpm": 60.0, "tempo_confidence": 1.0},
                {"tempo_bpm": 140.0, "tempo_confidence": 1.0},
                id="tempo",
            ),
            pytest.param({"onset_rate_hz": 1.0}, {"onset_rate_hz": 8.0}, id="onset rate"),
            pytest.param({"loudness_lufs": -30.0}, {"loudness_lufs": -8.0}, id="loudness"),
            pytest.param({"tags": {"ambient": 0.4}}, {"tags": {"metal": 0.4}}, id="tags"),
        ],
    )
    def test_arousal_follows(self, low: dict[str, Any], high: dict[str, Any]):
        quiet, excited = estimate_affect(**UNSURE | low), estimate_affect(**UNSURE | high)
        assert quiet.arousal < 0 < excited.arousal

    def test_mode_leaves_arousal_alone(self):
        assert estimate_affect(**UNSURE | {"mode": "minor", "mode_confidence": 1.0}).arousal == 0

    def test_an_unsure_mode_says_less(self):
        sure, unsure = (
            estimate_affect(**UNSURE | {"mode": "minor", "mode_confidence": confidence})
            for confidence in (0.9, 0.2)
        )
        assert sure.valence < unsure.valence < 0

    def test_stays_in_range_when_every_cue_is_extreme(self):
        extreme = estimate_affect(
            tempo_bpm=300.0,
            tempo_confidence=1.0,
            mode="major",
            mode_confidence=1.0,
            tags=dict.fromkeys(TAG_PLACES, 1.0) | {"party": 50.0},
            onset_rate_hz=100.0,
            loudness_lufs=0.0,
        )
        assert 0.9 < extreme.valence <= 1.0
        assert 0.9 < extreme.arousal <= 1.0

    def test_every_placed_tag_is_in_a_vocabulary(self):
        assert set(TAG_PLACES) <= {*MTT_TAGS, *MSD_TAGS}


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

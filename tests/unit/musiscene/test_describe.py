import re
from typing import Any

import msgspec
import pytest

from musiscene.affect import Affect
from musiscene.audio.key import MODES, TONICS, KeyEstimate
from musiscene.audio.tempo import TempoEstimate
from musiscene.describe import describe_music, joined
from musiscene.listen import HeardSegment, Listening, TagScore, VocalEstimate
from tests.support.listening import listening


def heard(**changed: object) -> Listening:
    """A clearly heard, even, calm guitar piece, with some facts changed."""
    plain = listening(bpm=68.2, key="C:major", vocals=0.05)
    even: dict[str, Any] = {
        "energy_curve": (0.5,) * 30,
        "affect": Affect(valence=0.4, arousal=-0.7),
    }
    return msgspec.structs.replace(plain, **even | changed)


def tags(**scores: float) -> dict[str, tuple[TagScore, ...]]:
    return {"mtt": tuple(TagScore(name=n.replace("_", " "), score=s) for n, s in scores.items())}


def segment(energy: float, **scores: float) -> HeardSegment:
    return HeardSegment(start_seconds=0.0, end_seconds=10.0, energy=energy, tags=tags(**scores))


class TestDescribeMusic:
    def test_says_what_is_clearly_heard(self):
        track = heard(tags=tags(folk=0.4, guitar=0.5, piano=0.3, acoustic=0.3))
        assert describe_music(track) == (
            "A calm and peaceful acoustic folk piece with guitar and piano, instrumental, "
            "very slow at about 68 bpm, in C major."
        )

    def test_claims_nothing_that_was_not_heard_clearly(self):
        track = heard(
            tags=tags(folk=0.1, guitar=0.1, female=0.1),
            tempo=TempoEstimate(bpm=68.0, confidence=0.3),
            key=KeyEstimate(tonic="C", mode="major", confidence=0.3),
            vocals=VocalEstimate(probability=0.9, confidence=0.1),
        )
        assert describe_music(track) == "A calm and peaceful piece."

    @pytest.mark.parametrize(
        ("scores", "phrase"),
        [
            pytest.param({"female_vocal": 0.4, "male": 0.2}, "song, sung by a woman", id="woman"),
            pytest.param({"male_vocalists": 0.4}, "song, sung by a man", id="man"),
            pytest.param({"choral": 0.6}, "choral song, sung by a choir", id="choir"),
            pytest.param({}, "song, sung", id="somebody"),
        ],
    )
    def test_says_who_sings(self, scores: dict[str, float], phrase: str):
        sung = VocalEstimate(probability=0.9, confidence=0.8)
        assert f"{phrase}, very slow" in describe_music(heard(tags=tags(**scores), vocals=sung))

    def test_a_faint_instrument_beside_a_strong_one_is_left_out(self):
        assert "with guitar," in describe_music(heard(tags=tags(guitar=0.9, flute=0.2)))

    @pytest.mark.parametrize(
        ("curve", "sentence"),
        [
            pytest.param((0.2,) * 10 + (0.5,) * 10 + (0.9,) * 10, "It builds", id="builds"),
            pytest.param((0.9,) * 10 + (0.5,) * 10 + (0.2,) * 10, "It grows quieter", id="fades"),
            pytest.param((0.3,) * 10 + (0.9,) * 10 + (0.3,) * 10, "It swells", id="swells"),
            pytest.param((0.8,) * 10 + (0.3,) * 10 + (0.8,) * 10, "It falls quiet", id="dips"),
        ],
    )
    def test_tells_how_the_energy_changes(self, curve: tuple[float, ...], sentence: str):
        assert f"major. {sentence} " in describe_music(heard(energy_curve=curve))

    @pytest.mark.parametrize("curve", [(), (0.5,), (0.5, 1.0)])
    def test_a_track_of_a_second_has_no_change(self, curve: tuple[float, ...]):
        assert describe_music(heard(energy_curve=curve)).endswith("in C major.")

    def test_a_passage_is_described_by_its_own_tags_and_energy(self):
        loud, quiet = segment(0.9, rock=0.5), segment(0.2, piano=0.5)
        track = heard(segments=(loud, quiet), affect=Affect(valence=0.3, arousal=0.3))
        assert "rock track" in describe_music(track, loud)
        assert describe_music(track, loud).endswith("This is its most intense passage.")
        assert "with piano" in describe_music(track, quiet)
        assert describe_music(track, quiet).endswith("This is its quietest passage.")
        moods = [describe_music(track, part).split(" and ")[0] for part in (loud, quiet)]
        assert moods == ["A lively", "A light"]

    def test_passages_of_equal_energy_do_not_stand_out(self):
        track = heard(segments=(segment(0.5), segment(0.5)))
        assert "passage" not in describe_music(track, track.segments[0])

    @pytest.mark.parametrize("tonic", TONICS)
    @pytest.mark.parametrize("mode", MODES)
    def test_spells_every_key_in_words(self, tonic: str, mode: str):
        said = describe_music(heard(key=KeyEstimate(tonic=tonic, mode=mode, confidence=0.9)))
        assert re.search(rf"in [A-G]( flat| sharp)? {mode}\.$", said)

    def test_uses_an_before_a_vowel(self):
        energetic = heard(affect=Affect(valence=0.25, arousal=0.85))
        assert describe_music(energetic).startswith("An energetic and ")


class TestJoined:
    @pytest.mark.parametrize(
        ("words", "text"), [(["a"], "a"), (["a", "b"], "a and b"), (["a", "b", "c"], "a, b and c")]
    )
    def test_reads_as_an_english_list(self, words: list[str], text: str):
        assert joined(words) == text

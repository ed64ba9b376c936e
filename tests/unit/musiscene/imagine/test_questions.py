from __future__ import annotations

from typing import Any

import msgspec
import pytest

from musiscene.affect import Affect
from musiscene.audio.key import KeyEstimate
from musiscene.audio.tempo import TempoEstimate
from musiscene.describe import describe_music
from musiscene.imagine.questions import answer_from_facts, asks_for_scenes
from musiscene.listen import Listening, TagScore, VocalEstimate
from tests.support.listening import listening


def heard(**changed: object) -> Listening:
    """A clearly heard, calm folk piece with guitar and flute, with some facts changed."""
    plain = listening(
        bpm=68.2, key="C:minor", vocals=0.05, duration_seconds=95.0, loudness_lufs=-18.0
    )
    facts: dict[str, Any] = {
        "affect": Affect(valence=0.4, arousal=-0.7),
        "energy_curve": (0.5,) * 30,
        "tags": tags(folk=0.5, guitar=0.6, flute=0.4),
    }
    return msgspec.structs.replace(plain, **facts | changed)


def tags(**scores: float) -> dict[str, tuple[TagScore, ...]]:
    return {"mtt": tuple(TagScore(name=name, score=score) for name, score in scores.items())}


TEMPO = "It is very slow, at about 68 beats per minute."
KEY = "It is in C minor."
GENRE = "It sounds folk."
MOOD = "It feels calm and peaceful."
INSTRUMENTS = "Guitar and flute can be heard."
NOBODY = "Nobody sings."
LOUDNESS = "It is moderately loud (-18.0 LUFS)."
COURSE = "Its energy stays about the same throughout."
LENGTH = "It lasts 1 min 35 s."


class TestAnswerFromFacts:
    @pytest.mark.parametrize(
        ("question", "answer"),
        [
            ("What genre is this?", GENRE),
            ("What kind of music is this?", GENRE),
            ("Describe the STYLE.", GENRE),
            ("What is the mood?", MOOD),
            ("How does it make you feel?", MOOD),
            ("Is it sad?", MOOD),
            ("How fast is it?", TEMPO),
            ("What's the BPM?", TEMPO),
            ("Describe the rhythm", TEMPO),
            ("In which key is it?", KEY),
            ("Is it major or minor?", KEY),
            ("Which instruments do you hear?", INSTRUMENTS),
            ("Is there a piano?", INSTRUMENTS),
            ("Is anybody singing?", NOBODY),
            ("Is it instrumental?", NOBODY),
            ("Are there any lyrics?", NOBODY),
            ("How loud is it?", LOUDNESS),
            ("Is it quiet?", LOUDNESS),
            ("How does it develop?", COURSE),
            ("Does it build to a climax?", COURSE),
            ("How long is it?", LENGTH),
            ("What is its duration?", LENGTH),
        ],
    )
    def test_tells_what_is_asked_and_no_more(self, question: str, answer: str):
        assert answer_from_facts(heard(), question) == answer

    def test_tells_everything_that_is_asked_at_once(self):
        question = "Which instruments, what tempo, what mood, and does anybody sing?"
        answer = answer_from_facts(heard(), question)
        assert answer == f"{MOOD} {TEMPO} {INSTRUMENTS} {NOBODY}"

    @pytest.mark.parametrize(
        "question", ["Tell me about it.", "Qu'est-ce que c'est ?", "", "monkeys and whales"]
    )
    def test_describes_the_music_where_it_does_not_know_what_is_asked(self, question: str):
        assert answer_from_facts(heard(), question) == describe_music(heard())


class TestUnsureFacts:
    def test_a_doubtful_tempo_may_be_half_or_double(self):
        track = heard(tempo=TempoEstimate(bpm=120.0, confidence=0.3))
        answer = answer_from_facts(track, "How fast?")
        assert answer == (
            "It is brisk, at about 120 beats per minute, though half or double is possible."
        )

    def test_no_tempo_is_no_beat(self):
        track = heard(tempo=TempoEstimate(bpm=0.0, confidence=0.0))
        assert answer_from_facts(track, "How fast?") == "No beat can be made out."

    def test_a_doubtful_key_is_probable(self):
        track = heard(key=KeyEstimate(tonic="A#", mode="major", confidence=0.2))
        assert answer_from_facts(track, "Which key?") == "It is probably in B flat major."

    def test_a_doubtful_voice_is_left_open(self):
        track = heard(vocals=VocalEstimate(probability=0.9, confidence=0.1))
        answer = answer_from_facts(track, "Does anybody sing?")
        assert answer == "It is not clear whether anybody sings."

    def test_a_faint_instrument_is_not_told(self):
        track = heard(tags=tags(guitar=0.05))
        assert answer_from_facts(track, "Which instruments?") == "No instrument stands out."

    def test_a_faint_genre_is_not_told(self):
        assert answer_from_facts(heard(tags=tags(folk=0.05)), "Genre?") == "No genre stands out."


class TestValues:
    def test_a_clear_voice_is_told(self):
        track = heard(vocals=VocalEstimate(probability=0.9, confidence=0.8))
        assert answer_from_facts(track, "Are there vocals?") == "Somebody sings."

    @pytest.mark.parametrize(
        ("lufs", "answer"),
        [
            (-30.0, "It is quiet (-30.0 LUFS)."),
            (-23.0, "It is moderately loud (-23.0 LUFS)."),
            (-14.0, "It is loud (-14.0 LUFS)."),
            (None, "It is hardly audible."),
        ],
    )
    def test_loudness_in_words(self, lufs: float | None, answer: str):
        assert answer_from_facts(heard(loudness_lufs=lufs), "How loud?") == answer

    @pytest.mark.parametrize(
        ("seconds", "answer"),
        [
            (0.3, "It lasts 0 s."),
            (59.4, "It lasts 59 s."),
            (59.6, "It lasts 1 min."),
            (60.0, "It lasts 1 min."),
            (3661.0, "It lasts 61 min 1 s."),
        ],
    )
    def test_length_in_words(self, seconds: float, answer: str):
        track = heard()
        info = msgspec.structs.replace(track.info, duration_seconds=seconds)
        changed = msgspec.structs.replace(track, info=info)
        assert answer_from_facts(changed, "How long is it?") == answer

    def test_energy_that_changes(self):
        track = heard(energy_curve=(0.2,) * 10 + (0.5,) * 10 + (0.9,) * 10)
        assert answer_from_facts(track, "Does it build?") == "It builds towards the end."


class TestAsksForScenes:
    @pytest.mark.parametrize(
        "question",
        [
            "What type of videos are suitable with this music?",
            "Which film does it suit?",
            "Imagine a SCENE.",
            "Where could it be used?",
            "Would it fit a game?",
        ],
    )
    def test_knows_a_question_about_pictures(self, question: str):
        assert asks_for_scenes(question)

    @pytest.mark.parametrize(
        "question", ["How fast is it?", "Which instruments are played?", "What is the mood?", ""]
    )
    def test_knows_a_question_about_the_music(self, question: str):
        assert not asks_for_scenes(question)

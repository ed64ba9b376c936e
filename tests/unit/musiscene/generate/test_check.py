from __future__ import annotations

import pytest

from musiscene.generate.aims import MusicAims
from musiscene.generate.check import (
    SCENE_TOLERANCE,
    HeardTake,
    check_line,
    check_take,
    scene_distance,
)
from musiscene.generate.protocol import HitPoint
from tests.support.listening import word_reader

AIMS = MusicAims(tempo_bpm=100.0, mode="minor", arousal=0.2, valence=-0.3)


def heard(**other: object) -> HeardTake:
    known = {
        "tempo_bpm": 101.0,
        "mode": "minor",
        "valence": -0.2,
        "arousal": 0.1,
        "vocals": 0.0,
        "silences": (),
    }
    return HeardTake(**{**known, **other})  # type: ignore[arg-type]


class TestCheckTake:
    def test_what_is_as_wanted_agrees_in_everything(self):
        check = check_take(heard(), AIMS, brief="a street")
        assert check.agrees == {"tempo": True, "mode": True, "arousal": True}
        assert check.score > 0.9
        assert check.defects == ()

    @pytest.mark.parametrize(
        ("part", "other"),
        [
            ("tempo", {"tempo_bpm": 104.5}),
            ("mode", {"mode": "major"}),
            ("arousal", {"arousal": 0.5}),
        ],
    )
    def test_what_differs_is_named_and_ranks_lower(self, part: str, other: dict[str, object]):
        check = check_take(heard(**other), AIMS, brief="a street")
        assert [name for name, agrees in check.agrees.items() if not agrees] == [part]
        assert check.score < check_take(heard(), AIMS, brief="a street").score

    def test_twice_the_tempo_is_wrong_but_nearer_than_any_other(self):
        double = check_take(heard(tempo_bpm=200.0), AIMS, brief="a street")
        other = check_take(heard(tempo_bpm=170.0), AIMS, brief="a street")
        assert not double.agrees["tempo"]
        assert double.score > other.score

    def test_what_nobody_aimed_at_is_not_judged(self):
        check = check_take(heard(), MusicAims(), brief="a street")
        assert (check.agrees, check.score) == ({}, 1.0)

    def test_silence_is_a_defect_but_not_behind_a_cut(self):
        silent = heard(silences=((12.0, 16.0),))
        cut = HitPoint(seconds=12.0, kind="cut")
        assert check_take(silent, AIMS, brief="x").defects == ("nothing sounds from 12 to 16 s",)
        assert check_take(silent, AIMS, brief="x", hits=[cut]).defects == ()
        early = HitPoint(seconds=5.0, kind="cut")
        assert check_take(silent, AIMS, brief="x", hits=[early]).defects

    def test_a_voice_is_a_defect_where_none_is_wanted(self):
        sung = heard(vocals=0.8)
        assert check_take(sung, AIMS, brief="x", denied=frozenset({"vocals"})).defects
        assert not check_take(sung, AIMS, brief="x").defects

    def test_a_scene_agrees_with_one_of_its_own_mood_alone(self):
        reader = word_reader()
        near = scene_distance("sad rain", ["sad rain at night"], reader)
        far = scene_distance("sad rain", ["joyful party"], reader)
        assert near < SCENE_TOLERANCE
        assert near < far
        check = check_take(heard(scenes=("sad rain",)), AIMS, brief="sad rain", reader=reader)
        assert check.agrees["scene"]


class TestCheckLine:
    def test_says_what_was_heard_and_what_was_wanted_instead(self):
        check = check_take(heard(mode="major"), AIMS, brief="x")
        assert check_line(check, AIMS) == (
            "Heard: 101 bpm (100 wanted), major (minor wanted), arousal +0.10 (+0.20 wanted)"
        )

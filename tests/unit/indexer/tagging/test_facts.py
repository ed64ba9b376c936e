from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec
import pytest

from indexer.tagging.facts import TrackFacts, facts_of, model_licences
from indexer.tagging.keys import TONICS, written_key
from indexer.tagging.wishes import ALL_CHOICES, LICENCE, TagWishes, wanted_fields
from tests.support.listening import listening, new_catalogue, store

if TYPE_CHECKING:
    from pathlib import Path


@pytest.fixture(scope="module")
def facts(tmp_path_factory: pytest.TempPathFactory) -> TrackFacts:
    folder: Path = tmp_path_factory.mktemp("facts")
    tags = {"piano": 0.4, "rock": 0.3, "hip-hop": 0.2, "classic": 0.1}
    with new_catalogue(folder) as catalogue:
        heard = listening(tags=tags, segments=3)
        track_id = store(catalogue, heard, scenes=["A  street\nat night\0", "A bar", "A bar"])
        return facts_of(catalogue.track(track_id))


class TestFacts:
    def test_says_what_was_heard(self, facts: TrackFacts):
        assert facts.genres == ("Rock", "Hip-Hop")
        assert facts.instruments == ("piano",)
        assert facts.vocals == "no"
        assert facts.scenes == ("A street at night", "A bar")
        assert facts.music == "slow piano"
        assert facts.energy == pytest.approx(0.375)
        assert [len(one.scene_captions) for one in facts.segments] == [1, 1, 1]

    def test_licences_are_those_of_the_models_behind_the_version(self):
        assert model_licences("mine-1") == ()
        assert {one.commercial_use for one in model_licences("tiny-5-abc")} == {"yes"}
        assert "mert-v1-330m" in {one.model for one in model_licences("mert-5-abc")}


class TestKeys:
    @pytest.mark.parametrize(
        ("key", "musical", "camelot", "openkey"),
        [
            ("C:major", "C", "8B", "1d"),
            ("A:minor", "Am", "8A", "1m"),
            ("F#:minor", "F#m", "11A", "4m"),
            ("A#:major", "Bb", "6B", "11d"),
            ("G#:minor", "G#m", "1A", "6m"),
            ("none", "", "", ""),
        ],
    )
    def test_notations(self, key: str, musical: str, camelot: str, openkey: str):
        assert written_key(key, "musical") == musical
        assert written_key(key, "camelot") == camelot
        assert written_key(key, "openkey") == openkey

    def test_every_key_has_a_place_of_its_own(self):
        keys = [f"{tonic}:{mode}" for tonic in TONICS for mode in ("major", "minor")]
        for notation in ("musical", "camelot", "openkey"):
            assert len({written_key(key, notation) for key in keys}) == 24


class TestWishes:
    def test_what_is_not_sure_is_left_out(self, facts: TrackFacts):
        unsure = msgspec.structs.replace(facts, bpm_confidence=0.4, key_confidence=0.0)
        fields = wanted_fields(unsure, TagWishes())
        assert fields["bpm"] == fields["MUSISCENE_BPM"] == fields["key"] == ()
        assert wanted_fields(unsure, TagWishes(min_confidence=0.3))["bpm"] == ("120",)
        assert wanted_fields(unsure, TagWishes(min_confidence=0.0))["key"] == ()

    def test_a_mood_near_the_middle_is_left_out(self, facts: TrackFacts):
        assert len(wanted_fields(facts, TagWishes())["mood"]) == 2
        middle = msgspec.structs.replace(facts, mood_confidence=0.2)
        assert wanted_fields(middle, TagWishes())["mood"] == ()

    def test_only_what_was_chosen(self, facts: TrackFacts):
        fields = wanted_fields(facts, TagWishes(fields=("bpm",)))
        assert set(fields) == {"bpm", "MUSISCENE_BPM", "MUSISCENE_MODEL", "MUSISCENE_LICENCE"}

    def test_comment_and_grouping_on_request(self, facts: TrackFacts):
        assert "comment" not in wanted_fields(facts, TagWishes())
        fields = wanted_fields(facts, TagWishes(comment=True, grouping=True))
        assert fields["comment"] == ("A street at night slow piano",)
        assert fields["grouping"] == (", ".join(facts.moods),)

    def test_licences_without_commercial_use_are_stated(self, facts: TrackFacts):
        assert wanted_fields(facts, TagWishes())[LICENCE] == ()
        bound = msgspec.structs.replace(facts, model_licences=model_licences("mert-5-abc"))
        assert "commercial use: no" in " ".join(wanted_fields(bound, TagWishes())[LICENCE])

    def test_the_command_knows_all_choices(self):
        from indexer.cli.tag import CHOICES

        assert set(CHOICES) == set(ALL_CHOICES)

from __future__ import annotations

import json
from typing import TYPE_CHECKING, cast
from uuid import UUID

import click
import pytest
from click.testing import CliRunner

from indexer.cli import similar as cli_similar
from indexer.cli.similar import SectionType, similar
from indexer.library import Library
from musiscene.checkpoints import first_use
from musiscene.console import Places
from tests.support.listening import WordEmbedder, listening, new_catalogue, store
from tests.support.retrieval import TRACKS

if TYPE_CHECKING:
    from pathlib import Path

    from musiscene.embed import TextEmbedder


@pytest.fixture
def places(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Places:
    catalogue = new_catalogue(tmp_path)
    for name, (scene, music, tags) in TRACKS.items():
        heard = listening(f"/m/{name}.wav", audio_hash=name, tags=tags)
        store(catalogue, heard, scenes=[scene], music=music)
    made = Library(catalogue, tmp_path / "vectors", cast("TextEmbedder", WordEmbedder()))
    monkeypatch.setattr(Library, "open", lambda *_, **__: made)
    monkeypatch.setattr(first_use, "store_with", lambda *_: None)
    return Places(data_dir=tmp_path)


class TestSectionType:
    @pytest.mark.parametrize(
        ("text", "section"),
        [
            ("2", 2),
            ("0:30-1:00", (30.0, 60.0)),
            ("30-62.5", (30.0, 62.5)),
            ("1:05 - 12:00", (65.0, 720.0)),
        ],
    )
    def test_reads_clocks_seconds_and_numbers(self, text: str, section: object):
        assert SectionType().convert(text, None, None) == section

    @pytest.mark.parametrize("text", ["", "x", "1-", "-3", "1:2:3-4", "²"])
    def test_says_what_a_section_is(self, text: str):
        with pytest.raises(click.BadParameter, match="0:30-1:00"):
            SectionType().convert(text, None, None)


class TestSeeds:
    def test_weights_and_sections_belong_to_their_tracks(self):
        asked: list[str] = []

        def track_called(name: str) -> UUID:
            asked.append(name)
            return UUID(int=len(asked))

        seeds = cli_similar._seeds(track_called, ["a=b.opus", "c.opus=-0.5"], [3])
        assert asked == ["a=b.opus", "c.opus"]
        assert [(one.weight, one.section) for one in seeds] == [(1.0, 3), (-0.5, None)]


class TestCommand:
    def test_shows_a_table_and_says_why(self, places: Places):
        result = CliRunner().invoke(similar, ["--track", "calm/lake.wav"], obj=places)
        assert result.exit_code == 0
        assert "snow" in result.stdout.splitlines()[1]
        assert "1. Like lake in this: " in result.stdout

    def test_json_is_one_document(self, places: Places):
        result = CliRunner().invoke(
            similar, ["--track", "lake.wav", "--top-k", "2", "--json"], obj=places
        )
        document = json.loads(result.stdout)
        assert [hit["rank"] for hit in document["hits"]] == [1, 2]
        assert document["seeds"][0]["track"]["path"] == "/m/calm/lake.wav"

    @pytest.mark.parametrize(
        ("arguments", "said"),
        [
            pytest.param([], "--track", id="no track"),
            pytest.param(
                ["--track", "a", "--section", "1", "--section", "2"], "2 sections", id="2"
            ),
            pytest.param(["--track", "a", "--filter", "bmp=3"], "did you mean bpm", id="filter"),
            pytest.param(["--track", "a", "--diversity", "2"], "diversity", id="diversity"),
        ],
    )
    def test_wrong_use_is_said(self, places: Places, arguments: list[str], said: str):
        result = CliRunner().invoke(similar, arguments, obj=places)
        assert result.exit_code == 2
        assert said in result.stderr

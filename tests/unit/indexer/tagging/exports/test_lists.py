from __future__ import annotations

import csv
import io
import json
from pathlib import Path
from typing import TYPE_CHECKING

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from indexer.errors import TagError
from indexer.tagging.exports.lists import COLUMNS, csv_lines, json_lines, sidecar, sidecar_path
from tests.support.tagging import FACTS

if TYPE_CHECKING:
    from indexer.tagging.facts import TrackFacts


def read_csv(*tracks: TrackFacts) -> list[dict[str, str]]:
    text = b"".join(csv_lines(tracks, notation="camelot")).decode()
    return list(csv.DictReader(io.StringIO(text, newline="")))


class TestCsv:
    def test_holds_the_facts(self):
        (row,) = read_csv(FACTS)
        assert tuple(row) == COLUMNS
        assert row["bpm"] == "123.98"
        assert row["key"] == "11A"
        assert row["moods"] == "calm; warm"
        assert row["loudness_lufs"] == "-14.2"
        assert row["arousal"] == "-0.25"
        assert row["scenes"] == "A lake, at dawn."
        assert row["artist"] == ""
        place = row["album_artist"], row["disc_number"], row["track_number"]
        assert place == ("Various", "2", "7")

    @given(st.text(max_size=60))
    def test_any_title_comes_back_and_none_is_a_formula(self, title: str):
        title = title.encode("utf-8", "ignore").decode()
        (row,) = read_csv(msgspec.structs.replace(FACTS, title=title))
        assert row["title"].removeprefix("'") == title.removeprefix("'")
        assert not row["title"].startswith(("=", "+", "-", "@", "\t", "\r"))

    def test_lines_end_as_the_standard_says(self):
        for line in csv_lines([FACTS], notation="musical"):
            assert line.endswith(b"\r\n")


class TestJsonLines:
    def test_a_line_holds_everything(self):
        (line,) = json_lines([FACTS])
        document = json.loads(line)
        assert document["segments"][0]["scene_captions"] == ["A lake, at dawn."]
        assert document["id"] == str(FACTS.id)


class TestSidecar:
    def test_lies_beside_the_file_or_in_a_mirror(self):
        beside = sidecar_path(FACTS, base=Path("/m"), out=None)
        assert beside == Path("/m/a/song.flac.musiscene.json")
        mirrored = sidecar_path(FACTS, base=Path("/m"), out=Path("/out"))
        assert mirrored == Path("/out/a/song.flac.musiscene.json")

    def test_replaces_its_own_kind_alone(self, tmp_path: Path):
        path = tmp_path / "song.flac.musiscene.json"
        path.write_bytes(sidecar(FACTS, path))
        assert json.loads(sidecar(FACTS, path))["bpm"] == 123.98
        for foreign in (b"notes", b"{}", b"[1]", b"3", b"\xff"):
            path.write_bytes(foreign)
            with pytest.raises(TagError, match="not ours"):
                sidecar(FACTS, path)

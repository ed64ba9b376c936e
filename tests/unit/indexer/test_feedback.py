from __future__ import annotations

import json
from typing import TYPE_CHECKING

import numpy as np
import pytest

from indexer.errors import BriefError, OpinionFileError, TrackNotFoundError
from indexer.feedback import (
    MAX_BRIEF_CHARACTERS,
    embed_opinions_again,
    import_lines,
    note_opinion,
    taste_of,
    write_lines,
)
from tests.support.retrieval import made_library, write_briefs

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path
    from uuid import UUID

    from indexer.catalogue.opinions import Opinion, Verdict
    from indexer.library import Library


@pytest.fixture
def library(catalogue_location: str, tmp_path: Path) -> Iterator[Library]:
    with made_library(tmp_path, catalogue_location) as opened:
        yield opened


def say(library: Library, track: UUID, brief: str, verdict: Verdict = "accept") -> Opinion:
    return note_opinion(
        library.catalogue, library.embedder, track_id=track, brief=brief, verdict=verdict
    )


def lake_of(library: Library) -> UUID:
    return library.catalogue.track_called("lake.wav")


class TestNoteOpinion:
    def test_the_next_answer_to_the_same_brief_knows_it(self, library: Library):
        lake = lake_of(library)
        said = say(library, lake, "  mist  over water\n\nrain ", "reject")
        assert said.brief == "mist over water\nrain"
        taste = taste_of(library.catalogue.opinions, embedder=library.embedder.version)
        queries = library.embedder.encode(["mist over water", "rain"])
        assert taste.adjust(queries, [lake]).tolist() == [-1.0]

    @pytest.mark.parametrize(
        "brief",
        [
            pytest.param(" \n\t", id="blank"),
            pytest.param("a" * (MAX_BRIEF_CHARACTERS + 1), id="too long"),
            pytest.param("a\n" * 201, id="too many lines"),
        ],
    )
    def test_a_brief_nobody_can_have_given_is_refused(self, library: Library, brief: str):
        with pytest.raises(BriefError, match="brief"):
            say(library, lake_of(library), brief)

    def test_a_track_that_is_gone_is_told(self, library: Library):
        lake = lake_of(library)
        library.catalogue.delete_tracks([lake])
        with pytest.raises(TrackNotFoundError):
            say(library, lake, "rain")


class TestTasteOf:
    def test_without_opinions_it_is_empty(self, library: Library):
        assert len(taste_of(library.catalogue.opinions, embedder="words-1")) == 0

    def test_opinions_of_another_embedder_are_left_out(self, library: Library):
        say(library, lake_of(library), "rain")
        assert len(taste_of(library.catalogue.opinions, embedder="words-2")) == 0


class TestEmbedOpinionsAgain:
    def test_each_brief_gets_its_own_vector_in_batches_too(
        self, library: Library, monkeypatch: pytest.MonkeyPatch
    ):
        opinions = library.catalogue.opinions
        for brief in ("rain", "snow\nwind and rain", "a still lake"):
            say(library, lake_of(library), brief)
        before = [one.data for one in opinions.vectors(embedder="words-1")]
        opinions.replace_vectors({one.id: bytes(8) for one in opinions.page()}, embedder="words-0")
        monkeypatch.setattr("indexer.feedback.OPINIONS_AT_ONCE", 2)
        assert embed_opinions_again(opinions, library.embedder) == 3
        assert embed_opinions_again(opinions, library.embedder) == 0
        assert [one.data for one in opinions.vectors(embedder="words-1")] == before
        lengths = [np.linalg.norm(np.frombuffer(data, "<f2")) for data in before]
        np.testing.assert_allclose(lengths, 1.0, atol=1e-3)


class TestFile:
    def test_what_was_written_can_be_read_into_another_library(
        self, library: Library, tmp_path: Path
    ):
        lake, storm = (library.catalogue.track_called(name) for name in ("lake.wav", "storm.wav"))
        say(library, lake, "rain\na cat")
        say(library, storm, "rain", "reject")
        file = tmp_path / "opinions.jsonl"
        file.write_bytes(b"".join(write_lines(library.catalogue.opinions)))
        (tmp_path / "other").mkdir()
        with made_library(tmp_path / "other") as other:
            for _ in range(2):  # the second time, each replaces itself
                done = import_lines(file, catalogue=other.catalogue, embedder=other.embedder)
                assert done == (2, [])
            read = other.catalogue.opinions.page()
        written = library.catalogue.opinions.page()
        assert [(one.path, one.brief, one.verdict, one.created_at) for one in read] == [
            (one.path, one.brief, one.verdict, one.created_at) for one in written
        ]

    def test_bad_lines_are_numbered_and_the_rest_counts(self, library: Library, tmp_path: Path):
        good = {"path": "calm/lake.wav", "brief": "rain", "verdict": "accept"}
        rows: list[object] = [
            good,
            "",
            "not JSON",
            good | {"verdict": "maybe"},
            good | {"brief": " "},
            good | {"path": "nothing.wav"},
            {"brief": "rain", "verdict": "accept"},
            good | {"created_at": "2026-01-31T12:00:00"},
            good | {"brief": "snow", "track": "0190aab2-0000-7000-8000-000000000000"},
        ]
        file = write_briefs(tmp_path / "opinions.jsonl", rows)
        imported, bad = import_lines(file, catalogue=library.catalogue, embedder=library.embedder)
        assert imported == 2
        assert [line.number for line in bad] == [3, 4, 5, 6, 7, 8]
        assert "maybe" in bad[1].reason
        assert "nothing.wav" in bad[3].reason

    def test_bytes_that_are_no_text_are_a_bad_line(self, library: Library, tmp_path: Path):
        file = tmp_path / "opinions.jsonl"
        file.write_bytes(b'{"path": "lake.wav", "brief": "\xff", "verdict": "accept"}\n')
        imported, bad = import_lines(file, catalogue=library.catalogue, embedder=library.embedder)
        assert (imported, [line.number for line in bad]) == (0, [1])

    def test_a_file_that_is_too_large_or_not_there_is_refused(
        self, library: Library, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ):
        monkeypatch.setattr("indexer.feedback.MAX_FILE_BYTES", 10)
        file = tmp_path / "opinions.jsonl"
        with pytest.raises(OpinionFileError, match="cannot be read"):
            import_lines(file, catalogue=library.catalogue, embedder=library.embedder)
        file.write_text(json.dumps({"brief": "long enough"}))
        with pytest.raises(OpinionFileError, match="split it"):
            import_lines(file, catalogue=library.catalogue, embedder=library.embedder)

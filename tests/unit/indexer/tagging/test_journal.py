from __future__ import annotations

from typing import TYPE_CHECKING
from uuid import UUID

import msgspec
import pytest

from indexer.errors import TagRunError
from indexer.tagging.journal import FieldRecord, Journal, Rewritten, list_runs, read_run

if TYPE_CHECKING:
    from pathlib import Path

ENTRY = Rewritten(
    track_id=UUID(int=1),
    path="/m/a.mp3",
    codec="mp3",
    format="ID3v2.4",
    size_before=1,
    modified_before_ns=2,
    sha256_before="a",
    size_after=3,
    sha256_after="b",
    fields=(FieldRecord(name="TBPM", old=None, new={"frames": []}),),
    patch=b"\0\xff",
)


def written(folder: Path, *paths: str) -> str:
    with Journal(folder) as journal:
        for path in paths:
            journal.note(msgspec.structs.replace(ENTRY, path=path))
    return journal.id


class TestJournal:
    def test_reads_what_was_noted(self, tmp_path: Path):
        run_id = written(tmp_path, "/m/a.mp3", "/m/b.mp3")
        run = read_run(tmp_path, run_id[:20])
        assert run.header.id == run_id
        assert [entry.path for entry in run.files] == ["/m/a.mp3", "/m/b.mp3"]
        assert run.files[0] == ENTRY
        assert run.ended is not None
        assert run.ended.written == 2

    def test_a_run_that_wrote_nothing_leaves_nothing(self, tmp_path: Path):
        written(tmp_path)
        assert not list(tmp_path.iterdir())

    @pytest.mark.parametrize("cut", [1, 30, 200])
    def test_a_torn_last_line_is_left_out(self, tmp_path: Path, cut: int):
        run_id = written(tmp_path, "/m/a.mp3", "/m/b.mp3")
        path = tmp_path / f"{run_id}.jsonl"
        lines = path.read_bytes().splitlines(keepends=True)
        path.write_bytes(b"".join(lines[:2]) + lines[2][:-cut])
        run = read_run(tmp_path, "last")
        assert [entry.path for entry in run.files][:1] == ["/m/a.mp3"]
        assert run.ended is None
        assert run.damaged_lines == 0

    def test_a_damaged_line_is_counted_and_the_others_stay(self, tmp_path: Path):
        run_id = written(tmp_path, "/m/a.mp3", "/m/b.mp3")
        path = tmp_path / f"{run_id}.jsonl"
        lines = path.read_bytes().splitlines(keepends=True)
        path.write_bytes(lines[0] + b"\xff\0 nonsense\n" + b"".join(lines[2:]))
        run = read_run(tmp_path, run_id)
        assert [entry.path for entry in run.files] == ["/m/b.mp3"]
        assert run.damaged_lines == 1

    def test_the_last_run_is_the_last_that_was_not_taken_back(self, tmp_path: Path):
        first = written(tmp_path, "/m/a.mp3")
        with Journal(tmp_path, undoes=first, is_whole=False):
            pass
        assert read_run(tmp_path, "last").header.id == first
        with Journal(tmp_path, undoes=first):
            pass
        with pytest.raises(TagRunError, match="no run to undo"):
            read_run(tmp_path, "last")
        assert [
            run.undone_by is not None for run in list_runs(tmp_path) if run.kind == "write"
        ] == [True]

    def test_an_undo_that_failed_leaves_the_run_open(self, tmp_path: Path):
        first = written(tmp_path, "/m/a.mp3")
        with Journal(tmp_path, undoes=first) as journal:
            journal.note_failure()
        assert read_run(tmp_path, "last").header.id == first

    def test_an_unknown_run_is_said(self, tmp_path: Path):
        with pytest.raises(TagRunError, match="no run has this id"):
            read_run(tmp_path, "2020")
        (tmp_path / "x.jsonl").write_text("no journal\n")
        with pytest.raises(TagRunError, match="no journal"):
            read_run(tmp_path, "x")
        assert list_runs(tmp_path) == []

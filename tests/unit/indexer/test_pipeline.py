"""Scans of real files into a real catalogue; only the models are replaced by something quick."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from indexer.errors import LibraryPathError, PruneFloorError
from indexer.pipeline import ScanOptions
from tests.support.scanning import (
    QuickEngine,
    make_music,
    names,
    open_library,
    run,
    tone,
)

if TYPE_CHECKING:
    from collections.abc import Iterator

    from indexer.library import Library

PRUNE = ScanOptions(prune=True, prune_floor=0.0)


@pytest.fixture
def library(catalogue_location: str, tmp_path: Path) -> Iterator[Library]:
    with open_library(catalogue_location, tmp_path / "data") as opened:
        yield opened


@pytest.fixture
def music(tmp_path: Path) -> Path:
    return make_music(tmp_path / "music")


class TestScan:
    def test_takes_in_a_library_and_makes_it_searchable(self, library: Library, music: Path):
        report, engine, told = run(library, music)
        assert (report.counts.files_found, report.counts.tracks_indexed) == (3, 3)
        assert names(library) == {"a.wav", "b.wav", "c.flac"}
        assert (told.found, told.total) == (3, 3)
        assert sorted(told.done) == ["a.wav", "b.wav", "c.flac"]
        assert len(library.vectors()) == 6
        assert sorted(engine.heard) == ["a.wav", "b.wav", "c.flac"]

    def test_a_second_scan_hears_nothing_again(self, library: Library, music: Path):
        run(library, music)
        report, engine, _ = run(library, music)
        assert (report.counts.tracks_unchanged, report.counts.tracks_indexed) == (3, 0)
        assert engine.imagined == []
        assert not report.did_something

    def test_a_bad_file_costs_only_itself(self, library: Library, music: Path):
        (music / "empty.mp3").touch()
        (music / "text.wav").write_text("no music at all, only words\n" * 50)
        (music / "gone.wav").symlink_to(music / "nowhere.wav")
        report, _, told = run(library, music)
        assert report.counts.tracks_indexed == 3
        reasons = {Path(failure.path).name: failure for failure in report.failures}
        assert set(reasons) == {"empty.mp3", "text.wav", "gone.wav"}
        assert (reasons["gone.wav"].stage, reasons["empty.mp3"].stage) == ("walk", "decode")
        assert told.failures == report.failures
        assert library.catalogue.scans.failures(report.scan_id) == report.failures

    def test_what_failed_is_not_tried_again_until_it_changes(self, library: Library, music: Path):
        bad = music / "bad.wav"
        bad.write_text("no music at all, only words\n" * 50)
        first, _, _ = run(library, music)
        again, _, told = run(library, music)
        assert [failure.reason for failure in again.failures] == [first.failures[0].reason]
        assert told.total == 0
        _, _, told = run(library, music, options=ScanOptions(retry=True))
        assert told.total == 1
        tone(bad, 990)
        report, _, _ = run(library, music)
        assert (report.failures, report.counts.tracks_indexed) == ([], 1)

    def test_stopping_keeps_what_was_stored_and_can_go_on(self, library: Library, music: Path):
        engine = QuickEngine()
        engine.stop_after = 1
        report, _, _ = run(library, music, engine=engine)
        assert report.status == "interrupted"
        assert library.catalogue.scans.status(report.scan_id) == "interrupted"
        assert len(names(library)) == 2
        assert len(library.vectors()) == 4
        report, _, _ = run(library, music)
        assert (report.counts.tracks_unchanged, report.counts.tracks_indexed) == (2, 1)
        assert report.status == "finished"

    def test_a_scan_that_breaks_off_says_so(
        self, library: Library, music: Path, monkeypatch: pytest.MonkeyPatch
    ):
        engine = QuickEngine()
        monkeypatch.setattr(engine, "_captions", lambda _hash: 1 / 0)
        with pytest.raises(ZeroDivisionError):
            run(library, music, engine=engine)
        report, _, _ = run(library, music)
        assert report.counts.tracks_indexed == 3

    def test_a_root_that_is_not_there_changes_nothing(self, library: Library, music: Path):
        with pytest.raises(LibraryPathError):
            run(library, music, music / "nowhere")
        assert library.catalogue.known_files() == {}

    def test_an_empty_folder_is_a_library_without_tracks(self, library: Library, tmp_path: Path):
        (tmp_path / "empty").mkdir()
        report, _, _ = run(library, tmp_path / "empty")
        assert report.counts.files_found == 0

    def test_names_in_any_script_and_form_are_files_of_their_own(
        self, library: Library, music: Path
    ):
        for number, name in enumerate(
            ("caf\u00e9.wav", "cafe\u0301.wav", "雨の夜.wav", "дождь.wav")
        ):
            tone(music / name, 300.0 + number)
        report, _, _ = run(library, music)
        assert report.counts.tracks_indexed == 7
        report, _, _ = run(library, music)
        assert report.counts.tracks_unchanged == 7


class TestGone:
    def test_a_file_that_is_gone_is_kept_until_it_comes_back(self, library: Library, music: Path):
        run(library, music)
        content = (music / "b.wav").read_bytes()
        status = (music / "b.wav").stat()
        (music / "b.wav").unlink()
        report, _, _ = run(library, music)
        assert report.counts.tracks_missing == 1
        assert names(library) == {"a.wav", "c.flac"}
        assert len(library.vectors()) == 4
        (music / "b.wav").write_bytes(content)
        os.utime(music / "b.wav", ns=(status.st_atime_ns, status.st_mtime_ns))
        report, engine, _ = run(library, music)
        assert (report.counts.tracks_unchanged, engine.imagined) == (3, [])
        assert names(library) == {"a.wav", "b.wav", "c.flac"}

    def test_pruning_deletes_only_below_the_roots(self, library: Library, music: Path):
        run(library, music)
        (music / "b.wav").unlink()
        (music / "deep" / "c.flac").unlink()
        report, _, _ = run(library, music / "deep", options=PRUNE)
        assert report.tracks_deleted == 1
        assert set(library.catalogue.known_files()) == {str(music / n) for n in ("a.wav", "b.wav")}

    def test_a_disk_that_is_not_there_is_never_pruned(self, library: Library, music: Path):
        run(library, music)
        away = music.rename(music.parent / "away")
        music.mkdir()  # where it was mounted
        with pytest.raises(PruneFloorError, match="3 of 3 tracks"):
            run(library, music, options=ScanOptions(prune=True))
        assert names(library) == set()
        music.rmdir()
        away.rename(music)
        report, engine, _ = run(library, music, options=ScanOptions(prune=True))
        assert (report.counts.tracks_unchanged, engine.imagined) == (3, [])
        assert names(library) == {"a.wav", "b.wav", "c.flac"}

    def test_what_lies_below_a_folder_that_cannot_be_listed_is_not_gone(
        self, library: Library, music: Path, monkeypatch: pytest.MonkeyPatch
    ):
        run(library, music)
        list_folder = os.scandir

        def refuse(path: str) -> object:
            if path == str(music / "deep"):
                raise PermissionError(13, "Permission denied", path)
            return list_folder(path)

        monkeypatch.setattr(os, "scandir", refuse)  # root may list everything
        report, _, _ = run(library, music, options=PRUNE)
        assert (report.counts.tracks_missing, report.tracks_deleted) == (0, 0)
        assert names(library) == {"a.wav", "b.wav", "c.flac"}

"""What a scan does with files that moved, changed, or are known to other models."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

import pytest
from sqlalchemy import update

from indexer.catalogue.models import Heard
from tests.support.scanning import (
    QuickEngine,
    ids,
    make_music,
    names,
    open_library,
    run,
    scenes,
    tone,
)

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from indexer.library import Library


@pytest.fixture
def library(catalogue_location: str, tmp_path: Path) -> Iterator[Library]:
    with open_library(catalogue_location, tmp_path / "data") as opened:
        yield opened


@pytest.fixture
def music(tmp_path: Path) -> Path:
    return make_music(tmp_path / "music")


class TestStages:
    def test_another_embedder_imagines_nothing_again(self, library: Library, music: Path):
        run(library, music)
        library.embedder.version = "words-2"  # type: ignore[misc]  # a plain attribute here
        report, engine, _ = run(library, music)
        assert (report.counts.tracks_unchanged, engine.imagined) == (3, [])
        assert len(library.vectors()) == 6

    def test_another_writer_imagines_again_and_hears_nothing(self, library: Library, music: Path):
        run(library, music)
        before = ids(library)
        report, engine, _ = run(library, music, engine=QuickEngine(writing="words-2"))
        assert (report.counts.tracks_imagined, report.counts.tracks_indexed) == (3, 0)
        assert (engine.heard, len(engine.imagined)) == ([], 3)
        assert ids(library) == before
        assert all("words-2" in scenes(library, track_id)[1] for track_id in before.values())
        assert len(library.vectors()) == 6

    def test_another_writer_hears_what_was_not_kept(self, library: Library, music: Path):
        run(library, music)
        with library.catalogue._engine.begin() as connection:
            connection.execute(update(Heard).values(data=b"damaged"))
        _, engine, _ = run(library, music, engine=QuickEngine(writing="words-2"))
        assert len(engine.heard) == 3
        assert all("words-2" in scenes(library, one)[1] for one in ids(library).values())

    def test_other_ears_hear_everything_again(self, library: Library, music: Path):
        run(library, music)
        before = ids(library)
        report, engine, _ = run(library, music, engine=QuickEngine(listening="ears-2"))
        assert (report.counts.tracks_indexed, len(engine.heard)) == (3, 3)
        assert ids(library) == before


class TestIdentity:
    def test_a_changed_file_is_heard_again_under_its_id(self, library: Library, music: Path):
        run(library, music)
        before = library.catalogue.known_files()[str(music / "a.wav")]
        tone(music / "a.wav", 990, seconds=2)
        report, engine, _ = run(library, music)
        after = library.catalogue.known_files()[str(music / "a.wav")]
        assert (report.counts.tracks_indexed, engine.heard) == (1, ["a.wav"])
        assert (after.track_id, after.audio_hash != before.audio_hash) == (before.track_id, True)

    def test_a_moved_file_keeps_its_id_and_captions(self, library: Library, music: Path):
        run(library, music)
        before = ids(library)["a.wav"]
        captions = scenes(library, before)
        (music / "a.wav").rename(music / "deep" / "renamed.wav")
        report, engine, _ = run(library, music)
        assert (report.counts.tracks_moved, engine.imagined) == (1, [])
        assert ids(library)["renamed.wav"] == before
        assert scenes(library, before) == captions

    def test_a_file_that_moved_to_another_library_keeps_its_id(
        self, library: Library, music: Path, tmp_path: Path
    ):
        run(library, music)
        before = ids(library)["a.wav"]
        (tmp_path / "other").mkdir()
        (music / "a.wav").rename(tmp_path / "other" / "a.wav")
        run(library, tmp_path / "other")
        assert library.catalogue.known_files()[str(tmp_path / "other" / "a.wav")].track_id == before

    def test_a_retagged_file_is_not_heard_again(self, library: Library, music: Path):
        path = tone(music / "tagged.flac", 440, artist="Old")
        run(library, music)
        tone(path, 440, artist="New name")
        os.utime(path, ns=(1, 1))
        report, engine, _ = run(library, music)
        assert (report.counts.tracks_moved, engine.imagined) == (1, [])
        known = library.catalogue.known_files()[str(path)]
        assert library.catalogue.track(known.track_id).artist == "New name"

    def test_files_that_change_places_take_their_ids_along(self, library: Library, music: Path):
        run(library, music)
        before = ids(library)
        (music / "a.wav").rename(music / "x")
        (music / "b.wav").rename(music / "a.wav")
        (music / "x").rename(music / "b.wav")
        for number, name in enumerate(("a.wav", "b.wav")):
            os.utime(music / name, ns=(number, number))
        report, engine, _ = run(library, music)
        after = ids(library)
        assert (after["a.wav"], after["b.wav"]) == (before["b.wav"], before["a.wav"])
        assert (report.counts.tracks_moved, engine.imagined) == (2, [])

    def test_a_file_that_is_replaced_and_moved_stays_itself(self, library: Library, music: Path):
        run(library, music)
        before = ids(library)["a.wav"]
        (music / "a.wav").rename(music / "zz.wav")
        tone(music / "a.wav", 990, seconds=2)
        run(library, music)
        after = ids(library)
        assert after["zz.wav"] == before
        assert after["a.wav"] != before

    def test_a_file_that_replaces_another_leaves_it_missing(self, library: Library, music: Path):
        run(library, music)
        before = ids(library)
        (music / "b.wav").replace(music / "a.wav")
        os.utime(music / "a.wav", ns=(1, 1))
        run(library, music)
        assert ids(library) == {"a.wav": before["b.wav"], "c.flac": before["c.flac"]}
        lost = library.catalogue.track(before["a.wav"])
        assert (lost.status, "replaced" in lost.path) == ("missing", True)
        tone(music / "again.wav", 220.0)
        run(library, music)
        assert ids(library)["again.wav"] == before["a.wav"]

    def test_a_copy_is_a_track_of_its_own_that_is_not_heard(self, library: Library, music: Path):
        run(library, music)
        (music / "copy.wav").write_bytes((music / "a.wav").read_bytes())
        report, engine, _ = run(library, music)
        assert (report.counts.tracks_indexed, engine.heard) == (1, [])
        after = ids(library)
        assert after["copy.wav"] != after["a.wav"]
        assert scenes(library, after["copy.wav"]) == scenes(library, after["a.wav"])
        assert library.catalogue.track(after["copy.wav"]).duration_seconds == pytest.approx(1.0)

    def test_two_copies_of_a_file_that_is_gone_become_two_tracks(
        self, library: Library, music: Path
    ):
        run(library, music)
        before = ids(library)["a.wav"]
        data = (music / "a.wav").read_bytes()
        (music / "a.wav").unlink()
        (music / "x.wav").write_bytes(data)
        (music / "y.wav").write_bytes(data)
        report, _, _ = run(library, music)
        assert (report.counts.tracks_moved, report.counts.tracks_indexed) == (1, 1)
        assert names(library) == {"x.wav", "y.wav", "b.wav", "c.flac"}
        assert before in ids(library).values()


class TestSongs:
    SHEET = (
        'FILE "album.wav" WAVE\n'
        'TRACK 01 AUDIO\nTITLE "One"\nINDEX 01 00:00:00\n'
        'TRACK 02 AUDIO\nTITLE "Two"\nINDEX 01 00:03:00\n'
    )

    @pytest.fixture
    def album(self, tmp_path: Path) -> Path:
        folder = tmp_path / "album"
        tone(folder / "album.flac", 220, seconds=6)
        return folder

    def songs(self, library: Library) -> list[str | None]:
        [track_id] = ids(library).values()
        heard = library.catalogue.heard(track_id)
        assert heard is not None
        return [chapter.title for chapter in heard.listening.info.chapters]

    def test_come_go_and_change_with_the_cue_sheet(self, library: Library, album: Path):
        sheet = album / "album.cue"
        run(library, album)
        before = ids(library)
        for text, expected in (
            (self.SHEET, ["One", "Two"]),
            (self.SHEET.replace("Two", "2"), ["One", "2"]),
            ("broken", []),
            (self.SHEET, ["One", "Two"]),
            (None, []),
        ):
            had = self.songs(library)
            sheet.unlink() if text is None else sheet.write_text(text)
            report, engine, _ = run(library, album)
            assert self.songs(library) == expected
            assert engine.heard == (["album.flac"] if had != expected else [])
            assert (ids(library), report.failures) == (before, [])
            assert not run(library, album)[0].did_something

    def test_are_not_heard_again_where_the_sheet_only_looks_different(
        self, library: Library, album: Path
    ):
        (album / "album.cue").write_text(self.SHEET)
        run(library, album)
        (album / "album.cue").write_text("REM a remark\n" + self.SHEET)
        report, engine, _ = run(library, album)
        assert (engine.heard, report.counts.tracks_moved) == ([], 1)
        assert not run(library, album)[0].did_something

    def test_move_with_their_file(self, library: Library, album: Path):
        (album / "album.cue").write_text(self.SHEET)
        run(library, album)
        (album / "deep").mkdir()
        for name in ("album.flac", "album.cue"):
            (album / name).rename(album / "deep" / name)
        report, engine, _ = run(library, album)
        assert (engine.heard, report.counts.tracks_moved) == ([], 1)
        assert self.songs(library) == ["One", "Two"]

    def test_a_copy_without_the_sheet_is_heard_for_itself(self, library: Library, album: Path):
        (album / "album.cue").write_text(self.SHEET)
        run(library, album)
        copy = album / "copy" / "other.flac"
        copy.parent.mkdir()
        copy.write_bytes((album / "album.flac").read_bytes())
        _, engine, _ = run(library, album)
        assert engine.heard == ["other.flac"]
        heard = library.catalogue.heard(ids(library)["other.flac"])
        assert heard is not None
        assert heard.listening.info.chapters == ()

    def test_a_scan_that_breaks_off_before_they_are_cut_is_finished_by_the_next(
        self, library: Library, album: Path
    ):
        run(library, album)
        (album / "album.cue").write_text(self.SHEET)
        engine = QuickEngine()
        engine.stop_after = 0
        run(library, album, engine=engine)
        assert self.songs(library) == []
        _, engine, _ = run(library, album)
        assert (engine.heard, self.songs(library)) == (["album.flac"], ["One", "Two"])

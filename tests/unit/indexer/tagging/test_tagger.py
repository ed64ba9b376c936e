from __future__ import annotations

import json
import os
import stat
from contextlib import suppress
from typing import TYPE_CHECKING, Any

import mutagen
import pytest
from mutagen.id3 import COMM, GEOB, ID3, POPM, PRIV, TBPM, TXXX
from mutagen.mp4 import MP4

from indexer.errors import TagError
from indexer.tagging.journal import Journal, list_runs, read_run
from indexer.tagging.staging import _name_of_copy
from indexer.tagging.tagger import Tagger
from indexer.tagging.wishes import TagWishes
from musiscene.audio.read import identify_audio
from tests.support.listening import new_catalogue
from tests.support.tagging import (
    METADATA,
    SCENES,
    SUFFIXES,
    Bench,
    index_file,
    music_file,
    sha256_of,
    stated,
)

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from indexer.catalogue.repository import Catalogue


@pytest.fixture(scope="module")
def catalogue(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Catalogue]:
    with new_catalogue(tmp_path_factory.mktemp("library")) as opened:
        yield opened


@pytest.fixture
def mp3(tmp_path: Path, catalogue: Catalogue) -> Bench:
    return Bench(catalogue, music_file(tmp_path / "song.mp3"))


@pytest.fixture(params=SUFFIXES)
def bench(request: pytest.FixtureRequest, tmp_path: Path, catalogue: Catalogue) -> Bench:
    return Bench(catalogue, music_file(tmp_path / f"song{request.param}"))


class TestEveryFormat:
    def test_writes_and_gives_back_byte_for_byte(self, bench: Bench):
        before, status = bench.path.read_bytes(), bench.path.stat()
        hash_before = identify_audio(bench.path).audio_hash
        done = bench.write()
        assert done.written
        assert identify_audio(bench.path).audio_hash == hash_before
        assert bench.path.read_bytes() != before
        assert bench.undo().written
        assert bench.path.read_bytes() == before
        assert bench.path.stat().st_mtime_ns == status.st_mtime_ns

    def test_ffmpeg_reads_the_new_tags_and_the_old_ones(self, bench: Bench):
        before, _ = stated(bench.path)
        bench.write()
        tags, pictures = stated(bench.path)
        assert before.items() <= tags.items()
        assert before["title"] == METADATA["title"]
        text = json.dumps(tags, ensure_ascii=False)
        for wanted in (*SCENES, "Rock", "test-1"):
            assert wanted in text
        if bench.path.suffix != ".m4a":  # whose tempo FFmpeg leaves out
            assert {tags.get("bpm"), tags.get("tbpm")} & {"124", "123.98"}
        assert pictures == (bench.path.suffix in {".mp3", ".flac"})

    def test_a_second_run_has_nothing_to_do(self, bench: Bench):
        bench.write()
        before = sha256_of(bench.path)
        again = bench.write()
        assert not again.changes
        assert not again.written
        assert sha256_of(bench.path) == before

    def test_the_catalogue_knows_the_new_file(self, bench: Bench):
        before = bench.catalogue.track(bench.track_id)
        bench.write()
        after, status = bench.catalogue.track(bench.track_id), bench.path.stat()
        assert (after.size_bytes, after.modified_ns) == (status.st_size, status.st_mtime_ns)
        for name in ("title", "artist", "album", "duration_seconds", "audio_hash", "bpm", "codec"):
            assert getattr(after, name) == getattr(before, name)

    def test_a_preview_writes_nothing_and_says_the_same(self, bench: Bench):
        before = sha256_of(bench.path)
        track = bench.catalogue.track(bench.track_id)
        preview = Tagger(bench.catalogue).preview(track, TagWishes())
        assert sha256_of(bench.path) == before
        assert not preview.written
        assert preview.changes == bench.write().changes

    def test_fields_can_be_given_back_in_a_file_that_somebody_changed(self, bench: Bench):
        bench.write()
        file: Any = mutagen.File(bench.path)
        if isinstance(file.tags, ID3):
            file.tags.add(COMM(encoding=3, lang="eng", desc="x", text=["mine"]))
        elif isinstance(file, MP4):
            file["\xa9cmt"] = ["mine"]
        else:
            file["COMMENT"] = ["mine"]
        file.save()
        changed = sha256_of(bench.path)
        with pytest.raises(TagError, match="somebody changed it"):
            bench.undo()
        assert sha256_of(bench.path) == changed
        assert bench.undo(force=True).written
        left = str(mutagen.File(bench.path).tags)
        assert "mine" in left
        assert "MUSISCENE" not in left
        assert SCENES[0] not in left


class TestForeignTags:
    def test_frames_of_other_programs_stay(self, tmp_path: Path, catalogue: Catalogue):
        path = music_file(tmp_path / "song.mp3")
        tags = ID3(path)
        tags.add(GEOB(encoding=0, mime="application/octet-stream", desc="Serato", data=b"\0\1\2"))
        tags.add(PRIV(owner="TRAKTOR4", data=b"\xff\0\xfe"))
        tags.add(POPM(email="x", rating=200, count=7))
        tags.add(TXXX(encoding=3, desc="mine", text=["a", "b"]))
        tags.save(path, v1=2)
        before = {key: repr(frame) for key, frame in ID3(path).items()}
        end = path.read_bytes()[-128:]
        Bench(catalogue, path).write()
        after = {key: repr(frame) for key, frame in ID3(path).items()}
        assert {key: after[key] for key in before} == before
        assert path.read_bytes()[-128:] == end

    @pytest.mark.parametrize("version", [3, 4])
    def test_an_id3_tag_keeps_its_version(self, tmp_path: Path, catalogue: Catalogue, version: int):
        path = music_file(tmp_path / "song.mp3")
        tags = ID3(path, v2_version=version)
        tags.save(path, v2_version=version)
        bench = Bench(catalogue, path)
        names = {change.name for change in bench.write().changes}
        assert ID3(path, translate=False).version[1] == version
        assert ("TMOO" in names) == (version == 4)
        assert ("TXXX:MOOD" in names) == (version == 3)

    def test_an_id3v1_tag_alone_is_not_hidden(self, tmp_path: Path, catalogue: Catalogue):
        path = music_file(tmp_path / "song.mp3", metadata={})
        ID3(path).delete(path)
        end = b"TAG" + b"Old title".ljust(30, b"\0") + b"Old artist".ljust(30, b"\0")
        path.write_bytes(path.read_bytes() + end.ljust(127, b"\0") + b"\x11")
        bench = Bench(catalogue, path)
        before = path.read_bytes()
        bench.write()
        assert str(ID3(path, load_v1=False)["TIT2"]) == "Old title"
        assert path.read_bytes()[-128:] == before[-128:]
        bench.undo()
        assert path.read_bytes() == before

    def test_what_people_filled_is_kept(self, mp3: Bench):
        tags = ID3(mp3.path)
        tags.add(TBPM(encoding=3, text=["90"]))
        tags.save()
        index_file(mp3.catalogue, mp3.path)
        kept = mp3.write().kept
        assert [(one.name, one.value, one.ours) for one in kept] == [("TBPM", ("90",), ("124",))]
        assert str(ID3(mp3.path)["TBPM"]) == "90"
        assert mp3.write(TagWishes(overwrite=True)).written
        assert str(ID3(mp3.path)["TBPM"]) == "124"

    def test_a_tempo_of_0_and_blanks_are_no_values(self, tmp_path: Path, catalogue: Catalogue):
        path = music_file(tmp_path / "song.m4a")
        file = MP4(path)
        file["tmpo"], file["\xa9gen"] = [0], [" "]
        file.save()
        done = Bench(catalogue, path).write()
        assert not done.kept
        assert MP4(path)["tmpo"] == [124]
        assert MP4(path)["\xa9gen"] == ["Rock"]

    def test_what_we_wrote_is_renewed_and_what_people_made_of_it_is_not(self, mp3: Bench):
        mp3.write()
        index_file(mp3.catalogue, mp3.path, bpm=100.0)
        assert mp3.write().written
        assert str(ID3(mp3.path)["TBPM"]) == "100"
        tags = ID3(mp3.path)
        tags["TBPM"].text = ["101"]
        tags.save()
        index_file(mp3.catalogue, mp3.path, bpm=80.0)
        assert [one.name for one in mp3.write().kept] == ["TBPM"]
        assert str(ID3(mp3.path)["TBPM"]) == "101"

    def test_tags_that_would_not_be_kept_stop_it(self, tmp_path: Path, catalogue: Catalogue):
        path = music_file(tmp_path / "song.flac", metadata={"title": "Caf\u00e9"})
        path.write_bytes(path.read_bytes().replace("Caf\u00e9".encode(), b"Caf\xe9\xff", 1))
        bench = Bench(catalogue, path)
        before = sha256_of(path)
        with pytest.raises(TagError, match="not UTF-8"):
            bench.write()
        assert sha256_of(path) == before


class TestFiles:
    def test_mode_and_attributes_stay(self, mp3: Bench):
        mp3.path.chmod(0o640)
        with suppress(OSError):
            os.setxattr(mp3.path, "user.mine", b"1")
        attributes = os.listxattr(mp3.path)
        mp3.write()
        assert stat.S_IMODE(mp3.path.stat().st_mode) == 0o640
        assert os.listxattr(mp3.path) == attributes

    def test_the_time_can_be_kept(self, mp3: Bench):
        before = mp3.path.stat().st_mtime_ns
        mp3.write(keep_mtime=True)
        assert mp3.path.stat().st_mtime_ns == before
        assert not mp3.write().changes

    def test_a_link_stays_and_what_it_leads_to_is_written(
        self, tmp_path: Path, catalogue: Catalogue
    ):
        (tmp_path / "there").mkdir()
        real = music_file(tmp_path / "there" / "song.mp3")
        link = tmp_path / "link.mp3"
        link.symlink_to(real)
        Bench(catalogue, link).write()
        assert link.is_symlink()
        assert "TXXX:MUSISCENE_MUSIC" in ID3(real)

    def test_a_second_name_of_a_file_is_not_written_again(
        self, tmp_path: Path, catalogue: Catalogue
    ):
        real = music_file(tmp_path / "song.mp3")
        link = tmp_path / "link.mp3"
        link.symlink_to(real)
        tracks = [catalogue.track(index_file(catalogue, path)) for path in (link, real)]
        tagger = Tagger(catalogue)
        with Journal(tmp_path / "tagging") as journal:
            done = [tagger.write(track, TagWishes(), journal) for track in tracks]
        assert [one.written for one in done] == [True, False]
        assert catalogue.track(tracks[1].id).size_bytes == real.stat().st_size

    def test_another_hard_link_keeps_the_former_file(self, mp3: Bench):
        other = mp3.path.with_name("seeded.mp3")
        os.link(mp3.path, other)
        before = sha256_of(other)
        assert "1 other hard link" in (mp3.write().note or "")
        assert sha256_of(other) == before

    @pytest.mark.skipif(os.geteuid() != 0, reason="only root can make a file of somebody else")
    def test_another_owner_is_told(self, mp3: Bench, monkeypatch: pytest.MonkeyPatch):
        os.chown(mp3.path, 12345, 12345)

        def refuse(*_arguments: object) -> None:
            raise PermissionError

        assert mp3.write(TagWishes(fields=("bpm",))).note is None
        assert mp3.path.stat().st_uid == 12345
        monkeypatch.setattr(os, "chown", refuse)
        assert "belongs to you now" in (mp3.write().note or "")

    def test_a_file_that_changed_since_it_was_indexed_is_left(self, mp3: Bench):
        mp3.path.write_bytes(mp3.path.read_bytes() + b"x")
        before = sha256_of(mp3.path)
        with pytest.raises(TagError, match="changed since it was indexed"):
            mp3.write()
        assert sha256_of(mp3.path) == before

    def test_a_file_that_changes_meanwhile_is_left(
        self, mp3: Bench, monkeypatch: pytest.MonkeyPatch
    ):
        note = Journal.note

        def note_and_change(journal: Journal, entry: Any) -> None:  # noqa: ANN401
            note(journal, entry)
            mp3.path.write_bytes(b"somebody else's")

        monkeypatch.setattr(Journal, "note", note_and_change)
        with pytest.raises(TagError, match="at this very moment"):
            mp3.write()
        assert mp3.path.read_bytes() == b"somebody else's"

    def test_a_read_only_file_is_left(self, mp3: Bench):
        mp3.path.chmod(0o444)
        with pytest.raises(TagError, match="read-only"):
            mp3.write()

    def test_a_file_that_is_gone_is_said(self, mp3: Bench):
        mp3.path.unlink()
        with pytest.raises(TagError, match="is gone"):
            mp3.write()
        with pytest.raises(TagError, match="is gone"):
            Tagger(mp3.catalogue).preview(mp3.catalogue.track(mp3.track_id), TagWishes())

    @pytest.mark.parametrize("suffix", [".mka", ".aac", ".wma"])
    def test_other_containers_are_said(self, tmp_path: Path, catalogue: Catalogue, suffix: str):
        bench = Bench(catalogue, music_file(tmp_path / f"song{suffix}", metadata={}))
        with pytest.raises(TagError, match="cannot be written into this kind of file"):
            bench.write()

    @pytest.mark.parametrize("step", ["fill", "seal", "replace"])
    def test_a_full_disk_changes_nothing(
        self, mp3: Bench, monkeypatch: pytest.MonkeyPatch, step: str
    ):
        def full(*_arguments: object, **_options: object) -> None:
            raise OSError(28, "No space left on device")

        monkeypatch.setattr(f"indexer.tagging.staging.Staged.{step}", full)
        before, names = sha256_of(mp3.path), {*mp3.path.parent.iterdir(), mp3.journals}
        with pytest.raises(TagError, match="disk is full"):
            mp3.write()
        assert sha256_of(mp3.path) == before
        assert set(mp3.path.parent.iterdir()) <= names

    def test_without_a_journal_nothing_is_written(self, mp3: Bench):
        mp3.journals.write_text("in the way")
        before = sha256_of(mp3.path)
        with pytest.raises(TagError, match=r"journal .* cannot be written"):
            mp3.write()
        assert sha256_of(mp3.path) == before

    def test_a_broken_copy_is_never_put_in_place(self, mp3: Bench, monkeypatch: pytest.MonkeyPatch):
        save = ID3.save

        def save_and_break(tags: ID3, path: Path, **options: Any) -> None:  # noqa: ANN401
            save(tags, path, **options)
            data = bytearray(path.read_bytes())
            data[len(data) // 2 + 100] ^= 0xFF
            path.write_bytes(data)

        monkeypatch.setattr(ID3, "save", save_and_break)
        before = sha256_of(mp3.path)
        with pytest.raises(TagError, match="its sound would change"):
            mp3.write()
        assert sha256_of(mp3.path) == before

    def test_the_next_run_tidies_up(self, mp3: Bench):
        left = mp3.path.with_name(_name_of_copy(mp3.path))
        left.write_bytes(b"half of it")
        assert mp3.write().written
        assert not left.exists()


class TestUndo:
    def test_what_was_taken_back_can_be_written_again(self, mp3: Bench):
        before = sha256_of(mp3.path)
        mp3.write()
        written = sha256_of(mp3.path)
        mp3.undo()
        (undo,) = [run.id for run in list_runs(mp3.journals) if run.kind == "undo"]
        run = read_run(mp3.journals, undo)
        with Journal(mp3.journals, undoes=run.header.id) as journal:
            Tagger(mp3.catalogue).undo(run.files[0], journal, force=False)
        assert sha256_of(mp3.path) == written != before

    def test_a_file_that_is_as_it_was_is_left(self, mp3: Bench):
        before = mp3.path.read_bytes()
        mp3.write()
        mp3.path.write_bytes(before)
        done = mp3.undo()
        assert not done.written
        assert done.note == "is as it was"

    def test_a_file_that_moved_is_found_by_its_track(self, mp3: Bench):
        before = sha256_of(mp3.path)
        mp3.write()
        moved = mp3.path.rename(mp3.path.with_name("moved.mp3"))
        track = mp3.catalogue.track(mp3.track_id)
        info = identify_audio(moved).info
        mp3.catalogue.follow_file(
            track.id, info, path=str(moved), modified_ns=moved.stat().st_mtime_ns
        )
        assert mp3.undo().written
        assert sha256_of(moved) == before

    def test_without_a_patch_the_fields_are_given_back(
        self, bench: Bench, monkeypatch: pytest.MonkeyPatch
    ):
        tags_before = dict(mutagen.File(bench.path).tags or {})
        monkeypatch.setattr("indexer.tagging.tagger.make_patch", lambda *_paths: None)
        bench.write()
        assert bench.undo().written
        assert dict(mutagen.File(bench.path).tags or {}) == tags_before

    def test_a_damaged_journal_changes_nothing(self, mp3: Bench):
        mp3.write()
        (journal,) = mp3.journals.glob("*.jsonl")
        text = journal.read_text()
        start = text.index('"patch":"') + 9
        journal.write_text(text[:start] + "AAAA" + text[start + 4 :])
        before = sha256_of(mp3.path)
        with pytest.raises(TagError, match="journal is damaged"):
            mp3.undo()
        assert sha256_of(mp3.path) == before

from __future__ import annotations

import os
from typing import TYPE_CHECKING

import pytest

from indexer.errors import LibraryPathError, PatternError
from indexer.walk import IGNORE_FILE, NO_MEDIA_FILE, Walk, below

if TYPE_CHECKING:
    from pathlib import Path


def walk(*roots: Path, exclude: tuple[str, ...] = ()) -> tuple[list[str], list[tuple[str, str]]]:
    walked = Walk(roots, exclude=exclude)
    return [file.path for file in walked.files()], walked.failures


def touch(path: Path) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(b"x")
    return path


class TestWalk:
    def test_takes_audio_in_order_and_leaves_the_rest(self, tmp_path: Path):
        wanted = [touch(tmp_path / name) for name in ("a/1.MP3", "a/2.flac", "b/ü.opus")]
        for name in ("cover.jpg", ".hidden.mp3", ".git/x.wav", "notes.txt"):
            touch(tmp_path / name)
        assert walk(tmp_path) == ([str(path) for path in wanted], [])

    def test_takes_a_named_file_whatever_it_is_called(self, tmp_path: Path):
        file = touch(tmp_path / "recording.bin")
        assert walk(file) == ([str(file)], [])

    def test_gives_each_file_once(self, tmp_path: Path):
        file = touch(tmp_path / "a" / "1.wav")
        assert walk(tmp_path, tmp_path / "a", file)[0] == [str(file)]

    def test_ends_in_a_loop_of_links(self, tmp_path: Path):
        file = touch(tmp_path / "a" / "1.wav")
        (tmp_path / "a" / "again").symlink_to(tmp_path, target_is_directory=True)
        assert walk(tmp_path)[0] == [str(file)]

    def test_follows_a_link_to_a_folder_once(self, tmp_path: Path):
        file = touch(tmp_path / "elsewhere" / "1.wav")
        library = tmp_path / "library"
        touch(library / "2.wav")
        for name in ("b", "c"):
            (library / name).symlink_to(file.parent, target_is_directory=True)
        (library / "self").symlink_to(library / "self")
        found, errors = walk(library)
        assert found == [str(library / "2.wav"), str(library / "b" / "1.wav")]
        assert errors == []

    def test_goes_deeper_than_python_calls(self, tmp_path: Path):
        folders = [tmp_path]
        for _ in range(1100):
            folders.append(folders[-1] / "d")
            folders[-1].mkdir()
        file = touch(folders[-1] / "1.wav")
        found, _ = walk(tmp_path)
        file.unlink()
        for folder in reversed(folders[1:]):  # what clears up after the tests recurses
            folder.rmdir()
        assert found == [str(file)]

    def test_leaves_out_what_is_named(self, tmp_path: Path):
        for name in ("a/1.wav", "a/demo/2.wav", "b/3.flac", "b/Demo.wav", "b/keep.wav"):
            touch(tmp_path / name)
        found, _ = walk(tmp_path, exclude=("demo/", "b/*", "!b/keep.wav"))
        assert [path[len(str(tmp_path)) + 1 :] for path in found] == ["a/1.wav", "b/keep.wav"]

    def test_a_folder_names_what_it_leaves_out(self, tmp_path: Path):
        for name in ("a/1.wav", "a/deep/1.wav", "b/1.wav", "c/d/3.wav", "@eaDir/4.wav"):
            touch(tmp_path / name)
        (tmp_path / "a" / IGNORE_FILE).write_text("# mine\n/1.wav\n")
        (tmp_path / "c" / NO_MEDIA_FILE).touch()
        found, errors = walk(tmp_path)
        assert [path[len(str(tmp_path)) + 1 :] for path in found] == ["a/deep/1.wav", "b/1.wav"]
        assert errors == []

    def test_refuses_a_pattern_that_cannot_be_read(self, tmp_path: Path):
        with pytest.raises(PatternError, match="cannot be read"):
            walk(tmp_path, exclude=("!",))

    def test_keeps_names_of_any_script_apart(self, tmp_path: Path):
        names = ("caf\u00e9.wav", "cafe\u0301.wav", "雨の夜.flac", "дождь.ogg", "🎻.mp3", "مطر.wav")
        for name in names:
            touch(tmp_path / name)
        found, errors = walk(tmp_path)
        assert [path[len(str(tmp_path)) + 1 :] for path in found] == sorted(names)
        assert errors == []

    def test_knows_the_folders_that_cannot_be_listed(
        self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ):
        good = touch(tmp_path / "a" / "1.wav")
        locked = tmp_path / "locked"
        touch(locked / "2.wav")
        list_folder = os.scandir

        def refuse(path: str) -> object:
            if path == str(locked):
                raise PermissionError(13, "Permission denied", path)
            return list_folder(path)

        monkeypatch.setattr(os, "scandir", refuse)  # root may list everything
        walked = Walk([tmp_path])
        assert [file.path for file in walked.files()] == [str(good)]
        assert walked.unlisted == [str(locked)]
        assert walked.failures == [(str(locked), "cannot be listed (Permission denied)")]

    def test_follows_a_link_to_a_file(self, tmp_path: Path):
        (tmp_path / "link.wav").symlink_to(touch(tmp_path / "elsewhere" / "real.bin"))
        assert walk(tmp_path)[0] == [str(tmp_path / "link.wav")]

    def test_reports_what_cannot_be_looked_at(self, tmp_path: Path):
        (tmp_path / "dangling.wav").symlink_to(tmp_path / "gone.wav")
        os.mkfifo(tmp_path / "pipe.wav")
        good = touch(tmp_path / "good.wav")
        found, errors = walk(tmp_path)
        assert found == [str(good)]
        assert [(os.path.basename(path), reason) for path, reason in errors] == [  # noqa: PTH119
            ("dangling.wav", "a link to something that does not exist"),
            ("pipe.wav", "not a regular file"),
        ]

    def test_reports_a_name_that_is_no_unicode(self, tmp_path: Path):
        bad = os.fsencode(tmp_path) + b"/caf\xe9.wav"
        with open(bad, "wb"):  # noqa: PTH123  Path cannot hold these bytes portably
            pass
        found, errors = walk(tmp_path)
        assert found == []
        assert errors == [
            (str(tmp_path) + "/caf\\udce9.wav", "its name is not valid Unicode; rename it")
        ]

    def test_refuses_a_root_that_is_not_there(self, tmp_path: Path):
        with pytest.raises(LibraryPathError, match="nowhere: does not exist"):
            walk(touch(tmp_path / "a.wav"), tmp_path / "nowhere")


class TestCueSheets:
    SHEET = 'FILE "album.wav" WAVE\nTRACK 01 AUDIO\nINDEX 01 00:00:00\n'

    def test_come_with_the_files_that_they_name(self, tmp_path: Path):
        touch(tmp_path / "disc" / "album.flac")
        touch(tmp_path / "disc" / "single.flac")
        touch(tmp_path / "elsewhere" / "album.flac")
        sheet = tmp_path / "disc" / "Album.CUE"
        sheet.write_text(self.SHEET)
        walked = Walk([tmp_path])
        cues = {file.path: file.cue for file in walked.files()}
        assert cues == {
            str(tmp_path / "disc" / "album.flac"): str(sheet),
            str(tmp_path / "disc" / "single.flac"): None,
            str(tmp_path / "elsewhere" / "album.flac"): None,
        }
        assert walked.failures == []
        [named] = Walk([tmp_path / "disc" / "album.flac"]).files()
        assert named.cue == str(sheet)

    def test_have_a_stamp_that_changes_with_them(self, tmp_path: Path):
        touch(tmp_path / "album.flac")
        [without] = Walk([tmp_path]).files()
        (tmp_path / "album.cue").write_text(self.SHEET)
        [before] = Walk([tmp_path]).files()
        (tmp_path / "album.cue").write_text(self.SHEET + "REM")
        [after] = Walk([tmp_path]).files()
        assert without.cue_stamp is None
        assert len({without.cue_stamp, before.cue_stamp, after.cue_stamp}) == 3
        assert before.modified_ns == after.modified_ns

    def test_may_be_left_out(self, tmp_path: Path):
        touch(tmp_path / "a" / "album.flac")
        (tmp_path / "a" / "album.cue").write_text(self.SHEET)
        [file] = Walk([tmp_path], exclude=["a/*.cue"]).files()
        assert file.cue is None

    def test_that_are_broken_are_no_failure(self, tmp_path: Path, caplog: pytest.LogCaptureFixture):
        touch(tmp_path / "album.flac")
        (tmp_path / "album.cue").write_bytes(b"\x00\xff" * 20)
        walked = Walk([tmp_path])
        assert [file.cue for file in walked.files()] == [None]
        assert walked.failures == []
        assert "album.cue" in caplog.text


class TestBelow:
    @pytest.mark.parametrize("folder", ["/music", "/music/"])
    def test_takes_what_is_in_a_folder_and_not_what_is_called_alike(self, folder: str):
        paths = ["/music/a.mp3", "/music/deep/b.mp3", "/music 2/c.mp3", "/music.mp3", "/d.mp3"]
        assert list(filter(below([folder]), paths)) == paths[:2]

    def test_takes_the_places_themselves(self):
        paths = ["/music/a.mp3", "/music", "/other/b.mp3"]
        assert list(filter(below(["/music", "/other/b.mp3"]), paths)) == paths

    def test_takes_everything_below_the_root_and_nothing_below_no_place(self):
        assert below(["/"])("/music/a.mp3")
        assert not below([])("/music/a.mp3")

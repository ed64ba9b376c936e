from __future__ import annotations

import os
from typing import TYPE_CHECKING

import pytest

from indexer.errors import LibraryPathError
from indexer.walk import find_audio_files

if TYPE_CHECKING:
    from pathlib import Path


def walk(*roots: Path) -> tuple[list[str], list[tuple[str, str]]]:
    errors: list[tuple[str, str]] = []
    found = find_audio_files(roots, on_error=lambda path, reason: errors.append((path, reason)))
    return [file.path for file in found], errors


def touch(path: Path) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(b"x")
    return path


class TestFindAudioFiles:
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

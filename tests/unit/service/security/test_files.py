from __future__ import annotations

import os
from pathlib import Path

import pytest

from service.security.files import OpenFile
from service.tracks.errors import AudioGoneError


@pytest.fixture
def library(tmp_path: Path) -> Path:
    music = tmp_path / "music"
    (music / "album").mkdir(parents=True)
    (music / "album" / "song.wav").write_bytes(b"music")
    (tmp_path / "secret").write_bytes(b"secret")
    return music


class TestOpenFile:
    def test_a_file_below_a_root_is_read_even_when_it_is_replaced(self, library: Path):
        song = library / "album" / "song.wav"
        with OpenFile(song, [library]) as opened:
            song.unlink()
            song.symlink_to(library.parent / "secret")
            assert opened.path.read_bytes() == b"music"
            assert opened.stat.st_size == 5

    def test_a_root_may_be_a_link_itself(self, library: Path, tmp_path: Path):
        (tmp_path / "link").symlink_to(library)
        root = tmp_path / "link"
        with OpenFile(root / "album" / "song.wav", [root]) as opened:
            assert opened.path.read_bytes() == b"music"

    def test_a_link_within_the_root_is_followed(self, library: Path):
        (library / "again.wav").symlink_to(library / "album" / "song.wav")
        OpenFile(library / "again.wav", [library]).close()

    @pytest.mark.parametrize("roots", [["music"], ["other", "music"], []])
    def test_a_link_that_leads_out_is_not(self, library: Path, tmp_path: Path, roots: list[str]):
        song = library / "song.wav"
        song.symlink_to(tmp_path / "secret")
        with pytest.raises(AudioGoneError):
            OpenFile(song, [tmp_path / root for root in roots])

    def test_nor_a_folder_that_became_a_link(self, library: Path, tmp_path: Path):
        (tmp_path / "away").mkdir()
        (tmp_path / "away" / "song.wav").write_bytes(b"secret")
        (library / "gone").symlink_to(tmp_path / "away")
        with pytest.raises(AudioGoneError):
            OpenFile(library / "gone" / "song.wav", [library])

    @pytest.mark.parametrize(
        "name", ["../secret", "album/../../secret", "album", "none.wav", "a\0b", "pipe", "loop", ""]
    )
    def test_nothing_else_is_opened(self, library: Path, name: str):
        os.mkfifo(library / "pipe")
        (library / "loop").symlink_to(library / "loop")
        with pytest.raises(AudioGoneError):
            OpenFile(Path(f"{library}/{name}"), [library])

    @pytest.mark.skipif(not Path("/dev/zero").exists(), reason="no devices here")
    def test_a_device_is_not_opened(self):
        with pytest.raises(AudioGoneError):
            OpenFile(Path("/dev/zero"), [Path("/dev")])

    def test_a_sibling_with_a_longer_name_is_not_below(self, library: Path, tmp_path: Path):
        (tmp_path / "music2").mkdir()
        (tmp_path / "music2" / "song.wav").write_bytes(b"secret")
        with pytest.raises(AudioGoneError):
            OpenFile(tmp_path / "music2" / "song.wav", [library])

    def test_no_descriptor_is_left_open(self, library: Path):
        descriptors = Path("/dev/fd")
        before = len(list(descriptors.iterdir()))
        for _ in range(20):
            OpenFile(library / "album" / "song.wav", [library]).close()
            with pytest.raises(AudioGoneError):
                OpenFile(library / "album", [library])
        assert len(list(descriptors.iterdir())) == before

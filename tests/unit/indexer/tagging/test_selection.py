from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from indexer.tagging.selection import select_tracks
from tests.support.listening import listening, new_catalogue, store

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from indexer.catalogue.repository import Catalogue


@pytest.fixture
def music(tmp_path: Path) -> Path:
    for name in ("a/one.mp3", "a/two.mp3", "ab/three.mp3"):
        (tmp_path / "music" / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / "music" / name).write_bytes(b"x")
    return tmp_path / "music"


@pytest.fixture
def catalogue(tmp_path: Path, music: Path) -> Iterator[Catalogue]:
    with new_catalogue(tmp_path) as opened:
        store(opened, listening(str(music / "a/one.mp3"), bpm=90.0))
        store(opened, listening(str(music / "ab/three.mp3"), bpm=150.0))
        yield opened


def names(catalogue: Catalogue, *paths: Path, expression: str = "") -> list[str]:
    chosen = select_tracks(catalogue, paths, filter_expression=expression)
    return [catalogue.track(one).path.rsplit("/", 1)[1] for one in chosen.track_ids]


class TestSelection:
    def test_a_folder_means_what_is_below_it(self, catalogue: Catalogue, music: Path):
        assert names(catalogue, music) == ["one.mp3", "three.mp3"]
        assert names(catalogue, music / "a") == ["one.mp3"]
        assert names(catalogue, music / "a" / "one.mp3", music) == ["one.mp3", "three.mp3"]
        assert names(catalogue, music / "ab" / ".." / "a") == ["one.mp3"]

    def test_a_link_to_a_folder_means_the_folder(
        self, catalogue: Catalogue, music: Path, tmp_path: Path
    ):
        (tmp_path / "link").symlink_to(music)
        assert names(catalogue, tmp_path / "link" / "a") == ["one.mp3"]

    def test_the_filter_chooses(self, catalogue: Catalogue, music: Path):
        assert names(catalogue, music, expression="bpm<100") == ["one.mp3"]
        nothing = select_tracks(catalogue, [music], filter_expression="bpm>300")
        assert "bpm>300 leaves 0" in (nothing.notice or "")

    def test_files_that_are_not_indexed_are_told(self, catalogue: Catalogue, music: Path):
        assert select_tracks(catalogue, [music]).not_indexed == (str(music / "a/two.mp3"),)

    def test_paths_that_do_not_exist_are_told(self, catalogue: Catalogue, music: Path):
        ((path, reason),) = select_tracks(catalogue, [music / "nowhere"]).failures
        assert path == str(music / "nowhere")
        assert "no such file" in reason

    def test_a_track_whose_file_is_gone_is_told(self, catalogue: Catalogue, music: Path):
        (track_id,) = select_tracks(catalogue, [music / "a/one.mp3"]).track_ids
        catalogue.set_status([track_id], "missing")
        chosen = select_tracks(catalogue, [music / "a"])
        assert not chosen.track_ids
        assert "gone at the last scan" in chosen.failures[0][1]

from __future__ import annotations

import threading
import time
from contextlib import contextmanager
from queue import Empty, Queue
from typing import TYPE_CHECKING

import pytest

from indexer import watch
from indexer.watch import changes

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

QUIET = 0.3
SOON = 15.0


class Watched:
    """Counts the times to look again."""

    def __init__(self) -> None:
        self._looks: Queue[None] = Queue()
        self.stop = threading.Event()

    def look(self) -> None:
        self._looks.put(None)

    def is_told(self, *, within: float = SOON) -> bool:
        """Whether it is time to look again; further times are taken for the same one."""
        try:
            self._looks.get(timeout=within)
        except Empty:
            return False
        time.sleep(2 * QUIET)
        while not self._looks.empty():
            self._looks.get()
        return True


@pytest.fixture(autouse=True)
def _short(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(watch, "LOOK_SECONDS", 0.1)


@contextmanager
def watching(*paths: Path, without: Path, rescan_seconds: float = 3600.0) -> Iterator[Watched]:
    watched = Watched()

    def follow() -> None:
        for _ in changes(
            paths,
            stop=watched.stop,
            without=without,
            quiet_seconds=QUIET,
            rescan_seconds=rescan_seconds,
        ):
            watched.look()

    thread = threading.Thread(target=follow)
    thread.start()
    try:
        yield watched
    finally:
        watched.stop.set()
        thread.join(SOON)
        assert not thread.is_alive()


class TestChanges:
    def test_tells_of_files_that_come_move_and_go(self, tmp_path: Path):
        music = tmp_path / "music"
        (music / "deep").mkdir(parents=True)
        with watching(music, without=tmp_path / "data") as watched:
            assert watched.is_told()  # of what changed before it began
            assert not watched.is_told(within=3 * QUIET)
            (music / "a.mp3").write_bytes(b"x")
            assert watched.is_told()
            (music / "a.mp3").rename(music / "deep" / "b.mp3")
            assert watched.is_told()
            (music / "deep" / "b.mp3").unlink()
            assert watched.is_told()

    def test_the_library_itself_does_not_count_but_a_folder_called_alike_does(self, tmp_path: Path):
        data, alike = tmp_path / "data", tmp_path / "data of last year"
        data.mkdir()
        alike.mkdir()
        with watching(tmp_path, without=data) as watched:
            assert watched.is_told()
            (data / "catalogue.sqlite").write_bytes(b"x")
            assert not watched.is_told(within=4 * QUIET)
            (alike / "a.mp3").write_bytes(b"x")
            assert watched.is_told()

    def test_a_folder_that_goes_away_is_waited_for(self, tmp_path: Path):
        music = tmp_path / "music"
        music.mkdir()
        with watching(music, without=tmp_path / "data") as watched:
            assert watched.is_told()
            music.rename(tmp_path / "away")
            assert watched.is_told()
            (tmp_path / "away").rename(music)
            assert watched.is_told()

    def test_looks_again_also_without_a_sign(self, tmp_path: Path):
        with watching(tmp_path, without=tmp_path / "data", rescan_seconds=1.0) as watched:
            assert watched.is_told()
            assert watched.is_told()

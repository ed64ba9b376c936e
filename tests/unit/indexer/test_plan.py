"""Scans of small files: which file is which track, and what is still true of it."""

from __future__ import annotations

import errno
import os
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from indexer.pipeline import ScanOptions
from indexer.plan import LostTracks
from tests.support.library_rules import rows
from tests.support.small_music import (
    BROKEN,
    SmallEngine,
    Versions,
    empty_catalogue,
    open_library,
    scan_small,
    write,
)

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator

    from indexer.engines.jobs import Failed, Identified, Job
    from indexer.library import Library
    from musiscene.listen import Listening

OTHER_EARS = Versions(ears=2)
BROKEN_AT_ONCE, BROKEN_LATER = BROKEN + b" 0", BROKEN + b" 1"
"""The second can be identified and not be decoded."""


@pytest.fixture(scope="module")
def like(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder: Path = tmp_path_factory.mktemp("empty")
    return empty_catalogue(folder)


@pytest.fixture
def library(like: Path, tmp_path: Path) -> Iterator[Library]:
    with open_library(tmp_path / "data", like=like) as opened:
        yield opened


@pytest.fixture
def music(tmp_path: Path) -> Path:
    for number, name in enumerate("abc"):
        put(tmp_path / "music" / f"{name}.mp3", f"audio {name}".encode(), at=number + 1)
    return tmp_path / "music"


def put(path: Path, audio: bytes, *, at: int) -> None:
    """A file that says it was changed at a moment."""
    write(path, audio)
    os.utime(path, ns=(at, at))


def ids(library: Library, *, status: str = "ready") -> dict[str, str]:
    """Name of the file -> track."""
    return {
        track.path.rsplit("/", 1)[1].removesuffix(".mp3"): track.id
        for track in rows(library).values()
        if track.status == status
    }


class TolerantEngine(SmallEngine):
    """Can read what is broken, as after a mistake was mended."""

    def _read(self, job: Job, settled: Collection[str]) -> Failed | Identified | Listening:
        path = Path(job.file.path)
        data, status = path.read_bytes(), path.stat()
        path.write_bytes(data.replace(BROKEN, b"mended"))
        try:
            return super()._read(job, settled)
        finally:
            path.write_bytes(data)
            os.utime(path, ns=(status.st_atime_ns, status.st_mtime_ns))


class TestIdentity:
    def test_who_is_lost_is_known_before_anybody_is_recognised(self, library: Library, music: Path):
        """A file that moved, and whose place another took: also if the other is slow to read."""
        scan_small(library, music, engine=SmallEngine())
        before = ids(library)["a"]
        (music / "a.mp3").rename(music / "new.mp3")
        put(music / "a.mp3", b"other audio", at=99)
        for seed in range(8):
            slow = SmallEngine(seed=seed, ahead=8)
            scan_small(library, music, engine=slow)
            assert ids(library)["new"] == before
            (music / "new.mp3").rename(music / "a.mp3")
            scan_small(library, music, engine=SmallEngine())
            (music / "a.mp3").rename(music / "new.mp3")
            put(music / "a.mp3", f"other audio {seed}".encode(), at=100 + seed)

    def test_copies_that_move_while_the_ears_change_keep_both_ids(
        self, library: Library, music: Path
    ):
        put(music / "b.mp3", b"audio a", at=9)
        scan_small(library, music, engine=SmallEngine())
        before = ids(library)
        (music / "a.mp3").rename(music / "x.mp3")
        (music / "b.mp3").rename(music / "y.mp3")
        scan_small(library, music, engine=SmallEngine(OTHER_EARS))
        after = ids(library)
        assert {after["x"], after["y"]} == {before["a"], before["b"]}
        assert ids(library, status="missing") == {}

    def test_a_file_that_cannot_be_looked_at_keeps_its_track(
        self, library: Library, music: Path, monkeypatch: pytest.MonkeyPatch
    ):
        """Also from a copy that turns up elsewhere."""
        scan_small(library, music, engine=SmallEngine())
        before = ids(library)
        put(music / "copy.mp3", b"audio a", at=9)
        look_at = os.stat

        def refuse(path: object, **more: object) -> os.stat_result:
            if str(path) == str(music / "a.mp3"):
                raise PermissionError(errno.EACCES, "Permission denied", path)
            return look_at(path, **more)  # type: ignore[arg-type]  # as it was called

        monkeypatch.setattr(os, "stat", refuse)  # root may look at everything
        monkeypatch.setattr(os, "lstat", refuse)
        options = ScanOptions(prune=True, prune_floor=0.0)
        report = scan_small(library, music, engine=SmallEngine(), options=options)
        monkeypatch.undo()
        assert [failure.reason for failure in report.failures] == ["Permission denied"]
        after = ids(library)
        assert after["a"] == before["a"]
        assert after["copy"] not in before.values()

    @pytest.mark.parametrize("scans_between", [0, 1])
    def test_what_is_below_a_locked_folder_keeps_its_track(
        self,
        library: Library,
        music: Path,
        monkeypatch: pytest.MonkeyPatch,
        scans_between: int,
    ):
        """Also one that was missing before: an id goes to a file only from where it was looked."""
        put(music / "locked" / "twin.mp3", b"audio a", at=9)
        scan_small(library, music, engine=SmallEngine())
        before = ids(library)
        (music / "locked" / "twin.mp3").unlink()
        for _ in range(scans_between):
            scan_small(library, music, engine=SmallEngine())
        twin = rows(library)[before["twin"]]
        (music / "a.mp3").rename(music / "x.mp3")
        put(music / "y.mp3", b"audio a", at=10)
        list_folder = os.scandir

        def refuse(path: str) -> object:
            if path == str(music / "locked"):
                raise PermissionError(errno.EACCES, "Permission denied", path)
            return list_folder(path)

        with monkeypatch.context() as patched:
            patched.setattr(os, "scandir", refuse)  # root may list everything
            scan_small(library, music, engine=SmallEngine())
        after = ids(library)
        assert before["a"] in {after["x"], after["y"]}
        assert rows(library)[before["twin"]] == twin

    def test_a_track_that_lost_its_file_here_goes_before_one_elsewhere(
        self, library: Library, music: Path
    ):
        """Else `--prune` would delete what the file was, for one on a disk that is not there."""
        disk = music.parent / "disk"
        put(disk / "twin.mp3", b"audio a", at=9)
        scan_small(library, disk, music, engine=SmallEngine())
        before = ids(library)
        (disk / "twin.mp3").unlink()
        (music / "a.mp3").rename(music / "moved.mp3")
        scan_small(library, music, engine=SmallEngine(), options=ScanOptions(prune=True))
        after = ids(library)
        assert (after["moved"], after["twin"]) == (before["a"], before["twin"])

    def test_only_what_is_surely_gone_may_be_claimed_from_elsewhere(
        self, library: Library, music: Path
    ):
        scan_small(library, music, engine=SmallEngine())
        known = library.catalogue.known_files()
        a_track = known[str(music / "a.mp3")]
        versions = SmallEngine().versions
        assert LostTracks(known.values(), versions=versions).claim(a_track.audio_hash) is None
        (music / "a.mp3").unlink()
        assert LostTracks(known.values(), versions=versions).claim(a_track.audio_hash) == a_track


class TestBroken:
    @pytest.mark.parametrize("audio", [BROKEN_AT_ONCE, BROKEN_LATER])
    def test_a_track_whose_file_breaks_is_missing_until_it_is_mended(
        self, library: Library, music: Path, audio: bytes
    ):
        scan_small(library, music, engine=SmallEngine())
        before = ids(library)
        put(music / "a.mp3", audio, at=9)
        options = ScanOptions(prune=True, prune_floor=0.0)
        for _ in range(2):
            report = scan_small(library, music, engine=SmallEngine(), options=options)
            assert len(report.failures) == 1
            assert ids(library, status="missing") == {"a": before["a"]}
        put(music / "a.mp3", b"audio a", at=10)
        engine = SmallEngine()
        scan_small(library, music, engine=engine)
        assert (ids(library), engine.heard) == (before, 0)

    @pytest.mark.parametrize("audio", [BROKEN_AT_ONCE, BROKEN_LATER])
    @pytest.mark.parametrize("scans_between", [0, 1])
    def test_its_audio_takes_its_id_along(
        self, library: Library, music: Path, audio: bytes, scans_between: int
    ):
        scan_small(library, music, engine=SmallEngine())
        before = ids(library)
        put(music / "a.mp3", audio, at=9)
        for _ in range(scans_between):
            scan_small(library, music, engine=SmallEngine())
        put(music / "moved.mp3", b"audio a", at=10)
        scan_small(library, music, engine=SmallEngine())
        assert ids(library)["moved"] == before["a"]

    def test_a_failure_that_was_overcome_is_forgotten(self, library: Library, music: Path):
        put(music / "d.mp3", BROKEN_LATER, at=9)
        assert scan_small(library, music, engine=SmallEngine()).failures
        scan_small(library, music, engine=TolerantEngine(), options=ScanOptions(retry=True))
        assert "d" in ids(library)
        (music / "d.mp3").rename(music / "away")
        scan_small(library, music, engine=SmallEngine())
        (music / "away").rename(music / "d.mp3")
        assert scan_small(library, music, engine=SmallEngine()).failures == []
        assert "d" in ids(library)

    def test_a_track_that_other_ears_cannot_hear_stays_as_it_was(
        self, library: Library, music: Path
    ):
        put(music / "d.mp3", BROKEN_LATER, at=9)
        scan_small(library, music, engine=TolerantEngine())
        for _ in range(2):
            report = scan_small(library, music, engine=SmallEngine(OTHER_EARS))
            assert len(report.failures) == 1
            assert "d" in ids(library)


class TestRecordings:
    def test_a_file_that_gets_other_audio_leaves_its_recording(self, library: Library, music: Path):
        put(music / "b.mp3", b"audio a", at=9)
        scan_small(library, music, engine=SmallEngine())
        put(music / "b.mp3", b"audio new", at=10)
        scan_small(library, music, engine=SmallEngine())
        recordings = {track.recording for track in rows(library).values()}
        assert len(recordings) == 3

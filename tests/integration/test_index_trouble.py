"""`musiscene index` when it is stopped, when disks are full, and when others are in the way."""

from __future__ import annotations

import fcntl
import json
import os
import shutil
import signal
import sqlite3
import subprocess
import sys
import tempfile
import time
from contextlib import closing, contextmanager, suppress
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from indexer.catalogue import database
from indexer.errors import CatalogueError, IndexerError, VectorIndexError
from indexer.pipeline import ScanOptions
from tests.support.audio import sine, write_audio
from tests.support.library_rules import check_vectors, check_whole, rows
from tests.support.small_music import (
    SmallEngine,
    empty_catalogue,
    open_library,
    scan_small,
    write,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

pytestmark = pytest.mark.integration

SAMPLE_RATE = 16_000
NOBODY = 65_534
PATIENCE_SECONDS = 120.0
REPOSITORY = Path(__file__).parents[2]


class Index:
    """A scan in a process of its own."""

    def __init__(self, data_dir: Path, *arguments: str | Path, seconds: float = 0.0) -> None:
        command = [sys.executable, "-m", "tests.support.quick_cli", "--data-dir", str(data_dir)]
        self.process = subprocess.Popen(  # noqa: S603  our own command
            [*command, "index", *map(str, arguments), "--json"],
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            cwd=REPOSITORY,
            process_group=0,
            env={**os.environ, "QUICK_SECONDS": str(seconds), "OMP_NUM_THREADS": "1"},
        )

    def signal(self, number: signal.Signals) -> None:
        self.process.send_signal(number)

    def end(self) -> tuple[int, list[dict[str, object]], str]:
        """Exit code, documents on stdout, and stderr; nothing may be left running."""
        out, err = self.process.communicate(timeout=PATIENCE_SECONDS)
        assert "Traceback" not in err, err
        until = time.monotonic() + 5
        while (left := running(self.process.pid)) and time.monotonic() < until:
            time.sleep(0.05)
        assert left == []
        return self.process.returncode, [json.loads(line) for line in out.splitlines()], err


def running(group: int) -> list[str]:
    found = []
    for path in Path("/proc").glob("[0-9]*/stat"):
        with suppress(OSError):
            fields = path.read_text(encoding="utf-8").rsplit(")", 1)[1].split()
            if int(fields[2]) == group and fields[0] != "Z":
                found.append((path.parent / "cmdline").read_text(encoding="utf-8"))
    return found


def stored(data_dir: Path) -> dict[str, str]:
    """Name -> status, of the tracks in a whole catalogue."""
    file = data_dir / "catalogue.sqlite"
    if not file.exists():
        return {}
    with closing(sqlite3.connect(file)) as connection:
        assert connection.execute("PRAGMA integrity_check").fetchone() == ("ok",)
        tables = connection.execute("SELECT name FROM sqlite_master").fetchall()
        if ("track",) not in tables:
            return {}
        bare = "SELECT count(*) FROM track WHERE id NOT IN (SELECT track_id FROM caption)"
        assert connection.execute(bare).fetchone() == (0,)
        rows = connection.execute("SELECT path, status FROM track").fetchall()
    return {Path(path).name: status for path, status in rows}


def wait_for(is_so: Callable[[], bool]) -> None:
    until = time.monotonic() + PATIENCE_SECONDS
    while not is_so():
        assert time.monotonic() < until
        time.sleep(0.05)


@pytest.fixture(scope="module")
def tones(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder: Path = tmp_path_factory.mktemp("tones")
    for number in range(40):
        waveform = sine(200.0 + 10 * number, seconds=1, sample_rate=SAMPLE_RATE)
        write_audio(folder / f"{number:02}.flac", waveform, sample_rate=SAMPLE_RATE)
    folder.chmod(0o755)
    return folder


class TestStopping:
    def test_once_finishes_and_stores_what_is_in_flight(self, tones: Path, tmp_path: Path):
        scan = Index(tmp_path, tones, seconds=0.4)
        wait_for((tmp_path / "spool").exists)
        time.sleep(0.5)
        scan.signal(signal.SIGINT)
        code, (report,), err = scan.end()
        assert code == 130
        assert "Finishing what is in flight" in err
        assert report["status"] == "interrupted"
        indexed = report["counts"]["tracks_indexed"]  # type: ignore[index]  # a document
        assert 0 < indexed < 40
        assert len(stored(tmp_path)) == indexed
        assert not (tmp_path / "spool").exists()
        assert (tmp_path / "vectors" / "CURRENT").exists()

    @pytest.mark.parametrize("first", [signal.SIGINT, signal.SIGTERM])
    def test_twice_ends_at_once(self, tones: Path, tmp_path: Path, first: signal.Signals):
        scan = Index(tmp_path, tones, seconds=30.0)
        wait_for((tmp_path / "spool").exists)
        scan.signal(first)
        time.sleep(0.5)
        started = time.monotonic()
        scan.signal(signal.SIGINT)
        code, _, err = scan.end()
        assert time.monotonic() - started < 2.0 * slowness()
        assert code == 130
        assert "what was stored is kept" in err

    def test_watching_takes_in_what_comes_moves_and_goes(self, tones: Path, tmp_path: Path):
        music, data_dir = tmp_path / "music", tmp_path / "data"
        music.mkdir()
        shutil.copy(tones / "00.flac", music)
        scan = Index(data_dir, music, "--watch")
        wait_for(lambda: stored(data_dir) == {"00.flac": "ready"})
        shutil.copy(tones / "01.flac", music)
        (music / "00.flac").rename(music / "moved.flac")
        wait_for(lambda: stored(data_dir) == {"moved.flac": "ready", "01.flac": "ready"})
        (music / "01.flac").unlink()
        wait_for(lambda: stored(data_dir).get("01.flac") == "missing")
        scan.signal(signal.SIGTERM)
        code, reports, _ = scan.end()
        assert code == 0
        assert len(reports) >= 2


def slowness() -> float:
    """How much longer things take than on a machine of one's own."""
    return max(1.0, os.getloadavg()[0] / (os.cpu_count() or 1))


class TestDisks:
    @contextmanager
    def _small_disk(self, folder: Path, size: str) -> Iterator[None]:
        folder.mkdir(parents=True, exist_ok=True)
        mount = ["mount", "-t", "tmpfs", "-o", f"size={size}", "tmpfs", str(folder)]
        try:
            subprocess.run(mount, check=True, capture_output=True)  # noqa: S603  as a test may
        except (OSError, subprocess.CalledProcessError):
            pytest.skip("only root may mount a small disk")
        try:
            yield
        finally:
            subprocess.run(["umount", str(folder)], check=True)  # noqa: S603, S607  as above

    def test_a_full_disk_is_one_line_of_the_command(self, tones: Path, tmp_path: Path):
        data_dir = tmp_path / "data"
        with self._small_disk(data_dir, "400k"):
            code, _, err = Index(data_dir, tones).end()
        assert code == 2
        last = err.strip().splitlines()[-1]
        assert last.startswith(f"error: {data_dir}")
        assert "cannot be" in last or "no room" in last

    @pytest.mark.parametrize(
        ("full", "size", "error", "says"),
        [
            pytest.param("", "900k", CatalogueError, "stored before is whole", id="catalogue"),
            pytest.param("vectors", "24k", VectorIndexError, "nothing is lost", id="vectors"),
        ],
    )
    def test_a_disk_that_fills_up_loses_nothing(
        self, tmp_path: Path, like: Path, full: str, size: str, error: type[Exception], says: str
    ):
        music, data_dir = tmp_path / "music", tmp_path / "data"
        for number in range(3):
            write(music / f"{number}.mp3", f"audio {number}".encode())
        with self._small_disk(data_dir / full, size):
            with open_library(data_dir, like=like) as library:
                if not full:
                    scan_small(library, music, engine=SmallEngine())
                for number in range(3, 200):
                    write(music / f"{number}.mp3", f"audio {number}".encode())
                with pytest.raises(error, match=says) as raised:
                    scan_small(library, music, engine=SmallEngine())
                before = rows(library)
            assert str(data_dir / full) in str(raised.value)
            assert len(before) >= 3
            check_whole(before)
            if not full:  # room is made
                shutil.copytree(data_dir, tmp_path / "roomy")
        with open_library(data_dir if full else tmp_path / "roomy", like=like) as library:
            scan_small(library, music, engine=SmallEngine())
            after = rows(library)
            check_whole(after)
            check_vectors(library, after)
        assert before.keys() <= after.keys()
        assert len(after) == 200


class TestOthers:
    def test_a_second_scan_is_turned_away_and_harms_nothing(self, tones: Path, tmp_path: Path):
        assert Index(tmp_path, tones / "00.flac").end()[0] == 0
        with (tmp_path / ".indexing.lock").open("w") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            code, _, err = Index(tmp_path, tones).end()
        assert code == 2
        assert "another `musiscene index` is at work here" in err
        assert stored(tmp_path) == {"00.flac": "ready"}


@pytest.mark.skipif(os.getuid() != 0, reason="only root may become somebody else")
class TestPermissions:
    """Scans by somebody who may not do everything: what nobody may read is listed, never lost."""

    @pytest.fixture
    def place(self, like: Path) -> Iterator[Path]:
        """A folder that everybody can reach, with music of nobody's."""
        with tempfile.TemporaryDirectory() as folder:
            base = Path(folder)
            shutil.copy(like, base / "like.sqlite")
            for name in ("open/a", "open/b", "shut/c"):
                write(base / "music" / f"{name}.mp3", name.encode())
            give_away(base)
            yield base
            give_away(base)

    def test_files_and_folders_that_may_not_be_read_keep_their_tracks(self, place: Path):
        assert scan_as_nobody(place) == ("0 failed", {"a": "ready", "b": "ready", "c": "ready"})
        (place / "music" / "open" / "a.mp3").chmod(0o000)
        (place / "music" / "shut").chmod(0o000)
        # Not touched, so what was heard in it before is still known.
        assert scan_as_nobody(place)[1] == {"a": "ready", "b": "ready", "c": "ready"}
        os.utime(place / "music" / "open" / "a.mp3", ns=(1, 1))
        said, tracks = scan_as_nobody(place)
        assert (said, tracks) == ("2 failed", {"a": "ready", "b": "ready", "c": "ready"})
        (place / "music" / "shut").chmod(0o444)  # its files can be listed and not looked at
        assert scan_as_nobody(place)[1] == {"a": "ready", "b": "ready", "c": "ready"}

    @pytest.mark.parametrize("name", ["data", "data/vectors", "data/catalogue.sqlite"])
    def test_a_library_that_may_not_be_written_says_so(self, place: Path, name: str):
        scan_as_nobody(place)
        write(place / "music" / "open" / "d.mp3", b"d").chmod(0o644)
        mode = (place / name).stat().st_mode
        (place / name).chmod(0o555 if (place / name).is_dir() else 0o444)
        said, tracks = scan_as_nobody(place)
        assert tracks.items() >= dict.fromkeys("abc", "ready").items()
        assert said.startswith(("CatalogueError: ", "VectorIndexError: ", "LibraryBusyError: "))
        assert str(place / name).removesuffix("catalogue.sqlite") in said
        assert "\n" not in said
        (place / name).chmod(mode)
        give_away(place)
        assert scan_as_nobody(place)[1] == dict.fromkeys("abcd", "ready")


@pytest.fixture(scope="module")
def like(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder: Path = tmp_path_factory.mktemp("empty")
    file = empty_catalogue(folder)
    write(folder / "music" / "a.mp3", b"a")
    with open_library(folder / "data", like=file) as library:  # imports what nobody may read
        scan_small(library, folder / "music", engine=SmallEngine())
    return file


def give_away(folder: Path) -> None:
    for path in [folder, *folder.rglob("*")]:
        os.chown(path, NOBODY, NOBODY)
        path.chmod(0o755 if path.is_dir() else 0o644)
    for path in folder.rglob("*"):  # below what could not be listed a moment ago
        os.chown(path, NOBODY, NOBODY)


def scan_as_nobody(place: Path) -> tuple[str, dict[str, str]]:
    """What came of a scan in a process that has given up its rights, and the tracks after it."""
    process = os.fork()
    if process == 0:
        os.setgroups([])
        os.setgid(NOBODY)
        os.setuid(NOBODY)
        said = "1 died"
        try:
            with open_library(place / "data", like=place / "like.sqlite") as library:
                options = ScanOptions(prune=True, prune_floor=0.0)
                report = scan_small(library, place / "music", engine=SmallEngine(), options=options)
            said = f"{len(report.failures)} failed"
        except IndexerError as error:
            said = f"{type(error).__name__}: {error}"
        finally:
            with suppress(OSError):
                (place / "said").write_text(said)
            os._exit(0)
    os.waitpid(process, 0)
    tracks = stored(place / "data")
    return (place / "said").read_text(), {Path(name).stem: one for name, one in tracks.items()}


class TestLock:
    def test_a_writer_that_does_not_let_go_is_named_and_nothing_is_lost(
        self, like: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ):
        monkeypatch.setattr(database, "BUSY_SECONDS", 0.2)
        write(tmp_path / "music" / "a.mp3", b"a")
        with open_library(tmp_path / "data", like=like) as library:
            scan_small(library, tmp_path / "music", engine=SmallEngine())
            write(tmp_path / "music" / "b.mp3", b"b")
            file = tmp_path / "data" / "catalogue.sqlite"
            with closing(sqlite3.connect(file, isolation_level=None)) as other:
                other.execute("BEGIN IMMEDIATE")
                with pytest.raises(CatalogueError, match=r"sqlite: .*locked.*is whole"):
                    scan_small(library, tmp_path / "music", engine=SmallEngine())
                other.execute("ROLLBACK")
            assert stored(tmp_path / "data") == {"a.mp3": "ready"}
            scan_small(library, tmp_path / "music", engine=SmallEngine())
            assert stored(tmp_path / "data") == {"a.mp3": "ready", "b.mp3": "ready"}

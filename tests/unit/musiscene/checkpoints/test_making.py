import errno
import shutil
import threading
from collections import namedtuple
from pathlib import Path

import filelock
import pytest

from musiscene.checkpoints.making import making
from musiscene.checkpoints.progress import ignore_progress
from musiscene.errors import ModelError, ModelUnavailableError


def make(out: Path, content: str = "whole") -> None:
    with making(out, needed_bytes=10, progress=ignore_progress) as folder:
        (folder / "file").write_text(content)


class TestMaking:
    def test_appears_when_it_is_whole(self, tmp_path: Path):
        out = tmp_path / "deep" / "out"
        with making(out, needed_bytes=10, progress=ignore_progress) as folder:
            (folder / "file").write_text("whole")
            assert not out.exists()
        assert (out / "file").read_text() == "whole"
        assert not (out.parent / ".out.part").exists()

    def test_takes_the_place_of_an_empty_folder(self, tmp_path: Path):
        out = tmp_path / "out"
        out.mkdir()
        make(out)
        assert (out / "file").read_text() == "whole"

    def test_a_failure_leaves_nothing(self, tmp_path: Path):
        out = tmp_path / "out"

        def fail() -> None:
            with making(out, needed_bytes=10, progress=ignore_progress) as folder:
                (folder / "file").write_text("half")
                raise KeyboardInterrupt

        with pytest.raises(KeyboardInterrupt):
            fail()
        assert {path.name for path in tmp_path.iterdir()} <= {".out.lock"}

    def test_sweeps_what_a_killed_run_left(self, tmp_path: Path):
        left = tmp_path / ".out.part"
        left.mkdir()
        (left / "old").write_text("half")
        make(tmp_path / "out")
        assert [path.name for path in (tmp_path / "out").iterdir()] == ["file"]

    def test_leaves_a_full_folder_alone(self, tmp_path: Path):
        make(tmp_path / "out", "mine")
        with pytest.raises(ModelError, match=r"exists already and is left alone.*--out"):
            make(tmp_path / "out", "theirs")
        assert (tmp_path / "out" / "file").read_text() == "mine"

    def test_leaves_a_file_alone(self, tmp_path: Path):
        (tmp_path / "out").write_text("mine")
        with pytest.raises(ModelError, match="exists already"):
            make(tmp_path / "out")
        assert (tmp_path / "out").read_text() == "mine"

    def test_leaves_a_dangling_link_alone(self, tmp_path: Path):
        (tmp_path / "out").symlink_to(tmp_path / "nowhere")
        with pytest.raises(ModelError, match="exists already"):
            make(tmp_path / "out")
        assert (tmp_path / "out").is_symlink()

    def test_waits_for_whoever_is_making_it_and_then_finds_it_made(self, tmp_path: Path):
        out = tmp_path / "out"
        steps: list[tuple[str, int, int | None]] = []
        waiting = threading.Event()

        def note(step: str, done: int, total: int | None) -> None:
            steps.append((step, done, total))
            waiting.set()

        def hold() -> None:
            with filelock.FileLock(tmp_path / ".out.lock"):
                held.set()
                waiting.wait(10)
                out.mkdir()
                (out / "file").write_text("theirs")

        held = threading.Event()
        other = threading.Thread(target=hold)
        other.start()
        held.wait(10)
        with (
            pytest.raises(ModelError, match="exists already"),
            making(out, needed_bytes=10, progress=note),
        ):
            pass
        other.join()
        assert steps == [("wait for another process that is making it", 0, None)]
        assert (out / "file").read_text() == "theirs"


class TestDisk:
    def test_looks_for_room_before_it_starts(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
        usage = namedtuple("usage", "total used free")
        monkeypatch.setattr(shutil, "disk_usage", lambda _: usage(0, 0, 5_000_000))
        with (
            pytest.raises(ModelUnavailableError, match=r"disk is full: needs 90 MB free.* 5 MB"),
            making(tmp_path / "out", needed_bytes=90_000_000, progress=ignore_progress),
        ):
            pass

    def test_names_a_disk_that_fills_up_meanwhile(self, tmp_path: Path):
        def fill() -> None:
            with making(tmp_path / "out", needed_bytes=1, progress=ignore_progress):
                raise OSError(errno.ENOSPC, "No space left on device")

        with pytest.raises(ModelUnavailableError, match=r"out: the disk is full: No space left"):
            fill()
        assert not (tmp_path / "out").exists()
        assert not (tmp_path / ".out.part").exists()

    def test_names_a_place_that_is_no_folder(self, tmp_path: Path):
        (tmp_path / "file").write_text("")
        with pytest.raises(ModelUnavailableError, match="cannot be"):
            make(tmp_path / "file" / "out")

"""Watching in a process of its own: what kills that process is an error, and no more."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path
from typing import Any

import msgspec
import pytest

from musiscene.errors import (
    CorruptVideoError,
    EmptyVideoError,
    UnsupportedVideoError,
    VideoError,
    VideoLimitError,
    VideoStoppedError,
    VideoTimeoutError,
)
from musiscene.video import apart
from musiscene.video.apart import watch_apart
from musiscene.video.limits import VideoLimits
from musiscene.video.watch import watch_video
from musiscene.video.watch_main import Order
from tests.support.video import MadeShot, texture, write_video

SMALL = (96, 54)


@pytest.fixture
def video(tmp_path: Path) -> Path:
    shots = [MadeShot(texture(seed), 20) for seed in (1, 2)]
    return write_video(tmp_path / "a.mp4", shots, size=SMALL).path


def instead(monkeypatch: pytest.MonkeyPatch, code: str) -> None:
    """Run other code where the process that watches would be."""
    real = subprocess.Popen

    def start(_command: list[str], **options: Any) -> subprocess.Popen[bytes]:  # noqa: ANN401
        return real([sys.executable, "-c", code], **options)

    monkeypatch.setattr(subprocess, "Popen", start)


class TestWatchApart:
    def test_gives_what_watching_here_gives(self, video: Path):
        told: list[str] = []
        found = watch_apart(video, progress=lambda step, _share: told.append(step))
        assert found == watch_video(video)
        assert "watching" in told

    def test_passes_errors_on_with_the_path(self, tmp_path: Path):
        bad = tmp_path / "bad.mp4"
        bad.write_text("no video at all")
        with pytest.raises(UnsupportedVideoError, match="text") as caught:
            watch_apart(bad)
        assert caught.value.path == bad

    def test_refuses_an_empty_file_without_a_process(
        self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ):
        instead(monkeypatch, "raise SystemExit(5)")
        (tmp_path / "a.mp4").touch()
        with pytest.raises(EmptyVideoError):
            watch_apart(tmp_path / "a.mp4")

    @pytest.mark.parametrize(
        ("code", "error", "says"),
        [
            pytest.param(
                "import os, signal; os.kill(os.getpid(), signal.SIGSEGV)",
                CorruptVideoError,
                "SIGSEGV",
                id="a decoder crashes",
            ),
            pytest.param(
                "import os, signal; os.kill(os.getpid(), signal.SIGKILL)",
                VideoLimitError,
                "memory",
                id="the system kills it",
            ),
            pytest.param(
                "import os, signal; os.kill(os.getpid(), signal.SIGALRM)",
                VideoTimeoutError,
                "longer",
                id="its alarm rings",
            ),
            pytest.param("raise SystemExit(7)", CorruptVideoError, "status 7", id="it gives up"),
        ],
    )
    def test_its_death_is_an_error_of_the_file(
        self,
        video: Path,
        monkeypatch: pytest.MonkeyPatch,
        code: str,
        error: type[VideoError],
        says: str,
    ):
        instead(monkeypatch, code)
        with pytest.raises(error, match=says):
            watch_apart(video)

    def test_a_hang_ends(self, video: Path, monkeypatch: pytest.MonkeyPatch):
        instead(monkeypatch, "import time; time.sleep(60)")
        monkeypatch.setattr(apart, "GRACE_SECONDS", 0.0)
        monkeypatch.setattr(apart, "START_SECONDS", 0.0)
        with pytest.raises(VideoTimeoutError, match="hangs"):
            watch_apart(video, limits=VideoLimits(timeout_seconds=0.3))

    def test_stops_at_once(self, video: Path, monkeypatch: pytest.MonkeyPatch):
        instead(monkeypatch, "import time; time.sleep(60)")
        stop = threading.Event()
        threading.Timer(0.2, stop.set).start()
        begun = time.monotonic()
        with pytest.raises(VideoStoppedError):
            watch_apart(video, stop=stop)
        assert time.monotonic() - begun < 5

    def test_too_little_memory_is_an_error_of_the_file(self, video: Path):
        with pytest.raises((VideoLimitError, CorruptVideoError)):
            watch_apart(video, limits=VideoLimits(memory_bytes=40 * 1024**2))


class TestProcess:
    def test_dies_with_its_parent(self):
        """A parent that is killed cannot tell its child; the closed pipe does."""
        order = msgspec.json.encode(Order(path="/dev/null", limits=VideoLimits())).decode()
        child = (
            "import sys, time, musiscene.video.watch as watch, musiscene.video.watch_main as main\n"
            "watch.watch_video = lambda *_, **__: time.sleep(60)\n"
            "main.main()"
        )
        parent = (
            "import os, subprocess, sys, time\n"
            f"child = subprocess.Popen([sys.executable, '-c', {child!r}], stdin=subprocess.PIPE)\n"
            f"child.stdin.write({order!r}.encode() + b'\\n'); child.stdin.flush()\n"
            "print(child.pid, flush=True); time.sleep(60)"
        )
        process = subprocess.Popen(  # noqa: S603  a program of this test
            [sys.executable, "-c", parent], stdout=subprocess.PIPE
        )
        assert process.stdout is not None
        child_id = int(process.stdout.readline())
        os.kill(process.pid, signal.SIGKILL)
        process.wait()
        process.stdout.close()
        deadline = time.monotonic() + 20
        while _runs(child_id) and time.monotonic() < deadline:
            time.sleep(0.05)
        assert not _runs(child_id)


def _runs(process_id: int) -> bool:
    try:
        state = Path(f"/proc/{process_id}/stat").read_text(encoding="utf-8").rsplit(")", 1)[1]
    except FileNotFoundError:
        return False
    return state.split()[0] != "Z"

"""Watches a video in a process of its own, so that a file which breaks a decoder breaks no more."""

from __future__ import annotations

import os
import selectors
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import IO, TYPE_CHECKING

import msgspec

from musiscene import errors
from musiscene.errors import (
    CorruptVideoError,
    FileError,
    MusiSceneError,
    VideoError,
    VideoLimitError,
    VideoStoppedError,
    VideoTimeoutError,
    VideoToolsMissingError,
)
from musiscene.video.limits import VideoLimits
from musiscene.video.probe_file import WAY_OUT, check_file
from musiscene.video.watch_main import GRACE_SECONDS, Failure, Order, Report

if TYPE_CHECKING:
    import threading
    from collections.abc import Callable, Iterator

    from musiscene.video.analysis import VideoAnalysis

DEFAULT_LIMITS = VideoLimits()
POLL_SECONDS = 0.1
READ_BYTES = 1 << 20
MOST_ANSWER_BYTES = 256 << 20
START_SECONDS = 30.0
"""For the process to load its libraries on a busy machine, before its own clock runs."""


def watch_apart(
    path: Path,
    *,
    limits: VideoLimits = DEFAULT_LIMITS,
    progress: Callable[[str, float], None] | None = None,
    stop: threading.Event | None = None,
) -> VideoAnalysis:
    """Everything that is measured in a video, from a process with limits of its own.

    Args:
        path: A file of this machine.
        limits: What it may hold, and the time and memory that watching may take.
        progress: Told what is being done and the share that is done.
        stop: Set by another thread to give up; the process is killed then.

    Returns:
        As `watch_video`.

    Raises:
        VideoError: If it cannot be watched; a decoder that crashes, hangs or takes too much memory
            is one of the reasons.
        VideoStoppedError: If `stop` was set.
        VideoToolsMissingError: If a library is missing.
    """
    path = Path(path)
    check_file(path, limits)
    child = subprocess.Popen(
        [sys.executable, "-m", "musiscene.video.watch_main"],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        env={**os.environ, "MALLOC_ARENA_MAX": "4"},
        start_new_session=True,  # an interrupt from the keyboard is ours to handle
    )
    if child.stdin is None or child.stdout is None:
        raise VideoToolsMissingError("no pipe to the process that watches")
    try:
        order = Order(path=str(path.absolute()), limits=limits)
        _send(child.stdin, msgspec.json.encode(order) + b"\n")
        deadline = time.monotonic() + limits.timeout_seconds + GRACE_SECONDS + START_SECONDS
        for line in _lines(child.stdout, path, deadline, stop):
            report = msgspec.json.decode(line, type=Report)
            if report.analysis is not None:
                return report.analysis
            if report.failure is not None:
                error = _error_of(report.failure, path)
                break
            if progress is not None and report.step is not None:
                progress(report.step, report.share or 0.0)
        else:
            error = _death(path, child.wait(), limits)
        raise error
    finally:
        child.kill()
        child.wait()
        child.stdin.close()
        child.stdout.close()


def _send(pipe: IO[bytes], line: bytes) -> None:
    try:
        pipe.write(line)
        pipe.flush()
    except BrokenPipeError:
        return  # it died before it could read: how it died is the answer


def _lines(
    pipe: IO[bytes], path: Path, deadline: float, stop: threading.Event | None
) -> Iterator[bytes]:
    """Whole lines as they come, until the pipe is closed.

    Args:
        pipe: From the process.
        path: The video, for errors.
        deadline: On the monotonic clock.
        stop: Set by another thread to give up.

    Yields:
        bytes: Each without its end.

    Raises:
        VideoTimeoutError: After `deadline`.
        VideoLimitError: If a line does not end.
        VideoStoppedError: If `stop` was set.
    """
    waiting = bytearray()
    with selectors.DefaultSelector() as selector:
        selector.register(pipe, selectors.EVENT_READ)
        while True:
            if stop is not None and stop.is_set():
                raise VideoStoppedError
            if time.monotonic() > deadline:
                raise VideoTimeoutError(path, f"watching it hangs: {WAY_OUT}")
            if not selector.select(POLL_SECONDS):
                continue
            data = os.read(pipe.fileno(), READ_BYTES)
            if not data:
                return
            waiting += data
            *lines, rest = waiting.split(b"\n")
            waiting = bytearray(rest)
            if len(waiting) > MOST_ANSWER_BYTES:
                raise VideoLimitError(path, "gives more shots than can be kept")
            yield from (bytes(line) for line in lines)


def _error_of(failure: Failure, path: Path) -> MusiSceneError:
    kind = getattr(errors, failure.kind, VideoError)
    if issubclass(kind, FileError):
        return kind(path, failure.reason)
    if issubclass(kind, VideoStoppedError):
        return VideoStoppedError()
    if issubclass(kind, VideoToolsMissingError):
        return VideoToolsMissingError(failure.reason)
    return MusiSceneError(failure.reason)


def _death(path: Path, status: int, limits: VideoLimits) -> VideoError:
    """What it means that the process ended without a last word."""
    if status == -signal.SIGALRM:
        return VideoTimeoutError(path, f"takes longer than {limits.timeout_seconds:g} s to watch")
    if status == -signal.SIGKILL:
        reason = f"the system ended what watched it, for want of memory: {WAY_OUT}"
        return VideoLimitError(path, reason)
    how = signal.Signals(-status).name if status < 0 else f"status {status}"
    return CorruptVideoError(path, f"its decoder broke down ({how}): {WAY_OUT}")

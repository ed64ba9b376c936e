"""Watches one video in a process of its own: `python -m musiscene.video.watch_main`.

Its input is one line of JSON, `Order`, and then nothing until it is to end: the process dies when
its input closes, which happens when its parent dies. Its output is JSON, one `Report` a line; the
last one holds the analysis or the error.
"""

from __future__ import annotations

import os
import resource
import signal
import sys
import threading
from pathlib import Path
from typing import BinaryIO

import msgspec

from musiscene import errors
from musiscene.errors import FileError, MusiSceneError, VideoToolsMissingError
from musiscene.video.analysis import VideoAnalysis
from musiscene.video.limits import VideoLimits

GRACE_SECONDS = 10
"""After the time allowed, before the system kills the process: its own clock is checked first."""
KILLED = 9


class Order(msgspec.Struct, frozen=True, kw_only=True):
    """What is to be watched."""

    path: str
    limits: VideoLimits


class Failure(msgspec.Struct, frozen=True, kw_only=True):
    """An error on its way from one process to the other."""

    kind: str
    """Name of its class in `musiscene.errors`."""
    reason: str
    """What is wrong; for an error of a file without its path."""


class Report(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """One line of output."""

    step: str | None = None
    share: float | None = None
    analysis: VideoAnalysis | None = None
    failure: Failure | None = None


def main() -> int:
    """Read the order, watch, report.

    Returns:
        0; failures are reported, not returned.
    """
    reports = sys.stdout.buffer
    sys.stdout = sys.stderr  # a library that prints must not break the reports
    order = msgspec.json.decode(sys.stdin.buffer.readline(), type=Order)
    threading.Thread(target=_die_with_parent, args=(sys.stdin.buffer,), daemon=True).start()
    _limit(order.limits)
    lock = threading.Lock()

    def write(report: Report) -> None:
        with lock:
            reports.write(msgspec.json.encode(report) + b"\n")
            reports.flush()

    def tell(step: str, share: float) -> None:
        write(Report(step=step, share=share))

    from musiscene.video.watch import watch_video

    try:
        analysis = watch_video(Path(order.path), limits=order.limits, progress=tell)
        write(Report(analysis=analysis))
    except MusiSceneError as error:
        reason = str(error)
        if isinstance(error, FileError | VideoToolsMissingError):
            reason = error.reason
        write(Report(failure=Failure(kind=type(error).__name__, reason=reason)))
    except MemoryError:
        reason = "needs more memory than allowed"
        write(Report(failure=Failure(kind=errors.VideoLimitError.__name__, reason=reason)))
    except Exception as error:  # noqa: BLE001 - the edge of a process: nobody else would tell of it
        reason = f"could not be watched: {type(error).__name__}: {error}"
        write(Report(failure=Failure(kind=errors.VideoError.__name__, reason=reason)))
    return 0


def _die_with_parent(inputs: BinaryIO) -> None:
    while inputs.read(1):
        pass
    os._exit(KILLED)


def _limit(limits: VideoLimits) -> None:
    """Let the system end what our own clock cannot, such as a loop within a decoder."""
    taken = int(Path("/proc/self/statm").read_text(encoding="utf-8").split()[0])
    most = taken * resource.getpagesize() + limits.memory_bytes
    hard = resource.getrlimit(resource.RLIMIT_AS)[1]
    if hard != resource.RLIM_INFINITY:
        most = min(most, hard)
    resource.setrlimit(resource.RLIMIT_AS, (most, hard))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    signal.signal(signal.SIGALRM, signal.SIG_DFL)
    signal.setitimer(signal.ITIMER_REAL, limits.timeout_seconds + GRACE_SECONDS)


if __name__ == "__main__":
    sys.exit(main())

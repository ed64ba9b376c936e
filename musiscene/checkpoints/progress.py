"""How a pull tells what it is doing, also while somebody else's code downloads."""

from __future__ import annotations

import contextlib
import threading
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

WATCH_INTERVAL_SECONDS = 0.2


class PullProgress(Protocol):
    """Told what a pull is doing; called from more than one thread."""

    def __call__(self, step: str, done: int, total: int | None) -> None:
        """Take note of one step.

        Args:
            step: What is being done, for people.
            done: Bytes so far; 0 for a step that is not counted.
            total: Bytes when finished; None for a step that is not counted.
        """


def ignore_progress(step: str, done: int, total: int | None) -> None:
    """Take no note of a pull's progress."""


@contextlib.contextmanager
def watching(folder: Path, step: str, total_bytes: int, progress: PullProgress) -> Iterator[None]:
    """Report how a folder grows while somebody else writes into it.

    Args:
        folder: Watched with everything below it; need not exist yet.
        step: What is being done, for people.
        total_bytes: Expected in the end.
        progress: Told a few times a second, from a thread of its own.

    Yields:
        Nothing.
    """
    finished = threading.Event()

    def watch() -> None:
        while not finished.wait(WATCH_INTERVAL_SECONDS):
            progress(step, min(_folder_bytes(folder), total_bytes), total_bytes)

    progress(step, 0, total_bytes)
    watcher = threading.Thread(target=watch, daemon=True)
    watcher.start()
    try:
        yield
    finally:
        finished.set()
        watcher.join()
    progress(step, total_bytes, total_bytes)


def _folder_bytes(folder: Path) -> int:
    total_bytes = 0
    # Files come, move and go while we look.
    with contextlib.suppress(OSError):
        for path in folder.rglob("*"):
            with contextlib.suppress(OSError):
                total_bytes += path.stat().st_size
    return total_bytes

"""Which workers are alive: each holds a lock file, which the system lets go when it dies."""

from __future__ import annotations

import os
import socket
from typing import TYPE_CHECKING

from filelock import FileLock, Timeout
from uuid_utils.compat import uuid4

if TYPE_CHECKING:
    from pathlib import Path
    from typing import Self


class Presence:
    """One worker's sign of life, held while the context lasts.

    Args:
        data_dir: The library.
    """

    def __init__(self, data_dir: Path) -> None:
        self._folder = data_dir / "workers"
        self.name = f"{socket.gethostname()[:60]}:{os.getpid()}:{uuid4().hex[:8]}"
        """Of this worker, unlike any other."""
        self._lock = FileLock(self._file(self.name))

    def __enter__(self) -> Self:
        self._folder.mkdir(parents=True, exist_ok=True)
        self._lock.acquire()
        return self

    def __exit__(self, *_exception: object) -> None:
        self._lock.release()
        self._file(self.name).unlink(missing_ok=True)

    def is_gone(self, name: str) -> bool:
        """Whether a worker of this folder surely is dead; false where that cannot be known."""
        file = self._file(name)
        if not file.exists():
            return False
        try:
            with FileLock(file, timeout=0):
                return True
        except Timeout:
            return False

    def clear(self) -> None:
        """Remove the lock files of the dead, once their jobs have been taken over."""
        for file in self._folder.glob("*.lock"):
            if self.is_gone(file.stem):
                file.unlink(missing_ok=True)

    def _file(self, name: str) -> Path:
        return self._folder / f"{name}.lock"

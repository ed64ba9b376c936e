"""A file of finished rows that a killed run goes on with.

FILE          JSON Lines; a row is appended, flushed and fsynced when it is finished
.FILE.lock    held by the one process that appends

Invariants: a kill loses at most the row in flight; what stands after the last line end is such a
row's beginning and is cut off by the next run; of several rows with one key the last counts.
"""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Generic, Self, TypeVar

import msgspec

from musiscene.data.rows import read_rows
from musiscene.errors import MusiSceneError

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path
    from types import TracebackType
    from typing import BinaryIO

Row = TypeVar("Row", bound=msgspec.Struct)
BLOCK_BYTES = 1 << 16


class Manifest(Generic[Row]):
    """Rows that are finished; a context manager that holds the file.

    Args:
        path: Is made, with its folder, if it does not exist.
        form: Of a row.
        key: What a row is known by.

    Attributes:
        rows: Key -> row.
    """

    def __init__(self, path: Path, form: type[Row], *, key: Callable[[Row], str]) -> None:
        import filelock

        self.rows: dict[str, Row] = {}
        self._path = path
        self._form = form
        self._key = key
        self._file: BinaryIO | None = None
        self._lock = filelock.FileLock(path.with_name(f".{path.name}.lock"))

    def __enter__(self) -> Self:
        """Take the file, and read what is finished.

        Returns:
            Itself.

        Raises:
            MusiSceneError: If another process holds it, or it is none of ours.
        """
        import filelock

        try:
            self._path.parent.mkdir(parents=True, exist_ok=True)
            self._lock.acquire(timeout=0)
            self._file = self._path.open("ab+")
            _cut_torn_row(self._file)
            self.rows = self._read()
        except filelock.Timeout as error:
            raise MusiSceneError(f"{self._path}: another run is writing it") from error
        except OSError as error:
            self._release()
            raise MusiSceneError(f"{self._path}: cannot be written: {error.strerror}") from error
        except MusiSceneError:
            self._release()
            raise
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self._release()

    def append(self, row: Row) -> None:
        """Keep a finished row.

        Args:
            row: Takes the place of one with the same key.

        Raises:
            ValueError: Outside the `with` block.
            MusiSceneError: If the disk does not take it.
        """
        if self._file is None:
            raise ValueError("the manifest is not open")
        try:
            self._file.write(msgspec.json.encode(row) + b"\n")
            self._file.flush()
            os.fsync(self._file.fileno())
        except OSError as error:
            raise MusiSceneError(f"{self._path}: cannot be written: {error.strerror}") from error
        self.rows[self._key(row)] = row

    def _read(self) -> dict[str, Row]:
        read = read_rows(self._path, self._form)
        if read.bad:
            first = read.bad[0]
            raise MusiSceneError(f"{first.place}: is no row of such a file: {first.reason}")
        return {self._key(row): row for row in read.good}

    def _release(self) -> None:
        if self._file is not None:
            self._file.close()
            self._file = None
        self._lock.release()


def _cut_torn_row(file: BinaryIO) -> None:
    end = place = file.seek(0, os.SEEK_END)
    while place > 0:
        start = max(place - BLOCK_BYTES, 0)
        file.seek(start)
        line_end = file.read(place - start).rfind(b"\n")
        if line_end >= 0:
            place = start + line_end + 1
            break
        place = start
    if place < end:
        file.truncate(place)

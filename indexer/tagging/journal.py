"""What `musiscene tag` has changed, so that it can be taken back.

DATA_DIR/tagging/20261123T101500Z-1a2b3c4d.jsonl    one a run

Lines: a `Header`, then a `Rewritten` for each file, then an `Ended`. The line of a file is on the
disk before the file is replaced; so a run that was killed can be undone, and a torn last line is
about a file that was not touched.
"""

from __future__ import annotations

import os
import secrets
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, Final, Literal, TypeAlias
from uuid import UUID

import msgspec

from indexer.errors import TagError, TagRunError

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path
    from types import TracebackType

SUFFIX: Final = ".jsonl"
LAST: Final = "last"
FILE_LINE: Final = b'{"type":"file"'


class Header(msgspec.Struct, frozen=True, kw_only=True, tag="run"):
    """The first line."""

    id: str
    started_at: datetime
    kind: Literal["write", "undo"] = "write"
    undoes: str | None = None
    """Id of the run that this one took back."""
    is_whole: bool = True
    """Whether all of its files were asked for."""


class FieldRecord(msgspec.Struct, frozen=True, kw_only=True):
    """One field, exactly as it was and as it became."""

    name: str
    old: dict[str, Any] | None
    new: dict[str, Any] | None


class Rewritten(msgspec.Struct, frozen=True, kw_only=True, tag="file"):
    """One file that is about to be replaced."""

    track_id: UUID
    path: str
    """As the catalogue has it."""
    codec: str
    """FFmpeg's name for the coding of its sound."""
    format: str
    """The kind of its tags."""
    size_before: int
    modified_before_ns: int
    sha256_before: str
    """Of the whole file, in hex."""
    size_after: int
    sha256_after: str
    fields: tuple[FieldRecord, ...]
    patch: bytes | None
    """From `make_patch`; None where only the fields can be given back."""


class Ended(msgspec.Struct, frozen=True, kw_only=True, tag="end"):
    """The last line."""

    written: int
    failed: int


Line: TypeAlias = "Header | Rewritten | Ended"


class Run(msgspec.Struct, frozen=True, kw_only=True):
    """One run, as its journal has it."""

    header: Header
    files: tuple[Rewritten, ...]
    ended: Ended | None
    """None for a run that was killed."""
    damaged_lines: int
    """Lines that cannot be read, the torn last one left out."""


class RunSummary(msgspec.Struct, frozen=True, kw_only=True):
    """One run, in one line."""

    id: str
    started_at: datetime
    kind: Literal["write", "undo"]
    undoes: str | None
    files: int
    is_finished: bool
    undone_by: str | None
    """Id of the run that took it back wholly."""


class Journal:
    """The journal of the run that is going on.

    Args:
        folder: `DATA_DIR/tagging`.
        undoes: The run that this one takes back; None for one that writes.
        is_whole: Whether all of that run's files are asked for.

    Attributes:
        id: Of the run.
    """

    def __init__(self, folder: Path, *, undoes: str | None = None, is_whole: bool = True) -> None:
        now = datetime.now(UTC)
        self.id = f"{now:%Y%m%dT%H%M%SZ}-{secrets.token_hex(4)}"
        self._path = folder / (self.id + SUFFIX)
        self._header = Header(
            id=self.id,
            started_at=now,
            kind="undo" if undoes else "write",
            undoes=undoes,
            is_whole=is_whole,
        )
        self._descriptor: int | None = None
        self._written = self._failed = 0

    def __enter__(self) -> Journal:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        _error: BaseException | None,
        _traceback: TracebackType | None,
    ) -> None:
        if self._descriptor is None:
            if kind is not None or self._header.undoes is None:
                return
            self._begin()  # nothing had to be taken back, which is worth knowing
        try:
            if kind is None:
                self._append(Ended(written=self._written, failed=self._failed))
        finally:
            if self._descriptor is not None:
                os.close(self._descriptor)

    def note_failure(self) -> None:
        """Count one file that could not be done."""
        self._failed += 1

    def note(self, entry: Rewritten) -> None:
        """Write about a file that is about to be replaced; on the disk when this returns.

        Args:
            entry: What was there before.

        Raises:
            TagError: If the journal cannot be written; the file must be left alone then.
        """
        try:
            if self._descriptor is None:
                self._begin()
            self._append(entry)
        except OSError as error:
            reason = f"the journal {self._path} cannot be written ({error.strerror}), so the file"
            raise TagError(entry.path, f"{reason} is left as it is") from error
        self._written += 1

    def _begin(self) -> None:
        self._path.parent.mkdir(parents=True, exist_ok=True)
        flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_APPEND
        self._descriptor = os.open(self._path, flags, 0o600)
        self._append(self._header)
        folder = os.open(self._path.parent, os.O_RDONLY)
        try:
            os.fsync(folder)
        finally:
            os.close(folder)

    def _append(self, line: Line) -> None:
        if self._descriptor is None:
            return
        end = os.lseek(self._descriptor, 0, os.SEEK_END)
        data = memoryview(msgspec.json.encode(line) + b"\n")
        try:
            while data:
                data = data[os.write(self._descriptor, data) :]
            os.fsync(self._descriptor)
        except OSError:
            os.ftruncate(self._descriptor, end)
            raise


def read_run(folder: Path, run_id: str) -> Run:
    """Read the journal of one run.

    Args:
        folder: `DATA_DIR/tagging`.
        run_id: Its id, the beginning of it, or `last` for the last one that wrote and was not taken
            back wholly.

    Returns:
        The run.

    Raises:
        TagRunError: If there is none, or several begin so, or its journal cannot be read.
    """
    if run_id == LAST:
        open_runs = [
            run for run in list_runs(folder) if run.kind == "write" and run.undone_by is None
        ]
        if not open_runs:
            raise TagRunError("there is no run to undo; see `musiscene tag --runs`")
        run_id = open_runs[-1].id
    found = [path for path in _journals(folder) if path.stem.startswith(run_id)]
    if len(found) != 1:
        problem = "several runs begin so" if found else "no run has this id"
        raise TagRunError(f"{run_id}: {problem}; see `musiscene tag --runs`")
    return _read(found[0])


def list_runs(folder: Path) -> list[RunSummary]:
    """Every run, the oldest first; journals that cannot be read are left out.

    Args:
        folder: `DATA_DIR/tagging`; need not exist.

    Returns:
        Their summaries.
    """
    found = [one for one in (_summary(path) for path in _journals(folder)) if one is not None]
    undone = {
        header.undoes: header.id
        for header, _, ended in found
        if header.undoes and header.is_whole and ended and not ended.failed
    }
    return [
        RunSummary(
            id=header.id,
            started_at=header.started_at,
            kind=header.kind,
            undoes=header.undoes,
            files=files,
            is_finished=ended is not None,
            undone_by=undone.get(header.id),
        )
        for header, files, ended in found
    ]


def _summary(path: Path) -> tuple[Header, int, Ended | None] | None:
    """The first line, how many files, and the last line; the files are not decoded."""
    header, files, ended = None, 0, None
    try:
        for line, _ in _lines(path):
            if line.startswith(FILE_LINE):
                files += line.endswith(b"}\n")
                continue
            read = msgspec.json.decode(line, type=Header | Ended)
            if isinstance(read, Header):
                header = read
            else:
                ended = read
    except (OSError, msgspec.DecodeError, UnicodeDecodeError):
        pass  # torn, or no journal at all
    return None if header is None else (header, files, ended)


def _journals(folder: Path) -> list[Path]:
    return sorted(folder.glob(f"*{SUFFIX}")) if folder.is_dir() else []


def _read(path: Path) -> Run:
    header, ended = None, None
    files: list[Rewritten] = []
    damaged = 0
    try:
        for line, is_last in _lines(path):
            try:
                read = msgspec.json.decode(line, type=Header | Rewritten | Ended)
            except (msgspec.DecodeError, UnicodeDecodeError):
                damaged += not is_last
                continue
            if isinstance(read, Header):
                header = read
            elif isinstance(read, Rewritten):
                files.append(read)
            else:
                ended = read
    except OSError as error:
        raise TagRunError(f"{path}: cannot be read ({error.strerror})") from error
    if header is None:
        raise TagRunError(f"{path}: is no journal of `musiscene tag`")
    return Run(header=header, files=tuple(files), ended=ended, damaged_lines=damaged)


def _lines(path: Path) -> Iterator[tuple[bytes, bool]]:
    with path.open("rb") as file:
        line = file.readline()
        while line:
            following = file.readline()
            yield line, not following
            line = following

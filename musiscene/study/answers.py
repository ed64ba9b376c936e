"""The answers of a study: `answers.jsonl`, to which lines are added and nothing else.

Invariants: a line is on the disk before its answer is acknowledged; one process at a time writes;
a line that a kill cut off is closed at the next start and counted as unreadable, never removed. A
rater is known by the number of a place alone; of the links only SHA-256 is kept.
"""

from __future__ import annotations

import hmac
import os
from hashlib import sha256
from threading import Lock
from typing import TYPE_CHECKING, Annotated, Final, Self

import msgspec
from msgspec import Meta

from musiscene.errors import StudyBusyError, StudyError

if TYPE_CHECKING:
    from pathlib import Path

ANSWERS_FILE: Final = "answers.jsonl"
LOCK_FILE: Final = "answers.lock"


class Invited(msgspec.Struct, frozen=True, kw_only=True, tag="invited"):
    """A place was given a link."""

    rater: int
    """Number of the place."""
    link_sha256: str
    """Of the token in the link, in hex."""


class Agreed(msgspec.Struct, frozen=True, kw_only=True, tag="agreed"):
    """A rater agreed to take part."""

    rater: int
    """Number of the place."""
    at: str
    """When, to the minute, in UTC."""


class Answer(msgspec.Struct, frozen=True, kw_only=True, tag="answer"):
    """What a rater said on one page."""

    rater: int
    """Number of the place."""
    trial: int
    """Number of the trial in the rater's session."""
    values: dict[str, Annotated[int, Meta(ge=-1, le=9)]]
    """Question -> point; of a comparison 0, 1 or -1: first, second, neither."""
    heard_seconds: tuple[float, ...]
    """So much was heard of each piece."""
    plays: int
    """How often a piece was started."""
    milliseconds: int
    """From the page to the answer."""
    touch: bool = False
    """Whether it was answered on a touch screen."""


Record = Invited | Agreed | Answer


class Answers(msgspec.Struct, frozen=True, kw_only=True):
    """All that was written so far."""

    links: dict[str, int]
    """SHA-256 of a link's token -> place."""
    agreed: set[int]
    """Places whose raters agreed."""
    given: dict[int, dict[int, Answer]]
    """Place -> trial -> the last answer."""
    unreadable: int
    """Lines that are no record."""

    def take(self, record: Record) -> None:
        """Take note of one more record."""
        if isinstance(record, Invited):
            self.links[record.link_sha256] = record.rater
        elif isinstance(record, Agreed):
            self.agreed.add(record.rater)
        else:
            self.given.setdefault(record.rater, {})[record.trial] = record


def link_hash(token: str) -> str:
    """What is kept of a link."""
    return sha256(token.encode()).hexdigest()


def completion_code(secret: str, rater: int) -> str:
    """A code that shows that a rater came to the end; eight letters and digits."""
    return hmac.new(secret.encode(), str(rater).encode(), "sha256").hexdigest()[:8].upper()


def encode(record: Record) -> bytes:
    """One line."""
    return msgspec.json.encode(record) + b"\n"


def read_answers(folder: Path) -> Answers:
    """Read the answers that exist so far; a server may be adding to them.

    Args:
        folder: Of the study.

    Returns:
        The answers; of several to one trial the last.

    Raises:
        StudyError: If the file cannot be read.
    """
    path = folder / ANSWERS_FILE
    try:
        lines = path.read_bytes().splitlines()
    except OSError as error:
        raise StudyError(f"{path}: cannot be read ({error.strerror})") from error
    decoder = msgspec.json.Decoder(Record)
    unreadable = 0
    records: list[Record] = []
    for line in lines:
        if not line.strip():
            continue
        try:
            records.append(decoder.decode(line))
        except (msgspec.MsgspecError, UnicodeDecodeError):
            unreadable += 1
    answers = Answers(links={}, agreed=set(), given={}, unreadable=unreadable)
    for record in records:
        answers.take(record)
    return answers


class AnswerFile:
    """The file, open for adding to it; nobody else may open it so long.

    Args:
        folder: Of the study.

    Attributes:
        answers: All that it holds.

    Raises:
        StudyBusyError: If another process has it open.
        StudyError: If it cannot be used.
    """

    def __init__(self, folder: Path) -> None:
        from filelock import FileLock, Timeout

        self._path = folder / ANSWERS_FILE
        self._file_lock = FileLock(folder / LOCK_FILE, timeout=0)
        self._lock = Lock()
        self._descriptor = -1
        try:
            self._file_lock.acquire()
            self._descriptor = os.open(self._path, os.O_RDWR | os.O_APPEND)
            size = os.fstat(self._descriptor).st_size
            if size and os.pread(self._descriptor, 1, size - 1) != b"\n":
                os.write(self._descriptor, b"\n")
                os.fsync(self._descriptor)
            self.answers = read_answers(folder)
        except Timeout as error:
            raise StudyBusyError(
                f"{folder}: another process serves this study; stop it first"
            ) from error
        except OSError as error:
            self.close()
            raise StudyError(f"{self._path}: cannot be used ({error.strerror})") from error

    def add(self, record: Record) -> None:
        """Write one record; it is on the disk when this returns.

        Args:
            record: To be added.

        Raises:
            StudyError: If it cannot be written; then it does not count.
        """
        line = encode(record)
        with self._lock:
            try:
                written = os.write(self._descriptor, line)
                os.fsync(self._descriptor)
            except OSError as error:
                raise StudyError(f"{self._path}: cannot be written ({error.strerror})") from error
            if written < len(line):
                os.write(self._descriptor, b"\n")
                raise StudyError(f"{self._path}: the disk is full")
            self.answers.take(record)

    def close(self) -> None:
        """Let others open it."""
        if self._descriptor >= 0:
            os.close(self._descriptor)
            self._descriptor = -1
        self._file_lock.release()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_exception: object) -> None:
        self.close()

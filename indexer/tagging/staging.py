"""A changed copy takes the place of a file, or nothing happens at all.

The copy is made beside the file, so that it can take its place in one step of the file system.
Whatever stops the work, the name has either all of the former bytes or all of the new ones.
"""

from __future__ import annotations

import errno
import hashlib
import os
import shutil
import stat
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import TYPE_CHECKING, Final

import msgspec

from indexer.errors import TagError

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

COPY_BYTES: Final = 1 << 20

REASONS: Final = {
    errno.ENOSPC: "the disk is full",
    errno.EDQUOT: "the disk quota is used up",
    errno.EROFS: "the file system is read-only",
    errno.EACCES: "no permission to write it, or into its folder",
    errno.EPERM: "no permission to write it, or into its folder",
    errno.ENOENT: "the file is gone; run `musiscene index` on its folder",
    errno.ENOTDIR: "the file is gone; run `musiscene index` on its folder",
    errno.ELOOP: "its links lead in a circle",
}


class Stamp(msgspec.Struct, frozen=True):
    """What tells, without reading it, whether a file has changed."""

    size_bytes: int
    modified_ns: int


class Staged:
    """One file and the copy that is to take its place.

    Args:
        target: The file itself, links resolved.
        status: What the file system says of it.
        copy: Beside it; there are no bytes in it yet.

    Attributes:
        target: As given.
        status: As given.
        copy: As given.
    """

    def __init__(self, target: Path, status: os.stat_result, copy: Path) -> None:
        self.target = target
        self.status = status
        self.copy = copy

    def fill(self, pieces: Iterable[bytes]) -> str:
        """Write the copy.

        Args:
            pieces: Its bytes, in order.

        Returns:
            Their SHA-256, in hex.

        Raises:
            OSError: If it cannot be written.
        """
        sha256 = hashlib.sha256()
        with suppress(FileNotFoundError):
            self.copy.unlink()  # of a run that was killed; the name is ours alone
        flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | getattr(os, "O_NOFOLLOW", 0)
        with os.fdopen(os.open(self.copy, flags, 0o600), "wb") as file:
            for piece in pieces:
                sha256.update(piece)
                file.write(piece)
        return sha256.hexdigest()

    def check_unchanged(self) -> None:
        """See that nobody has touched the file since it was looked at.

        Raises:
            TagError: If somebody has.
        """
        now = self.target.stat()
        if _identity(now) != _identity(self.status):
            raise TagError(self.target, "somebody changed it at this very moment; try again")

    def seal(self, *, modified_ns: int | None) -> None:
        """Bring the copy onto the disk, with the file's mode, owner, times and attributes.

        Args:
            modified_ns: Its time of modification; None for now.

        Raises:
            OSError: If it cannot be written.
        """
        with suppress(OSError, AttributeError):  # only root may give files away
            os.chown(self.copy, self.status.st_uid, self.status.st_gid)
        shutil.copystat(self.target, self.copy)
        if modified_ns is None:
            os.utime(self.copy)
        else:
            os.utime(self.copy, ns=(self.status.st_atime_ns, modified_ns))
        _sync(self.copy)

    def replace(self) -> Stamp:
        """Put the copy in the file's place.

        Returns:
            What the file system says of it there.

        Raises:
            TagError: If somebody has changed the file meanwhile.
            OSError: If it cannot be done.
        """
        self.check_unchanged()
        Path(self.copy).replace(self.target)
        with suppress(
            OSError
        ):  # some network file systems cannot; the name is changed all the same
            _sync(self.target.parent)
        status = self.target.stat()
        return Stamp(status.st_size, status.st_mtime_ns)


@contextmanager
def staged(path: Path) -> Iterator[Staged]:
    """Prepare to change one file; where nothing is replaced, nothing is left behind.

    Args:
        path: The file, or a link to it: the link stays, and what it leads to is changed.

    Yields:
        Staged: The file, with the place for its copy.

    Raises:
        TagError: If it cannot be changed, with the reason; whatever the block raises of the
            operating system's errors comes out as one too.
    """
    with explained(path):
        target = Path(os.path.realpath(path, strict=True))
        status = target.stat()
        if not stat.S_ISREG(status.st_mode):
            raise TagError(path, "is not a regular file")
        if not status.st_mode & 0o222 or not os.access(target, os.W_OK):
            raise TagError(path, "is read-only; allow writing to it (chmod u+w) and try again")
        copy = target.with_name(_name_of_copy(target))
        try:
            yield Staged(target, status, copy)
        finally:
            with suppress(OSError):
                copy.unlink(missing_ok=True)


@contextmanager
def explained(path: Path) -> Iterator[None]:
    """Make a `TagError` of what the operating system says, with a reason that people understand.

    Args:
        path: The file that is worked on.

    Yields:
        Once.

    Raises:
        TagError: If the block raises an `OSError`.
    """
    try:
        yield
    except OSError as error:
        said = REASONS.get(error.errno or 0, error.strerror or str(error))
        raise TagError(path, said) from error


def stamp_of(path: Path) -> Stamp:
    """Size and time of modification of a file, by its name."""
    status = path.stat()
    return Stamp(status.st_size, status.st_mtime_ns)


def pieces_of(path: Path) -> Iterator[bytes]:
    """The bytes of a file, in order."""
    with path.open("rb") as file:
        while piece := file.read(COPY_BYTES):
            yield piece


def write_whole(path: Path, pieces: Iterable[bytes]) -> None:
    """Write a file so that its name never has half of it.

    Args:
        path: Replaced where it exists; its folder is made where there is none.
        pieces: Its bytes, in order.

    Raises:
        OSError: If it cannot be written; what was there is still there.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    copy = path.with_name(_name_of_copy(path))
    try:
        with copy.open("wb") as file:
            file.writelines(pieces)
        _sync(copy)
        Path(copy).replace(path)
    finally:
        copy.unlink(missing_ok=True)


def _name_of_copy(path: Path) -> str:
    """Hidden, so that no scan takes it, and the same each time, so that the next run tidies up."""
    return f".musiscene-{hashlib.sha256(os.fsencode(path.name)).hexdigest()[:16]}.tmp"


def _identity(status: os.stat_result) -> tuple[int, int, int, int]:
    return status.st_dev, status.st_ino, status.st_size, status.st_mtime_ns


def _sync(path: Path) -> None:
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)

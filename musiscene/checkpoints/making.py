"""Makes a folder whole or not at all.

PARENT/.NAME.part/    what is being made; whoever holds the lock may delete it
PARENT/.NAME.lock     held by the one process that is making PARENT/NAME
PARENT/NAME/          appears by one rename of a finished, flushed folder
"""

from __future__ import annotations

import contextlib
import errno
import shutil
from typing import TYPE_CHECKING

from musiscene.checkpoints.manifest import flush
from musiscene.errors import ModelError, ModelUnavailableError

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    import filelock

    from musiscene.checkpoints.progress import PullProgress

_NO_SPACE = (errno.ENOSPC, errno.EDQUOT)
_MB = 1_000_000


@contextlib.contextmanager
def making(out: Path, *, needed_bytes: int, progress: PullProgress) -> Iterator[Path]:
    """A hidden folder that becomes `out` when the block ends, and vanishes when it fails.

    Args:
        out: Must not exist, or be an empty folder.
        needed_bytes: What will be written, about.
        progress: Told when another process is waited for.

    Yields:
        The folder to fill, with its manifest in the end.

    Raises:
        ModelError: If `out` exists.
        ModelUnavailableError: If the disk is full or cannot be written.
    """
    import filelock

    refuse_existing(out)
    out = out.absolute()
    part = out.with_name(f".{out.name}.part")
    with _disk_errors(out):
        out.parent.mkdir(parents=True, exist_ok=True)
        with _locked(filelock.FileLock(out.with_name(f".{out.name}.lock")), progress):
            refuse_existing(out)  # by whom was waited for
            shutil.rmtree(part, ignore_errors=True)
            _require_space(out.parent, needed_bytes)
            part.mkdir()
            try:
                yield part
                if out.exists():
                    out.rmdir()
                part.rename(out)
                flush(out.parent)
            finally:
                shutil.rmtree(part, ignore_errors=True)


def refuse_existing(out: Path) -> None:
    """Find out early that a folder cannot be made.

    Args:
        out: The folder.

    Raises:
        ModelError: If there is anything but an empty folder.
        ModelUnavailableError: If that cannot be seen.
    """
    try:
        is_free = not (out.exists() or out.is_symlink()) or (
            out.is_dir() and not out.is_symlink() and not any(out.iterdir())
        )
    except OSError as error:
        raise ModelUnavailableError(str(out), f"cannot be looked at: {error}") from error
    if not is_free:
        raise ModelError(
            str(out), "exists already and is left alone. Remove it, or choose another --out"
        )


@contextlib.contextmanager
def _locked(lock: filelock.BaseFileLock, progress: PullProgress) -> Iterator[None]:
    import filelock

    try:
        lock.acquire(timeout=0)
    except filelock.Timeout:
        progress("wait for another process that is making it", 0, None)
        lock.acquire(poll_interval=0.2)
    try:
        yield
    finally:
        lock.release()


def _require_space(folder: Path, needed_bytes: int) -> None:
    free_bytes = shutil.disk_usage(folder).free
    if free_bytes < needed_bytes:
        raise OSError(
            errno.ENOSPC, f"needs {needed_bytes // _MB} MB free, there are {free_bytes // _MB} MB"
        )


@contextlib.contextmanager
def _disk_errors(out: Path) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        what = "the disk is full" if error.errno in _NO_SPACE else "cannot be stored"
        raise ModelUnavailableError(str(out), f"{what}: {error.strerror or error}") from error

"""Opens a track's file such that nothing else can be read through its name.

The catalogue says where a file was when it was heard. Since then a link to elsewhere, a device or
another file may have come into its place, or into the place of a folder above it.
"""

from __future__ import annotations

import os
import stat
from pathlib import Path
from typing import TYPE_CHECKING, Final, Self

from service.tracks.errors import AudioGoneError

if TYPE_CHECKING:
    from collections.abc import Sequence

FLAGS: Final = (
    os.O_RDONLY
    | getattr(os, "O_NOFOLLOW", 0)  # what is resolved is no link, unless it has just become one
    | getattr(os, "O_NONBLOCK", 0)  # a pipe without a writer would never open
    | getattr(os, "O_CLOEXEC", 0)
    | getattr(os, "O_BINARY", 0)
)
DESCRIPTORS: Final = Path("/dev/fd")
"""Names of open files, on Linux and macOS; what is read there is the file that was looked at."""


class OpenFile:
    """A regular file below one of some folders, open.

    Args:
        path: As the catalogue has it.
        roots: The folders; none where they are not known, and then it may be no link itself.

    Attributes:
        stat: Of the file.

    Raises:
        AudioGoneError: If it is not there, not below them, or no regular file.
    """

    def __init__(self, path: Path, roots: Sequence[Path]) -> None:
        self._descriptor = -1
        try:
            real = _real(path, roots)
            self._descriptor = os.open(real, FLAGS)
            self.stat = os.fstat(self._descriptor)
            # A folder above it may have become a link since its name was resolved.
            is_same = _real(path, roots) == real and os.path.samestat(self.stat, real.lstat())
        except (OSError, ValueError, RuntimeError) as error:  # a loop of links, NUL in the name
            self.close()
            raise AudioGoneError from error
        if not stat.S_ISREG(self.stat.st_mode) or not is_same:
            self.close()
            raise AudioGoneError
        self._real = real

    @property
    def path(self) -> Path:
        """By which the open file can be read, whatever becomes of its name."""
        return DESCRIPTORS / str(self._descriptor) if DESCRIPTORS.exists() else self._real

    def close(self) -> None:
        """Close it; a second time does nothing."""
        if self._descriptor >= 0:
            os.close(self._descriptor)
            self._descriptor = -1

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_exception: object) -> None:
        self.close()

    def __del__(self) -> None:
        self.close()


def _real(path: Path, roots: Sequence[Path]) -> Path:
    """A file's name without links and `..`.

    Args:
        path: Of the file.
        roots: It must be below one of them.

    Returns:
        The name.

    Raises:
        AudioGoneError: If it is not below them.
    """
    if not roots:
        return path.parent.resolve(strict=True) / path.name
    real = path.resolve(strict=True)
    if not any(real.is_relative_to(root.resolve()) for root in roots):
        raise AudioGoneError
    return real

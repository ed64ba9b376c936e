"""Folders -> audio files, in an order that is the same on every machine."""

from __future__ import annotations

import os
import stat
from pathlib import Path
from typing import TYPE_CHECKING

import msgspec

from indexer.errors import LibraryPathError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

# fmt: off
AUDIO_EXTENSIONS = frozenset([
    ".aac", ".ac3", ".aif", ".aifc", ".aiff", ".alac", ".amr", ".ape", ".au", ".avi", ".caf",
    ".dsf", ".flac", ".m4a", ".m4b", ".m4v", ".mka", ".mkv", ".mov", ".mp2", ".mp3", ".mp4",
    ".mpc", ".mpeg", ".mpg", ".oga", ".ogg", ".opus", ".spx", ".tta", ".wav", ".wave", ".webm",
    ".wma", ".wmv", ".wv",
])
"""What a folder is searched for; a file named by itself is taken whatever it is called."""
# fmt: on


class FoundFile(msgspec.Struct, frozen=True):
    """One file to be heard."""

    path: str
    """Absolute; symbolic links are kept as they are."""
    size_bytes: int
    """As the file system says."""
    modified_ns: int
    """Modification time in nanoseconds."""


def find_audio_files(
    roots: Iterable[str | Path], *, on_error: Callable[[str, str], None]
) -> Iterator[FoundFile]:
    """Every audio file below some folders, each once, hidden files and folders left out.

    Links to files are followed, links to folders are not, so a loop of links ends. Names come in
    the order of their code points.

    Args:
        roots: Folders, or files that are taken whatever their names end with.
        on_error: Called with a path and a reason for what cannot be listed or looked at.

    Yields:
        The files that exist now.

    Raises:
        LibraryPathError: If one of the roots does not exist; nothing has been yielded then.
    """
    absolute = [Path(root).absolute() for root in roots]
    for root in absolute:
        if not root.exists():
            linked = root.is_symlink()
            raise LibraryPathError(
                root, "a link to something that does not exist" if linked else "does not exist"
            )
    seen: set[str] = set()
    for root in absolute:
        for path in _paths_below(root, on_error=on_error):
            if path in seen:
                continue
            seen.add(path)
            found = _look_at(path, on_error=on_error)
            if found is not None:
                yield found


def _paths_below(root: Path, *, on_error: Callable[[str, str], None]) -> Iterator[str]:
    if not root.is_dir():
        yield str(root)
        return

    def report(error: OSError) -> None:
        on_error(_printable(str(error.filename)), f"cannot be listed ({error.strerror})")

    for folder, folders, files in os.walk(root, onerror=report):
        folders[:] = sorted(name for name in folders if not name.startswith("."))
        for name in sorted(files):
            if not name.startswith(".") and Path(name).suffix.lower() in AUDIO_EXTENSIONS:
                yield os.path.join(folder, name)  # noqa: PTH118  Path objects double the walk's time


def _look_at(path: str, *, on_error: Callable[[str, str], None]) -> FoundFile | None:
    if _printable(path) != path:
        on_error(_printable(path), "its name is not valid Unicode; rename it")
        return None
    try:
        status = os.stat(path)  # noqa: PTH116  as above
    except OSError as error:
        linked = os.path.islink(path)  # noqa: PTH114  as above
        on_error(path, "a link to something that does not exist" if linked else str(error.strerror))
        return None
    if not stat.S_ISREG(status.st_mode):
        on_error(path, "not a regular file")
        return None
    return FoundFile(path, status.st_size, status.st_mtime_ns)


def _printable(path: str) -> str:
    """The path with the bytes that are no Unicode shown as escapes."""
    return path.encode("utf-8", "backslashreplace").decode("utf-8")

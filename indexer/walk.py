"""Folders -> audio files, in an order that is the same on every machine."""

from __future__ import annotations

import errno
import os
import stat
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING

import msgspec
from pathspec import GitIgnoreSpec

from indexer.cues import CUE_SUFFIX, CueSheets, cue_stamp
from indexer.errors import LibraryPathError, PatternError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence

# fmt: off
AUDIO_EXTENSIONS = frozenset([
    ".aac", ".ac3", ".aif", ".aifc", ".aiff", ".alac", ".amr", ".ape", ".au", ".avi", ".caf",
    ".dsf", ".flac", ".m4a", ".m4b", ".m4v", ".mka", ".mkv", ".mov", ".mp2", ".mp3", ".mp4",
    ".mpc", ".mpeg", ".mpg", ".oga", ".ogg", ".opus", ".spx", ".tta", ".wav", ".wave", ".webm",
    ".wma", ".wmv", ".wv",
])
"""What a folder is searched for; a file named by itself is taken whatever it is called."""
LEFT_OUT = frozenset([
    "#recycle", "$RECYCLE.BIN", "@eaDir", "System Volume Information", "__MACOSX", "lost+found",
])
"""Folders that file servers and operating systems keep beside the music."""
# fmt: on

IGNORE_FILE = ".musisceneignore"
"""Patterns of its folder, one a line, as in `.gitignore`."""
NO_MEDIA_FILE = ".nomedia"
"""Players take nothing from a folder that holds it."""
MAX_IGNORE_BYTES = 1 << 20


class FoundFile(msgspec.Struct, frozen=True):
    """One file to be heard."""

    path: str
    """Absolute; symbolic links are kept as they are."""
    size_bytes: int
    """As the file system says."""
    modified_ns: int
    """Modification time in nanoseconds."""
    cue: str | None = None
    """Path of the cue sheet beside it that names the songs in it."""
    cue_stamp: str | None = None
    """Changes when that sheet does."""


def below(places: Iterable[str]) -> Callable[[str], bool]:
    """Tell the paths that are one of some files and folders, or lie below one of them.

    Args:
        places: Paths; folders with or without a slash at their ends.

    Returns:
        Whether a path is such a one.
    """
    named = frozenset(places)
    folders = tuple(os.path.join(place, "") for place in named)  # noqa: PTH118  ends in a slash
    return lambda path: path in named or path.startswith(folders)


class Walk:
    """One look at some folders.

    Every audio file below them comes once, in the order of the code points of its path. Links are
    followed; a folder that is reached a second time, by a link or a loop of them, is left out.
    Hidden files and folders are left out, those that carry a `.nomedia`, what file servers keep
    beside the music, and what the patterns name.

    Args:
        roots: Folders, or files that are taken whatever their names end with.
        exclude: Patterns as in `.gitignore`, each relative to the root it is met below.

    Attributes:
        unlisted: Folders that could not be listed and files that could not be looked at: of them,
            and of what lies below them, nothing is known.
        failures: A path and a reason for everything that could not be listed or looked at.

    Raises:
        LibraryPathError: If one of the roots does not exist.
        PatternError: If a pattern cannot be read.
    """

    def __init__(self, roots: Iterable[str | Path], *, exclude: Sequence[str] = ()) -> None:
        self.roots = [Path(os.path.abspath(root)) for root in roots]  # noqa: PTH100  ends `..`
        for root in self.roots:
            if not root.exists():
                linked = root.is_symlink()
                raise LibraryPathError(
                    root, "a link to something that does not exist" if linked else "does not exist"
                )
        self._exclude = [_Ignored("", _read_patterns(exclude))] if exclude else []
        self.unlisted: list[str] = []
        self.failures: list[tuple[str, str]] = []
        self._folders_seen: set[tuple[int, int]] = set()
        self._cues_of: dict[str, CueSheets] = {}
        self._paths_seen: set[str] = set()

    def files(self) -> Iterator[FoundFile]:
        """Every audio file, once.

        Yields:
            The files that exist now.
        """
        for root in self.roots:
            if root.is_dir():
                below: Iterable[str] = self._below(str(root))
            else:
                below = [str(root)]
                with suppress(OSError):
                    self._note_cues(str(root.parent), os.listdir(root.parent), [])  # noqa: PTH208
            for path in below:
                if path in self._paths_seen:
                    continue
                self._paths_seen.add(path)
                found = self._look_at(path)
                if found is not None:
                    yield found

    def _fail(self, path: str, reason: str) -> None:
        self.failures.append((path, reason))

    def _look_at(self, path: str) -> FoundFile | None:
        if _printable(path) != path:
            self._fail(_printable(path), "its name is not valid Unicode; rename it")
            return None
        try:
            status = os.stat(path)  # noqa: PTH116  Path objects double the walk's time
        except FileNotFoundError:
            linked = os.path.islink(path)  # noqa: PTH114  as above
            self._fail(path, "a link to something that does not exist" if linked else "is gone")
            return None
        except OSError as error:
            self.unlisted.append(path)
            self._fail(path, str(error.strerror))
            return None
        if not stat.S_ISREG(status.st_mode):
            self._fail(path, "not a regular file")
            return None
        cue = self._cue_of(path)
        stamp = None if cue is None else cue_stamp(cue)
        return FoundFile(path, status.st_size, status.st_mtime_ns, stamp and cue, stamp)

    def _cue_of(self, path: str) -> str | None:
        if not self._cues_of:
            return None
        folder, name = os.path.split(path)
        return self._cues_of[folder].of(name) if folder in self._cues_of else None

    def _note_cues(self, folder: str, paths: Iterable[str], ignored: list[_Ignored]) -> None:
        """Find the cue sheets among the paths, below the root, of what a folder holds."""
        cues = [
            os.path.basename(path)  # noqa: PTH119
            for path in paths
            if path.lower().endswith(CUE_SUFFIX)
            and not any(one.leaves_out(path) for one in ignored)
        ]
        if cues:
            self._cues_of[folder] = CueSheets(folder, cues)

    def _is_folder(self, entry: os.DirEntry[str]) -> bool:
        try:
            return entry.is_dir()
        except OSError as error:  # a link that leads in a circle, or to a disk that is not there
            if error.errno != errno.ELOOP:
                self.unlisted.append(entry.path)
                self._fail(_printable(entry.path), f"cannot be looked at ({error.strerror})")
            return False

    def _below(self, root: str) -> Iterator[str]:
        """Paths of audio files, depth first; folders may be nested deeper than Python calls."""
        open_folders = [self._open(root, "", self._exclude)]
        while open_folders:
            folder = open_folders[-1]
            entry = next(folder.entries, None)
            if entry is None:
                open_folders.pop()
                continue
            is_folder = self._is_folder(entry)
            if entry.name.startswith(".") or (is_folder and entry.name in LEFT_OUT):
                continue
            if not is_folder and os.path.splitext(entry.name)[1].lower() not in AUDIO_EXTENSIONS:  # noqa: PTH122  as above
                continue
            path = f"{folder.relative}{entry.name}{'/' if is_folder else ''}"
            if any(one.leaves_out(path) for one in folder.ignored):
                continue
            if is_folder:
                open_folders.append(self._open(entry.path, path, folder.ignored))
            else:
                yield entry.path

    def _open(self, folder: str, relative: str, ignored: list[_Ignored]) -> _Folder:
        entries = self._entries(folder)
        names = {entry.name for entry in entries}
        if NO_MEDIA_FILE in names:
            entries = []
        if IGNORE_FILE in names:
            ignored = [*ignored, self._ignored_here(folder, relative)]
        self._note_cues(folder, (relative + entry.name for entry in entries), ignored)
        return _Folder(iter(entries), relative, ignored)

    def _entries(self, folder: str) -> list[os.DirEntry[str]]:
        """What a folder holds; nothing if it was seen before or cannot be listed."""
        try:
            status = os.stat(folder)  # noqa: PTH116  Path objects double the walk's time
            if (status.st_dev, status.st_ino) in self._folders_seen:
                return []
            self._folders_seen.add((status.st_dev, status.st_ino))
            with os.scandir(folder) as entries:
                return sorted(entries, key=lambda entry: entry.name)
        except OSError as error:
            self.unlisted.append(folder)
            self._fail(_printable(folder), f"cannot be listed ({error.strerror})")
            return []

    def _ignored_here(self, folder: str, relative: str) -> _Ignored:
        path = Path(folder) / IGNORE_FILE
        try:
            with path.open("rb") as file:
                lines = file.read(MAX_IGNORE_BYTES).decode("utf-8-sig", "replace").splitlines()
            return _Ignored(relative, _read_patterns(lines))
        except (OSError, PatternError) as error:
            self._fail(_printable(str(path)), f"its patterns cannot be read ({error})")
            return _Ignored(relative, GitIgnoreSpec([]))


class _Folder(msgspec.Struct, frozen=True):
    """One that is being listed."""

    entries: Iterator[os.DirEntry[str]]
    relative: str
    """Its path below the root, with a slash at its end; empty for the root."""
    ignored: list[_Ignored]


class _Ignored(msgspec.Struct, frozen=True):
    """The patterns of one folder."""

    folder: str
    patterns: GitIgnoreSpec

    def leaves_out(self, path: str) -> bool:
        return self.patterns.match_file(path[len(self.folder) :])


def _read_patterns(lines: Iterable[str]) -> GitIgnoreSpec:
    try:
        return GitIgnoreSpec.from_lines(lines)
    except ValueError as error:
        raise PatternError(f"a pattern of files to leave out cannot be read: {error}") from error


def _printable(path: str) -> str:
    """The path with the bytes that are no Unicode shown as escapes."""
    return path.encode("utf-8", "backslashreplace").decode("utf-8")

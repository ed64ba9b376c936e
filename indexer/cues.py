"""Cue sheets: the songs of an album or a mix that is kept in one file.

The sheet names the file that it is about. That name is only compared with the names of the files
that lie beside the sheet, and never opened.

Source: the format of CDRWIN, as players write and read it; times are minutes, seconds and frames,
of which a second has 75.
"""

from __future__ import annotations

import logging
import os
import re
import unicodedata
from pathlib import Path
from typing import TYPE_CHECKING, Final, NamedTuple

import msgspec

from musiscene.audio.tags import Chapter, clean_tag, in_order

if TYPE_CHECKING:
    from collections.abc import Iterable

    from musiscene.audio.read import AudioInfo

logger = logging.getLogger(__name__)

CUE_SUFFIX: Final = ".cue"
MAX_CUE_BYTES: Final = 1 << 20
MAX_SONGS: Final = 999
FRAMES_PER_SECOND: Final = 75
BETWEEN: Final = " – "  # noqa: RUF001  a dash between performer and title

_WORDS = re.compile(r'"([^"]*)"?|(\S+)')
_TIME = re.compile(r"(\d{1,5}):(\d{1,2}):(\d{1,2})", re.ASCII)


class Song(msgspec.Struct, frozen=True, kw_only=True):
    """One track of a cue sheet."""

    file: str
    """Name of the file that it is in, without folders; empty where the sheet names none."""
    start_seconds: float
    """From the beginning of that file."""
    title: str | None
    """One line."""
    performer: str | None
    """One line; None where it is the whole sheet's."""


class CueError(ValueError):
    """A cue sheet cannot be read."""


def songs_in(data: bytes | str) -> tuple[Song, ...]:
    """The songs that a cue sheet lists.

    Args:
        data: The sheet: UTF-8, or else what Windows wrote in western Europe.

    Returns:
        Those whose beginning is stated, at most `MAX_SONGS`, in the order of the sheet.

    Raises:
        CueError: If it is too long, or lists no song.
    """
    if len(data) > MAX_CUE_BYTES:
        raise CueError(f"longer than {MAX_CUE_BYTES >> 20} MiB")
    text = data if isinstance(data, str) else _decoded(data)
    reader = _Reader()
    for line in text.splitlines():
        reader.read(line)
        if len(reader.songs) > MAX_SONGS:
            break
    songs = reader.finish()
    if not songs:
        raise CueError("lists no song with a beginning (TRACK and INDEX 01)")
    return songs


class _Reader:
    """Reads line after line; what it does not know it passes over."""

    def __init__(self) -> None:
        self.songs: list[Song] = []
        self._file = ""
        self._performer: str | None = None
        self._song: dict[str, str | None] | None = None
        self._start: tuple[str, float] | None = None

    def read(self, line: str) -> None:
        words = [quoted or bare for quoted, bare in _WORDS.findall(line)]
        match [word.upper() for word in words[:1]]:
            case ["FILE"] if len(words) > 1:
                kind = words.pop() if len(words) > 2 else ""  # noqa: PLR2004  FILE name kind
                is_quoted = '"' in line
                name = words[1] if is_quoted or not kind else " ".join(words[1:])
                self._file = re.split(r"[/\\]", name)[-1]
            case ["TRACK"]:
                self._close()
                self._song = {}
            case ["TITLE" | "PERFORMER"] if len(words) > 1:
                self._note(words[0].lower(), line)
            case ["INDEX"] if len(words) > 2:  # noqa: PLR2004  INDEX number time
                self._index(words[1], words[2])

    def finish(self) -> tuple[Song, ...]:
        self._close()
        return tuple(self.songs[:MAX_SONGS])

    def _note(self, field: str, line: str) -> None:
        value = clean_tag(line.strip()[len(field) :].strip().strip('"'))
        if self._song is not None:
            self._song[field] = value
        elif field == "performer":
            self._performer = value

    def _index(self, number: str, time: str) -> None:
        found = _TIME.fullmatch(time)
        # Index 00 is the silence before a song, and may be in the file before.
        if found is None or self._song is None or number.lstrip("0") != "1":
            return
        minutes, seconds, frames = map(int, found.groups())
        self._start = (self._file, 60.0 * minutes + seconds + frames / FRAMES_PER_SECOND)

    def _close(self) -> None:
        if self._song is not None and self._start is not None:
            performer = self._song.get("performer")
            file, start_seconds = self._start
            self.songs.append(
                Song(
                    file=file,
                    start_seconds=start_seconds,
                    title=self._song.get("title"),
                    performer=None if performer == self._performer else performer,
                )
            )
        self._song = self._start = None


class _Sheet(NamedTuple):
    """One that lies in a folder; all names as file systems compare them that know no case."""

    path: str
    stem: str
    names: frozenset[str]
    """Of the files that it is about."""
    stems: frozenset[str]
    """The same without their endings."""


class CueSheets:
    """The cue sheets of one folder.

    Args:
        folder: Path of the folder.
        names: Of everything in it.
    """

    def __init__(self, folder: str, names: Iterable[str]) -> None:
        self._sheets: list[_Sheet] = []
        for name in sorted(names):
            if (
                name.lower().endswith(CUE_SUFFIX)
                and not name.startswith(".")
                and name.isprintable()
            ):
                path = os.path.join(folder, name)  # noqa: PTH118  as the walk makes its paths
                files = frozenset(song.file for song in _read(path))
                if files:
                    names = frozenset(map(_same, files))
                    stems = frozenset(map(_stem, files))
                    self._sheets.append(_Sheet(path, _stem(name), names, stems))

    def of(self, name: str) -> str | None:
        """The sheet of a file.

        Args:
            name: Of the file, which lies in the folder.

        Returns:
            Path of the sheet that names the file; or else one that names a file which is called
            the same but for its ending; or else one that is about a single file and is itself
            called like this one. None where there is none.
        """
        own = _same(name), _stem(name)
        found: list[list[str]] = [[], [], []]
        for sheet in self._sheets:
            if own[0] in sheet.names:
                found[0].append(sheet.path)
            elif own[1] in sheet.stems:
                found[1].append(sheet.path)
            elif len(sheet.names) == 1 and sheet.stem in own:
                found[2].append(sheet.path)
        return next((paths[0] for paths in found if paths), None)


def cue_stamp(path: str) -> str | None:
    """A text that changes when a cue sheet does; None where it cannot be looked at."""
    try:
        status = os.stat(path)  # noqa: PTH116  as the walk does
    except OSError:
        return None
    return f"{status.st_size} {status.st_mtime_ns} {os.path.basename(path)}"  # noqa: PTH119


def with_songs(info: AudioInfo, cue: str | None) -> AudioInfo:
    """What a file says about itself, with the songs in it.

    Args:
        info: Of the file.
        cue: Path of the cue sheet that lies beside it.

    Returns:
        The same; its chapters are the songs of the sheet, or else those of the sheet in its tags,
        or else its own. Of what cannot be read the log tells.
    """
    chapters = songs_of(_read(cue), Path(info.path).name) if cue is not None else ()
    if not chapters and info.cue_sheet is not None:
        try:
            chapters = songs_of(songs_in(info.cue_sheet), Path(info.path).name)
        except CueError as error:
            logger.warning("%s: the cue sheet in its tags was left out: %s", info.path, error)
    return msgspec.structs.replace(info, chapters=chapters or info.chapters, cue_sheet=None)


def songs_of(songs: Iterable[Song], name: str) -> tuple[Chapter, ...]:
    """The songs of a sheet that are in one file.

    Args:
        songs: Of the sheet.
        name: Of the file.

    Returns:
        Those of the file that is called so, or called so but for its ending, or else of the only
        file there is; none where it holds only one.
    """
    listed = list(songs)
    files = {song.file for song in listed}
    own = (
        {file for file in files if _same(file) == _same(name)}
        or {file for file in files if _stem(file) == _stem(name)}
        or (files if len(files) == 1 else set())
    )
    return in_order(
        Chapter(start_seconds=song.start_seconds, title=_called(song))
        for song in listed
        if song.file in own
    )


def _called(song: Song) -> str | None:
    return clean_tag(BETWEEN.join(filter(None, [song.performer, song.title])))


def _read(path: str) -> tuple[Song, ...]:
    """The songs of a sheet; none, and a line in the log, where it cannot be read."""
    try:
        with Path(path).open("rb") as file:
            return songs_in(file.read(MAX_CUE_BYTES + 1))
    except (OSError, CueError) as error:
        reason = error.strerror if isinstance(error, OSError) else error
        logger.warning("%s: the cue sheet was left out: %s", path, reason)
        return ()


def _decoded(data: bytes) -> str:
    if data.startswith((b"\xff\xfe", b"\xfe\xff")):
        return data.decode("utf-16", "replace")
    for encoding in ("utf-8-sig", "cp1252"):
        try:
            return data.decode(encoding)
        except UnicodeDecodeError:
            continue
    return data.decode("latin-1")


def _same(name: str) -> str:
    """A name without the differences that some file systems do not know."""
    return unicodedata.normalize("NFC", name).casefold()


def _stem(name: str) -> str:
    return os.path.splitext(_same(name))[0]  # noqa: PTH122  as the walk does

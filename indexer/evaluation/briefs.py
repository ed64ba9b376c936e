"""Files of briefs, each with the tracks it wants.

JSON Lines, UTF-8. `brief` is the text; exactly one of these says what is wanted, and every track
that it names is:

    "mood": "calm"                            a folder of this name above the track
    "folder": "film/calm"                     folders of these names, one in the other
    "glob": "calm/*_acoustic_*.opus"          the end of the path, as a pattern
    "file": "battle.ogg"                      the end of the path
    "files": ["battle.ogg", "epic/war.ogg"]   several
    "ids": ["0190..."]                        ids of the catalogue
    "grades": {"battle.ogg": 3, "sad.ogg": 1} the end of the path -> how well it fits

`style` is free text by which briefs can be counted apart. Other fields are ignored.
"""

from __future__ import annotations

from pathlib import PurePath
from typing import TYPE_CHECKING, Annotated, Final
from uuid import UUID

import msgspec
from msgspec import Meta

from indexer.errors import BriefError

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

MAX_FILE_BYTES: Final = 16 * 1024 * 1024

Text = Annotated[str, Meta(min_length=1, max_length=20_000)]
Names = Annotated[tuple[Text, ...], Meta(min_length=1)]
Grade = Annotated[float, Meta(gt=0.0, le=1000.0)]


class BriefLine(msgspec.Struct, frozen=True, kw_only=True):
    """One line of a file of briefs."""

    brief: Text
    """What is seen, or asked for."""
    style: Annotated[str, Meta(max_length=100)] = ""
    """Kind of brief."""
    mood: Text | None = None
    """Name of a folder; another word for `folder`."""
    folder: Text | None = None
    """Names of folders, one in the other, anywhere above the track."""
    glob: Text | None = None
    """Pattern for the end of the path."""
    file: Text | None = None
    """End of the path, by whole names."""
    files: Names | None = None
    """Several such ends."""
    ids: Annotated[tuple[UUID, ...], Meta(min_length=1)] | None = None
    """Of the catalogue."""
    grades: Annotated[dict[Text, Grade], Meta(min_length=1)] | None = None
    """End of the path -> how well the track fits, above 0."""


WAYS: Final = ("mood", "folder", "glob", "file", "files", "ids", "grades")


class JudgedBrief(msgspec.Struct, frozen=True, kw_only=True):
    """A brief and what it wants of one library."""

    place: str
    """File and line."""
    text: str
    """What is seen, or asked for."""
    style: str
    """Kind of brief; empty where none is stated."""
    grades: dict[UUID, float]
    """Wanted track -> how well it fits; 1 where no grades are stated."""


class BadLine(msgspec.Struct, frozen=True, kw_only=True):
    """A line that cannot be judged."""

    place: str
    """File and line."""
    reason: str
    """What is wrong."""


def read_judged_briefs(
    path: Path, paths: Mapping[UUID, str]
) -> tuple[list[JudgedBrief], list[BadLine]]:
    """Read a file of briefs for one library.

    Args:
        path: JSON Lines.
        paths: Track -> its path, for all tracks of the library.

    Returns:
        The briefs that want something of the library but not everything, and the lines that cannot
        be read or that want nothing or everything in it; both in the order of the file.

    Raises:
        BriefError: If the file cannot be read or is too large.
    """
    try:
        content = path.read_bytes()
    except OSError as error:
        raise BriefError(f"{path}: cannot be read ({error.strerror})") from error
    if len(content) > MAX_FILE_BYTES:
        raise BriefError(f"{path}: longer than {MAX_FILE_BYTES // 2**20} MiB; split it")
    library = {track_id: PurePath(location) for track_id, location in paths.items()}
    good: list[JudgedBrief] = []
    bad: list[BadLine] = []
    for number, line in enumerate(content.split(b"\n"), start=1):
        if not line.strip():
            continue
        place = f"{path}, line {number}"
        try:
            row = msgspec.json.decode(line, type=BriefLine)
            grades = _wanted(row, library)
        except (msgspec.DecodeError, UnicodeDecodeError, BriefError) as error:
            bad.append(BadLine(place=place, reason=str(error)))
            continue
        good.append(JudgedBrief(place=place, text=row.brief, style=row.style, grades=grades))
    return good, bad


def _wanted(row: BriefLine, library: Mapping[UUID, PurePath]) -> dict[UUID, float]:
    stated = [way for way in WAYS if getattr(row, way) is not None]
    if len(stated) != 1:
        raise BriefError(
            f"says what it wants by {' and '.join(stated) or 'nothing'}; "
            f"it needs exactly one of {', '.join(WAYS)}"
        )
    if not row.brief.strip():
        raise BriefError("the field `brief` is blank")
    graded = row.grades or dict.fromkeys(row.files or ((row.file,) if row.file else ()), 1.0)
    wanted: dict[UUID, float] = {}
    for end, grade in graded.items():
        found = [track_id for track_id, path in library.items() if _ends_with(path, end)]
        if not found:
            raise BriefError(f"no track of the library is called {end}")
        wanted.update(dict.fromkeys(found, grade))
    folder = row.mood or row.folder
    for track_id, path in library.items():
        if (
            (folder and _is_below(path, folder))
            or (row.glob and path.match(row.glob))
            or (row.ids and track_id in row.ids)
        ):
            wanted[track_id] = 1.0
    if not wanted:
        raise BriefError(f"no track of the library is wanted by its {stated[0]}")
    if len(wanted) == len(library):
        raise BriefError("every track of the library is wanted, so any ranking is right")
    return wanted


def _ends_with(path: PurePath, end: str) -> bool:
    names = PurePath(end).parts
    return path.parts[-len(names) :] == names


def _is_below(path: PurePath, folder: str) -> bool:
    names, above = PurePath(folder).parts, path.parent.parts
    return any(
        above[start : start + len(names)] == names for start in range(len(above) - len(names) + 1)
    )

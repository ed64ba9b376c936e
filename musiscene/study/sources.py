"""Which piece belongs to which system and item: from a table, or from a folder for each system."""

from __future__ import annotations

import tomllib
from typing import TYPE_CHECKING, Final, TypeVar

import msgspec

from musiscene.errors import StudyError
from musiscene.study.design import FLOOR, Plan

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

Row = TypeVar("Row")
SHOWN: Final = 20
AUDIO: Final = frozenset({
    ".aac", ".aif", ".aiff", ".flac", ".m4a", ".mp3", ".mp4", ".oga", ".ogg", ".opus", ".wav",
    ".webm",
})  # fmt: skip


class Source(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """One line of `stimuli.jsonl`; further fields are ignored."""

    system: str
    """Who made the music."""
    item: str
    """What it was made for."""
    audio: str
    """The file; a relative path counts from the table's folder."""
    text: str = ""
    """Of the scene."""
    video: str | None = None
    """Of the scene; its own sound is left out."""
    picture: str | None = None
    """Of the scene."""


class ItemSource(msgspec.Struct, frozen=True, kw_only=True):
    """One line of a table of items; further fields are ignored."""

    item: str
    """Stem of the systems' files for it."""
    text: str = ""
    """Of the scene."""
    video: str | None = None
    """As in `Source`."""
    picture: str | None = None
    """As in `Source`."""


def read_plan(path: Path | None) -> Plan:
    """The plan in a TOML file.

    Args:
        path: The file; None for a plan of defaults.

    Returns:
        The plan.

    Raises:
        StudyError: If it cannot be read, a name is unknown or a value is out of its bounds.
    """
    if path is None:
        return Plan()
    try:
        return msgspec.convert(tomllib.loads(path.read_text(encoding="utf-8")), Plan)
    except OSError as error:
        raise StudyError(f"{path}: cannot be read ({error.strerror})") from error
    except (tomllib.TOMLDecodeError, UnicodeDecodeError, msgspec.ValidationError) as error:
        raise StudyError(f"{path}: {error}") from error


def read_sources(path: Path) -> list[Source]:
    """The pieces of a table.

    Args:
        path: JSON Lines.

    Returns:
        The pieces, with paths as they can be opened.

    Raises:
        StudyError: If it cannot be read, or a line is no piece.
    """
    return [
        msgspec.structs.replace(
            row,
            audio=str(path.parent / row.audio),
            video=row.video and str(path.parent / row.video),
            picture=row.picture and str(path.parent / row.picture),
        )
        for row in _rows(path, Source)
    ]


def match_folders(folders: Mapping[str, Path], items_path: Path | None) -> list[Source]:
    """The pieces of folders whose files for one item have the same stem.

    Args:
        folders: System -> folder.
        items_path: JSON Lines of `ItemSource`; None where raters are to read no scene.

    Returns:
        The pieces.

    Raises:
        StudyError: If a folder cannot be read, or two files of it have one stem.
    """
    items: dict[str, ItemSource] = {}
    if items_path is not None:
        items = {row.item: row for row in _rows(items_path, ItemSource)}
        base = items_path.parent
    found = []
    for system, folder in folders.items():
        stems: dict[str, Path] = {}
        for path in _audio_in(folder):
            if path.stem in stems:
                raise StudyError(f"{path}: {stems[path.stem].name} has the same stem")
            stems[path.stem] = path
        for stem, path in stems.items():
            if items_path is not None and stem not in items:
                continue
            item = items.get(stem) or ItemSource(item=stem)
            video = item.video and str(base / item.video)
            picture = item.picture and str(base / item.picture)
            found.append(
                Source(
                    system=system, item=stem, audio=str(path), text=item.text, video=video,
                    picture=picture,
                )
            )  # fmt: skip
    return found


def check_sources(sources: Sequence[Source]) -> tuple[list[str], list[str]]:
    """See that every system has one piece for every item.

    Args:
        sources: The pieces.

    Returns:
        Systems and items in the order they came.

    Raises:
        StudyError: If a piece is missing or there twice, a name is taken, or there are too few.
    """
    systems = list(dict.fromkeys(source.system for source in sources))
    items = list(dict.fromkeys(source.item for source in sources))
    if FLOOR in systems:
        raise StudyError(f"a system cannot be called {FLOOR}: that is the study's own floor")
    if not systems or not items:
        raise StudyError("there is no piece to hear; name --stimuli FILE or --system NAME=FOLDER")
    cells = [(source.system, source.item) for source in sources]
    wrong = [f"{one}/{two}: there twice" for one, two in dict.fromkeys(cells)
             if cells.count((one, two)) > 1]  # fmt: skip
    wrong += [
        f"{system}/{item}: missing"
        for system in systems
        for item in items
        if (system, item) not in set(cells)
    ]
    if wrong:
        more = f"\n  and {len(wrong) - SHOWN} more" if len(wrong) > SHOWN else ""
        raise StudyError(
            "every system needs one piece for every item:\n  " + "\n  ".join(wrong[:SHOWN]) + more
        )
    return systems, items


def _audio_in(folder: Path) -> list[Path]:
    try:
        return sorted(path for path in folder.iterdir() if path.suffix.lower() in AUDIO)
    except OSError as error:
        raise StudyError(f"{folder}: cannot be read ({error.strerror})") from error


def _rows(path: Path, kind: type[Row]) -> list[Row]:
    try:
        lines = path.read_bytes().splitlines()
    except OSError as error:
        raise StudyError(f"{path}: cannot be read ({error.strerror})") from error
    rows = []
    for number, line in enumerate(lines, start=1):
        if not line.strip():
            continue
        try:
            rows.append(msgspec.json.decode(line, type=kind))
        except (msgspec.MsgspecError, UnicodeDecodeError) as error:
            raise StudyError(f"{path}:{number}: {error}") from error
    return rows

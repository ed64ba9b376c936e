"""What a container's tags and chapters say, made safe to show."""

from __future__ import annotations

import itertools
import re
import unicodedata
from typing import TYPE_CHECKING, Final

import msgspec

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from av.container import InputContainer

MAX_TAG_CHARACTERS: Final = 300
MAX_CHAPTERS: Final = 999
"""Of one file; hostile ones hold millions."""
MAX_CUE_SHEET_CHARACTERS: Final = 64 << 10
"""Of a tag; the sheet of 99 songs takes 10,000."""
LEAST_SONG_SECONDS: Final = 1.0
"""A chapter that begins sooner after another is what that one holds: a part and its first song."""
LICENCE_KEYS = ("license", "licence")
# ID3 has no field for a licence: by the Creative Commons guide it stands in the copyright line.
LICENCE_IN_COPYRIGHT = re.compile(r"licen[cs]e|creative ?commons|\bcc[ -]|public domain", re.I)
ISRC = re.compile(r"[A-Z]{2}[A-Z0-9]{3}[0-9]{7}")
"""International Standard Recording Code (ISO 3901); FFmpeg calls the songs of a FLAC by it."""


class Chapter(msgspec.Struct, frozen=True, kw_only=True):
    """Where a song, or another part with a name, begins in a file that holds several."""

    start_seconds: float
    """From the beginning of the file."""
    title: str | None
    """One line; None where it has no name."""


def clean_tag(tag: str | None) -> str | None:
    """One line of printable, composed text of a sane length, None where nothing is left."""
    composed = unicodedata.normalize("NFC", (tag or "")[: 10 * MAX_TAG_CHARACTERS])
    printable = "".join(char if char.isprintable() else " " for char in composed)
    return " ".join(printable.split())[:MAX_TAG_CHARACTERS].strip() or None


def tag_number(tag: str | None) -> int | None:
    """The first number of `3/12`."""
    found = re.match(r"\s*(\d{1,5})(?!\d)", tag or "", re.ASCII)
    return int(found[1]) or None if found else None


def tagged_licence(tags: Mapping[str, str]) -> str | None:
    """The licence that the tags, with small keys, state."""
    stated = next((tags[key] for key in LICENCE_KEYS if key in tags), None)
    copyright_line = tags.get("copyright", "")
    if stated is None and LICENCE_IN_COPYRIGHT.search(copyright_line):
        stated = copyright_line
    return clean_tag(stated)


def tagged_cue_sheet(tags: Mapping[str, str]) -> str | None:
    """The text of a cue sheet that the tags, with small keys, hold."""
    text = tags.get("cuesheet", "")
    return text if 0 < len(text) <= MAX_CUE_SHEET_CHARACTERS else None


def chapters_in(container: InputContainer) -> tuple[Chapter, ...]:
    """The chapters of a container.

    Args:
        container: Open.

    Returns:
        As `in_order` gives them.
    """
    return in_order(
        Chapter(
            start_seconds=float(chapter["start"] * chapter["time_base"]),
            title=_chapter_title(chapter["metadata"]),
        )
        for chapter in itertools.islice(container.chapters(), MAX_CHAPTERS)
        if chapter["time_base"] is not None
    )


def in_order(chapters: Iterable[Chapter]) -> tuple[Chapter, ...]:
    """Chapters that can be told apart, in the order of time.

    Args:
        chapters: In any order; of those that begin together the last counts.

    Returns:
        At most `MAX_CHAPTERS`, to the millisecond; none where a file has only one.
    """
    kept: list[Chapter] = []
    for chapter in sorted(chapters, key=lambda one: one.start_seconds):
        start = round(max(chapter.start_seconds, 0.0), 3)
        if kept and start - kept[-1].start_seconds < LEAST_SONG_SECONDS:
            start = kept.pop().start_seconds
        kept.append(Chapter(start_seconds=start, title=chapter.title))
    return tuple(kept[:MAX_CHAPTERS]) if len(kept) > 1 else ()


def _chapter_title(metadata: Mapping[str, str]) -> str | None:
    title = clean_tag(next((metadata[key] for key in metadata if key.lower() == "title"), None))
    return None if title is None or ISRC.fullmatch(title) else title

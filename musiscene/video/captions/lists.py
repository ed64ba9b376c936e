"""Lists of markers without a header: edit decision lists, Audacity, Avid, chapters of a video."""

from __future__ import annotations

import re
from itertools import pairwise
from typing import TYPE_CHECKING, Final

from musiscene.video.captions.times import MOST_SECONDS, TIMECODE, Found

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

EVENT: Final = re.compile(
    r"^\s*\d{1,6}\s+\S+\s+\S+\s+\S+(?:\s+\d+)?\s+"
    r"(?:[\d:;.]{11,12}\s+){2}([\d:;.]{11,12})\s+[\d:;.]{11,12}\s*$",
    re.ASCII,
)
RESOLVE_NOTE: Final = re.compile(r"^(.*?)\|C:\w*\s*\|M:(.*?)\s*\|D:(\d{1,9})\s*$", re.ASCII)
LOCATOR: Final = re.compile(r"^\*\s*LOC:\s*(\S+)\s+(?:[A-Z]+\s+)?(.*)$", re.ASCII)
LABEL: Final = re.compile(r"^([\d.,]{1,24})\t([\d.,]{1,24})(?:\t(.*))?$", re.ASCII)
CHAPTER: Final = re.compile(
    r"^\s*[\[(]?((?:\d{1,2}:)?\d{1,2}:\d{2})[\])]?\s*(?:\s|[-\u2013\u2014])\s*"
    r"[-\u2013\u2014]?\s*(\D.*|\d+\D.*)$"
)
AVID_COLUMNS: Final = 5


def edl_markers(lines: Sequence[str]) -> Iterator[Found]:
    """Markers of an EDL: DaVinci Resolve's (`|C:... |M:... |D:...`) and locators (`* LOC:`).

    Args:
        lines: Of the file.

    Yields:
        Found: Each of them.
    """
    start = ""
    for number, line in enumerate(lines, start=1):
        event, note, locator = EVENT.match(line), RESOLVE_NOTE.match(line), LOCATOR.match(line)
        if event is not None:
            start = event[1]
        elif note is not None and start:
            said = ": ".join(filter(None, (note[2].strip(), note[1].strip())))
            yield Found(line=number, start=start, text=said, frames=int(note[3]))
        elif locator is not None:
            yield Found(line=number, start=locator[1], text=locator[2])


def labels(lines: Sequence[str]) -> Iterator[Found]:
    """Labels of Audacity: start, end and text with tabs between them.

    Args:
        lines: Of the file.

    Yields:
        Found: Each of them.

    Raises:
        ValueError: If a line is none; the message names it.
    """
    for number, line in enumerate(lines, start=1):
        if not line.strip() or line.startswith("\\"):  # a label's range of frequencies
            continue
        label = LABEL.match(line)
        if label is None:
            raise ValueError(f"line {number}: is no label of start, end and text")
        yield Found(line=number, start=label[1], end=label[2], text=label[3] or "")


def locators(lines: Sequence[str]) -> Iterator[Found]:
    """Locators of Avid: user, timecode, track, colour and comment with tabs between them.

    Args:
        lines: Of the file.

    Yields:
        Found: Each of them.

    Raises:
        ValueError: If a line is none; the message names it.
    """
    for number, line in enumerate(lines, start=1):
        if not line.strip():
            continue
        cells = line.split("\t")
        if len(cells) < AVID_COLUMNS:
            raise ValueError(f"line {number}: is no locator of {AVID_COLUMNS} columns")
        yield Found(line=number, start=cells[1], text=cells[4])


def chapters(lines: Sequence[str]) -> Iterator[Found]:
    """Chapters as they stand below a video: each lasts until the next one.

    Args:
        lines: Of the file; those without a time are left out.

    Yields:
        Found: Each of them; the last one ends with the day.
    """
    found = [
        (number, chapter[1], chapter[2])
        for number, line in enumerate(lines, start=1)
        if (chapter := CHAPTER.match(line)) is not None
    ]
    ends = [after[1] for _, after in pairwise(found)] + [str(MOST_SECONDS)]
    for (number, start, text), end in zip(found, ends[: len(found)], strict=True):
        yield Found(line=number, start=start, end=end, text=text)


def is_edl(head: Sequence[str]) -> bool:
    """Whether lines begin an edit decision list."""
    return any(EVENT.match(line) or LOCATOR.match(line) for line in head)


def is_labels(head: Sequence[str]) -> bool:
    """Whether lines begin labels of Audacity."""
    return bool(head) and LABEL.match(head[0]) is not None


def is_locators(head: Sequence[str]) -> bool:
    """Whether lines begin locators of Avid."""
    cells = head[0].split("\t") if head else []
    return len(cells) >= AVID_COLUMNS and TIMECODE.fullmatch(cells[1].strip()) is not None


def is_chapters(head: Sequence[str]) -> bool:
    """Whether lines begin chapters, perhaps below other words."""
    return any(CHAPTER.match(line) and "\t" not in line for line in head)

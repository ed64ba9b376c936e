"""Tables with a header: CSV, the markers of Premiere Pro and Reaper, review comments."""

from __future__ import annotations

import csv
import itertools
from typing import TYPE_CHECKING, Final

from musiscene.video.captions.times import CLOCK, SECONDS, TIMECODE, Found

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

DELIMITERS: Final = "\t,;|"
COLUMNS: Final[Mapping[str, tuple[str, ...]]] = {
    "start": (
        "start", "start_seconds", "start time", "start_time", "start timecode", "in", "in point",
        "timecode in", "record in", "begin", "from", "timecode", "time", "position", "timestamp",
    ),
    "end": (
        "end", "end_seconds", "end time", "end_time", "end timecode", "out", "out point",
        "timecode out", "record out", "to", "stop",
    ),
    "length": ("duration", "length", "duration_seconds"),
    "name": ("marker name", "name", "title", "label"),
    "text": (
        "text", "caption", "description", "comment", "comments", "note", "notes", "message",
        "dialogue", "subtitle",
    ),
}  # fmt: skip
"""What a column holds -> how its header may read, in lower case, the likeliest first."""
MOST_COLUMNS: Final = 200


def table(lines: Sequence[str]) -> Iterator[Found]:
    """The captions of a table; without a header its columns are start, end and text.

    Args:
        lines: Of the file.

    Yields:
        Found: Each of them.

    Raises:
        ValueError: If the columns cannot be made out, or a row does not have them; the message
            names the line.
    """
    first = next((index for index, line in enumerate(lines) if line.strip()), None)
    if first is None:
        return
    delimiter = max(DELIMITERS, key=lines[first].count)
    rows = _rows(lines[first:], delimiter, first)
    line, head = next(rows, (0, []))
    if not head:  # nothing but quotation marks
        return
    columns = columns_of(head)
    if "start" not in columns:
        if not is_time(head[0]):
            raise ValueError(
                f"line {line}: no format is known by this; a table needs a header such as"
                " start,end,text"
            )
        columns = {"start": 0, "end": 1, "text": 2} if len(head) > 2 else {"start": 0, "text": 1}  # noqa: PLR2004
        rows = itertools.chain([(line, head)], rows)
    for number, row in rows:
        yield _found(number, row, columns)


def columns_of(head: Sequence[str]) -> dict[str, int]:
    """Say which column holds what.

    Args:
        head: The first row.

    Returns:
        Of the keys of `COLUMNS` those that are there, with their column.
    """
    names = [cell.strip().strip('"').lower().replace("_", " ") for cell in head]
    found = {}
    for what, known in COLUMNS.items():
        plain = [name.replace("_", " ") for name in known]
        place = next((names.index(name) for name in plain if name in names), None)
        if place is not None:
            found[what] = place
    return found


def is_time(text: str) -> bool:
    """Whether this is written like a time."""
    written = text.strip()
    return any(form.fullmatch(written) for form in (SECONDS, CLOCK, TIMECODE))


def _rows(lines: Sequence[str], delimiter: str, before: int) -> Iterator[tuple[int, list[str]]]:
    """Rows that are not empty.

    Args:
        lines: With the header.
        delimiter: Between cells.
        before: Lines of the file that are left out.

    Yields:
        tuple: Number of the line on which a row ends, and the row.

    Raises:
        ValueError: If a row cannot be read.
    """
    reader = csv.reader((f"{line}\n" for line in lines), delimiter=delimiter)
    while True:
        try:
            row = next(reader, None)
        except csv.Error as error:
            raise ValueError(f"line {before + reader.line_num}: {error}") from error
        if row is None:
            return
        if len(row) > MOST_COLUMNS:
            raise ValueError(f"line {before + reader.line_num}: more than {MOST_COLUMNS} columns")
        if any(cell.strip() for cell in row):
            yield before + reader.line_num, row


def _found(line: int, row: Sequence[str], columns: Mapping[str, int]) -> Found:
    cells = {what: row[place] if place < len(row) else "" for what, place in columns.items()}
    if not cells["start"].strip():
        raise ValueError(f"line {line}: has no start")
    said = [cells.get("name", "").strip(), cells.get("text", "").strip()]
    return Found(
        line=line,
        start=cells["start"],
        end=cells.get("end", ""),
        length=cells.get("length", ""),
        text=": ".join(dict.fromkeys(part for part in said if part)),
    )

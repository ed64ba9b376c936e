"""Cues and markers as lists of lines: Premiere Pro, Reaper and Audacity."""

from __future__ import annotations

import csv
import io
from typing import TYPE_CHECKING, Final

from indexer.tagging.exports.lists import FORMULA_STARTS

if TYPE_CHECKING:
    from collections.abc import Iterable
    from fractions import Fraction

    from indexer.spotting.exports.timeline import ExportTimeline

PREMIERE_COLUMNS: Final = (
    "Marker Name", "Description", "In", "Out", "Duration", "Marker Type",
)  # fmt: skip
REAPER_COLUMNS: Final = ("#", "Name", "Start", "End", "Length")


def harmless(text: str) -> str:
    """A text that a spreadsheet does not take for a formula."""
    return f"'{text}" if text.startswith(FORMULA_STARTS) else text


def csv_text(rows: Iterable[Iterable[object]], *, delimiter: str = ",") -> str:
    """Rows as CSV (RFC 4180); texts that look like formulas get a `'` before them.

    Args:
        rows: Of cells.
        delimiter: Between cells.

    Returns:
        Lines that end with CR LF.
    """
    text = io.StringIO()
    writer = csv.writer(text, delimiter=delimiter, lineterminator="\r\n")
    for row in rows:
        writer.writerow([harmless(cell) if isinstance(cell, str) else cell for cell in row])
    return text.getvalue()


def write_premiere(timeline: ExportTimeline) -> bytes:
    """Markers as Premiere Pro writes them: UTF-16 with tabs; cues, then scenes and the rest."""
    base = timeline.base
    mark = ";" if base.drop_frame else ":"  # Premiere's drop frame has no colon at all

    def code(frame: int) -> str:
        return base.timecode(frame).replace(":", mark)

    rows = [PREMIERE_COLUMNS]
    for start, end, name, text in _entries(timeline):
        length = code(end - start - base.start)
        rows.append((name, text, code(start), code(end), length, "Comment"))
    return csv_text(rows, delimiter="\t").encode("utf-16")


def write_reaper(timeline: ExportTimeline) -> bytes:
    """Regions (cues, scenes, stretches without music) and markers (moments) for Reaper."""
    fps = timeline.base.fps
    rows = [REAPER_COLUMNS]
    regions = markers = 0
    for start, end, name, text in _entries(timeline):
        said = f"{name}: {text}" if text else name
        if end > start:
            regions += 1
            span = (_clock(start / fps), _clock(end / fps), _clock((end - start) / fps))
            rows.append((f"R{regions}", said, *span))
        else:
            markers += 1
            rows.append((f"M{markers}", said, _clock(start / fps), "", ""))
    return csv_text(rows).encode()


def write_audacity(timeline: ExportTimeline) -> bytes:
    """Labels for Audacity: start and end in seconds, and a text, with tabs between."""
    fps = timeline.base.fps
    return "".join(
        f"{float(start / fps):.6f}\t{float(end / fps):.6f}\t{f'{name}: {text}' if text else name}\n"
        for start, end, name, text in _entries(timeline)
    ).encode()


def _entries(timeline: ExportTimeline) -> list[tuple[int, int, str, str]]:
    """First and last frame, name and text of every cue that is heard and of every marker."""
    cues = [(clip.start, clip.end, clip.title, f"cue {clip.cue.id}") for clip in timeline.heard]
    markers = [(one.start, one.end, one.name, one.text) for one in timeline.markers]
    return sorted(cues + markers)


def _clock(seconds: Fraction) -> str:
    """Minutes and seconds to a millisecond, as Reaper shows time."""
    minutes, rest = divmod(round(seconds * 1000), 60_000)
    return f"{minutes}:{rest // 1000:02d}.{rest % 1000:03d}"

"""SubRip and WebVTT.

Source: W3C, "WebVTT: The Web Video Text Tracks Format", section 4 (cues, NOTE, STYLE). SubRip has
no standard: what matters is the line with the arrow, and the lines below it up to an empty one.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final

from musiscene.video.captions.times import Found

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

ARROW: Final = re.compile(r"^\s*([\d:.,]+)\s*-->\s*([\d:.,]+)(?:\s.*)?$", re.ASCII)


def subtitles(lines: Sequence[str]) -> Iterator[Found]:
    """The captions of an `.srt` or `.vtt` file.

    Args:
        lines: Of the file.

    Yields:
        Found: Each of them.

    Raises:
        ValueError: If a line with an arrow has no two times; the message names it.
    """
    index = 0
    while index < len(lines):
        if "-->" not in lines[index]:
            index += 1
            continue
        times = ARROW.match(lines[index])
        if times is None:
            raise ValueError(f"line {index + 1}: has no two times around its arrow")
        first = index + 1
        index = first
        while index < len(lines) and lines[index].strip() and "-->" not in lines[index]:
            index += 1
        said = " ".join(lines[first:index])
        yield Found(line=first, start=times[1], end=times[2], text=said)

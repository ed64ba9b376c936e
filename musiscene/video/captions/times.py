"""Times as people and editors write them -> seconds."""

from __future__ import annotations

import re
from fractions import Fraction
from typing import TYPE_CHECKING, Final

import msgspec

from musiscene.video.timecode import parse_timecode, seconds_at

if TYPE_CHECKING:
    from collections.abc import Sequence

MOST_SECONDS: Final = 86_400
SECONDS: Final = re.compile(r"(\d{1,6}(?:[.,]\d{1,12})?) ?s?", re.ASCII)
CLOCK: Final = re.compile(r"(?:(\d{1,3}):)?(\d{1,3}):(\d{1,2})(?:[.,](\d{1,12}))?", re.ASCII)
TIMECODE: Final = re.compile(r"\d{1,2}[:;]\d{2}[:;]\d{2}[:;.]\d{2,3}", re.ASCII)


class Found(msgspec.Struct, frozen=True, kw_only=True):
    """A caption as it stands in a file."""

    line: int
    """From 1."""
    start: str
    text: str
    end: str = ""
    """Empty where none is stated."""
    length: str = ""
    """Used where there is no end."""
    frames: int = 0
    """Length in frames, used where there is neither."""


class Times:
    """Reads the times of one file.

    Args:
        rate: Frames a second, for timecode; None where it is not known.
    """

    def __init__(self, rate: Fraction | None) -> None:
        self._rate = rate
        self.has_timecode = False

    def seconds(self, text: str) -> Fraction:
        """Read a time.

        Args:
            text: Seconds (`12.5`), a clock (`1:02:03.5`, `0:12`) or timecode (`01:00:00:00`).

        Returns:
            Seconds.

        Raises:
            ValueError: If it is none of them, or beyond a day.
        """
        written = text.strip()
        seconds = self._seconds(written)
        if seconds > MOST_SECONDS:
            raise ValueError(f"{written[:40]!r} is more than a day")
        return seconds

    def end(self, found: Found, start: Fraction) -> Fraction | None:
        """When a caption ends.

        Args:
            found: The caption.
            start: Its start, in seconds.

        Returns:
            Seconds; None for a marker.

        Raises:
            ValueError: If its end or length is no time, or lies before its start.
        """
        end: Fraction | None = None
        if found.end.strip():
            end = self.seconds(found.end)
        elif found.length.strip():
            end = start + self.seconds(found.length)
        elif found.frames > 1 and self._rate is not None:
            end = start + seconds_at(found.frames, self._rate)
        if end is not None and end < start:
            raise ValueError(f"ends at {found.end.strip()[:40]!r}, before it starts")
        return None if end == start else end

    def _seconds(self, written: str) -> Fraction:
        plain = SECONDS.fullmatch(written)
        if plain is not None:
            return Fraction(plain[1].replace(",", "."))
        clock = CLOCK.fullmatch(written)
        if clock is not None:
            hours, minutes, seconds, part = clock.groups()
            whole = 3600 * int(hours or 0) + 60 * int(minutes) + int(seconds)
            return whole + Fraction(int(part or 0), 10 ** len(part or ""))
        if TIMECODE.fullmatch(written) is None:
            raise ValueError(f"{written[:40]!r} is no time such as 12.5, 0:12 or 01:00:00:00")
        if self._rate is None:
            raise ValueError(f"{written!r} is timecode, and the frame rate is not known")
        self.has_timecode = True
        frame, _ = parse_timecode(written, self._rate)
        return seconds_at(frame, self._rate)


def start_of(timecode: str | None, rate: Fraction | None, starts: Sequence[Fraction]) -> Fraction:
    """What to take off timecode so that the video begins at 0.

    Args:
        timecode: Of the video's first frame.
        rate: Frames a second.
        starts: Of all captions, in seconds.

    Returns:
        Seconds; 0 where some caption lies before the video's own start: they are then counted from
        its beginning already.

    Raises:
        ValueError: If `timecode` is none.
    """
    if timecode is None or rate is None or not starts:
        return Fraction(0)
    frame, _ = parse_timecode(timecode, rate)
    start = seconds_at(frame, rate)
    return start if min(starts) >= start else Fraction(0)

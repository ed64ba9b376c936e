"""A file of captions, subtitles or markers -> captions with their times.

What a file holds is told from its content: editors give the same suffix to different things.
"""

from __future__ import annotations

import codecs
from typing import TYPE_CHECKING, Final

from musiscene.errors import CaptionFileError
from musiscene.video.captions import lists
from musiscene.video.captions.fcpxml import fcpxml_markers
from musiscene.video.captions.given import TimedCaption, plain, timed_caption
from musiscene.video.captions.subtitles import subtitles
from musiscene.video.captions.tables import table
from musiscene.video.captions.times import Found, Times, start_of

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable
    from fractions import Fraction
    from pathlib import Path

MAX_BYTES: Final = 4 << 20
MAX_LINES: Final = 200_000
MAX_CAPTIONS: Final = 20_000
MAX_TEXT: Final = 2_000
"""Characters of one caption; more are cut off."""
HEAD_LINES: Final = 50
"""From which the format is told."""


def read_captions(
    path: Path,
    *,
    rate: Fraction | None = None,
    start_timecode: str | None = None,
    note: Callable[[str], None] | None = None,
) -> tuple[TimedCaption, ...]:
    """Read captions, subtitles or markers.

    Args:
        path: SRT, WebVTT, CSV, markers of Premiere Pro, DaVinci Resolve, Reaper, Audacity, Avid or
            Final Cut Pro, or the chapters of a video.
        rate: Frames a second of the video, for timecode.
        start_timecode: Of the video's first frame, which is taken off timecode.
        note: Is told what a person should know: which coding was taken for its letters.

    Returns:
        In the order of time.

    Raises:
        CaptionFileError: If it cannot be read; the message names the line.
    """
    tell = note or (lambda _said: None)
    text = _text(path, tell)
    times = Times(rate)
    try:
        captions = _captions(_found(text), times, tell)
        if times.has_timecode:
            starts = [start for start, _, _ in captions]
            first = start_of(start_timecode, rate, starts)
            captions = [
                (start - first, None if end is None else end - first, said)
                for start, end, said in captions
            ]
    except ValueError as error:
        raise CaptionFileError(path, str(error)) from error
    if not captions:
        raise CaptionFileError(path, "holds no caption, subtitle or marker")
    made = [
        timed_caption(round(float(start), 6), None if end is None else round(float(end), 6), said)
        for start, end, said in captions
    ]
    return tuple(sorted(made, key=lambda caption: caption.start_seconds))


def _text(path: Path, tell: Callable[[str], None]) -> str:
    try:
        with path.open("rb") as file:
            content = file.read(MAX_BYTES + 1)
    except OSError as error:
        raise CaptionFileError(path, f"cannot be opened: {error.strerror}") from error
    if len(content) > MAX_BYTES:
        raise CaptionFileError(path, f"is larger than {MAX_BYTES >> 20} MiB")
    try:
        return _decoded(content)
    except UnicodeDecodeError:
        pass
    try:
        text = content.decode("cp1252")
    except UnicodeDecodeError as error:
        raise CaptionFileError(path, "is no text in UTF-8, UTF-16 or Windows-1252") from error
    if any(char < " " and char not in "\t\r\n\f" for char in text[:4096]):
        raise CaptionFileError(path, "is no text")
    tell(f"{path.name}: is not in UTF-8, and was read as Windows-1252")
    return text


def _decoded(content: bytes) -> str:
    if content.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
        return content.decode("utf-16")
    if b"\0" in content[1:200:2] and b"\0" not in content[0:200:2]:  # editors leave the mark out
        return content.decode("utf-16-le")
    return content.decode("utf-8-sig")


def _found(text: str) -> Iterable[Found]:
    """Tell the format and read it.

    Args:
        text: Of the file.

    Returns:
        What stands in it, in the order of the file.

    Raises:
        ValueError: If there are too many lines.
    """
    bare = text.lstrip()
    if bare.startswith("<"):
        return fcpxml_markers(text)
    lines = text.splitlines()
    if len(lines) > MAX_LINES:
        raise ValueError(f"has more than {MAX_LINES:,} lines")
    head = [line for line in lines if line.strip()][:HEAD_LINES]
    if bare.startswith("WEBVTT") or any("-->" in line for line in head):
        return subtitles(lines)
    for is_kind, read in (
        (lists.is_edl, lists.edl_markers),
        (lists.is_labels, lists.labels),
        (lists.is_locators, lists.locators),
        (lists.is_chapters, lists.chapters),
    ):
        if is_kind(head):
            return read(lines)
    return table(lines)


def _captions(
    found: Iterable[Found], times: Times, tell: Callable[[str], None]
) -> list[tuple[Fraction, Fraction | None, str]]:
    captions: list[tuple[Fraction, Fraction | None, str]] = []
    for one in found:
        try:
            start = times.seconds(one.start)
            end = times.end(one, start)
        except ValueError as error:
            raise ValueError(f"line {one.line}: {error}") from error
        said = plain(one.text)
        if not said:
            continue
        if len(said) > MAX_TEXT:
            tell(f"line {one.line}: longer than {MAX_TEXT:,} characters, and cut there")
        if len(captions) == MAX_CAPTIONS:
            raise ValueError(f"holds more than {MAX_CAPTIONS:,} captions")
        captions.append((start, end, said[:MAX_TEXT]))
    return captions

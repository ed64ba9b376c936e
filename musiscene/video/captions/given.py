"""A caption with its time, and what its words ask for."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final

import msgspec

if TYPE_CHECKING:
    from collections.abc import Sequence

NO_MUSIC: Final = re.compile(r"\bno[ -]music\b|^\W*N\.?M\.?\W*$", re.IGNORECASE)
LAND: Final = re.compile(r"^\s*(?:hit|land|sync)\s*:\s*", re.IGNORECASE)
MARKUP: Final = re.compile(r"<[^<>]{0,200}>|\{\\[^{}]{0,200}\}")
"""Of SubRip, WebVTT and SubStation."""


class TimedCaption(msgspec.Struct, frozen=True, kw_only=True):
    """What a person says about a stretch or a moment of a video."""

    start_seconds: float
    """From the video's first frame."""
    end_seconds: float | None
    """None for a marker, which is a moment."""
    text: str
    """One line, without markup."""
    no_music: bool = False
    """Whether it asks for no music there."""
    land: bool = False
    """Whether a track's turn should land on its start."""


def timed_caption(start_seconds: float, end_seconds: float | None, text: str) -> TimedCaption:
    """Read what a caption's words ask for.

    Args:
        start_seconds: From the video's first frame.
        end_seconds: None for a marker.
        text: One line; a prefix `hit:`, `land:` or `sync:` is taken off.

    Returns:
        The caption.

    Example:
        >>> timed_caption(2.0, None, "HIT: the door slams")
        TimedCaption(start_seconds=2.0, end_seconds=None, text='the door slams', no_music=False, \
land=True)
        >>> timed_caption(2.0, 9.0, "[no music]").no_music
        True
    """
    return TimedCaption(
        start_seconds=start_seconds,
        end_seconds=end_seconds,
        text=LAND.sub("", text),
        no_music=NO_MUSIC.search(text) is not None,
        land=LAND.match(text) is not None,
    )


def plain(text: str) -> str:
    """One line of printable text without markup."""
    bare = MARKUP.sub("", text)
    return " ".join("".join(char if char.isprintable() else " " for char in bare).split())


def wishes_in(
    given: Sequence[TimedCaption],
) -> tuple[tuple[tuple[float, float], ...], tuple[float, ...]]:
    """Collect what captions ask of a plan.

    Args:
        given: In any order.

    Returns:
        Stretches without music, joined where they touch, and moments to land on; both in order. A
        marker that asks for no music says nothing of a stretch: it counts for its scene alone.
    """
    silent: list[tuple[float, float]] = []
    spans = [
        (one.start_seconds, one.end_seconds)
        for one in given
        if one.no_music and one.end_seconds is not None
    ]
    for start, end in sorted(spans):
        if silent and start <= silent[-1][1]:
            silent[-1] = (silent[-1][0], max(silent[-1][1], end))
        else:
            silent.append((start, end))
    return tuple(silent), tuple(sorted({one.start_seconds for one in given if one.land}))

"""What similar tracks are asked for: tracks of the library, or sections of them."""

from __future__ import annotations

import math
import re
from typing import TYPE_CHECKING, Final, TypeAlias
from uuid import UUID

import msgspec
import numpy as np

from indexer.errors import SeedError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from indexer.catalogue.models import Segment, Track

Section: TypeAlias = int | tuple[float, float]
"""One of a track's segments, counted from 1, or seconds from and to."""

MAX_SEEDS: Final = 20
OVERHANG_SECONDS: Final = 1.0
"""So far a section may reach past the track's end: clocks show whole seconds."""
LEAST_COVERED: Final = 0.25
"""A segment belongs to a section that covers so much of it."""


_TIME: Final = r"(?:([0-9]{1,5}):)?([0-9]{1,6}(?:\.[0-9]{1,6})?)"
_SPAN: Final = re.compile(rf"{_TIME}\s*-\s*{_TIME}")
_NUMBER: Final = re.compile(r"[0-9]{1,6}")


class Seed(msgspec.Struct, frozen=True, kw_only=True):
    """A track that the answer should be like."""

    track_id: UUID
    weight: float = 1.0
    """Beside those of the other seeds; below 0 for a track that the answer should be unlike."""
    section: Section | None = None
    """Only this part of it; None for the whole track."""


def segments_of(track: Track, section: Section | None) -> list[Segment]:
    """The segments of a track that a section covers.

    Args:
        track: Loaded with its segments.
        section: One of them, counted from 1; seconds from and to; or None for all.

    Returns:
        At least one, in order: those of which a quarter or more lies in the section, or else the
        one that holds most of it.

    Raises:
        SeedError: If the section is not in the track.
    """
    segments = list(track.segments)
    if section is None:
        return segments
    if isinstance(section, int):
        if not 1 <= section <= len(segments):
            listed = ", ".join(
                f"{number} is {clock(part.start_seconds)}-{clock(part.end_seconds)}"
                for number, part in enumerate(segments, start=1)
            )
            raise SeedError(f"{track.path}: has no section {section}; {listed}")
        return segments[section - 1 : section]
    start, end = section
    if not 0 <= start < end or end > track.duration_seconds + OVERHANG_SECONDS:
        raise SeedError(
            f"{track.path}: has no section {clock(start)}-{clock(end)}; give one that begins "
            f"before it ends, between 0:00 and {clock(track.duration_seconds)}"
        )
    covered = [min(end, part.end_seconds) - max(start, part.start_seconds) for part in segments]
    inside = [
        part
        for part, seconds in zip(segments, covered, strict=True)
        if seconds >= LEAST_COVERED * (part.end_seconds - part.start_seconds)
    ]
    return inside or [segments[int(np.argmax(covered))]]


def read_section(text: str) -> Section:
    """Read what a person wrote for a section.

    Args:
        text: `0:30-1:00`, in seconds `30-60`, or the number of one.

    Returns:
        The section.

    Raises:
        SeedError: If it is none.

    Example:
        >>> read_section("0:30-1:00"), read_section("2")
        ((30.0, 60.0), 2)
    """
    text = text.strip()
    if _NUMBER.fullmatch(text):
        return int(text)
    found = _SPAN.fullmatch(text)
    if found is None:
        raise SeedError(f"{text[:80]!r} is no section; give 0:30-1:00, or 2 for the second")
    from_minutes, from_seconds, to_minutes, to_seconds = found.groups(default="0")
    return (
        int(from_minutes) * 60 + float(from_seconds),
        int(to_minutes) * 60 + float(to_seconds),
    )


def check_seeds(seeds: Sequence[Seed], *, diversity: float) -> None:
    """Refuse seeds that cannot be used together.

    Args:
        seeds: As a person gave them.
        diversity: Likewise.

    Raises:
        SeedError: If there are too many or none, or a weight or the diversity is out of range.
    """
    if not 1 <= len(seeds) <= MAX_SEEDS:
        raise SeedError(f"give 1 to {MAX_SEEDS} tracks, not {len(seeds)}")
    if not all(math.isfinite(seed.weight) and seed.weight for seed in seeds):
        raise SeedError("a weight must be a number other than 0, such as 2 or -0.5")
    if not any(seed.weight > 0 for seed in seeds):
        raise SeedError("give at least one track with a weight above 0: what should it be like?")
    wholes = [seed.track_id for seed in seeds if seed.section is None]
    if len(set(wholes)) < len(wholes):
        raise SeedError("the same track is given twice; give it once, with one weight")
    if not 0 <= diversity <= 1:
        raise SeedError(f"diversity must lie between 0 and 1, not {diversity:g}")


def clock(seconds: float) -> str:
    """Minutes and whole seconds, `1:05`."""
    minutes, rest = divmod(int(seconds), 60)
    return f"{minutes}:{rest:02d}"

"""What an answer shows of its tracks, read as plain columns.

An answer needs some four hundred rows; as objects that a session keeps, loading them took as long
as finding the tracks.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, Final, TypeAlias
from uuid import UUID

import msgspec
from sqlalchemy import select

from indexer.catalogue.models import Base, Caption, Segment, Tag, Track

if TYPE_CHECKING:
    from collections.abc import Mapping

    from sqlalchemy.orm import Session


class ShownSegment(msgspec.Struct, frozen=True):
    """A stretch between two musical boundaries; fields as in `indexer.catalogue.models.Segment`."""

    id: int
    start_seconds: float
    end_seconds: float
    title: str | None


class ShownCaption(msgspec.Struct, frozen=True):
    """A sentence about a segment."""

    id: int
    text: str


class ShownTag(msgspec.Struct, frozen=True):
    """One word of a vocabulary."""

    name: str
    score: float


class ShownTrack(msgspec.Struct, frozen=True, kw_only=True):
    """A track; fields as in `indexer.catalogue.models.Track`."""

    id: UUID
    path: str
    audio_hash: str
    recording_id: UUID | None
    title: str | None
    artist: str | None
    duration_seconds: float
    bpm: float
    key: str
    loudness_lufs: float | None
    licence: str | None
    generated: bool
    energy_curve: bytes
    beat_times: bytes | None
    downbeat_times: bytes | None
    segments: Sequence[ShownSegment]
    """In the order of time."""
    captions: Sequence[ShownCaption]
    tags: Sequence[ShownTag]


CatalogueTrack: TypeAlias = Track | ShownTrack
"""Either has what an answer shows."""


def _named(table: type[Base], shown: type[msgspec.Struct]) -> tuple[Any, ...]:
    return tuple(getattr(table, name) for name in shown.__struct_fields__)


_PARTS: Final[Mapping[str, tuple[tuple[Any, ...], Any, type[msgspec.Struct]]]] = MappingProxyType(
    {
        "segments": (
            (Segment.track_id, *_named(Segment, ShownSegment)), Segment.start_seconds, ShownSegment
        ),
        "captions": ((Caption.track_id, *_named(Caption, ShownCaption)), Caption.id, ShownCaption),
        "tags": ((Tag.track_id, *_named(Tag, ShownTag)), Tag.id, ShownTag),
    }
)  # fmt: skip
_COLUMNS: Final = tuple(
    getattr(Track, name) for name in ShownTrack.__struct_fields__ if name not in _PARTS
)


def shown_tracks(session: Session, track_ids: Sequence[UUID]) -> dict[UUID, ShownTrack]:
    """Read tracks.

    Args:
        session: It reads.
        track_ids: No more than one statement may name; ids without a track are left out.

    Returns:
        The tracks by id.
    """
    parts: dict[str, dict[UUID, list[Any]]] = {}
    for name, (columns, order, make) in _PARTS.items():
        own: dict[UUID, list[Any]] = defaultdict(list)
        owner = columns[0]
        query = select(*columns).where(owner.in_(track_ids)).order_by(order)
        for track_id, *values in session.execute(query):
            own[track_id].append(make(*values))
        parts[name] = own
    found: dict[UUID, ShownTrack] = {}
    for row in session.execute(select(*_COLUMNS).where(Track.id.in_(track_ids))):
        below: dict[str, Any] = {name: own[row.id] for name, own in parts.items()}
        found[row.id] = ShownTrack(**row._mapping, **below)  # noqa: SLF001  its public name
    return found

"""What a catalogue holds in numbers, and whether it is sound."""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec
from sqlalchemy import func, select, text

from indexer.catalogue.models import Caption, Feedback, Segment, Tag, Track, Vector

if TYPE_CHECKING:
    from sqlalchemy.orm import InstrumentedAttribute, Session


class Census(msgspec.Struct, frozen=True, kw_only=True):
    """How much of everything a catalogue holds."""

    tracks: int
    """All, also those whose file is missing."""
    segments: int
    """Of all tracks."""
    captions: int
    """Of all tracks."""
    vectors: int
    """Of captions."""
    tags: int
    """Of all tracks."""
    opinions: int
    """Of people, about tracks."""
    by_status: dict[str, int]
    """Status -> tracks."""
    by_model: dict[str, int]
    """Version of what imagined the captions -> tracks."""
    by_listening: dict[str, int]
    """Version of what measured and tagged them -> tracks."""
    by_embedder: dict[str, int]
    """Version of the text embedder -> vectors."""


def take_census(session: Session) -> Census:
    """Count everything.

    Args:
        session: One transaction.

    Returns:
        The numbers of that moment.
    """
    tables = {
        "tracks": Track,
        "segments": Segment,
        "captions": Caption,
        "vectors": Vector,
        "tags": Tag,
        "opinions": Feedback,
    }
    counts = {
        name: session.scalar(select(func.count()).select_from(table)) or 0
        for name, table in tables.items()
    }
    return Census(
        **counts,
        by_status=_by(session, Track.status),
        by_model=_by(session, Track.model_version),
        by_listening=_by(session, Track.listening_version),
        by_embedder=_by(session, Vector.embedder),
    )


def find_damage(session: Session) -> list[str]:
    """What is wrong with the database itself, a sentence each.

    SQLite is asked to check its file and its references; of any database, tracks that can be found
    but have no caption, and captions that have no vector, are named.

    Args:
        session: One transaction.

    Returns:
        Empty where all is well.
    """
    found: list[str] = []
    if session.get_bind().dialect.name == "sqlite":
        for (line,) in session.execute(text("PRAGMA integrity_check(20)")):
            if line != "ok":
                found.append(f"the database file is damaged: {line}")
        found += [
            f"row {row[1]} of {row[0]} refers to a row of {row[2]} that is not there"
            for row in session.execute(text("PRAGMA foreign_key_check"))
        ]
    spoken = select(Caption.id).where(Caption.track_id == Track.id).exists()
    silent = select(Track.path).where(Track.status == "ready", ~spoken).order_by(Track.path)
    found += [f"{path}: has no captions" for path in session.scalars(silent)]
    lost = (
        select(Track.path, func.count())
        .join(Caption, Caption.track_id == Track.id)
        .outerjoin(Vector, Vector.caption_id == Caption.id)
        .where(Vector.caption_id.is_(None))
        .group_by(Track.path)
        .order_by(Track.path)
    )
    found += [f"{path}: {count} captions have no vector" for path, count in session.execute(lost)]
    return found


def _by(session: Session, column: InstrumentedAttribute[str]) -> dict[str, int]:
    query = select(column, func.count()).group_by(column).order_by(column)
    return {value: count for value, count in session.execute(query)}  # noqa: C416  rows, not pairs

"""What people call a track: its id, its path, or the end of its path."""

from __future__ import annotations

from contextlib import suppress
from typing import TYPE_CHECKING, Final
from uuid import UUID

from sqlalchemy import or_, select
from sqlalchemy.orm import Session

from indexer.catalogue.models import Track
from indexer.errors import TrackNameError

if TYPE_CHECKING:
    from sqlalchemy import Engine

SHOWN_PATHS: Final = 5


def track_called(engine: Engine, name: str) -> UUID:
    """The track that a person means.

    Args:
        engine: Of the catalogue.
        name: Its id, its path, or the end of its path by whole names, such as `calm/lake.opus`.

    Returns:
        Its id.

    Raises:
        TrackNameError: If there is none, or if several paths end so.
    """
    exact = [Track.path == name]
    with suppress(ValueError):
        exact.append(Track.id == UUID(name))
    end = "/" + name.lstrip("/")
    query = select(Track.id, Track.path).order_by(Track.path)
    with Session(engine) as session:
        found: UUID | None = session.scalar(query.where(or_(*exact)))
        if found is not None:
            return found
        ending = session.execute(query.where(Track.path.endswith(end, autoescape=True))).all()
    # LIKE knows no case on SQLite: of files that differ by it alone, the one as written is meant.
    meant = [row for row in ending if row.path.endswith(end)] or ending
    if len(meant) != 1:
        raise TrackNameError(name, [row.path for row in meant[:SHOWN_PATHS]])
    track_id: UUID = meant[0].id
    return track_id

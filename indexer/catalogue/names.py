"""What people call a track: its id, its path, or the end of its path."""

from __future__ import annotations

import os
from contextlib import suppress
from pathlib import PurePath
from typing import TYPE_CHECKING, Final
from uuid import UUID

from sqlalchemy import or_, select

from indexer.catalogue.columns import contains_in_any_case, lowered
from indexer.catalogue.database import read_session
from indexer.catalogue.models import Track
from indexer.errors import TrackNameError

if TYPE_CHECKING:
    from sqlalchemy import Engine

SHOWN_PATHS: Final = 5


def track_called(engine: Engine, name: str) -> UUID:
    """The track that a person means.

    Args:
        engine: Of the catalogue.
        name: Its id, its path, or the end of its path by whole names, such as `calm/lake.opus`,
            with or without the file's suffix.

    Returns:
        Its id.

    Raises:
        TrackNameError: If there is none, or if several paths end so.
    """
    exact = [Track.path == name]
    with suppress(ValueError):
        exact.append(Track.id == UUID(name))
    end = os.sep + name.strip(os.sep)
    query = select(Track.id, Track.path).order_by(Track.path)
    ends_so = or_(
        lowered(Track.path).endswith(end.lower(), autoescape=True),
        contains_in_any_case(Track.path, f"{end}."),
    )
    with read_session(engine) as session:
        found: UUID | None = session.scalar(query.where(or_(*exact)))
        if found is not None:
            return found
        rows = session.execute(query.where(ends_so)).all() if name else []
    # Of files that differ by case alone, the one as written is meant.
    meant = [row for row in rows if _ends_with(row.path, end)] or [
        row for row in rows if _ends_with(row.path.casefold(), end.casefold())
    ]
    if len(meant) != 1:
        raise TrackNameError(name, [row.path for row in meant[:SHOWN_PATHS]])
    track_id: UUID = meant[0].id
    return track_id


def _ends_with(path: str, end: str) -> bool:
    return path.endswith(end) or str(PurePath(path).with_suffix("")).endswith(end)

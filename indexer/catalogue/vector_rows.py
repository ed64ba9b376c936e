"""What vector snapshots are made from: all of it, or what has changed since one was made."""

from __future__ import annotations

from contextlib import contextmanager
from itertools import groupby
from typing import TYPE_CHECKING, Final

from sqlalchemy import ColumnElement, select

from indexer.catalogue.database import read_session
from indexer.catalogue.models import Caption, CatalogueState, Tag, Track, Vector
from indexer.catalogue.rows import SoundRow, VectorRow

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from uuid import UUID

    from sqlalchemy import Engine, Select
    from sqlalchemy.orm import Session

ROWS_AT_ONCE: Final = 10_000
IDS_AT_ONCE: Final = 500
"""That one statement names."""


@contextmanager
def vector_rows(engine: Engine) -> Iterator[VectorRows]:
    """Look at the catalogue as it is at one moment, whatever others write meanwhile.

    Args:
        engine: Of the catalogue.

    Yields:
        That look.

    Raises:
        CatalogueError: If the database cannot be read.
    """
    with read_session(engine) as session:
        yield VectorRows(session)


class VectorRows:
    """The rows of one moment.

    Args:
        session: One transaction.

    Attributes:
        session: As given.
        revision: Of the catalogue at that moment.
    """

    def __init__(self, session: Session) -> None:
        self.session = session
        self.revision = session.scalar(select(CatalogueState.revision)) or 0

    def track_ids(self) -> set[UUID]:
        """Ids of the tracks that can be found."""
        return set(self.session.scalars(select(Track.id).where(Track.status == "ready")))

    def changed_tracks(self, *, since: int) -> set[UUID]:
        """Ids of the tracks that were stored or changed their status after a revision."""
        return set(self.session.scalars(select(Track.id).where(Track.revision > since)))

    def vectors(self, *, embedder: str, since: int | None = None) -> Iterator[VectorRow]:
        """Vectors of the tracks that can be found, in the order of caption ids.

        Args:
            embedder: Version of the text embedder that made them.
            since: Only of tracks that changed after this revision; None for all.

        Yields:
            One vector after another.
        """
        query = _vectors(embedder).where(*_ready(since))
        for row in self.session.execute(query.execution_options(yield_per=ROWS_AT_ONCE)):
            yield VectorRow(*row)

    def vectors_of(self, caption_ids: Sequence[int], *, embedder: str) -> Iterator[VectorRow]:
        """Vectors of some captions of tracks that can be found.

        Args:
            caption_ids: Rising.
            embedder: Version of the text embedder that made them.

        Yields:
            Those that are there, in the order of caption ids.
        """
        for first in range(0, len(caption_ids), IDS_AT_ONCE):
            query = _vectors(embedder).where(
                Caption.id.in_(caption_ids[first : first + IDS_AT_ONCE])
            )
            for row in self.session.execute(query):
                yield VectorRow(*row)

    def sounds(self, *, since: int | None = None) -> Iterator[SoundRow]:
        """What was measured in the tracks that can be found, in the order of their ids.

        Args:
            since: Only in tracks that changed after this revision; None for all.

        Yields:
            One track after another.
        """
        columns = [getattr(Track, name) for name in SoundRow.__struct_fields__ if name != "tags"]
        query = select(*columns).where(*_ready(since)).order_by(Track.id)
        tags = (
            select(Tag.track_id, Tag.vocabulary, Tag.name, Tag.score)
            .join(Track, Track.id == Tag.track_id)
            .where(*_ready(since))
            .order_by(Tag.track_id)
            .execution_options(yield_per=ROWS_AT_ONCE)
        )
        by_track = groupby(self.session.execute(tags), key=lambda row: row.track_id)
        waiting = next(by_track, None)
        for track in self.session.execute(query).mappings():
            heard = {}
            if waiting is not None and waiting[0] == track["id"]:
                heard = {(row.vocabulary, row.name): row.score for row in waiting[1]}
                waiting = next(by_track, None)
            yield SoundRow(**track, tags=heard)


def _vectors(embedder: str) -> Select[int, UUID, int, str, bytes]:
    return (
        select(Vector.caption_id, Caption.track_id, Caption.segment_id, Caption.kind, Vector.data)
        .join(Caption, Caption.id == Vector.caption_id)
        .join(Track, Track.id == Caption.track_id)
        .where(Vector.embedder == embedder, Track.status == "ready")
        .order_by(Vector.caption_id)
    )


def _ready(since: int | None) -> list[ColumnElement[bool]]:
    conditions: list[ColumnElement[bool]] = [Track.status == "ready"]
    if since is not None:
        conditions.append(Track.revision > since)
    return conditions

"""What people said about tracks as the answers to briefs: the table `feedback`.

Invariants:
    - One opinion for each brief about each track: a second one replaces the first.
    - Ids sort by the time at which an opinion was noted, so the last id of a page begins the next.
    - An opinion goes with its track. It changes no track, so the revision stays as it is.
"""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING, Final, Literal
from uuid import UUID

import msgspec
from sqlalchemy import delete, func, select, update

from indexer.catalogue.columns import contains_in_any_case
from indexer.catalogue.database import read_session, write_session
from indexer.catalogue.models import Feedback, Track, utc_now
from indexer.errors import OpinionNotFoundError, TrackNotFoundError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from sqlalchemy import Engine, Row, Select

Verdict = Literal["accept", "reject"]

MAX_PAGE: Final = 1000


class Opinion(msgspec.Struct, frozen=True, kw_only=True):
    """One opinion, for people."""

    id: UUID
    track_id: UUID
    path: str
    """Of the track's file."""
    brief: str
    """One caption a line."""
    verdict: Verdict
    note: str | None
    created_at: datetime


class NewOpinion(msgspec.Struct, frozen=True, kw_only=True):
    """An opinion on its way into the catalogue."""

    track_id: UUID
    brief: str
    """As `tidy_brief` gives it."""
    verdict: Verdict
    vector: bytes
    """The brief's unit vector, float16, little-endian."""
    note: str | None = None
    """In the person's own words."""
    created_at: datetime | None = None
    """With its time zone; None for now."""


class OpinionVector(msgspec.Struct, frozen=True):
    """One opinion, for reckoning with."""

    track_id: UUID
    brief: str
    is_accepted: bool
    data: bytes
    """The brief's unit vector, float16, little-endian."""


class Opinions:
    """The opinions of one catalogue.

    Args:
        engine: Of the catalogue, which disposes of it.
    """

    def __init__(self, engine: Engine) -> None:
        self._engine = engine

    # ---- what is there --------------------------------------------------------------------

    def state(self) -> tuple[int, UUID | None]:
        """Something that differs after every opinion that comes, is replaced or goes."""
        newest = select(Feedback.id).order_by(Feedback.id.desc()).limit(1)
        with read_session(self._engine) as session:
            count = session.scalar(select(func.count()).select_from(Feedback)) or 0
            return count, session.scalar(newest)

    def page(
        self,
        *,
        track_id: UUID | None = None,
        text: str = "",
        before: UUID | None = None,
        limit: int = 50,
    ) -> list[Opinion]:
        """Opinions, the newest first.

        Args:
            track_id: Only those about this track.
            text: Only those with this in the brief or the note, in any case.
            before: Only those that are older than the one with this id.
            limit: At most so many, 1 to `MAX_PAGE`.

        Returns:
            The opinions; fewer than `limit` are the last.
        """
        query = _with_path().order_by(Feedback.id.desc()).limit(min(max(limit, 1), MAX_PAGE))
        if track_id is not None:
            query = query.where(Feedback.track_id == track_id)
        if text:
            query = query.where(
                contains_in_any_case(Feedback.brief, text)
                | contains_in_any_case(func.coalesce(Feedback.note, ""), text)
            )
        if before is not None:
            query = query.where(Feedback.id < before)
        with read_session(self._engine) as session:
            return [_opinion(row) for row in session.execute(query)]

    def opinion(self, opinion_id: UUID) -> Opinion:
        """Load one opinion.

        Args:
            opinion_id: Its id.

        Returns:
            The opinion.

        Raises:
            OpinionNotFoundError: If none has this id.
        """
        with read_session(self._engine) as session:
            row = session.execute(_with_path().where(Feedback.id == opinion_id)).one_or_none()
        if row is None:
            raise OpinionNotFoundError(opinion_id)
        return _opinion(row)

    def vectors(self, *, embedder: str) -> list[OpinionVector]:
        """The opinions whose vectors this embedder made, the oldest first."""
        query = (
            select(Feedback.track_id, Feedback.brief, Feedback.verdict == "accept", Feedback.vector)
            .where(Feedback.embedder == embedder)
            .order_by(Feedback.id)
        )
        with read_session(self._engine) as session:
            return [OpinionVector(*row) for row in session.execute(query)]

    def briefs_of_others(self, *, embedder: str, limit: int) -> dict[UUID, str]:
        """Briefs whose vectors another embedder made: id of the opinion -> text."""
        query = (
            select(Feedback.id, Feedback.brief)
            .where(Feedback.embedder != embedder)
            .order_by(Feedback.id)
            .limit(limit)
        )
        with read_session(self._engine) as session:
            return {row.id: row.brief for row in session.execute(query)}

    # ---- what changes ---------------------------------------------------------------------

    def add(self, opinions: Sequence[NewOpinion], *, embedder: str) -> list[UUID]:
        """Note opinions, all of them or none.

        Args:
            opinions: In the order in which they came up.
            embedder: Version of the text embedder that made their vectors.

        Returns:
            Their ids; one that a later one of the same call replaces has an id that is gone.

        Raises:
            TrackNotFoundError: If an opinion is about a track that is not there.
        """
        ids = []
        with write_session(self._engine) as session:
            for new in opinions:
                if session.scalar(select(Track.id).where(Track.id == new.track_id)) is None:
                    raise TrackNotFoundError(new.track_id)
                session.execute(
                    delete(Feedback).where(
                        Feedback.track_id == new.track_id, Feedback.brief == new.brief
                    )
                )
                row = Feedback(
                    track_id=new.track_id,
                    brief=new.brief,
                    verdict=new.verdict,
                    note=new.note,
                    created_at=new.created_at or utc_now(),
                    embedder=embedder,
                    vector=new.vector,
                )
                session.add(row)
                session.flush()
                ids.append(row.id)
        return ids

    def remove(self, opinion_id: UUID) -> None:
        """Forget one opinion.

        Args:
            opinion_id: Its id.

        Raises:
            OpinionNotFoundError: If none has this id.
        """
        with write_session(self._engine) as session:
            row = session.get(Feedback, opinion_id)
            if row is None:
                raise OpinionNotFoundError(opinion_id)
            session.delete(row)

    def replace_vectors(self, vectors: dict[UUID, bytes], *, embedder: str) -> None:
        """Give opinions the vectors that another embedder made: id -> float16 bytes."""
        with write_session(self._engine) as session:
            session.execute(
                update(Feedback),
                [
                    {"id": opinion_id, "embedder": embedder, "vector": data}
                    for opinion_id, data in vectors.items()
                ],
            )


def _with_path() -> Select[Feedback, str]:
    return select(Feedback, Track.path).join(Track, Track.id == Feedback.track_id)


def _opinion(row: Row[Feedback, str]) -> Opinion:
    feedback, path = row
    return msgspec.convert(
        {
            "id": feedback.id,
            "track_id": feedback.track_id,
            "path": path,
            "brief": feedback.brief,
            "verdict": feedback.verdict,
            "note": feedback.note,
            "created_at": feedback.created_at,
        },
        Opinion,
    )

"""Briefs that were matched, and what the answer was: the table `brief`.

Invariants:
    - Ids sort by the time at which a brief was asked, so the last id of a page begins the next.
    - There are at most `MAX_BRIEFS`; the oldest go.
    - A brief names tracks by their ids, which may be gone.
"""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING, Any, Final, Literal
from uuid import UUID

import msgspec
from sqlalchemy import CheckConstraint, String, Uuid, delete, select
from sqlalchemy.orm import Mapped, mapped_column

from indexer.catalogue.columns import CleanText, UtcDateTime
from indexer.catalogue.database import read_session, write_session
from indexer.catalogue.models import Base, new_id, utc_now
from indexer.errors import BriefNotFoundError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from sqlalchemy import Engine

MAX_BRIEFS: Final = 10_000


class Brief(Base):
    """One brief."""

    __tablename__ = "brief"
    __table_args__ = (CheckConstraint("decision IN ('matched', 'nothing_fits')", name="decision"),)

    id: Mapped[UUID] = mapped_column(Uuid, primary_key=True, default=new_id)
    asked_at: Mapped[datetime] = mapped_column(UtcDateTime, default=utc_now)
    decision: Mapped[str] = mapped_column(String(16))
    confidence: Mapped[float]
    document: Mapped[str] = mapped_column(CleanText)
    """What was asked and which tracks were found, as JSON."""


class AskedBrief(msgspec.Struct, frozen=True, kw_only=True):
    """A brief that was matched."""

    id: UUID
    asked_at: datetime
    captions: list[str]
    filter: str | dict[str, Any] = ""
    negatives: list[str] = []
    length_seconds: float | None = None
    arc: str | None = None
    decision: Literal["matched", "nothing_fits"]
    confidence: float
    """Of the first track; 0 without one."""
    track_ids: list[UUID]
    """The tracks of the answer, best first; they may be gone by now."""


class Briefs:
    """The briefs of one catalogue.

    Args:
        engine: Of the catalogue, which disposes of it.
    """

    def __init__(self, engine: Engine) -> None:
        self._engine = engine

    def page(self, *, before: UUID | None = None, limit: int = 50) -> list[AskedBrief]:
        """Briefs, the newest first.

        Args:
            before: Only those that are older than the one with this id.
            limit: At most so many.

        Returns:
            The briefs; fewer than `limit` are the last.
        """
        query = select(Brief).order_by(Brief.id.desc()).limit(limit)
        if before is not None:
            query = query.where(Brief.id < before)
        with read_session(self._engine) as session:
            return [_asked(row) for row in session.scalars(query)]

    def brief(self, brief_id: UUID) -> AskedBrief:
        """Load one brief.

        Args:
            brief_id: Its id.

        Returns:
            The brief.

        Raises:
            BriefNotFoundError: If none has this id.
        """
        with read_session(self._engine) as session:
            row = session.get(Brief, brief_id)
        if row is None:
            raise BriefNotFoundError(brief_id)
        return _asked(row)

    def add(self, briefs: Sequence[AskedBrief], *, keep: int = MAX_BRIEFS) -> None:
        """Remember briefs, and let the oldest go.

        Args:
            briefs: With ids of their own.
            keep: How many stay at most.
        """
        with write_session(self._engine) as session:
            for one in briefs:
                fields = msgspec.structs.asdict(one)
                own = {name: fields.pop(name) for name in ("id", "asked_at", "decision")}
                confidence = fields.pop("confidence")
                document = msgspec.json.encode(fields).decode()
                session.add(Brief(**own, confidence=confidence, document=document))
            session.flush()
            first_gone = select(Brief.id).order_by(Brief.id.desc()).offset(keep).limit(1)
            if (gone := session.scalar(first_gone)) is not None:
                session.execute(delete(Brief).where(Brief.id <= gone))

    def remove(self, brief_id: UUID) -> None:
        """Forget one brief.

        Args:
            brief_id: Its id.

        Raises:
            BriefNotFoundError: If none has this id.
        """
        with write_session(self._engine) as session:
            row = session.get(Brief, brief_id)
            if row is None:
                raise BriefNotFoundError(brief_id)
            session.delete(row)


def _asked(row: Brief) -> AskedBrief:
    asked = {
        "id": row.id,
        "asked_at": row.asked_at,
        "decision": row.decision,
        "confidence": row.confidence,
    }
    return msgspec.convert(msgspec.json.decode(row.document) | asked, AskedBrief)

"""Music for whole videos as the service keeps it: the table `cue_plan`.

Invariants:
    - Ids sort by the time at which a plan was asked for.
    - What is changed in a plan raises its revision by one; a change that was made to another
      revision than the newest changes nothing.
    - The video lies in a folder of the service under the plan's id; the row has only its name.
"""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING, Any
from uuid import UUID

import msgspec
from sqlalchemy import BigInteger, ForeignKey, String, Uuid, select, update
from sqlalchemy.orm import Mapped, mapped_column

from indexer.catalogue.columns import CleanText, UtcDateTime
from indexer.catalogue.database import read_session, write_session
from indexer.catalogue.models import Base, new_id, utc_now
from indexer.errors import PlanChangedError, PlanNotFoundError

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from sqlalchemy import Engine

DOCUMENTS = ("analysis", "plan", "diff", "fills", "previews")
"""Columns that hold JSON."""


class StoredPlan(Base):
    """One video and the music for it."""

    __tablename__ = "cue_plan"

    id: Mapped[UUID] = mapped_column(Uuid, primary_key=True, default=new_id)
    name: Mapped[str] = mapped_column(CleanText)
    """What a person calls it."""
    created_at: Mapped[datetime] = mapped_column(UtcDateTime, default=utc_now)
    updated_at: Mapped[datetime] = mapped_column(UtcDateTime, default=utc_now)
    parent_id: Mapped[UUID | None] = mapped_column(
        ForeignKey("cue_plan.id", ondelete="SET NULL"), index=True
    )
    """The plan of the video's version before."""
    job_id: Mapped[UUID | None] = mapped_column(ForeignKey("job.id", ondelete="SET NULL"))
    """What makes the plan."""
    revision: Mapped[int] = mapped_column(default=0)
    video_name: Mapped[str] = mapped_column(CleanText)
    """Of the file as it was sent."""
    video_bytes: Mapped[int] = mapped_column(BigInteger)
    video_sha256: Mapped[str] = mapped_column(String(64))
    analysis: Mapped[str | None] = mapped_column(CleanText)
    """What was seen and heard, as JSON; None until it was."""
    plan: Mapped[str | None] = mapped_column(CleanText)
    """The cues, as JSON; None until there are any."""
    diff: Mapped[str | None] = mapped_column(CleanText)
    """From the plan before, as JSON; None where there is none."""
    fills: Mapped[str] = mapped_column(CleanText, default="{}")
    """Id of a cue -> job of the music that is made for it, as JSON."""
    previews: Mapped[str] = mapped_column(CleanText, default="{}")
    """Container -> job that mixes it, as JSON."""


class CuePlanRow(msgspec.Struct, frozen=True, kw_only=True):
    """One video and the music for it, as the table has it."""

    id: UUID
    name: str
    created_at: datetime
    updated_at: datetime
    parent_id: UUID | None
    job_id: UUID | None
    revision: int
    video_name: str
    video_bytes: int
    video_sha256: str
    analysis: str | None
    plan: str | None
    diff: str | None
    fills: str
    previews: str


class NewCuePlan(msgspec.Struct, frozen=True, kw_only=True):
    """A video that lies in its folder, on its way into the catalogue."""

    id: UUID
    name: str
    video_name: str
    video_bytes: int
    video_sha256: str
    parent_id: UUID | None = None


class CuePlans:
    """The plans of one catalogue.

    Args:
        engine: Of the catalogue, which disposes of it.
    """

    def __init__(self, engine: Engine) -> None:
        self._engine = engine

    def add(self, new: NewCuePlan) -> CuePlanRow:
        """Note a video that music is wanted for."""
        with write_session(self._engine) as session:
            row = StoredPlan(**msgspec.structs.asdict(new))
            session.add(row)
            session.flush()
            return _row(row)

    def get(self, plan_id: UUID) -> CuePlanRow:
        """One plan.

        Args:
            plan_id: Its id.

        Returns:
            The row.

        Raises:
            PlanNotFoundError: If there is no such plan.
        """
        with read_session(self._engine) as session:
            row = session.get(StoredPlan, plan_id)
            if row is None:
                raise PlanNotFoundError(plan_id)
            return _row(row)

    def of_job(self, job_id: UUID) -> CuePlanRow:
        """The plan that a job makes.

        Args:
            job_id: Of the job.

        Returns:
            The row.

        Raises:
            PlanNotFoundError: If there is no such plan.
        """
        with read_session(self._engine) as session:
            row = session.scalar(select(StoredPlan).where(StoredPlan.job_id == job_id))
            if row is None:
                raise PlanNotFoundError(job_id)
            return _row(row)

    def page(self, *, before: UUID | None = None, limit: int = 50) -> Sequence[CuePlanRow]:
        """Plans, the newest first.

        Args:
            before: Only those that are older than the one with this id.
            limit: At most so many.

        Returns:
            The rows; fewer than `limit` are the last.
        """
        query = select(StoredPlan).order_by(StoredPlan.id.desc()).limit(limit)
        if before is not None:
            query = query.where(StoredPlan.id < before)
        with read_session(self._engine) as session:
            return [_row(row) for row in session.scalars(query)]

    def known(self, ids: Iterable[UUID]) -> set[UUID]:
        """Those of some ids that are of a plan."""
        with read_session(self._engine) as session:
            query = select(StoredPlan.id).where(StoredPlan.id.in_(list(ids)))
            return set(session.scalars(query))

    def set_job(self, plan_id: UUID, job_id: UUID) -> CuePlanRow:
        """Tie a plan to the job that makes it; no change in the sense of its revision."""
        return self._write(plan_id, None, job_id=job_id)

    def note_previews(self, plan_id: UUID, previews: str) -> CuePlanRow:
        """Note the jobs of a plan's previews; no change in the sense of its revision."""
        return self._write(plan_id, None, previews=previews)

    def change(self, plan_id: UUID, revision: int, **values: str | None) -> CuePlanRow:
        """Change a plan.

        Args:
            plan_id: Its id.
            revision: That the change was made to.
            **values: Columns of `DOCUMENTS` -> JSON, and `name` -> text.

        Returns:
            The row as it is now, one revision on.

        Raises:
            PlanNotFoundError: If there is no such plan.
            PlanChangedError: If somebody else has changed it since.
        """
        return self._write(plan_id, revision, **values)

    def remove(self, plan_id: UUID) -> CuePlanRow:
        """Forget a plan; those that were made from it stay.

        Args:
            plan_id: Its id.

        Returns:
            The row as it was.

        Raises:
            PlanNotFoundError: If there is no such plan.
        """
        with write_session(self._engine) as session:
            row = session.get(StoredPlan, plan_id)
            if row is None:
                raise PlanNotFoundError(plan_id)
            gone = _row(row)
            session.delete(row)
            return gone

    def _write(self, plan_id: UUID, revision: int | None, **values: Any) -> CuePlanRow:  # noqa: ANN401
        wanted = [StoredPlan.id == plan_id]
        if revision is not None:
            wanted.append(StoredPlan.revision == revision)
            values["revision"] = revision + 1
        with write_session(self._engine) as session:
            changed = session.execute(
                update(StoredPlan)
                .where(*wanted)
                .values(**values, updated_at=utc_now())
                .returning(StoredPlan.id)
            ).scalar()
            row = session.get(StoredPlan, plan_id)
            if row is None:
                raise PlanNotFoundError(plan_id)
            if changed is None:
                raise PlanChangedError(plan_id, row.revision)
            return _row(row)


def _row(row: StoredPlan) -> CuePlanRow:
    return CuePlanRow(**{name: getattr(row, name) for name in CuePlanRow.__struct_fields__})

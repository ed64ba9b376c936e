"""What jobs took, for whoever watches the service."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from sqlalchemy import extract, func, select

from indexer.catalogue.database import read_session
from indexer.catalogue.models import Job

if TYPE_CHECKING:
    from sqlalchemy import ColumnElement, Engine

DAY_SECONDS: Final = 86_400.0


def job_seconds(engine: Engine) -> dict[str, tuple[int, float]]:
    """What the jobs took that are done, added up by the database.

    Args:
        engine: Of the catalogue.

    Returns:
        Kind -> how many there are, and the seconds of their last attempts together.
    """
    took = _took_seconds(engine.dialect.name)
    times = (
        select(Job.kind, func.count(), func.sum(took))
        .where(Job.status == "done", Job.started_at.is_not(None), Job.finished_at.is_not(None))
        .group_by(Job.kind)
    )
    with read_session(engine) as session:
        return {kind: (count, float(seconds)) for kind, count, seconds in session.execute(times)}


def _took_seconds(dialect: str) -> ColumnElement[Any]:
    if dialect == "sqlite":
        days = func.julianday(Job.finished_at) - func.julianday(Job.started_at)
        return days * DAY_SECONDS
    return extract("epoch", Job.finished_at - Job.started_at)

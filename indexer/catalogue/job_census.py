"""What jobs took, for whoever watches the service."""

from __future__ import annotations

from typing import TYPE_CHECKING

from sqlalchemy import select

from indexer.catalogue.database import read_session
from indexer.catalogue.models import Job

if TYPE_CHECKING:
    from sqlalchemy import Engine


def job_seconds(engine: Engine) -> dict[str, tuple[int, float]]:
    """What the jobs took that are done.

    Args:
        engine: Of the catalogue.

    Returns:
        Kind -> how many there are, and the seconds of their last attempts together.
    """
    times = select(Job.kind, Job.started_at, Job.finished_at).where(Job.status == "done")
    done: dict[str, tuple[int, float]] = {}
    with read_session(engine) as session:
        for kind, started_at, finished_at in session.execute(times):
            if started_at is None or finished_at is None:
                continue
            count, seconds = done.get(kind, (0, 0.0))
            done[kind] = (count + 1, seconds + (finished_at - started_at).total_seconds())
    return done

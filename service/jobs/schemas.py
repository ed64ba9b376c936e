"""How a long task is shown over HTTP."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Any, Final
from uuid import UUID

import msgspec
from litestar.params import HeaderParameter, QueryParameter
from msgspec import Meta

from indexer.catalogue.job_rows import JobRow, JobStatus

IdempotencyKey = Annotated[
    str | None,
    HeaderParameter(
        name="Idempotency-Key",
        min_length=1,
        max_length=200,
        pattern=r"^[\x21-\x7e]+$",
        description="Any word of the client's. A request that comes again with the same word gets "
        "the job of the first one, and never a second job.",
    ),
]
LastEventId = Annotated[
    str | None,
    HeaderParameter(
        name="Last-Event-ID",
        max_length=40,
        description="The last event that the client saw; earlier ones are not sent again.",
    ),
]
LEAST_RATE: Final = 1e-6


class JobError(msgspec.Struct, frozen=True, kw_only=True):
    """Why a job failed."""

    code: Annotated[str, Meta(examples=["worker-died"])]
    """Stable."""
    message: str
    """For people."""


class Progress(msgspec.Struct, frozen=True, kw_only=True):
    """How far a job is."""

    stage: Annotated[str, Meta(examples=["indexing"])]
    """What it is at, in one word; of a job that has ended, how."""
    message: str
    """The same for people; may be empty."""
    done: int
    total: int | None
    """None while it is not known."""
    rate: float | None
    """Of what is counted, a second."""
    seconds_left: float | None
    """None while it cannot be told."""


class JobView(msgspec.Struct, frozen=True, kw_only=True):
    """What every long task shows of itself."""

    id: UUID
    status: JobStatus
    progress: Progress
    cancel_requested: bool
    """It was asked to end and has not yet."""
    attempts: int
    """How often it was begun."""
    max_attempts: int
    error: JobError | None
    created_at: datetime
    started_at: datetime | None
    """Of the present or last attempt."""
    finished_at: datetime | None


def job_fields(job: JobRow) -> dict[str, Any]:
    """The fields of `JobView`.

    Args:
        job: As the table has it.

    Returns:
        Name -> value.
    """
    error = None
    if job.error_code is not None:
        error = JobError(code=job.error_code, message=job.error_message or "")
    return {
        "id": job.id,
        "status": job.status,
        "progress": Progress(
            stage=job.stage,
            message=job.message,
            done=job.done,
            total=job.total,
            rate=job.rate,
            seconds_left=_seconds_left(job),
        ),
        "cancel_requested": job.cancel_requested and not job.has_ended,
        "attempts": job.attempts,
        "max_attempts": job.max_attempts,
        "error": error,
        "created_at": job.created_at,
        "started_at": job.started_at,
        "finished_at": job.finished_at,
    }


def _seconds_left(job: JobRow) -> float | None:
    if job.status != "running" or job.total is None or not job.rate or job.rate < LEAST_RATE:
        return None
    return round((job.total - job.done) / job.rate, 1)


StatusFilter = Annotated[JobStatus | None, QueryParameter(description="Only with this status.")]

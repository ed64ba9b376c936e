"""What goes into the table `job` and comes out of it."""

from __future__ import annotations

import json
from datetime import datetime, timedelta
from hashlib import sha256
from typing import Any, Final, Literal
from uuid import UUID

import msgspec

JobKind = Literal["scan", "generation", "cue_plan", "preview"]
JobStatus = Literal["queued", "running", "done", "failed", "cancelled"]
ENDED: Final = frozenset({"done", "failed", "cancelled"})
WORKER_DIED: Final = "worker-died"


class JobRow(msgspec.Struct, frozen=True, kw_only=True):
    """One job as the table has it."""

    id: UUID
    kind: JobKind
    status: JobStatus
    request: str
    """JSON."""
    request_digest: str
    idempotency_key: str | None
    result: str | None
    """JSON."""
    error_code: str | None
    error_message: str | None
    stage: str
    message: str
    done: int
    total: int | None
    rate: float | None
    """Of what is counted, a second."""
    detail: str | None
    """JSON."""
    version: int
    """Raised by every change that is to be shown."""
    attempts: int
    max_attempts: int
    cancel_requested: bool
    worker: str | None
    created_at: datetime
    not_before: datetime | None
    started_at: datetime | None
    heartbeat_at: datetime | None
    finished_at: datetime | None

    @property
    def has_ended(self) -> bool:
        """Whether nothing will change any more."""
        return self.status in ENDED

    @property
    def claim(self) -> Claim:
        """What its present worker holds."""
        return Claim(job_id=self.id, worker=self.worker or "", attempt=self.attempts)


class Claim(msgspec.Struct, frozen=True, kw_only=True):
    """A worker's hold on a job, for one attempt."""

    job_id: UUID
    worker: str
    attempt: int


class NewJob(msgspec.Struct, frozen=True, kw_only=True):
    """What is asked for."""

    kind: JobKind
    request: dict[str, Any]
    """Goes into the row as JSON."""
    max_attempts: int = 3
    idempotency_key: str | None = None
    same_as: dict[str, Any] | None = None
    """The parts of the request that make it the same as another; None for all of it."""
    reuse_after: timedelta | None = None
    """A job that asks for the same is given again while it waits, runs, or has been done no longer
    than this; None for never."""

    @property
    def digest(self) -> str:
        """Of what makes it the same as another."""
        same = self.request if self.same_as is None else self.same_as
        text = json.dumps([self.kind, same], sort_keys=True)
        return sha256(text.encode()).hexdigest()


class Submitted(msgspec.Struct, frozen=True, kw_only=True):
    """The job that answers a request."""

    job: JobRow
    is_new: bool
    """False where an earlier one answers it."""


class JobProgress(msgspec.Struct, frozen=True, kw_only=True):
    """How far a job is."""

    stage: str
    message: str = ""
    done: int = 0
    total: int | None = None
    rate: float | None = None
    detail: str | None = None

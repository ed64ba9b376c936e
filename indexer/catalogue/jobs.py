"""Long tasks of the service: the table `job`, which is the truth about every one of them.

    submit -> queued -> running -> done | failed | cancelled
                 ^---------'  its worker died, was stopped, or tries again later

Invariants:
    - A job is begun by one conditional UPDATE, so only one of several workers gets it.
    - What a worker says of a job counts only while it holds it: `Claim` names the attempt, and one
      that was taken away changes nothing any more.
    - A job ends once; what has ended never changes.
"""

from __future__ import annotations

import json
from datetime import timedelta
from typing import TYPE_CHECKING, Any, Literal

import msgspec
from sqlalchemy import ColumnElement, func, or_, select, update

from indexer.catalogue.database import read_session, write_session
from indexer.catalogue.job_rows import WORKER_DIED, JobRow, Submitted
from indexer.catalogue.models import Job, utc_now
from indexer.errors import IdempotencyKeyError, JobNotFoundError, QueueFullError

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Sequence
    from uuid import UUID

    from sqlalchemy import Engine
    from sqlalchemy.orm import Session

    from indexer.catalogue.job_rows import Claim, JobKind, JobProgress, JobStatus, NewJob


class Jobs:
    """The jobs of one catalogue.

    Args:
        engine: Of the catalogue, which disposes of it.
    """

    def __init__(self, engine: Engine) -> None:
        self._engine = engine

    # ---- for those who ask ------------------------------------------------------------------

    def submit(self, new: NewJob, *, most_queued: int) -> Submitted:
        """Queue a job, or give the one that was queued for the same request.

        Args:
            new: What is asked for.
            most_queued: How many jobs may wait.

        Returns:
            The job.

        Raises:
            IdempotencyKeyError: If the key was used for another request.
            QueueFullError: If too many jobs wait already.
        """
        with write_session(self._engine) as session:
            earlier = self._earlier(session, new)
            if earlier is not None:
                return Submitted(job=_row(earlier), is_new=False)
            waiting = session.scalar(select(func.count()).where(Job.status == "queued")) or 0
            if waiting >= most_queued:
                raise QueueFullError(waiting)
            job = Job(
                kind=new.kind,
                request=json.dumps(new.request),
                request_digest=new.digest,
                idempotency_key=new.idempotency_key,
                max_attempts=new.max_attempts,
                stage="queued",
            )
            session.add(job)
            session.flush()
            return Submitted(job=_row(job), is_new=True)

    @staticmethod
    def _earlier(session: Session, new: NewJob) -> Job | None:
        if new.idempotency_key is not None:
            job = session.scalar(select(Job).where(Job.idempotency_key == new.idempotency_key))
            if job is not None and job.request_digest != new.digest:
                raise IdempotencyKeyError(new.idempotency_key)
            return job
        if new.reuse_after is None:
            return None
        recently = (Job.status == "done") & (Job.finished_at >= utc_now() - new.reuse_after)
        query = (
            select(Job)
            .where(Job.request_digest == new.digest, Job.cancel_requested.is_(False))
            .where(or_(Job.status.in_(("queued", "running")), recently))
            .order_by(Job.id.desc())
        )
        return session.scalars(query.limit(1)).first()

    def get(self, job_id: UUID, *, kind: JobKind | None = None) -> JobRow:
        """One job.

        Args:
            job_id: Its id.
            kind: That it must be of; None for any.

        Returns:
            The row.

        Raises:
            JobNotFoundError: If there is no such job.
        """
        with read_session(self._engine) as session:
            job = session.get(Job, job_id)
            if job is None or kind not in {None, job.kind}:
                raise JobNotFoundError(job_id)
            return _row(job)

    def page(
        self,
        *,
        kind: JobKind | None = None,
        statuses: Collection[str] = (),
        before: UUID | None = None,
        limit: int = 50,
    ) -> list[JobRow]:
        """Jobs, the newest first.

        Args:
            kind: Of this kind; None for any.
            statuses: With one of these; none for any.
            before: Those that are older than this one.
            limit: How many at most.

        Returns:
            The rows.
        """
        query = select(Job).order_by(Job.id.desc()).limit(limit)
        if kind is not None:
            query = query.where(Job.kind == kind)
        if statuses:
            query = query.where(Job.status.in_(statuses))
        if before is not None:
            query = query.where(Job.id < before)
        with read_session(self._engine) as session:
            return [_row(job) for job in session.scalars(query)]

    def counts(self) -> dict[tuple[str, str], int]:
        """How many jobs there are, by kind and status."""
        query = select(Job.kind, Job.status, func.count()).group_by(Job.kind, Job.status)
        with read_session(self._engine) as session:
            return {(kind, status): number for kind, status, number in session.execute(query)}

    def cancel(self, job_id: UUID, *, kind: JobKind | None = None) -> JobRow:
        """End a waiting job at once; ask the worker of a running one to stop.

        Args:
            job_id: Its id.
            kind: That it must be of; None for any.

        Returns:
            The job as it is now; one that has ended stays as it is.

        Raises:
            JobNotFoundError: If there is no such job.
        """
        self.get(job_id, kind=kind)
        with write_session(self._engine) as session:
            job = session.get_one(Job, job_id)
            if job.status == "queued":
                _end(job, status="cancelled")
            elif job.status == "running" and not job.cancel_requested:
                job.cancel_requested = True
                job.version += 1
            session.flush()
            return _row(job)

    # ---- for workers ------------------------------------------------------------------------

    def due(self) -> list[UUID]:
        """The jobs that wait and may begin now, the oldest first."""
        query = select(Job.id).where(Job.status == "queued", _may_begin()).order_by(Job.id)
        with read_session(self._engine) as session:
            return list(session.scalars(query))

    def claim(self, job_id: UUID, *, worker: str) -> JobRow | None:
        """Begin a job.

        Args:
            job_id: Its id.
            worker: Who begins it.

        Returns:
            The job; None if it is not to be begun, or another worker was first.
        """
        now = utc_now()
        with write_session(self._engine) as session:
            begun = session.execute(
                update(Job)
                .where(Job.id == job_id, Job.status == "queued", _may_begin())
                .values(
                    status="running",
                    stage="starting",
                    message="",
                    worker=worker,
                    attempts=Job.attempts + 1,
                    started_at=now,
                    heartbeat_at=now,
                    not_before=None,
                    version=Job.version + 1,
                )
                .returning(Job.id)
            )
            return None if begun.scalar() is None else _row(session.get_one(Job, job_id))

    def beat(self, claims: Sequence[Claim]) -> tuple[set[UUID], set[UUID]]:
        """Say that a worker is alive and at work.

        Args:
            claims: What it holds.

        Returns:
            The jobs that are to be stopped, and those that it does not hold any more.
        """
        cancelled, lost = set(), set()
        with write_session(self._engine) as session:
            for claim in claims:
                held = session.execute(
                    update(Job)
                    .where(*_held(claim))
                    .values(heartbeat_at=utc_now())
                    .returning(Job.cancel_requested)
                ).scalar()
                if held is None:
                    lost.add(claim.job_id)
                elif held:
                    cancelled.add(claim.job_id)
        return cancelled, lost

    def report(self, claim: Claim, progress: JobProgress) -> bool:
        """Show how far a job is; false if the worker does not hold it any more."""
        return self._change(claim, **msgspec.structs.asdict(progress), heartbeat_at=utc_now())

    def finish(
        self,
        claim: Claim,
        *,
        status: Literal["done", "failed", "cancelled"],
        result: str | None = None,
        error: tuple[str, str] | None = None,
    ) -> bool:
        """End a job.

        Args:
            claim: The worker's.
            status: How it ends.
            result: What came of it, as JSON.
            error: A stable code and a message for people.

        Returns:
            False if the worker does not hold it any more.
        """
        code, message = error or (None, None)
        return self._change(
            claim,
            status=status,
            stage=status,
            message="",
            result=result,
            error_code=code,
            error_message=message,
            finished_at=utc_now(),
        )

    def put_back(
        self, claim: Claim, *, message: str, wait_seconds: float = 0.0, counts: bool = False
    ) -> bool:
        """Queue a job again that was begun.

        Args:
            claim: The worker's.
            message: Why, for people.
            wait_seconds: Before it may begin again.
            counts: Whether the attempt counts among those that are allowed.

        Returns:
            False if the worker does not hold it any more.
        """
        later = utc_now() + timedelta(seconds=wait_seconds) if wait_seconds else None
        return self._change(
            claim,
            status="queued",
            stage="waiting" if wait_seconds else "queued",
            message=message,
            not_before=later,
            attempts=Job.attempts - (0 if counts else 1),
        )

    def recover(self, is_dead: Callable[[JobRow], bool]) -> list[JobRow]:
        """Take running jobs from workers that died, to be begun again or to end.

        Args:
            is_dead: Whether a running job's worker is.

        Returns:
            Those jobs as they are now.
        """
        running = [row for row in self.page(statuses=["running"], limit=1000) if is_dead(row)]
        recovered = []
        for row in running:
            with write_session(self._engine) as session:
                job = session.scalar(
                    select(Job).where(*_held(row.claim), Job.heartbeat_at == row.heartbeat_at)
                )
                if job is None:
                    continue
                _take_from_the_dead(job)
                session.flush()
                recovered.append(_row(job))
        return recovered

    def _change(self, claim: Claim, **values: Any) -> bool:  # noqa: ANN401  values of columns
        with write_session(self._engine) as session:
            changed = session.execute(
                update(Job)
                .where(*_held(claim))
                .values(**values, version=Job.version + 1)
                .returning(Job.id)
            )
            return changed.scalar() is not None


def _held(claim: Claim) -> tuple[ColumnElement[bool], ...]:
    return (
        Job.id == claim.job_id,
        Job.status == "running",
        Job.worker == claim.worker,
        Job.attempts == claim.attempt,
    )


def _may_begin() -> ColumnElement[bool]:
    return or_(Job.not_before.is_(None), Job.not_before <= utc_now())


def _take_from_the_dead(job: Job) -> None:
    if job.cancel_requested:
        _end(job, status="cancelled")
    elif job.attempts < job.max_attempts:
        job.status, job.stage, job.not_before = "queued", "queued", None
        job.message = "its worker died; it is begun again"
        job.version += 1
    else:
        _end(job, status="failed")
        job.error_code = WORKER_DIED
        job.error_message = f"its worker died {job.attempts} times; the worker's log may say why"


def _end(job: Job, *, status: JobStatus) -> None:
    job.status, job.stage, job.message = status, status, ""
    job.finished_at = utc_now()
    job.version += 1


def _row(job: Job) -> JobRow:
    return JobRow(**{name: getattr(job, name) for name in JobRow.__struct_fields__})

"""Does jobs: huey brings their ids, the table says which are to be done, and by whom.

Invariants:
    - A job is run only by who claimed it, and its end counts only while the claim holds.
    - While a job runs, its heartbeat is written every second. A worker that died is known by its
      lock file, or by heartbeats that stay away, and its jobs are begun again by another.
    - What waits in the table and is not in the queue is put there again, at the start and always.
    - A worker that is asked to stop hands back what it cannot finish at once; that is no attempt.
"""

from __future__ import annotations

import logging
import time
from datetime import timedelta
from threading import Event, Lock, Thread
from typing import TYPE_CHECKING, Any, Final

from huey.consumer import Consumer

from indexer.catalogue.models import utc_now
from indexer.errors import (
    BriefError,
    CatalogueError,
    IndexerError,
    LibraryBusyError,
    LibraryPathError,
    PatternError,
    PruneFloorError,
    SpottingError,
)
from musiscene.errors import (
    CaptionFileError,
    GenerationError,
    GenerationStoppedError,
    ModelError,
    MusiSceneError,
    VideoError,
    VideoToolsMissingError,
)
from service.cue_plans.errors import VideoGoneError
from service.errors import code_of, told
from service.jobs.errors import JobStoppedError
from service.jobs.task import Task
from service.problems import ServiceError

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from uuid import UUID

    from indexer.catalogue.job_rows import JobRow
    from indexer.catalogue.jobs import Jobs
    from service.jobs.presence import Presence
    from service.jobs.queue import JobQueue

logger = logging.getLogger(__name__)

BEAT_SECONDS: Final = 1.0
BUSY_SECONDS: Final = 3.0
"""Before a job is tried again that found the library held by another indexer."""
BACK_OFF_SECONDS: Final = 5.0
"""Before the second attempt; four times as long before each further one."""
LASTING: Final = (
    BriefError, CaptionFileError, GenerationError, LibraryPathError, ModelError, PatternError,
    PruneFloorError, SpottingError, VideoError, VideoGoneError, VideoToolsMissingError,
)  # fmt: skip
"""Errors that come again however often a job is tried."""


class _Consumer(Consumer):  # type: ignore[misc]  # huey has no types
    """huey's, which leaves signals to the process."""

    def _set_signal_handlers(self) -> None:
        pass


class Worker:
    """One process's hands for jobs.

    Args:
        jobs: The table.
        queue: Brings ids.
        presence: Its sign of life, held.
        runners: Kind of job -> what does it and gives its result as JSON.
        threads: How many jobs are done at a time.
        stale_seconds: A worker of another machine counts as dead after so long without a heartbeat.
    """

    def __init__(
        self,
        jobs: Jobs,
        queue: JobQueue,
        presence: Presence,
        runners: Mapping[str, Callable[[Task], str]],
        *,
        threads: int,
        stale_seconds: float,
    ) -> None:
        self._jobs = jobs
        self._queue = queue
        self._presence = presence
        self._runners = runners
        self._threads = threads
        self._stale = timedelta(seconds=stale_seconds)
        self._tasks: dict[UUID, Task] = {}
        self._lock = Lock()
        self._closing = Event()
        queue.do = self.run_job

    def run(self, stopping: Event) -> None:
        """Do jobs until asked to stop, and then finish or hand back what is under way.

        Args:
            stopping: Set from outside.
        """
        keeper = Thread(target=self._keep, args=(stopping,), name="keeper", daemon=True)
        consumer: Any = _Consumer(
            self._queue.huey,
            workers=self._threads,
            periodic=False,
            initial_delay=0.1,
            max_delay=0.5,
        )
        keeper.start()
        consumer.start()
        stopping.wait()
        self.end_all("shutdown")
        consumer.stop(graceful=True)
        self._closing.set()
        keeper.join()

    def end_all(self, why: str) -> None:
        """Ask every job that is under way to end."""
        with self._lock:
            tasks = list(self._tasks.values())
        for task in tasks:
            task.end("shutdown" if why == "shutdown" else "lost")

    # ---- one job ----------------------------------------------------------------------------

    def run_job(self, job_id: UUID) -> None:
        """Begin a job if it is to be begun, and do it.

        Args:
            job_id: As the queue brought it.
        """
        job = self._jobs.claim(job_id, worker=self._presence.name)
        if job is None:
            return
        task = Task(job, self._jobs)
        with self._lock:
            self._tasks[job.id] = task
        logger.info("%s %s begins, attempt %d", job.kind, job.id, job.attempts)
        try:
            self._attempt(task)
        except CatalogueError:
            # The row says `running` still; when its heartbeats stay away it is begun again.
            logger.exception("%s %s: its end could not be written", job.kind, job.id)
        finally:
            with self._lock:
                del self._tasks[job.id]

    def _attempt(self, task: Task) -> None:
        job = task.job
        try:
            result = self._runners[job.kind](task)
        except (JobStoppedError, GenerationStoppedError) as stopped:
            self._stopped(task, getattr(stopped, "result", None))
        except LibraryBusyError:
            self._jobs.put_back(
                job.claim,
                message="another `musiscene index` is at work in this library; it waits for that",
                wait_seconds=BUSY_SECONDS,
            )
        except (IndexerError, MusiSceneError, ServiceError, OSError) as error:
            self._failed(job, error, code=code_of(error), message=told(error))
        except Exception as error:  # noqa: BLE001  whatever a library raises must not end the worker
            self._failed(
                job, error, code="internal", message="it failed; the worker's log says why"
            )
        else:
            self._jobs.finish(job.claim, status="done", result=result)
            logger.info("%s %s is done", job.kind, job.id)

    def _stopped(self, task: Task, result: str | None) -> None:
        logger.info("%s %s stopped: %s", task.job.kind, task.job.id, task.why)
        if task.why == "cancelled":
            self._jobs.finish(task.job.claim, status="cancelled", result=result)
        elif task.why == "shutdown":
            self._jobs.put_back(task.job.claim, message="its worker was stopped; it goes on later")

    def _failed(self, job: JobRow, error: Exception, *, code: str, message: str) -> None:
        is_last = job.attempts >= job.max_attempts or isinstance(error, LASTING)
        logger.warning(
            "%s %s failed, attempt %d of %d",
            job.kind, job.id, job.attempts, job.max_attempts, exc_info=error,
        )  # fmt: skip
        if is_last:
            self._jobs.finish(job.claim, status="failed", error=(code, message))
            return
        wait_seconds = BACK_OFF_SECONDS * 4 ** (job.attempts - 1)
        self._jobs.put_back(
            job.claim,
            message=f"{message}; tried again in {wait_seconds:.0f} s",
            wait_seconds=wait_seconds,
            counts=True,
        )

    # ---- beside the jobs --------------------------------------------------------------------

    def _keep(self, stopping: Event) -> None:
        while not self._closing.is_set():
            began = time.monotonic()
            try:
                self.keep_once(is_stopping=stopping.is_set())
            except CatalogueError as error:
                logger.warning("%s", error)
            self._closing.wait(max(0.0, BEAT_SECONDS - (time.monotonic() - began)))

    def keep_once(self, *, is_stopping: bool = False) -> None:
        """Write heartbeats, pass on wishes to stop, and take over from the dead.

        Args:
            is_stopping: Nothing new is to be begun.
        """
        with self._lock:
            tasks = dict(self._tasks)
        if tasks:
            cancelled, lost = self._jobs.beat([task.job.claim for task in tasks.values()])
            for job_id in cancelled:
                tasks[job_id].end("cancelled")
            for job_id in lost:
                tasks[job_id].end("lost")
        if is_stopping:
            self.end_all("shutdown")
            return
        for job in self._jobs.recover(self._is_dead):
            logger.warning("%s %s was left by a dead worker: %s", job.kind, job.id, job.status)
        self._queue.put_missing(self._jobs.due())

    def _is_dead(self, job: JobRow) -> bool:
        with self._lock:
            if job.id in self._tasks and job.worker == self._presence.name:
                return False
        is_silent = job.heartbeat_at is None or utc_now() - job.heartbeat_at > self._stale
        return is_silent or self._presence.is_gone(job.worker or "")

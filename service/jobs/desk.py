"""Where the service hands in jobs, and looks after them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from indexer.errors import QueueFullError
from service.jobs.errors import QueueLimitError

if TYPE_CHECKING:
    from uuid import UUID

    from indexer.catalogue.job_rows import JobKind, JobRow, NewJob, Submitted
    from indexer.catalogue.jobs import Jobs
    from service.jobs.queue import JobQueue
    from service.settings import JobSettings

RETRY_SECONDS: Final = 30
"""After so long a client whose job found no room may ask again."""


class JobDesk:
    """Takes jobs.

    Args:
        jobs: The table.
        queue: Brings their ids to workers.
        settings: Limits.
    """

    def __init__(self, jobs: Jobs, queue: JobQueue, settings: JobSettings) -> None:
        self.jobs = jobs
        self.settings = settings
        self._queue = queue

    def submit(self, new: NewJob) -> Submitted:
        """Take a job, or find the one that was taken for the same request.

        Args:
            new: What is asked for.

        Returns:
            The job.

        Raises:
            QueueLimitError: If too many wait.
            IdempotencyKeyError: If its key was used for another request.
        """
        try:
            submitted = self.jobs.submit(new, most_queued=self.settings.queued)
        except QueueFullError as error:
            raise QueueLimitError(retry_seconds=RETRY_SECONDS) from error
        if submitted.is_new:
            self._queue.put(submitted.job.id)
        return submitted

    def cancel(self, job_id: UUID, *, kind: JobKind) -> JobRow:
        """End a job that waits, ask the worker of one that runs; see `Jobs.cancel`."""
        return self.jobs.cancel(job_id, kind=kind)

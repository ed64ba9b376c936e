"""One attempt at a job, as what runs it sees it."""

from __future__ import annotations

import time
from threading import Event, Lock
from typing import TYPE_CHECKING, Final, Literal

from indexer.catalogue.job_rows import JobProgress
from service.jobs.errors import JobStoppedError

if TYPE_CHECKING:
    from indexer.catalogue.job_rows import JobRow
    from indexer.catalogue.jobs import Jobs

Why = Literal["", "cancelled", "lost", "shutdown"]

REPORT_SECONDS: Final = 0.5
"""Between two reports of one stage."""


class Task:
    """Tells the table how a job goes on, and is told when to stop.

    Args:
        job: As it was claimed.
        jobs: The table.

    Attributes:
        job: As it was claimed.
        stop: Set when the job is to end.
        why: Why it is to end.
    """

    def __init__(self, job: JobRow, jobs: Jobs) -> None:
        self.job = job
        self.stop = Event()
        self.why: Why = ""
        self._jobs = jobs
        self._lock = Lock()
        self._shown: JobProgress | None = None
        self._shown_at = 0.0

    def end(self, why: Why) -> None:
        """Ask the job to end; the first reason counts."""
        with self._lock:
            self.why = self.why or why
        self.stop.set()

    def go_on(self) -> None:
        """Raise if the job is to end.

        Raises:
            JobStoppedError: If it is.
        """
        if self.stop.is_set():
            raise JobStoppedError

    def report(self, progress: JobProgress) -> None:
        """Show how far the job is; not more often than people can read.

        Args:
            progress: A new stage, and an end, is shown at once.
        """
        now = time.monotonic()
        with self._lock:
            is_new = self._shown is None or progress.stage != self._shown.stage
            at_end = progress.total is not None and progress.done >= progress.total
            if progress == self._shown or not (
                is_new or at_end or now - self._shown_at >= REPORT_SECONDS
            ):
                return
            self._shown, self._shown_at = progress, now
        self._jobs.report(self.job.claim, progress)

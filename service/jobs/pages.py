"""Lists of jobs, as their controllers show them."""

from __future__ import annotations

from collections.abc import Sequence

from indexer.catalogue.job_rows import JobKind, JobRow, JobStatus
from indexer.catalogue.jobs import Jobs
from service.cursors import digest_of, page_by_id


def page_of_jobs(
    jobs: Jobs, kind: JobKind, *, status: JobStatus | None, limit: int, after: str | None
) -> tuple[Sequence[JobRow], str | None]:
    """Some jobs of a kind, the newest first.

    Args:
        jobs: The table.
        kind: Of the jobs.
        status: Only with this one; None for all.
        limit: At most so many.
        after: From the page before; None for the first page.

    Returns:
        The jobs, and the word for the next page; None on the last one.

    Raises:
        CursorError: If `after` is no such word, or one of another list.
    """
    statuses = [status] if status else []
    return page_by_id(
        lambda before, count: jobs.page(kind=kind, statuses=statuses, before=before, limit=count),
        asked=digest_of(kind, status),
        limit=limit,
        after=after,
    )

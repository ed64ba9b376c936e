"""Runs a scan as a job: `musiscene index`, with its progress in the table."""

from __future__ import annotations

import time
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

import msgspec

from indexer.catalogue.job_rows import JobProgress
from indexer.progress import ScanProgress
from service.jobs.errors import JobStoppedError
from service.scans.schemas import (
    MOST_SHOWN_FAILURES,
    ScanFailureView,
    ScanOutcome,
    ScanRequest,
)

if TYPE_CHECKING:
    from indexer.catalogue.rows import Failure
    from indexer.cli.scanner import Scanner
    from indexer.pipeline import ScanReport
    from service.jobs.task import Task


def run_scan(task: Task, open_scanner: Callable[[], Scanner]) -> str:
    """Do a scan.

    Args:
        task: Holds the request.
        open_scanner: Gives the library and its engine.

    Returns:
        The outcome, as JSON.

    Raises:
        JobStoppedError: If it was stopped before its end.
        LibraryBusyError: If another process is indexing.
        IndexerError: If the scan cannot be done.
    """
    from indexer.pipeline import ScanOptions

    asked = msgspec.json.decode(task.job.request, type=ScanRequest)
    scanner = open_scanner()
    task.go_on()
    report = scanner.scan(
        [Path(path) for path in asked.paths],
        progress=ShownProgress(task),
        stop=task.stop,
        options=ScanOptions(
            exclude=tuple(asked.exclude),
            retry=asked.retry,
            prune=asked.prune,
            prune_floor=asked.prune_floor,
        ),
    )
    result = msgspec.json.encode(_outcome(report)).decode()
    if report.status == "interrupted":
        raise JobStoppedError(result)
    return result


class ShownProgress(ScanProgress):
    """Writes a scan's progress into its job's row.

    Args:
        task: The job.
        stage: Shown while files are taken in.
    """

    def __init__(self, task: Task, *, stage: str = "indexing") -> None:
        self._task = task
        self._stage = stage
        self._total = self._done = self._failed = 0
        self._began = 0.0
        self._failures: list[ScanFailureView] = []

    def walked(self, files: int) -> None:
        """Files are being looked for."""
        self._task.report(JobProgress(stage="looking", message="Looking for music", done=files))

    def begin(self, total: int) -> None:
        """Files are to be taken in."""
        self._total, self._began = total, time.monotonic()
        self._show()

    def stored(self, path: str) -> None:  # noqa: ARG002  all are shown as one
        """A track is stored."""
        self._done += 1
        self._show()

    def failed(self, failure: Failure) -> None:
        """A file cannot be taken in."""
        self._failed += 1
        if len(self._failures) < MOST_SHOWN_FAILURES:
            self._failures.append(_failure(failure))
        if self._total and failure.stage != "walk":
            self._done += 1
            self._show()

    def _show(self) -> None:
        elapsed = time.monotonic() - self._began
        outcome = ScanOutcome(failed=self._failed, failures=self._failures)
        self._task.report(
            JobProgress(
                stage=self._stage,
                message="Indexing" if self._total else "Nothing new",
                done=self._done,
                total=self._total,
                rate=round(self._done / elapsed, 4) if self._done and elapsed else None,
                detail=msgspec.json.encode(outcome).decode(),
            )
        )


def _outcome(report: ScanReport) -> ScanOutcome:
    return ScanOutcome(
        counts=report.counts,
        tracks_deleted=report.tracks_deleted,
        duplicates_found=report.duplicates_found,
        failed=len(report.failures),
        failures=[_failure(one) for one in report.failures[:MOST_SHOWN_FAILURES]],
    )


def _failure(failure: Failure) -> ScanFailureView:
    return ScanFailureView(path=failure.path, stage=failure.stage, reason=failure.reason)

"""What a scan is asked, and how it is shown."""

from __future__ import annotations

from typing import Annotated

import msgspec
from msgspec import Meta

from indexer.catalogue.job_rows import JobRow
from indexer.catalogue.rows import ScanCounts
from service.jobs.schemas import JobView, job_fields

MOST_SHOWN_FAILURES = 100

PathText = Annotated[str, Meta(min_length=1, max_length=4_096)]
Pattern = Annotated[str, Meta(min_length=1, max_length=1_000)]


class ScanRequest(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Which folders to bring the library in step with, and how."""

    paths: Annotated[
        list[PathText],
        Meta(
            min_length=1,
            max_length=100,
            description="Folders or files on the service's machine, within the folders that it may "
            "read.",
            examples=[["/srv/music"]],
        ),
    ]
    exclude: Annotated[
        list[Pattern],
        Meta(
            max_length=100,
            description="Patterns of files to leave out, as in .gitignore.",
            examples=[["Audiobooks/"]],
        ),
    ] = []
    retry: Annotated[
        bool, Meta(description="Try again what failed before and has not changed.")
    ] = False
    prune: Annotated[
        bool, Meta(description="Delete the tracks below the paths whose files are gone.")
    ] = False
    prune_floor: Annotated[
        float,
        Meta(ge=0, le=1, description="Delete nothing if less than this share still has its files."),
    ] = 0.5


class ScanFailureView(msgspec.Struct, frozen=True, kw_only=True):
    """A file that could not be taken in."""

    path: str
    stage: str
    """`walk`, `decode`, `listen`, `imagine` or `store`."""
    reason: str


class ScanOutcome(msgspec.Struct, frozen=True, kw_only=True):
    """What a scan has done so far."""

    counts: ScanCounts = msgspec.field(default_factory=ScanCounts)
    tracks_deleted: int = 0
    duplicates_found: int = 0
    failed: int = 0
    """How many files could not be taken in."""
    failures: list[ScanFailureView] = []
    """The first hundred of them."""


class ScanView(JobView, frozen=True, kw_only=True):
    """One scan."""

    paths: list[str]
    exclude: list[str]
    retry: bool
    prune: bool
    outcome: ScanOutcome


class ScanPage(msgspec.Struct, frozen=True, kw_only=True):
    """Some of the scans."""

    scans: list[ScanView]
    """Newest first."""
    after: str | None
    """To ask for the next page with; None on the last one."""


def scan_view(job: JobRow) -> ScanView:
    """How a scan is shown."""
    request = msgspec.json.decode(job.request, type=ScanRequest)
    outcome = job.result or job.detail
    return ScanView(
        **job_fields(job),
        paths=request.paths,
        exclude=request.exclude,
        retry=request.retry,
        prune=request.prune,
        outcome=msgspec.json.decode(outcome, type=ScanOutcome) if outcome else ScanOutcome(),
    )

"""HTTP for scans."""

from __future__ import annotations

from typing import Any
from uuid import UUID

import msgspec
from litestar import Controller, Request, Response, delete, get, post
from litestar.di import NamedDependency
from litestar.params import FromPath, JSONBody

from indexer.catalogue.job_rows import NewJob
from service.conditional import answer
from service.cursors import After, PageSize
from service.errors import problems
from service.jobs.desk import JobDesk
from service.jobs.events import EVENT_STREAM, job_events
from service.jobs.pages import page_of_jobs
from service.jobs.schemas import IdempotencyKey, LastEventId, StatusFilter
from service.scans.paths import checked_paths
from service.scans.schemas import ScanPage, ScanRequest, ScanView, scan_view
from service.serving import Serving
from service.settings import ServiceSettings


class ScanController(Controller):
    """Brings the library in step with folders, and shows how that goes on."""

    path = "/v1/scans"
    tags = ("scans",)

    @post(
        "/",
        operation_id="startScan",
        summary="Scan folders",
        status_code=202,
        sync_to_thread=True,
        responses=problems(400, 403, 409, 413, 415, 429, 503),
    )
    def start(
        self,
        data: JSONBody[ScanRequest],
        job_desk: NamedDependency[JobDesk],
        serving: NamedDependency[Serving],
        service_settings: NamedDependency[ServiceSettings],
        idempotency_key: IdempotencyKey = None,
    ) -> Response[ScanView]:
        """Queue a scan; what it does is what `musiscene index` does.

        One scan of a library runs at a time: another one waits, and says so in its progress.
        """
        roots = service_settings.library_roots or serving.library.catalogue.scans.known_roots()
        asked = msgspec.structs.replace(data, paths=checked_paths(data.paths, roots=roots))
        submitted = job_desk.submit(
            NewJob(
                kind="scan",
                request=msgspec.to_builtins(asked),
                max_attempts=service_settings.jobs.attempts,
                idempotency_key=idempotency_key,
            )
        )
        return Response(
            scan_view(submitted.job),
            status_code=202,
            headers={"Location": f"{self.path}/{submitted.job.id}"},
        )

    @get(
        "/",
        operation_id="listScans",
        summary="List scans",
        sync_to_thread=True,
        responses=problems(400, 503),
    )
    def scans(
        self,
        request: Request[Any, Any, Any],
        job_desk: NamedDependency[JobDesk],
        status: StatusFilter = None,
        limit: PageSize = 50,
        after: After = None,
    ) -> Response[ScanPage]:
        """Scans that the service was asked for, the newest first."""
        found, goes_on = page_of_jobs(
            job_desk.jobs, "scan", status=status, limit=limit, after=after
        )
        return answer(request, ScanPage(scans=[scan_view(job) for job in found], after=goes_on))

    @get(
        "/{scan_id:uuid}",
        operation_id="getScan",
        summary="One scan",
        sync_to_thread=True,
        responses=problems(400, 404, 503),
    )
    def scan(self, scan_id: FromPath[UUID], job_desk: NamedDependency[JobDesk]) -> ScanView:
        """How a scan goes on, and what it did."""
        return scan_view(job_desk.jobs.get(scan_id, kind="scan"))

    @get(
        "/{scan_id:uuid}/events",
        operation_id="followScan",
        summary="Follow a scan",
        responses={**EVENT_STREAM, **problems(400, 404, 503)},
    )
    async def events(
        self,
        scan_id: FromPath[UUID],
        job_desk: NamedDependency[JobDesk],
        serving: NamedDependency[Serving],
        last_event_id: LastEventId = None,
    ) -> Response[Any]:
        """Server-sent events with the scan as `GET` gives it; the stream ends with it."""
        return await job_events(
            job_desk.jobs,
            scan_id,
            kind="scan",
            view=scan_view,
            last_event_id=last_event_id,
            stopping=serving.stopping,
        )

    @delete(
        "/{scan_id:uuid}",
        operation_id="cancelScan",
        summary="Stop a scan",
        status_code=202,
        sync_to_thread=True,
        responses=problems(400, 404, 503),
    )
    def cancel(self, scan_id: FromPath[UUID], job_desk: NamedDependency[JobDesk]) -> ScanView:
        """Stop a scan: at once where it waits; else it stores what is in flight first.

        What was stored stays. A scan that has ended stays as it is.
        """
        return scan_view(job_desk.cancel(scan_id, kind="scan"))

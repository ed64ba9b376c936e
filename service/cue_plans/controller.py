"""HTTP for plans of cues."""

from __future__ import annotations

from typing import Any, Final
from urllib.parse import quote
from uuid import UUID

import anyio.to_thread
from litestar import Request, Response, delete, get, patch, post, route
from litestar.di import NamedDependency
from litestar.handlers import HTTPRouteHandler
from litestar.openapi.datastructures import ResponseSpec
from litestar.params import FromPath, JSONBody
from litestar.types import ASGIApp, Method
from litestar.types.internal_types import PathParameterDefinition

from service.conditional import NOT_MODIFIED, answer
from service.cue_plans.changes import PlanChanges
from service.cue_plans.schemas import (
    Container,
    CuePlanPage,
    CuePlanView,
    PlanEdits,
    PreviewRequest,
)
from service.cue_plans.service import PATH, CuePlanService
from service.cue_plans.uploads import UploadController
from service.cursors import After, PageSize
from service.errors import problems
from service.generations.schemas import GenerationView
from service.jobs.desk import JobDesk
from service.jobs.events import EVENT_STREAM, job_events
from service.jobs.schemas import LastEventId
from service.serving import Serving
from service.tracks.audio import AudioFile

PART_OF_FILE: Final = {
    206: ResponseSpec(
        bytes, generate_examples=False, media_type="video/*", description="The range asked for"
    )
}


def _file(media_type: str, description: str) -> dict[int, ResponseSpec]:
    return {
        200: ResponseSpec(
            bytes, generate_examples=False, media_type=media_type, description=description
        )
    }


def _named(what: str) -> Any:  # noqa: ANN401  a function, as Litestar wants it
    def name(
        _handler: HTTPRouteHandler, method: Method, _path: list[str | PathParameterDefinition]
    ) -> str:
        return f"{method.lower()}{what}"

    return name


class CuePlanController(UploadController):
    """Takes videos, shows plans, changes them, and writes them for other programs."""

    @get(
        "/",
        operation_id="listCuePlans",
        summary="List plans of cues",
        sync_to_thread=True,
        responses={**problems(400, 503), **NOT_MODIFIED},
    )
    def plans(
        self,
        request: Request[Any, Any, Any],
        cue_plans: NamedDependency[CuePlanService],
        limit: PageSize = 50,
        after: After = None,
    ) -> Response[CuePlanPage]:
        """Plans that were asked for, the newest first."""
        found, goes_on = cue_plans.page(limit=limit, after=after)
        return answer(request, CuePlanPage(plans=list(found), after=goes_on))

    @get(
        "/{plan_id:uuid}",
        operation_id="getCuePlan",
        summary="One plan of cues",
        sync_to_thread=True,
        responses={**problems(400, 404, 503), **NOT_MODIFIED},
    )
    def plan(
        self,
        request: Request[Any, Any, Any],
        plan_id: FromPath[UUID],
        cue_plans: NamedDependency[CuePlanService],
        plan_changes: NamedDependency[PlanChanges],
    ) -> Response[CuePlanView]:
        """A plan and how it goes on; music that was made for a cue is in it by now."""
        return answer(request, cue_plans.view(plan_changes.with_fills(plan_id)))

    @get(
        "/{plan_id:uuid}/events",
        operation_id="followCuePlan",
        summary="Follow a plan of cues",
        responses={**EVENT_STREAM, **problems(400, 404, 503)},
    )
    async def events(
        self,
        plan_id: FromPath[UUID],
        cue_plans: NamedDependency[CuePlanService],
        job_desk: NamedDependency[JobDesk],
        serving: NamedDependency[Serving],
        last_event_id: LastEventId = None,
    ) -> Response[Any]:
        """Server-sent events with the plan as `GET` gives it, until it is made."""
        return await job_events(
            job_desk.jobs,
            await anyio.to_thread.run_sync(cue_plans.job_id_of, plan_id),
            kind="cue_plan",
            view=lambda job: cue_plans.view(cue_plans.rows.get(plan_id), job),
            last_event_id=last_event_id,
            stopping=serving.stopping,
        )

    @patch(
        "/{plan_id:uuid}",
        operation_id="editCuePlan",
        summary="Change a plan of cues",
        sync_to_thread=True,
        responses=problems(400, 404, 409, 413, 415, 503),
    )
    def edit(
        self,
        plan_id: FromPath[UUID],
        data: JSONBody[PlanEdits],
        cue_plans: NamedDependency[CuePlanService],
        plan_changes: NamedDependency[PlanChanges],
    ) -> CuePlanView:
        """Make all of some changes, or none; 409 where the plan is at another revision by now."""
        return cue_plans.view(plan_changes.edit(plan_id, data))

    @delete(
        "/{plan_id:uuid}",
        operation_id="deleteCuePlan",
        summary="Delete a plan of cues",
        sync_to_thread=True,
        responses=problems(400, 404, 503),
    )
    def remove(self, plan_id: FromPath[UUID], cue_plans: NamedDependency[CuePlanService]) -> None:
        """Delete a plan with its video and previews; what is at work on it is stopped."""
        cue_plans.remove(plan_id)

    # ---- files ------------------------------------------------------------------------------

    @route(
        "/{plan_id:uuid}/video",
        http_method=["GET", "HEAD"],
        operation_id=_named("CuePlanVideo"),
        summary="The video of a plan",
        media_type="video/*",
        sync_to_thread=True,
        responses={**problems(400, 404, 416, 503), **NOT_MODIFIED, **PART_OF_FILE},
    )
    def video(self, plan_id: FromPath[UUID], cue_plans: NamedDependency[CuePlanService]) -> ASGIApp:
        """The file as it was sent; ranges are answered, so a player can seek."""
        cue_plans.rows.get(plan_id)
        path = cue_plans.store.file(plan_id, "video")
        return AudioFile(path, [cue_plans.store.root])  # type: ignore[return-value]

    @get(
        "/{plan_id:uuid}/keyframes/{scene:str}",
        operation_id="getCuePlanKeyframe",
        summary="What a scene shows",
        sync_to_thread=True,
        responses={
            **_file("image/jpeg", "A frame of the scene"),
            **problems(400, 404, 503),
            **NOT_MODIFIED,
        },
    )
    def keyframe(
        self,
        plan_id: FromPath[UUID],
        scene: FromPath[int],
        cue_plans: NamedDependency[CuePlanService],
    ) -> ASGIApp:
        """A frame of a scene, as JPEG."""
        path = cue_plans.existing(plan_id, f"keyframes/{scene}.jpg")
        return AudioFile(path, [cue_plans.store.root])  # type: ignore[return-value]

    @get(
        "/{plan_id:uuid}/exports/{format_name:str}",
        operation_id="exportCuePlan",
        summary="A plan for another program",
        sync_to_thread=True,
        responses={**_file("application/*", "The file"), **problems(400, 404, 422, 503)},
    )
    def export(
        self,
        plan_id: FromPath[UUID],
        format_name: FromPath[str],
        plan_changes: NamedDependency[PlanChanges],
    ) -> Response[bytes]:
        """A plan as JSON, OpenTimelineIO, EDL, FCPXML, markers, labels, or a cue sheet."""
        made = plan_changes.export(plan_id, format_name)
        plain = "".join(one if one.isalnum() or one in ".-_ " else "_" for one in made.name)
        names = f'filename="{plain.encode("ascii", "replace").decode().replace("?", "_")}"'
        return Response(
            made.content,
            media_type=made.media_type,
            encoding=made.charset,
            headers={
                "Content-Disposition": f"attachment; {names}; filename*=UTF-8''{quote(made.name)}",
                "Cache-Control": "private, no-cache",
            },
        )

    # ---- more work --------------------------------------------------------------------------

    @post(
        "/{plan_id:uuid}/previews",
        operation_id="previewCuePlan",
        summary="Mix a preview",
        status_code=202,
        sync_to_thread=True,
        responses=problems(400, 404, 409, 413, 415, 429, 503, 507),
    )
    def preview(
        self,
        plan_id: FromPath[UUID],
        data: JSONBody[PreviewRequest],
        cue_plans: NamedDependency[CuePlanService],
    ) -> Response[CuePlanView]:
        """Queue a mix of the video's sound and its music: ducked, faded, and as loud as asked."""
        row = cue_plans.request_preview(plan_id, data)
        where = f"{PATH}/{plan_id}/previews/{data.container}"
        return Response(cue_plans.view(row), status_code=202, headers={"Location": where})

    @route(
        "/{plan_id:uuid}/previews/{container:str}",
        http_method=["GET", "HEAD"],
        operation_id=_named("CuePlanPreview"),
        summary="A preview",
        media_type="video/*",
        sync_to_thread=True,
        responses={**problems(400, 404, 416, 503), **NOT_MODIFIED, **PART_OF_FILE},
    )
    def preview_file(
        self,
        plan_id: FromPath[UUID],
        container: FromPath[Container],
        cue_plans: NamedDependency[CuePlanService],
    ) -> ASGIApp:
        """The newest mix; ranges are answered."""
        cue_plans.rows.get(plan_id)
        path = cue_plans.store.file(plan_id, f"preview-{container}")
        return AudioFile(path, [cue_plans.store.root])  # type: ignore[return-value]

    @post(
        "/{plan_id:uuid}/cues/{cue:str}/generation",
        operation_id="generateForCue",
        summary="Make music for a cue",
        status_code=202,
        sync_to_thread=True,
        responses=problems(400, 404, 409, 429, 503),
    )
    def generate(
        self,
        plan_id: FromPath[UUID],
        cue: FromPath[str],
        plan_changes: NamedDependency[PlanChanges],
    ) -> Response[GenerationView]:
        """Queue music for a cue that nothing fits; it hits where the picture cuts.

        Once it is a track of the library, the cue has it.
        """
        shown = plan_changes.generate(plan_id, cue)
        where = f"/v1/generations/{shown.id}"
        return Response(shown, status_code=202, headers={"Location": where})

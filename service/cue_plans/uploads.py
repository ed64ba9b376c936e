"""HTTP for videos that are sent: forms that are read as they come."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Final
from uuid import UUID

import anyio.to_thread
from litestar import Controller, Request, Response, post
from litestar.di import NamedDependency
from litestar.openapi.spec import OpenAPIMediaType, Operation, RequestBody, Schema
from litestar.openapi.spec.enums import OpenAPIFormat, OpenAPIType
from litestar.params import FromPath

from service.cue_plans.form import receive_form
from service.cue_plans.schemas import CuePlanView
from service.cue_plans.service import PATH, CuePlanService
from service.errors import problems
from service.jobs.schemas import IdempotencyKey
from service.settings import ServiceSettings

TEXTS: Final = frozenset({"wishes", "name", "replace_temp"})
FORM: Final = "multipart/form-data"
_TEXT: Final = {
    "wishes": "PlanWishes, as JSON.",
    "name": "What the plan is called; the file's name without.",
    "replace_temp": "`true` to find tracks that go as the music goes that lies under the picture.",
    "options": "MatchRequest without captions, as JSON.",
}


def form_of(*texts: str) -> RequestBody:
    """How a form with a video is documented, with the text parts that it may have."""
    binary = Schema(type=OpenAPIType.STRING, format=OpenAPIFormat.BINARY)
    captions = Schema(
        type=OpenAPIType.STRING,
        format=OpenAPIFormat.BINARY,
        description="Subtitles or markers: SRT, VTT, CSV.",
    )
    named = {name: Schema(type=OpenAPIType.STRING, description=_TEXT[name]) for name in texts}
    schema = Schema(
        type=OpenAPIType.OBJECT,
        required=["video"],
        properties={"video": binary, "captions": captions, **named},
    )
    return RequestBody(required=True, content={FORM: OpenAPIMediaType(schema=schema)})


@dataclass
class PlanUpload(Operation):
    """Documents the form that a plan is asked for with."""

    def __post_init__(self) -> None:
        """Add the form."""
        self.request_body = form_of("wishes", "name", "replace_temp")


class UploadController(Controller):
    """Takes videos."""

    path = PATH
    tags = ("cue plans",)

    @post(
        "/",
        operation_id="planCues",
        summary="Plan music for a video",
        status_code=202,
        operation_class=PlanUpload,
        request_max_body_size=None,  # `receive_form` has its own
        responses=problems(400, 408, 409, 413, 415, 429, 503, 507),
    )
    async def create(
        self,
        request: Request[Any, Any, Any],
        cue_plans: NamedDependency[CuePlanService],
        service_settings: NamedDependency[ServiceSettings],
        idempotency_key: IdempotencyKey = None,
    ) -> Response[CuePlanView]:
        """Take a video, and queue a plan of music for it."""
        return await _take(request, cue_plans, service_settings, key=idempotency_key)

    @post(
        "/{plan_id:uuid}/recuts",
        operation_id="recutCuePlan",
        summary="Plan music for a new version of a video",
        status_code=202,
        operation_class=PlanUpload,
        request_max_body_size=None,  # `receive_form` has its own
        responses=problems(400, 404, 408, 409, 413, 415, 429, 503, 507),
    )
    async def recut(
        self,
        request: Request[Any, Any, Any],
        plan_id: FromPath[UUID],
        cue_plans: NamedDependency[CuePlanService],
        service_settings: NamedDependency[ServiceSettings],
        idempotency_key: IdempotencyKey = None,
    ) -> Response[CuePlanView]:
        """Take a new cut; scenes that stayed keep their music, and `diff` says what has moved."""
        await anyio.to_thread.run_sync(cue_plans.rows.get, plan_id)
        return await _take(
            request, cue_plans, service_settings, key=idempotency_key, parent=plan_id
        )


async def _take(
    request: Request[Any, Any, Any],
    cue_plans: CuePlanService,
    settings: ServiceSettings,
    *,
    key: str | None,
    parent: UUID | None = None,
) -> Response[CuePlanView]:
    with cue_plans.store.receiving() as folder:
        form = await receive_form(
            request, cue_plans.store, folder, most_bytes=settings.video.max_bytes, texts=TEXTS
        )

        def create() -> CuePlanView:
            return cue_plans.view(cue_plans.create(form, folder, key=key, parent=parent))

        view = await anyio.to_thread.run_sync(create)
    return Response(view, status_code=202, headers={"Location": f"{PATH}/{view.id}"})

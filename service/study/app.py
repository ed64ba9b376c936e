"""Wires one study -> Litestar application, for `musiscene study serve`."""

from __future__ import annotations

from contextlib import asynccontextmanager
from threading import Event
from typing import TYPE_CHECKING

from litestar import Litestar, get
from litestar.di import Provide
from litestar.response import Redirect

from service.errors import EXCEPTION_HANDLERS
from service.media_types import require_json
from service.request_ids import name_answer, name_request
from service.security.shield import Shield
from service.study.controller import StudyController

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from service.settings import ServiceSettings
    from service.study.service import StudyDesk


def create_study_app(settings: ServiceSettings, desk: StudyDesk) -> Litestar:
    """The application for studies alone; it knows no library.

    Args:
        settings: Limits.
        desk: Open; it is closed with the application.

    Returns:
        The application.
    """
    [name] = desk.folders

    @get("/", include_in_schema=False, sync_to_thread=False)
    def to_study() -> Redirect:
        return Redirect(f"/studies/{name}/")

    @asynccontextmanager
    async def hold_study(_app: Litestar) -> AsyncIterator[None]:
        try:
            yield
        finally:
            desk.close()

    app = Litestar(
        route_handlers=[to_study, StudyController],
        dependencies={"study_desk": Provide(lambda: desk, sync_to_thread=False)},
        middleware=[name_request],
        before_request=require_json,
        before_send=[name_answer],
        exception_handlers=EXCEPTION_HANDLERS,
        lifespan=[hold_study],
        request_max_body_size=settings.limits.body_bytes,
        openapi_config=None,
        logging_config=None,
    )
    app.state.stopping = Event()
    app.asgi_handler = Shield(app.asgi_handler, settings)
    return app

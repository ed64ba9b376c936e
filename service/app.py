"""Wires the service: settings -> Litestar application."""

from __future__ import annotations

from contextlib import asynccontextmanager
from importlib.metadata import version
from typing import TYPE_CHECKING

import anyio.to_thread
from litestar import Litestar
from litestar.config.compression import CompressionConfig
from litestar.config.cors import CORSConfig
from litestar.di import Provide
from litestar.openapi import OpenAPIConfig
from litestar.openapi.plugins import SwaggerRenderPlugin
from litestar.static_files import create_static_files_router
from openapi_ui_bundles import swagger_ui

from service.briefs.controller import BriefController
from service.briefs.history import BriefHistory
from service.cue_plans.changes import PlanChanges
from service.cue_plans.controller import CuePlanController
from service.cue_plans.service import CuePlanService
from service.cue_plans.store import VideoStore
from service.errors import EXCEPTION_HANDLERS
from service.feedback.controller import FeedbackController
from service.generations.controller import GenerationController
from service.generations.service import GenerationService
from service.health import HealthController
from service.jobs.desk import JobDesk
from service.jobs.queue import JobQueue
from service.matches.controller import MatchController
from service.matches.service import MatchService
from service.matches.video import VideoMatchController, VideoMatches
from service.media_types import require_json
from service.observe.controller import MetricsController
from service.observe.metrics import Metrics
from service.observe.middleware import Observed
from service.openapi.document import describe
from service.request_ids import name_answer, name_request
from service.scans.controller import ScanController
from service.security.access import Access
from service.security.shield import Shield
from service.serving import Serving
from service.study.controller import StudyController
from service.study.results import StudyResultController
from service.study.service import StudyDesk, studies_in
from service.subsonic.controller import SubsonicController
from service.subsonic.service import SubsonicService
from service.tracks.controller import MapController, TrackController
from service.tracks.service import TrackService
from service.web.controller import PageController

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable

    from service.settings import SecuritySettings, ServiceSettings


DOCS_ASSETS = "/docs-assets"
GZIP_LEVEL = 5
UNCOMPRESSED = ["/audio$", "/events$", "/video$", "/previews/", "/keyframes/"]
"""Audio and video are small already and have ranges; events must not wait for each other."""


def create_app(settings: ServiceSettings) -> Litestar:
    """The application for one library.

    Args:
        settings: Checked when they were made.

    Returns:
        An application that opens the library when it starts.

    Raises:
        NothingIndexedError: At start, if there is no library.
        ModelUnavailableError: At start, if the text embedder is not on this machine.
    """
    serving = Serving(settings)
    history = BriefHistory(serving.library.catalogue.briefs, is_on=settings.remember_briefs)
    metrics = Metrics(serving)
    queue = JobQueue(settings.data_dir, database=settings.database, redis=settings.jobs.redis)
    desk = JobDesk(serving.library.catalogue.jobs, queue, settings.jobs)
    generations = GenerationService(serving, desk)
    studies = StudyDesk(
        studies_in(settings.studies), tries_per_minute=settings.security.failures_per_minute
    )
    plans = CuePlanService(serving, desk, VideoStore(settings.data_dir, settings.video))
    access = Access(settings.security, serving.library.catalogue.keys)
    held = {
        "access": access,
        "serving": serving,
        "metrics": metrics,
        "brief_history": history,
        "service_settings": settings,
        "job_desk": desk,
        "generation_service": generations,
        "match_service": (matches := MatchService(serving, history, generations)),
        "video_matches": VideoMatches(settings, plans.store, matches),
        "track_service": (tracks := TrackService(serving, settings.data_dir)),
        "cue_plans": plans,
        "plan_changes": PlanChanges(serving, plans, desk, generations),
        "study_desk": studies,
        "subsonic_service": SubsonicService(serving, tracks),
    }

    @asynccontextmanager
    async def hold_library(_app: Litestar) -> AsyncIterator[None]:
        try:
            await anyio.to_thread.run_sync(studies.start)
            await anyio.to_thread.run_sync(plans.start)
            await anyio.to_thread.run_sync(serving.start)
            yield
        finally:
            studies.close()
            tracks.close()
            history.close()
            serving.close()

    app = Litestar(
        route_handlers=[
            HealthController,
            *([MetricsController] if settings.logs.metrics else []),
            MatchController,
            VideoMatchController,
            TrackController,
            MapController,
            FeedbackController,
            BriefController,
            GenerationController,
            ScanController,
            CuePlanController,
            StudyResultController,
            *([StudyController] if settings.studies else []),
            SubsonicController,
            PageController,
            create_static_files_router(
                DOCS_ASSETS, [swagger_ui.static_path], include_in_schema=False
            ),
        ],
        dependencies={
            name: Provide(_given(one), sync_to_thread=False) for name, one in held.items()
        },
        middleware=[name_request],
        before_request=require_json,
        before_send=[name_answer],
        compression_config=CompressionConfig(
            backend="gzip", gzip_compress_level=GZIP_LEVEL, exclude=UNCOMPRESSED
        ),
        exception_handlers=EXCEPTION_HANDLERS,
        lifespan=[hold_library],
        guards=[access.guard],
        cors_config=_cors(settings.security),
        multipart_form_part_limit=settings.limits.multipart_parts,
        request_max_body_size=settings.limits.body_bytes,
        openapi_config=OpenAPIConfig(
            title="MusiScene",
            version=version("musiscene"),
            description="Music for scenes: a video's caption in, fitting tracks out.",
            path="/docs",
            use_handler_docstrings=True,
            render_plugins=[
                # From the package, not from a content network: the page works without one.
                SwaggerRenderPlugin(
                    js_url=f"{DOCS_ASSETS}/swagger-ui-bundle.js",
                    css_url=f"{DOCS_ASSETS}/swagger-ui.css",
                    standalone_preset_js_url=f"{DOCS_ASSETS}/swagger-ui-standalone-preset.js",
                    favicon=f'<link rel="icon" href="{DOCS_ASSETS}/favicon-32x32.png">',
                )
            ],
        ),
        logging_config=None,
    )
    app.state.stopping = serving.stopping
    counted = metrics if settings.logs.metrics else None
    describe(app.openapi_schema)
    app.asgi_handler = Observed(Shield(app.asgi_handler, settings), counted)
    return app


def _cors(security: SecuritySettings) -> CORSConfig | None:
    """What browsers are told of other sites' pages; none may do anything, as a rule."""
    if not security.allowed_origins:
        return None
    return CORSConfig(
        allow_origins=list(security.allowed_origins),
        allow_methods=["GET", "POST", "PUT", "PATCH", "DELETE"],
        allow_headers=["Authorization", "Content-Type", "Idempotency-Key", "Range"],
        expose_headers=["Content-Range", "ETag", "Location", "Retry-After", "X-Request-Id"],
        max_age=600,
    )


def _given(one: object) -> Callable[[], object]:
    """A dependency that is always the same."""
    return lambda: one

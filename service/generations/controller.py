"""HTTP for generated music."""

from __future__ import annotations

from typing import Any
from uuid import UUID

import anyio.to_thread
from litestar import Controller, Request, Response, delete, get, post
from litestar.di import NamedDependency
from litestar.openapi.datastructures import ResponseSpec
from litestar.params import FromPath, JSONBody
from litestar.types import ASGIApp

from indexer.catalogue.generations import GENERATED
from service.conditional import answer
from service.cursors import After, PageSize
from service.errors import problems
from service.generations.schemas import GenerationPage, GenerationRequest, GenerationView
from service.generations.service import GenerationService
from service.jobs.desk import JobDesk
from service.jobs.events import EVENT_STREAM, job_events
from service.jobs.pages import page_of_jobs
from service.jobs.schemas import IdempotencyKey, LastEventId, StatusFilter
from service.serving import Serving
from service.settings import ServiceSettings
from service.tracks.audio import AudioFile


class GenerationController(Controller):
    """Makes music, and shows how that goes on."""

    path = "/v1/generations"
    tags = ("generations",)

    @post(
        "/",
        operation_id="generate",
        summary="Make music",
        status_code=202,
        sync_to_thread=True,
        responses=problems(400, 409, 413, 415, 429, 503),
    )
    def generate(
        self,
        data: JSONBody[GenerationRequest],
        generation_service: NamedDependency[GenerationService],
        idempotency_key: IdempotencyKey = None,
    ) -> Response[GenerationView]:
        """Queue a piece of music; once it is done it is a track of the library.

        Give either `prompt` or `captions`.
        """
        submitted = generation_service.request(data, key=idempotency_key)
        return Response(
            generation_service.view(submitted.job),
            status_code=202,
            headers={"Location": f"{self.path}/{submitted.job.id}"},
        )

    @get(
        "/",
        operation_id="listGenerations",
        summary="List generations",
        sync_to_thread=True,
        responses=problems(400, 503),
    )
    def generations(
        self,
        request: Request[Any, Any, Any],
        job_desk: NamedDependency[JobDesk],
        generation_service: NamedDependency[GenerationService],
        status: StatusFilter = None,
        limit: PageSize = 50,
        after: After = None,
    ) -> Response[GenerationPage]:
        """Music that was asked for, the newest first."""
        found, goes_on = page_of_jobs(
            job_desk.jobs, "generation", status=status, limit=limit, after=after
        )
        return answer(
            request,
            GenerationPage(
                generations=[generation_service.view(job) for job in found], after=goes_on
            ),
        )

    @get(
        "/{generation_id:uuid}",
        operation_id="getGeneration",
        summary="One generation",
        sync_to_thread=True,
        responses=problems(400, 404, 503),
    )
    def generation(
        self,
        generation_id: FromPath[UUID],
        job_desk: NamedDependency[JobDesk],
        generation_service: NamedDependency[GenerationService],
    ) -> GenerationView:
        """How a generation goes on, and where its music comes from."""
        return generation_service.view(job_desk.jobs.get(generation_id, kind="generation"))

    @get(
        "/{generation_id:uuid}/events",
        operation_id="followGeneration",
        summary="Follow a generation",
        responses={**EVENT_STREAM, **problems(400, 404, 503)},
    )
    async def events(
        self,
        generation_id: FromPath[UUID],
        job_desk: NamedDependency[JobDesk],
        generation_service: NamedDependency[GenerationService],
        serving: NamedDependency[Serving],
        last_event_id: LastEventId = None,
    ) -> Response[Any]:
        """Server-sent events with the generation as `GET` gives it; the stream ends with it."""
        return await job_events(
            job_desk.jobs,
            generation_id,
            kind="generation",
            view=generation_service.view,
            last_event_id=last_event_id,
            stopping=serving.stopping,
        )

    @get(
        "/{generation_id:uuid}/audio",
        operation_id="getGenerationAudio",
        summary="The generated music",
        responses={
            200: ResponseSpec(
                bytes, generate_examples=False, media_type="audio/flac", description="The file"
            ),
            **problems(400, 404, 503),
        },
    )
    async def audio(
        self,
        generation_id: FromPath[UUID],
        generation_service: NamedDependency[GenerationService],
        service_settings: NamedDependency[ServiceSettings],
    ) -> ASGIApp:
        """The file itself; ranges are answered. It is there before the track is indexed."""
        path = await anyio.to_thread.run_sync(generation_service.audio_of, generation_id)
        return AudioFile(path, [service_settings.data_dir / GENERATED])  # type: ignore[return-value]

    @delete(
        "/{generation_id:uuid}",
        operation_id="cancelGeneration",
        summary="Stop a generation",
        status_code=202,
        sync_to_thread=True,
        responses=problems(400, 404, 503),
    )
    def cancel(
        self,
        generation_id: FromPath[UUID],
        job_desk: NamedDependency[JobDesk],
        generation_service: NamedDependency[GenerationService],
    ) -> GenerationView:
        """Stop a generation: at once where it waits, else between two of its steps.

        One that has ended stays as it is.
        """
        return generation_service.view(job_desk.cancel(generation_id, kind="generation"))

"""Liveness and readiness, for whatever watches the process."""

from __future__ import annotations

from typing import Literal

import msgspec
from litestar import Controller, get
from litestar.di import NamedDependency

from service.errors import problems
from service.serving import Serving


class Live(msgspec.Struct, frozen=True):
    """The process answers."""

    status: Literal["live"] = "live"


class Ready(msgspec.Struct, frozen=True, kw_only=True):
    """The service can match."""

    status: Literal["ready"] = "ready"
    tracks: int
    """In the catalogue."""
    revision: int
    """Of the catalogue that the served vectors were made from."""


class HealthController(Controller):
    """Whether the service is alive, and whether it can match."""

    path = "/health"
    tags = ("health",)

    @get("/live", operation_id="getLiveness", summary="Is it alive?", sync_to_thread=False)
    def live(self) -> Live:
        """Say that the process answers."""
        return Live()

    @get(
        "/ready",
        operation_id="getReadiness",
        summary="Can it match?",
        sync_to_thread=True,
        responses=problems(503),
    )
    def ready(self, serving: NamedDependency[Serving]) -> Ready:
        """Say whether briefs can be matched; 503 while they cannot."""
        held = serving.require_ready()
        tracks = serving.library.catalogue.count_tracks()
        return Ready(tracks=tracks, revision=held.revision)

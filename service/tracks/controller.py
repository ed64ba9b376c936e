"""HTTP for tracks and their audio."""

from __future__ import annotations

import mimetypes
from bisect import bisect_right
from pathlib import Path
from typing import Annotated
from uuid import UUID

from litestar import Controller, get, route
from litestar.di import NamedDependency
from litestar.handlers import HTTPRouteHandler
from litestar.openapi.datastructures import ResponseSpec
from litestar.openapi.spec import Example
from litestar.params import FromPath, QueryParameter
from litestar.types import ASGIApp, Method
from litestar.types.internal_types import PathParameterDefinition
from starlette.responses import FileResponse

from indexer.filters.fields import MAX_LENGTH
from indexer.filters.selection import demands_of
from service.errors import AudioGoneError, problems
from service.filters import FILTER_DESCRIPTION, FILTER_EXAMPLE
from service.serving import Serving
from service.tracks.schemas import TrackPage, TrackView, summary_of, view_of

FilterQuery = Annotated[
    str,
    QueryParameter(
        max_length=MAX_LENGTH,
        description=FILTER_DESCRIPTION,
        examples=[Example(value=FILTER_EXAMPLE)],
    ),
]
PageSize = Annotated[
    int, QueryParameter(ge=1, le=200, description="How many tracks to return at most.")
]
PageStart = Annotated[
    UUID | None, QueryParameter(description="The `after` of the page before; the first without it.")
]

AUDIO_TYPES = {
    ".flac": "audio/flac",
    ".m4a": "audio/mp4",
    ".mka": "audio/x-matroska",
    ".mp3": "audio/mpeg",
    ".oga": "audio/ogg",
    ".ogg": "audio/ogg",
    ".opus": "audio/ogg",
    ".wav": "audio/wav",
    ".wma": "audio/x-ms-wma",
}
"""What `mimetypes` leaves to the machine's own table, which may lack it."""


def _audio_operation_id(
    _handler: HTTPRouteHandler, method: Method, _path: list[str | PathParameterDefinition]
) -> str:
    return f"{method.lower()}TrackAudio"


class TrackController(Controller):
    """Tracks of the library."""

    path = "/v1/tracks"
    tags = ("tracks",)

    @get(
        "/",
        operation_id="listTracks",
        sync_to_thread=True,
        responses=problems(400, 503),
    )
    def tracks(
        self,
        serving: NamedDependency[Serving],
        filter: FilterQuery = "",  # noqa: A002  the word the whole API uses
        limit: PageSize = 50,
        after: PageStart = None,
    ) -> TrackPage:
        """The tracks that a filter lets through, in the order in which they came in."""
        catalogue = serving.library.catalogue
        conditions = [demand.condition for demand in demands_of(filter)]
        found = sorted(catalogue.track_ids(*conditions))
        start = 0 if after is None else bisect_right(found, after)
        page = found[start : start + limit]
        tracks = catalogue.tracks(page)
        return TrackPage(
            total=len(found),
            tracks=[summary_of(tracks[track_id]) for track_id in page if track_id in tracks],
            after=page[-1] if start + limit < len(found) else None,
        )

    @get(
        "/{track_id:uuid}",
        operation_id="getTrack",
        sync_to_thread=True,
        responses=problems(400, 404, 503),
    )
    def track(self, track_id: FromPath[UUID], serving: NamedDependency[Serving]) -> TrackView:
        """Everything that is known of one track."""
        return view_of(serving.library.catalogue.track(track_id))

    @route(
        "/{track_id:uuid}/audio",
        http_method=["GET", "HEAD"],
        operation_id=_audio_operation_id,
        sync_to_thread=True,
        responses={
            **problems(400, 404, 503),
            206: ResponseSpec(bytes, media_type="audio/*", description="The range asked for"),
            416: ResponseSpec(bytes, media_type="text/plain", description="No such range"),
        },
    )
    def audio(self, track_id: FromPath[UUID], serving: NamedDependency[Serving]) -> ASGIApp:
        """The track's own file; ranges are answered, so a player can seek."""
        path = _existing(Path(serving.library.catalogue.track(track_id).path))
        media_type = AUDIO_TYPES.get(path.suffix.lower()) or mimetypes.guess_type(path.name)[0]
        return FileResponse(path, media_type=media_type or "application/octet-stream")  # type: ignore[return-value]


def _existing(path: Path) -> Path:
    if not path.is_file():
        raise AudioGoneError("the track's file is not there any more; index the library again")
    return path

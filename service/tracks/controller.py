"""HTTP for tracks and their audio."""

from __future__ import annotations

from typing import Annotated, Any
from uuid import UUID

from litestar import Controller, Request, Response, get, route
from litestar.di import NamedDependency
from litestar.handlers import HTTPRouteHandler
from litestar.openapi.datastructures import ResponseSpec
from litestar.openapi.spec import Example
from litestar.params import FromPath, QueryParameter
from litestar.types import ASGIApp, Method
from litestar.types.internal_types import PathParameterDefinition

from indexer.catalogue.listing import Order
from indexer.filters.fields import MAX_LENGTH
from indexer.scene_map import MAX_POINTS as MAX_MAP_POINTS
from indexer.scene_map import SceneMap
from indexer.similar.results import SimilarResult
from indexer.similar.seeds import Seed, read_section
from indexer.waveforms import MAX_POINTS, Waveform
from service.conditional import KEPT_AN_HOUR, NOT_MODIFIED, answer
from service.cursors import After
from service.errors import problems
from service.filters import FILTER_DESCRIPTION, FILTER_EXAMPLE
from service.tracks.audio import AudioFile
from service.tracks.schemas import TrackPage, TrackView
from service.tracks.service import TrackService

FilterQuery = Annotated[
    str,
    QueryParameter(
        max_length=MAX_LENGTH,
        description=FILTER_DESCRIPTION,
        examples=[Example(value=FILTER_EXAMPLE)],
    ),
]
Words = Annotated[
    str,
    QueryParameter(
        max_length=500,
        description="Words that must all be somewhere in the title, artist, album, path or "
        "captions, in any case and alphabet; a phrase stands in double quotes.",
        examples=[Example(value='rain "on a window"')],
    ),
]
Sort = Annotated[
    Order,
    QueryParameter(
        description="What to sort by, rising, or falling with `-`; ties by id. Titles and artists "
        "are sorted in any case; tracks without a title by the file's name, without an artist last."
    ),
]
PageSize = Annotated[
    int, QueryParameter(ge=1, le=200, description="How many tracks to return at most.")
]
TopK = Annotated[
    int, QueryParameter(ge=1, le=100, description="How many tracks to return at most.")
]
SectionQuery = Annotated[
    str,
    QueryParameter(
        max_length=40,
        description="Only this part of the track: `0:30-1:00`, in seconds `30-60`, or the number "
        "of one of its segments, from 1. All of it if absent.",
        examples=[Example(value="0:30-1:00")],
    ),
]
TRACKS = "/v1/tracks"


def _audio_operation_id(
    _handler: HTTPRouteHandler, method: Method, _path: list[str | PathParameterDefinition]
) -> str:
    return f"{method.lower()}TrackAudio"


class TrackController(Controller):
    """Tracks of the library."""

    path = TRACKS
    tags = ("tracks",)

    @get(
        "/",
        operation_id="listTracks",
        summary="List tracks",
        sync_to_thread=True,
        responses={**problems(400, 503), **NOT_MODIFIED},
    )
    def tracks(
        self,
        request: Request[Any, Any, Any],
        track_service: NamedDependency[TrackService],
        filter: FilterQuery = "",  # noqa: A002  the word the whole API uses
        q: Words = "",
        sort: Sort = "added",
        limit: PageSize = 50,
        after: After = None,
    ) -> Response[TrackPage]:
        """The tracks that a filter lets through and that hold some words, page by page."""
        page = track_service.page(wanted=filter, words=q, order=sort, limit=limit, after=after)
        return answer(request, page)

    @get(
        "/{track_id:uuid}",
        operation_id="getTrack",
        summary="One track",
        sync_to_thread=True,
        responses={**problems(400, 404, 503), **NOT_MODIFIED},
    )
    def track(
        self,
        request: Request[Any, Any, Any],
        track_id: FromPath[UUID],
        track_service: NamedDependency[TrackService],
    ) -> Response[TrackView]:
        """Everything that is known of one track."""
        return answer(request, track_service.track(track_id))

    @get(
        "/{track_id:uuid}/waveform",
        operation_id="getTrackWaveform",
        summary="A track's waveform, for drawing",
        sync_to_thread=True,
        responses={**problems(400, 404, 422, 503), **NOT_MODIFIED},
    )
    def waveform(
        self,
        request: Request[Any, Any, Any],
        track_id: FromPath[UUID],
        track_service: NamedDependency[TrackService],
        points: Annotated[
            int, QueryParameter(ge=1, le=MAX_POINTS, description="Pairs to return at most.")
        ] = 1_000,
    ) -> Response[Waveform]:
        """The lowest and highest sample of each pixel, in the layout of audiowaveform's JSON."""
        waveform = track_service.waveform(track_id, points=points)
        return answer(request, waveform, cache_control=KEPT_AN_HOUR)

    @get(
        "/{track_id:uuid}/similar",
        operation_id="getSimilarTracks",
        summary="Tracks that are like one",
        sync_to_thread=True,
        responses={**problems(400, 404, 503), **NOT_MODIFIED},
    )
    def similar(  # noqa: PLR0913, PLR0917  the parts of a request
        self,
        request: Request[Any, Any, Any],
        track_id: FromPath[UUID],
        track_service: NamedDependency[TrackService],
        top_k: TopK = 10,
        filter: FilterQuery = "",  # noqa: A002  the word the whole API uses
        diversity: Annotated[
            float,
            QueryParameter(
                ge=0, le=1, description="0 for the most alike, towards 1 for tracks that differ."
            ),
        ] = 0.0,
        per_artist: Annotated[
            int | None,
            QueryParameter(ge=1, le=100, description="At most so many tracks of one artist."),
        ] = None,
        section: SectionQuery = "",
    ) -> Response[SimilarResult]:
        """The tracks that are most like a track or a section of it, each with the reasons."""
        seed = Seed(track_id=track_id, section=read_section(section) if section.strip() else None)
        found = track_service.similar(
            [seed], wanted=filter, diversity=diversity, per_artist=per_artist, top_k=top_k
        )
        return answer(request, found)

    @route(
        "/{track_id:uuid}/audio",
        http_method=["GET", "HEAD"],
        operation_id=_audio_operation_id,
        summary="A track's audio",
        media_type="audio/*",
        sync_to_thread=True,
        responses={
            **problems(400, 404, 416, 503),
            **NOT_MODIFIED,
            206: ResponseSpec(
                bytes,
                generate_examples=False,
                media_type="audio/*",
                description="The range asked for",
            ),
        },
    )
    def audio(
        self, track_id: FromPath[UUID], track_service: NamedDependency[TrackService]
    ) -> ASGIApp:
        """The track's own file; ranges are answered, so a player can seek."""
        return AudioFile(track_service.file(track_id), track_service.audio_roots())  # type: ignore[return-value]


class MapController(Controller):
    """The library in a plane."""

    path = "/v1/map"
    tags = ("tracks",)

    @get(
        "/",
        operation_id="getMap",
        summary="The library as a map",
        sync_to_thread=True,
        responses={**problems(400, 503), **NOT_MODIFIED},
    )
    def map(
        self,
        request: Request[Any, Any, Any],
        track_service: NamedDependency[TrackService],
        limit: Annotated[
            int, QueryParameter(ge=1, le=MAX_MAP_POINTS, description="Points to return at most.")
        ] = 5_000,
    ) -> Response[SceneMap]:
        """Where the scenes of each track lie: near each other where they are alike.

        Points stay in place while tracks come and go. A library with more tracks than `limit` is
        shown by a sample.
        """
        return answer(request, track_service.map_json(limit=limit))

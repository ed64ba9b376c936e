"""The MCP server: tools and resources -> `Desk`, and errors that a model can read."""

from __future__ import annotations

import json
from functools import wraps
from importlib.metadata import version
from typing import TYPE_CHECKING, Annotated, Any, Literal, ParamSpec, TypeVar

from mcp.server import MCPServer
from mcp.server.mcpserver.exceptions import ResourceNotFoundError, ToolError
from mcp_types import ToolAnnotations
from pydantic import Field

from indexer.errors import CatalogueError, IndexerError, TrackNotFoundError
from musiscene.errors import MusiSceneError
from service.agents.desk import wish_of
from service.problems import ServiceError

if TYPE_CHECKING:
    from collections.abc import Callable

    from service.agents.desk import Desk

Given = ParamSpec("Given")
Result = TypeVar("Result")

INSTRUCTIONS = (
    "Finds music of the user's own library for scenes of a video. Start with `match`; `cues` says "
    "where to cut into a track and out of it. `decision` is `nothing_fits` where no track is a "
    "good answer: say so rather than recommend the first one."
)
READS = ToolAnnotations(read_only_hint=True, idempotent_hint=True, open_world_hint=False)

Scenes = Annotated[
    list[Annotated[str, Field(min_length=1, max_length=5_000)]],
    Field(max_length=50, description="What is seen, in English, one sentence or two a scene."),
]
TrackName = Annotated[
    str, Field(min_length=1, max_length=4_096, description="A track's id, path, or path's end.")
]
TopK = Annotated[int, Field(ge=1, le=50, description="How many tracks at most.")]
Wanted = Annotated[
    str,
    Field(max_length=4_000, description="What must hold, such as `bpm=110..130 vocals=no`."),
]
Seconds = Annotated[
    float | None, Field(gt=0, le=14_400, description="Exactly so long; else a natural length.")
]
Arc = Annotated[
    Literal["build", "steady", "release"] | None,
    Field(description="The course that the energy should take."),
]


def make_server(desk: Desk) -> MCPServer[None]:
    """The server over one library.

    Args:
        desk: Answers.

    Returns:
        A server that is to be run.
    """
    server: MCPServer[None] = MCPServer(
        "musiscene", version=version("musiscene"), instructions=INSTRUCTIONS, log_level="WARNING"
    )

    @server.tool(annotations=READS)
    @_told
    def match(
        scenes: Scenes,
        top_k: TopK = 5,
        filter: Wanted = "",  # noqa: A002  the word the whole API uses
        unwanted: list[str] | None = None,
        length_seconds: Seconds = None,
        arc: Arc = None,
    ) -> dict[str, Any]:
        """Find tracks for scenes, best first, each with the stretch to use and reasons."""
        wish = wish_of(length_seconds, arc)
        return desk.match(scenes, top_k=top_k, wanted=filter, negatives=unwanted or [], wish=wish)

    @server.tool(annotations=READS)
    @_told
    def similar(
        track: TrackName,
        top_k: TopK = 5,
        filter: Wanted = "",  # noqa: A002
        section: str | None = None,
        diversity: Annotated[float, Field(ge=0, le=1)] = 0.0,
    ) -> dict[str, Any]:
        """Find tracks that are like one of the library, or like a section of it (`0:30-1:00`)."""
        return desk.similar(track, section=section, top_k=top_k, wanted=filter, diversity=diversity)

    @server.tool(annotations=READS)
    @_told
    def track(track: TrackName) -> dict[str, Any]:
        """Everything that is known of a track: tempo, key, tags, energy, captions by segment."""
        return desk.track(track)

    @server.tool(annotations=READS)
    @_told
    def cues(
        track: TrackName,
        scenes: Scenes | None = None,
        length_seconds: Seconds = None,
        arc: Arc = None,
    ) -> dict[str, Any]:
        """Where to cut into a track and out of it, for scenes or as such, in seconds."""
        return desk.cues(track, scenes or [], wish_of(length_seconds, arc))

    @server.resource("musiscene://tracks/{track_id}", mime_type="application/json")
    def one_track(track_id: str) -> str:
        """A track as the tool `track` has it.

        Args:
            track_id: Its id.

        Returns:
            JSON.

        Raises:
            ResourceNotFoundError: If there is none.
        """
        try:
            return json.dumps(desk.track(track_id))
        except TrackNotFoundError as error:
            raise ResourceNotFoundError(str(error)) from error

    return server


def _told(answer: Callable[Given, Result]) -> Callable[Given, Result]:
    """The same tool, whose errors reach the model as what happened and what to do."""

    @wraps(answer)
    def told(*arguments: Given.args, **named: Given.kwargs) -> Result:
        try:
            return answer(*arguments, **named)
        except CatalogueError as error:  # names files and servers that are no business of a model
            raise ToolError("The library's catalogue cannot be read.") from error
        except (IndexerError, MusiSceneError, ServiceError) as error:
            raise ToolError(str(error)) from error

    return told

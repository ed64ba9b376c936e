"""HTTP for matching."""

from __future__ import annotations

from litestar import Controller, post
from litestar.di import NamedDependency
from litestar.params import JSONBody

from indexer.match import MatchResult
from service.errors import problems
from service.matches.schemas import MatchRequest
from service.serving import Serving


class MatchController(Controller):
    """Finds tracks for briefs."""

    path = "/v1/matches"
    tags = ("matches",)

    @post(
        "/",
        operation_id="match",
        status_code=200,
        sync_to_thread=True,
        responses=problems(400, 413, 503),
    )
    def match(self, data: JSONBody[MatchRequest], serving: NamedDependency[Serving]) -> MatchResult:
        """Find the tracks that fit a brief, best first."""
        return serving.matcher().match(
            data.captions,
            filter_expression=data.filter,
            negatives=data.negatives,
            length_seconds=data.length_seconds,
            top_k=data.top_k,
        )

"""HTTP for matching."""

from __future__ import annotations

from typing import Any

from litestar import Controller, Request, Response, post
from litestar.di import NamedDependency
from litestar.params import JSONBody

from indexer.errors import FilterObjectError
from indexer.matching.results import MatchResult
from service.errors import problems, to_problem
from service.matches.schemas import MatchRequest
from service.matches.service import MatchService
from service.problems import Problem


def _too_deep(request: Request[Any, Any, Any], _error: RecursionError) -> Response[Problem]:
    """Answer a body whose objects stand inside each other without end; only a filter may nest."""
    return to_problem(request, FilterObjectError("$", "nested too deeply"))


class MatchController(Controller):
    """Finds tracks for briefs."""

    path = "/v1/matches"
    tags = ("matches",)

    @post(
        "/",
        operation_id="match",
        summary="Find tracks for a brief",
        status_code=200,
        sync_to_thread=True,
        responses=problems(400, 413, 415, 503),
        exception_handlers={RecursionError: _too_deep},
    )
    def match(
        self, data: JSONBody[MatchRequest], match_service: NamedDependency[MatchService]
    ) -> MatchResult:
        """Find the tracks that fit a brief, best first."""
        return match_service.match(data)

"""HTTP for matching."""

from __future__ import annotations

from typing import Any

from litestar import Controller, Request, Response, post
from litestar.di import NamedDependency
from litestar.params import JSONBody

from indexer.errors import FilterObjectError
from indexer.matching.explain import WindowWish
from indexer.matching.results import MatchResult
from service.errors import problems, to_problem
from service.matches.schemas import MatchRequest
from service.problems import Problem
from service.serving import Serving


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
        status_code=200,
        sync_to_thread=True,
        responses=problems(400, 413, 503),
        exception_handlers={RecursionError: _too_deep},
    )
    def match(self, data: JSONBody[MatchRequest], serving: NamedDependency[Serving]) -> MatchResult:
        """Find the tracks that fit a brief, best first."""
        return serving.matcher().match(
            data.captions,
            weights=data.weights,
            filter_expression=data.filter,
            negatives=data.negatives,
            unlike=data.unlike,
            wish=WindowWish(length_seconds=data.length_seconds, arc=data.arc),
            top_k=data.top_k,
            without=[] if data.use_feedback else ["feedback"],
        )

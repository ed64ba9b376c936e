"""HTTP for matching."""

from __future__ import annotations

from typing import Any

from litestar import Controller, Request, Response, post
from litestar.di import NamedDependency
from litestar.openapi.datastructures import ResponseSpec
from litestar.params import JSONBody

from indexer.errors import FilterObjectError
from indexer.matching.results import MatchResult
from service.errors import problems, to_problem
from service.jobs.schemas import IdempotencyKey
from service.matches.schemas import MatchRequest
from service.matches.service import MatchService
from service.problems import Problem
from service.security.access import Caller


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
        responses={
            202: ResponseSpec(
                MatchResult,
                generate_examples=False,
                description="The near misses, and the music that is made for the brief",
            ),
            **problems(400, 409, 413, 415, 429, 503),
        },
        exception_handlers={RecursionError: _too_deep},
    )
    def match(
        self,
        request: Request[Any, Any, Any],
        data: JSONBody[MatchRequest],
        match_service: NamedDependency[MatchService],
        idempotency_key: IdempotencyKey = None,
    ) -> Response[MatchResult]:
        """Find the tracks that fit a brief, best first.

        With `fallback`, music may be made for the brief; a key then needs the scope `write`.
        """
        if data.fallback != "never" and isinstance(request.scope.get("auth"), Caller):
            request.scope["auth"].require("write")
        result = match_service.match(data, key=idempotency_key)
        if result.generation is None:
            return Response(result)
        return Response(result, status_code=202, headers={"Location": result.generation.url})

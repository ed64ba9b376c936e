"""Problem details (RFC 9457): what every refusal looks like."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

import msgspec

if TYPE_CHECKING:
    from collections.abc import Mapping

    from litestar.types import Send

PROBLEM_JSON: Final = "application/problem+json"


class ServiceError(Exception):
    """Something about a request that only the service can know.

    Attributes:
        headers: Of the answer.
    """

    headers: Mapping[str, str] = {}


class WarmingError(ServiceError):
    """The vectors are still being opened."""

    def __init__(self) -> None:
        super().__init__("the vectors are being opened")
        self.headers = {"Retry-After": "2"}


class Problem(msgspec.Struct, kw_only=True, omit_defaults=True):
    """Why a request failed, as RFC 9457 spells it."""

    type: str
    """A stable code, as `urn:musiscene:CODE`."""
    title: str
    """What is wrong, for a person."""
    status: int
    """The HTTP status."""
    instance: str = ""
    """Names the request, as `urn:musiscene:request:ID`; the service's log has the ID too."""
    errors: list[dict[str, Any]] = []
    """Which parts of the request were refused, and why."""


async def send_problem(send: Send, problem: Problem, headers: Mapping[str, str]) -> None:
    """Answer a request that does not reach the application.

    Args:
        send: Of the request.
        problem: Why.
        headers: Of the answer, beside its type and length.
    """
    body = msgspec.json.encode(problem)
    own = {"content-type": PROBLEM_JSON, "content-length": str(len(body))} | dict(headers)
    await send(
        {
            "type": "http.response.start",
            "status": problem.status,
            "headers": [(name.encode(), value.encode()) for name, value in own.items()],
        }
    )
    await send({"type": "http.response.body", "body": body, "more_body": False})

"""A name for each request, so that an answer, a log line and a problem can be told to belong."""

from __future__ import annotations

import re
from contextvars import ContextVar
from typing import TYPE_CHECKING, Final

from litestar.datastructures import MutableScopeHeaders

from indexer.catalogue.models import new_id

if TYPE_CHECKING:
    from litestar.types import ASGIApp, Message, Receive, Scope, Send

HEADER: Final = "x-request-id"
STATE: Final = "request_id"
SANE: Final = re.compile(r"[A-Za-z0-9][A-Za-z0-9._:-]{0,127}")
"""What is taken over from a client; nothing else comes into headers and logs."""
NEVER_KEPT: Final = "no-store"
OWN_PATHS: Final = ("/v1/", "/health/")
"""Whose answers are kept by nobody unless they say so."""

CURRENT: Final[ContextVar[str]] = ContextVar("request_id", default="")
"""Of the request that is being answered, for log lines."""


def request_id_of(scope: Scope) -> str:
    """The name of a request: the client's, or one that is made at the first call.

    Args:
        scope: Of the request.

    Returns:
        The name.
    """
    state = scope.setdefault("state", {})
    known: str | None = state.get(STATE)
    if known is None:
        given = dict(scope["headers"]).get(HEADER.encode(), b"").decode("latin-1")
        known = given if SANE.fullmatch(given) else str(new_id())
        state[STATE] = known
    return known


def name_request(app: ASGIApp) -> ASGIApp:
    """Wrap what answers requests, so that log lines know which one they are about.

    Args:
        app: Inside.

    Returns:
        The middleware.
    """

    async def named(scope: Scope, receive: Receive, send: Send) -> None:
        CURRENT.set(request_id_of(scope))
        await app(scope, receive, send)

    return named


async def name_answer(message: Message, scope: Scope) -> None:
    """Put a request's name on its answer, and say of answers that nobody may keep them.

    Args:
        message: On its way to the client; the headers of an answer are changed.
        scope: Of the request.
    """
    if message["type"] != "http.response.start":
        return
    headers = MutableScopeHeaders.from_message(message)
    headers["X-Request-ID"] = request_id_of(scope)
    if "cache-control" not in headers and scope["path"].startswith(OWN_PATHS):
        headers["Cache-Control"] = NEVER_KEPT

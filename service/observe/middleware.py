"""Around the application: a log line and counts for every request."""

from __future__ import annotations

import logging
import time
from typing import TYPE_CHECKING, Final

from litestar.enums import ScopeType

if TYPE_CHECKING:
    from litestar.types import ASGIApp, Message, Receive, Scope, Send

    from service.observe.metrics import Metrics

logger = logging.getLogger(__name__)

NO_ROUTE: Final = "none"
"""In the place of paths that no route has: a client could make up any number of them."""
CUT_OFF: Final = 499
"""What nginx calls an answer that its client did not wait for."""
QUIET: Final = ("/health/", "/metrics", "/docs-assets/")
"""Asked for all the time; logged at `debug`."""
METHODS: Final = frozenset({"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"})


class Observed:
    """Around an ASGI application.

    Args:
        app: Inside.
        metrics: Where it is counted; None for not at all.
    """

    def __init__(self, app: ASGIApp, metrics: Metrics | None) -> None:
        self._app = app
        self._metrics = metrics

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request, and tell of it."""
        if scope["type"] != ScopeType.HTTP:
            await self._app(scope, receive, send)
            return
        began = time.perf_counter()
        status = CUT_OFF

        async def noting(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
            await send(message)

        in_flight = self._metrics.in_flight if self._metrics else None
        if in_flight:
            in_flight.inc()
        try:
            await self._app(scope, receive, noting)
        finally:
            if in_flight:
                in_flight.dec()
            self._tell(scope, status, time.perf_counter() - began)

    def _tell(self, scope: Scope, status: int, seconds: float) -> None:
        route = str(scope.get("path_template") or NO_ROUTE)
        method = str(scope.get("method"))
        method = method if method in METHODS else "OTHER"
        if self._metrics:
            self._metrics.requests.labels(method, route, status).inc()
            self._metrics.request_seconds.labels(method, route).observe(seconds)
        client, caller = scope["client"], scope.get("auth")
        fields = {
            "request_id": scope["state"].get("request_id"),
            "method": method,
            "route": route,
            "status": status,
            "ms": round(seconds * 1000, 1),
            "client": client[0] if client else None,
            "key": getattr(caller, "key_id", None),
        }
        level = logging.DEBUG if scope["path"].startswith(QUIET) else logging.INFO
        known = {name: value for name, value in fields.items() if value is not None}
        logger.log(level, "answered", extra={"fields": known})

"""What is put around the application: headers of every answer, and limits on every request.

It stands outside of routing, so that answers of no route have it too. Times and counts are held to
here, and by `service.protocol` before a request is whole; lengths of bodies by each route.
"""

from __future__ import annotations

import asyncio
import logging
from typing import TYPE_CHECKING, Any, Final

from litestar.enums import ScopeType

from service.problems import Problem, send_problem
from service.security.errors import BodyLateError, TooManyStreamsError

if TYPE_CHECKING:
    from litestar.types import ASGIApp, Message, Receive, Scope, Send

    from service.settings import ServiceSettings

logger = logging.getLogger(__name__)

POLICY: Final = (
    "default-src 'self'; img-src 'self' data:; media-src 'self' blob:; object-src 'none'; "
    "base-uri 'none'; form-action 'self'; frame-ancestors 'none'"
)
"""Pages are made of our own files alone. Audio that was fetched with a key is played as a blob."""
DOCS_POLICY: Final = POLICY.replace(
    "default-src 'self'",
    "default-src 'self'; script-src 'self' 'unsafe-inline'; style-src 'self' 'unsafe-inline'",
)
"""Swagger's page carries its own start in itself; it shows nothing of the library."""
DOCS: Final = "/docs"
HEADERS: Final = {
    "x-content-type-options": "nosniff",
    "x-frame-options": "DENY",
    "referrer-policy": "no-referrer",
    "cross-origin-opener-policy": "same-origin",
    "permissions-policy": "camera=(), geolocation=(), microphone=(), payment=(), usb=()",
}
RETRY_SECONDS: Final = "1"
UNREAD: Final = frozenset({408, 413, 507})
"""Answers after which the rest of a body may still be on its way."""
EVENTS: Final = b"text/event-stream"
PLANS: Final = "/v1/cue-plans"
UPLOADS: Final = frozenset({PLANS, "/v1/matches/video"})
"""Paths of routes that take videos."""


class Shield:
    """Around an ASGI application.

    Args:
        app: Inside.
        settings: The limits.
    """

    def __init__(self, app: ASGIApp, settings: ServiceSettings) -> None:
        self._app = app
        self._limits = settings.limits
        self._upload_seconds = settings.video.upload_seconds
        self._security = settings.security
        self._requests = 0
        self._streams = 0

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request."""
        if scope["type"] != ScopeType.HTTP:
            await self._app(scope, receive, send)
            return
        spare = self._upload_seconds if is_upload(scope) else 0.0
        exchange = Exchange(
            receive,
            send,
            self._headers(scope),
            self._limits.body_seconds,
            upload_seconds=spare,
        )
        if self._requests - self._streams >= self._limits.requests_at_once:
            await exchange.refuse("too-busy", "Too much to do at the moment; come again soon.")
            return
        self._requests += 1
        try:
            await self._answer(scope, exchange, self._limits.request_seconds + spare)
        finally:
            self._requests -= 1
            self._streams -= exchange.is_stream

    async def _answer(self, scope: Scope, exchange: Exchange, seconds: float) -> None:
        try:
            async with asyncio.timeout(seconds) as deadline:

                async def send(message: Message) -> None:
                    if message["type"] == "http.response.start":
                        deadline.reschedule(None)
                        self._count_stream(message, exchange)
                    await exchange.send(message)

                await self._app(scope, exchange.receive, send)
        except TimeoutError:
            if exchange.has_begun or not deadline.expired():
                raise
            logger.warning("no answer in time: %s", scope["path"])
            await exchange.refuse("too-slow", "No answer was found in time.")

    def _count_stream(self, message: Message, exchange: Exchange) -> None:
        headers: Any = message.get("headers", ())
        if not any(value.startswith(EVENTS) for _, value in headers):
            return
        if self._streams >= self._limits.streams_at_once:
            raise TooManyStreamsError
        self._streams += 1
        exchange.is_stream = True

    def _headers(self, scope: Scope) -> list[tuple[bytes, bytes]]:
        policy = DOCS_POLICY if scope["path"].startswith(DOCS) else POLICY
        headers = HEADERS | {"content-security-policy": policy}
        if not self._security.allowed_origins:
            headers["cross-origin-resource-policy"] = "same-origin"
        if scope["scheme"] == "https" and self._security.hsts_seconds:
            headers["strict-transport-security"] = f"max-age={self._security.hsts_seconds}"
        return [(name.encode(), value.encode()) for name, value in headers.items()]


def is_upload(scope: Scope) -> bool:
    """Whether a request brings a video, and so may take its time."""
    path = scope["path"].rstrip("/")
    is_one = path in UPLOADS or (path.startswith(f"{PLANS}/") and path.endswith("/recuts"))
    return is_one and scope.get("method") == "POST"


class Exchange:
    """One request and its answer.

    Args:
        receive: Of the request.
        send: Of the request.
        headers: To be in the answer, where the application does not set them itself.
        body_seconds: Within this time the body must have come, or the next piece of an upload.
        upload_seconds: Within this time an upload must have come; 0 where the body is none.

    Attributes:
        has_begun: Whether the answer has.
        is_stream: Whether it is a stream of events.
    """

    def __init__(
        self,
        receive: Receive,
        send: Send,
        headers: list[tuple[bytes, bytes]],
        body_seconds: float,
        *,
        upload_seconds: float = 0.0,
    ) -> None:
        self._receive = receive
        self._send = send
        self._headers = headers
        self._clock = asyncio.get_running_loop().time
        self._pause_seconds = body_seconds if upload_seconds else float("inf")
        self._body_until = self._clock() + (upload_seconds or body_seconds)
        self._has_body = False
        self.has_begun = False
        self.is_stream = False

    async def receive(self) -> Any:  # noqa: ANN401  ASGI's messages
        """The next message; a body that does not come is given up.

        Returns:
            The message.

        Raises:
            BodyLateError: If the body does not come in time.
        """
        if self._has_body:
            return await self._receive()
        try:
            until = min(self._body_until, self._clock() + self._pause_seconds)
            async with asyncio.timeout_at(until):
                message = await self._receive()
        except TimeoutError:
            raise BodyLateError from None
        self._has_body = not message.get("more_body", False)
        return message

    async def send(self, message: Message) -> None:
        """Pass a message on, with our headers."""
        if message["type"] == "http.response.start":
            self.has_begun = True
            own: list[tuple[bytes, bytes]] = list(message.get("headers", ()))
            names = {name.lower() for name, _ in own}
            added = [(name, value) for name, value in self._headers if name not in names]
            if message["status"] in UNREAD:
                added.append((b"connection", b"close"))
            message = {**message, "headers": own + added}
        await self._send(message)

    async def refuse(self, code: str, title: str) -> None:
        """Answer that it cannot be done now."""
        problem = Problem(type=f"urn:musiscene:{code}", title=title, status=503)
        await send_problem(self.send, problem, {"retry-after": RETRY_SECONDS})

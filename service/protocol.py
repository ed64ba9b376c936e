"""HTTP/1.1 for clients that are slow, gone, or never meant it.

uvicorn bounds the headers in length but waits for them, and for a client that takes nothing of its
answer, without end. h11 is used, which is strict about what it reads, and not httptools.
"""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any

import h11
from uvicorn.protocols.http.h11_impl import H11Protocol

if TYPE_CHECKING:
    from service.server import GuardedConfig


class PatientProtocol(H11Protocol):
    """Waits for a client so long, and no longer."""

    config: GuardedConfig
    _late: asyncio.TimerHandle | None = None
    _stalled: asyncio.TimerHandle | None = None

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        """Begin to wait for the first request; one connection too many is closed."""
        super().connection_made(transport)
        limits = self.config.limits
        if len(self.connections) > limits.connections:
            transport.abort()
            return
        self._late = self.loop.call_later(limits.header_seconds, transport.abort)

    def connection_lost(self, exc: Exception | None) -> None:
        """Wait for nothing any more."""
        self._expect_nothing()
        self._take_up()
        super().connection_lost(exc)

    def data_received(self, data: bytes) -> None:
        """Go on waiting from the first byte of what is not whole yet, not from the last."""
        super().data_received(data)
        state = self.conn.their_state
        is_answered = self.cycle is not None and self.cycle.response_complete
        if state is h11.IDLE or (state is h11.SEND_BODY and is_answered):
            if self._late is None and not self.transport.is_closing():
                seconds = self.config.limits.header_seconds
                self._late = self.loop.call_later(seconds, self.transport.abort)
        else:
            self._expect_nothing()

    def on_response_complete(self) -> None:
        """From here on uvicorn waits for the next request."""
        self._expect_nothing()
        super().on_response_complete()

    def shutdown(self) -> None:
        """The server stops: streams of events are told to end, the rest may finish."""
        app: Any = self.config.loaded_app
        app.app.state.stopping.set()  # around ours there is what reads a proxy's headers
        super().shutdown()

    def pause_writing(self) -> None:
        """The client takes nothing of its answer: it has so long to go on."""
        super().pause_writing()
        seconds = self.config.limits.send_seconds
        self._stalled = self.loop.call_later(seconds, self.transport.abort)

    def resume_writing(self) -> None:
        """It goes on."""
        self._take_up()
        super().resume_writing()

    def _expect_nothing(self) -> None:
        if self._late is not None:
            self._late.cancel()
            self._late = None

    def _take_up(self) -> None:
        if self._stalled is not None:
            self._stalled.cancel()
            self._stalled = None

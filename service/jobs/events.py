"""A job's course as server-sent events (HTML Living Standard, section 9.2).

    id: 7
    event: progress | done
    data: the job, as GET gives it

`done` is the last one, however the job ended; then the stream ends. A client that comes back with
`Last-Event-ID` sees what is new; one that has seen the end gets 204, and its browser comes no more.
"""

from __future__ import annotations

import time
from collections.abc import AsyncGenerator, Callable
from typing import TYPE_CHECKING, Any, Final
from uuid import UUID

import anyio
import anyio.to_thread
import msgspec
from litestar import Response
from litestar.openapi.datastructures import ResponseSpec
from litestar.response import Stream

from indexer.catalogue.job_rows import JobRow

if TYPE_CHECKING:
    from threading import Event

    from indexer.catalogue.job_rows import JobKind
    from indexer.catalogue.jobs import Jobs

EVENT_STREAM: Final = {
    200: ResponseSpec(
        str,
        generate_examples=False,
        media_type="text/event-stream",
        description="`progress` and `done` events",
    )
}
"""How an operation that answers with events is documented."""
LONGEST_ID: Final = 18
"""Digits of a number of an event."""
LOOK_SECONDS: Final = 0.4
HEARTBEAT_SECONDS: Final = 10.0
"""Between two signs of life, so that proxies keep the connection."""
RETRY_MILLISECONDS: Final = 2_000
"""After so long a browser that lost the stream comes back."""


async def job_events(
    jobs: Jobs,
    job_id: UUID,
    *,
    kind: JobKind,
    view: Callable[[JobRow], Any],
    last_event_id: str | None,
    stopping: Event,
) -> Response[Any]:
    """Answer with the course of a job.

    Args:
        jobs: The table.
        job_id: Of the job.
        kind: That it must be of.
        view: How it is shown.
        last_event_id: From the client.
        stopping: Set when the service ends; the stream ends then too.

    Returns:
        The stream; 204 where the client has seen the end.

    Raises:
        JobNotFoundError: If there is no such job.
    """
    first = await anyio.to_thread.run_sync(lambda: jobs.get(job_id, kind=kind))
    named = (last_event_id or "")[: LONGEST_ID + 1]
    seen = int(named) if named.isdecimal() and len(named) <= LONGEST_ID else -1
    if first.has_ended and first.version <= seen:
        return Response(None, status_code=204)

    async def events() -> AsyncGenerator[bytes, None]:
        shown, said_at, job = seen, time.monotonic(), first
        yield f"retry: {RETRY_MILLISECONDS}\n\n".encode()
        while True:
            if job.version > shown:
                shown, said_at = job.version, time.monotonic()
                shown_job = await anyio.to_thread.run_sync(view, job)
                name = b"done" if job.has_ended else b"progress"
                body = msgspec.json.encode(shown_job)  # one line: JSON has no raw line ends
                yield b"id: %d\nevent: %s\ndata: %s\n\n" % (job.version, name, body)
            if job.has_ended or stopping.is_set():
                return
            if time.monotonic() - said_at >= HEARTBEAT_SECONDS:
                said_at = time.monotonic()
                yield b": alive\n\n"
            await anyio.sleep(LOOK_SECONDS)
            job = await anyio.to_thread.run_sync(lambda: jobs.get(job_id, kind=kind))

    return Stream(
        events(),
        media_type="text/event-stream",
        headers={"Cache-Control": "no-store", "X-Accel-Buffering": "no"},
    )

"""A process of its own that answers requests over a pipe of its own.

Python's own pools share locks between their processes or break as a whole when one dies; here one
that is lost costs its request, and the next request starts another. None outlives its parent.
"""

from __future__ import annotations

import contextlib
import os
import signal
from multiprocessing import get_context, parent_process
from threading import Thread
from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from collections.abc import Callable
    from multiprocessing.connection import Connection
    from multiprocessing.process import BaseProcess

DYING_SECONDS: Final = 10.0
"""Until a process whose pipe has ended is asked how it ended."""
ENDING_SECONDS: Final = 5.0
"""One that waits for a file server that has gone away does not even end when it is killed."""


class ProcessLostError(Exception):
    """A process died or did not answer; the next request starts another.

    Args:
        how: What became of it, to stand behind its name.
    """


class ProcessApart:
    """One process, started by its first request; to be used by one thread at a time.

    Args:
        serve: Its body: takes its end of the pipe and `arguments`, answers each request with one
            message, and returns when the pipe ends.
        *arguments: What can be pickled.
        name: Of the process.
    """

    def __init__(self, serve: Callable[..., None], *arguments: Any, name: str) -> None:  # noqa: ANN401
        self._serve = serve
        self._arguments = arguments
        self._name = name
        self._process: BaseProcess | None = None
        self._connection: Connection | None = None
        self._is_closed = False

    @property
    def pid(self) -> int | None:
        """Of the process; None where there is none."""
        return None if self._process is None else self._process.pid

    def start(self) -> None:
        """Start the process now, so that it may load what it needs before it is asked."""
        self._connect()

    def ask(self, request: bytes, *, seconds: float | None = None) -> bytes:
        """Send a request and wait for its answer.

        Args:
            request: One message.
            seconds: To wait before the process is taken to hang and ended; None for no limit.

        Returns:
            Its answer.

        Raises:
            ProcessLostError: If there is none.
        """
        try:
            connection = self._connect()
            connection.send_bytes(request)
            if not connection.poll(seconds):
                self.end()
                raise ProcessLostError(f"did not answer for {seconds:.0f} s and was stopped")
            return connection.recv_bytes()
        except (EOFError, OSError) as error:
            raise ProcessLostError(self._how_it_died()) from error

    def end(self) -> None:
        """End the process, whatever it does; the next request starts another."""
        process, self._process = self._process, None
        self._connection = None  # closed when the thread that waits for it lets go of it
        if process is not None:
            process.kill()
            process.join(ENDING_SECONDS)

    def close(self) -> None:
        """End the process for good, perhaps for another thread."""
        self._is_closed = True
        self.end()

    def _connect(self) -> Connection:
        if self._connection is not None and self._process is not None and self._process.is_alive():
            return self._connection
        if self._is_closed:
            raise EOFError
        self.end()
        context = get_context("spawn")  # a copy of a process with threads may hang
        self._connection, theirs = context.Pipe()
        self._process = context.Process(
            target=_serve_until_orphaned,
            args=(self._serve, theirs, *self._arguments),
            name=self._name,
            daemon=True,
        )
        self._process.start()
        theirs.close()
        return self._connection

    def _how_it_died(self) -> str:
        process, code = self._process, None
        if process is not None:
            process.join(DYING_SECONDS)
            code = process.exitcode
        self.end()
        name = str(code)
        if code is not None and code < 0:
            with contextlib.suppress(ValueError):
                name = signal.Signals(-code).name
        return f"died ({name})"


def _serve_until_orphaned(serve: Callable[..., None], *arguments: Any) -> None:  # noqa: ANN401
    Thread(target=_end_with_parent, daemon=True).start()
    serve(*arguments)


def _end_with_parent() -> None:
    """End at once when the parent is gone: what is under way is for nobody."""
    if (parent := parent_process()) is not None:
        parent.join()
        os._exit(1)

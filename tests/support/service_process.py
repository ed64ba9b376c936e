"""The service and its workers as processes, for tests that talk to them and kill them."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import time
from contextlib import suppress
from typing import TYPE_CHECKING, Any, Self, TypeVar

import httpx

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

T = TypeVar("T")
WAIT_SECONDS = 120.0


def free_port() -> int:
    with socket.socket() as opened:
        opened.bind(("127.0.0.1", 0))
        port: int = opened.getsockname()[1]
        return port


def wait_for(condition: Callable[[], T], seconds: float = WAIT_SECONDS) -> T:
    """What the condition gives as soon as it is true."""
    until = time.monotonic() + seconds
    while True:
        with suppress(httpx.TransportError):
            if found := condition():
                return found
        if time.monotonic() > until:
            raise TimeoutError("that did not come true in time")
        time.sleep(0.1)


class Process:
    """One `musiscene` command; its output goes to a log beside the library."""

    def __init__(
        self,
        data_dir: Path,
        *arguments: str,
        database: str | None = None,
        seconds: float = 0.0,
        settings: dict[str, str] | None = None,
    ) -> None:
        environment = {
            name: value for name, value in os.environ.items() if not name.startswith("MUSISCENE_")
        }
        if database is not None:
            environment["MUSISCENE_DATABASE_URL"] = database
        environment |= {"QUICK_SECONDS": str(seconds), "OMP_NUM_THREADS": "1", **(settings or {})}
        with (data_dir / "processes.log").open("ab") as log:
            self.process = subprocess.Popen(  # noqa: S603  this program itself
                [
                    sys.executable, "-m", "tests.support.quick_service",
                    "--data-dir", str(data_dir), *arguments,
                ],
                env=environment, stdout=log, stderr=log, start_new_session=True,
            )  # fmt: skip

    def kill(self) -> None:
        """As the kernel does when memory is short."""
        with suppress(ProcessLookupError):
            os.kill(self.process.pid, signal.SIGKILL)
        self.process.wait()

    def stop(self) -> int:
        """As a person does."""
        self.process.send_signal(signal.SIGTERM)
        return self.process.wait(60)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_exception: object) -> None:
        if self.process.poll() is None:
            self.kill()


class Service(Process):
    """`musiscene serve` on a free port."""

    def __init__(
        self,
        data_dir: Path,
        *arguments: str,
        database: str | None = None,
        seconds: float = 0.0,
        port: int | None = None,
        settings: dict[str, str] | None = None,
    ) -> None:
        self.port = port or free_port()
        super().__init__(
            data_dir, "serve", "--port", str(self.port), *arguments,
            database=database, seconds=seconds, settings=settings,
        )  # fmt: skip
        self.client = httpx.Client(base_url=f"http://127.0.0.1:{self.port}", timeout=30)

    def ready(self) -> Self:
        """Itself, as soon as it answers."""
        wait_for(lambda: self.client.get("/health/live").is_success)
        return self

    def ended(self, url: str) -> dict[str, Any]:
        """A job, as soon as it has ended."""

        def has_ended() -> dict[str, Any] | None:
            shown: dict[str, Any] = self.client.get(url).json()
            return shown if shown["status"] in {"done", "failed", "cancelled"} else None

        found = wait_for(has_ended)
        return found or {}

    def __exit__(self, *exception: object) -> None:
        self.client.close()
        super().__exit__(*exception)

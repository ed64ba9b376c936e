"""Runs the application in uvicorn: one process, or several that share the port.

Settings reach the other processes as they are, not by the environment, where a password would be
seen. Each process opens the library for itself; the vectors are mapped from the same files.
"""

from __future__ import annotations

import os
import shutil
import signal
import tempfile
from contextlib import suppress
from typing import TYPE_CHECKING, Final

import uvicorn
from uvicorn.supervisors import Multiprocess

from service.protocol import PatientProtocol

if TYPE_CHECKING:
    from collections.abc import Callable
    from types import FrameType

    from litestar import Litestar

    from service.settings import LimitSettings, ServiceSettings

SHARED: Final = "PROMETHEUS_MULTIPROC_DIR"
"""Where the processes put their counts together."""
START_FAILED: Final = 3
HANGS_SECONDS: Final = 30
"""A process that says nothing for so long is put down; a busy machine needs a few seconds."""


class AppFactory:
    """Makes the application in the process that is to run it.

    Args:
        settings: Of the service.
    """

    def __init__(self, settings: ServiceSettings) -> None:
        self._settings = settings

    def __call__(self) -> Litestar:
        """The application."""
        from service.app import create_app
        from service.observe.logs import configure_logs
        from service.threads import keep_to_few_heaps

        keep_to_few_heaps()
        configure_logs(self._settings.logs)
        return create_app(self._settings)


class GuardedConfig(uvicorn.Config):
    """uvicorn's settings, and our limits for `PatientProtocol`.

    Args:
        settings: Of the service.
        factory: Makes the application; None for that of the library.

    Attributes:
        limits: Of the service.
    """

    def __init__(
        self, settings: ServiceSettings, factory: Callable[[], Litestar] | None = None
    ) -> None:
        self.limits: LimitSettings = settings.limits
        super().__init__(
            factory or AppFactory(settings),
            factory=True,
            host=settings.host,
            port=settings.port,
            workers=settings.workers,
            http=PatientProtocol,
            ws="none",
            log_config=None,
            access_log=False,
            server_header=False,
            proxy_headers=True,
            forwarded_allow_ips=list(settings.security.trusted_proxies),
            h11_max_incomplete_event_size=self.limits.header_bytes,
            timeout_worker_healthcheck=HANGS_SECONDS,
            timeout_keep_alive=max(1, round(self.limits.idle_seconds)),
            timeout_graceful_shutdown=max(1, round(self.limits.shutdown_seconds)),
        )


def serve(settings: ServiceSettings, factory: Callable[[], Litestar] | None = None) -> int:
    """Serve until somebody stops it.

    Args:
        settings: Of the service.
        factory: Makes the application; None for that of the library.

    Returns:
        The exit code; not 0 where the service could not start.
    """
    signal.signal(signal.SIGTERM, _do_nothing)  # uvicorn raises it again when all is done
    config = GuardedConfig(settings, factory)
    if settings.workers == 1:
        server = uvicorn.Server(config)
        with suppress(KeyboardInterrupt):
            server.run()
        return 0 if server.started else START_FAILED
    shared = tempfile.mkdtemp(prefix="musiscene-metrics-")
    os.environ[SHARED] = shared
    try:
        Multiprocess(config, sockets=[config.bind_socket()]).run()
    finally:
        shutil.rmtree(shared, ignore_errors=True)
    return 0


def _do_nothing(_signal: int, _frame: FrameType | None) -> None:
    pass

"""A worker beside the service: started with it, started again when it dies, stopped with it."""

from __future__ import annotations

import logging
import os
import subprocess
import sys
import time
from contextlib import contextmanager
from threading import Event, Thread
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from musiscene.console import Console

logger = logging.getLogger(__name__)

STOP_SECONDS: Final = 30.0
"""So long a worker may take to hand back what it does."""
LEAST_PAUSE, MOST_PAUSE = 1.0, 60.0
"""Seconds before a worker that died is started again; longer each time it dies young."""
YOUNG_SECONDS: Final = 60.0


@contextmanager
def worker_beside(console: Console, options: Sequence[str] = ()) -> Iterator[None]:
    """Have a worker as long as the context lasts.

    Args:
        console: Says where the library is.
        options: Of `musiscene work`.

    Yields:
        While it is looked after.
    """
    closing = Event()
    keeper = Thread(target=_keep, args=(console, options, closing), name="worker")
    keeper.start()
    try:
        yield
    finally:
        closing.set()
        keeper.join()


def _keep(console: Console, options: Sequence[str], closing: Event) -> None:
    pause = LEAST_PAUSE
    while not closing.is_set():
        began = time.monotonic()
        process = _start(console, options)
        while process.poll() is None and not closing.wait(0.2):
            pass
        if closing.is_set():
            _stop(process)
            return
        pause = LEAST_PAUSE if time.monotonic() - began > YOUNG_SECONDS else pause
        logger.warning(
            "the worker ended with %s; it is started again in %.0f s", process.returncode, pause
        )
        closing.wait(pause)
        pause = min(2 * pause, MOST_PAUSE)


def _start(console: Console, options: Sequence[str]) -> subprocess.Popen[bytes]:
    """Start `musiscene work` as this program was started, for the same library."""
    spec = getattr(sys.modules["__main__"], "__spec__", None)
    module = spec.name.removesuffix(".__main__") if spec is not None else "service.cli"
    places = {
        "MUSISCENE_DATA_DIR": str(console.data_dir),
        "MUSISCENE_DATABASE_URL": console.database,  # not as an argument: it may hold a password
        "MUSISCENE_MODELS_DIR": None if console.models_dir is None else str(console.models_dir),
    }
    return subprocess.Popen(  # noqa: S603  this program itself
        [sys.executable, "-m", module, "work", "--child", *options],
        stdin=subprocess.PIPE,  # closed when this process ends, however it does
        env=os.environ | {name: value for name, value in places.items() if value is not None},
        start_new_session=True,  # Ctrl-C is for us; the worker is told in its turn
    )


def _stop(process: subprocess.Popen[bytes]) -> None:
    if process.stdin is not None:
        process.stdin.close()
    try:
        process.wait(STOP_SECONDS)
    except subprocess.TimeoutExpired:
        logger.warning("the worker does not end; its jobs go on where they were, later")
        process.kill()
        process.wait()

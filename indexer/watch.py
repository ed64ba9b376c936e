"""Tells when something has changed below some folders, and has come to rest."""

from __future__ import annotations

import os
import time
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from pathlib import Path
    from threading import Event

    from watchfiles import Change

QUIET_SECONDS: Final = 5.0
"""A file that is still being copied must not be heard yet."""
LOOK_SECONDS: Final = 1.0
RESCAN_SECONDS: Final = 3600.0
"""Also without a sign of change: some network drives give none."""


def changes(
    paths: Sequence[Path],
    *,
    stop: Event,
    without: Path,
    quiet_seconds: float = QUIET_SECONDS,
    rescan_seconds: float = RESCAN_SECONDS,
) -> Iterator[None]:
    """Wait for changes; those of the time before the first look count as one.

    Args:
        paths: Folders or files; those that are not there now are waited for.
        stop: Ends the waiting when it is set.
        without: A folder whose changes do not count: the library's own.
        quiet_seconds: Nothing may change for so long.
        rescan_seconds: So often, whatever happens.

    Yields:
        When it is time to look again.
    """
    from watchfiles import watch

    own = f"{without.absolute()}{os.sep}"

    def counts(_change: Change, path: str) -> bool:
        return not f"{path}{os.sep}".startswith(own)

    while not stop.is_set():
        there = [path for path in paths if path.exists()]
        if not there:
            stop.wait(LOOK_SECONDS)
            continue
        due = time.monotonic() + rescan_seconds
        changed_at: float | None = time.monotonic()  # nobody has looked until now
        for changed in watch(
            *there,
            watch_filter=counts,
            stop_event=stop,
            rust_timeout=round(1000 * LOOK_SECONDS),
            yield_on_timeout=True,
            raise_interrupt=False,
        ):
            now = time.monotonic()
            if changed:
                changed_at = now
            elif now > due or (changed_at is not None and now - changed_at >= quiet_seconds):
                due, changed_at = now + rescan_seconds, None
                yield
            if [path for path in paths if path.exists()] != there:
                break
        else:
            return
        yield  # a root came or went

"""Remembers briefs beside the way of the answers: one thread writes what the others hand it."""

from __future__ import annotations

import logging
from queue import Empty, Full, Queue
from threading import Condition, Thread
from typing import TYPE_CHECKING, Final

from indexer.errors import CatalogueError

if TYPE_CHECKING:
    from indexer.catalogue.briefs import AskedBrief, Briefs

logger = logging.getLogger(__name__)

WAITING: Final = 2_000
"""Briefs that may wait to be written; more are let go rather than held up."""
AT_ONCE: Final = 200
"""Written in one transaction."""
SETTLE_SECONDS: Final = 1.0


class BriefHistory:
    """Writes briefs into the catalogue, a little later.

    A process that is killed loses those of its last moments, and no answer waits for them.

    Args:
        briefs: Of the catalogue.
        is_on: Whether anything is remembered.
    """

    def __init__(self, briefs: Briefs, *, is_on: bool = True) -> None:
        self.briefs = briefs
        self.is_on = is_on
        self._queue: Queue[AskedBrief | None] = Queue(WAITING)
        self._pending = 0
        self._changed = Condition()
        self._thread = Thread(target=self._write, name="musiscene-briefs", daemon=True)
        if is_on:
            self._thread.start()

    def remember(self, brief: AskedBrief) -> None:
        """Hand over a brief; returns at once."""
        if not self.is_on:
            return
        with self._changed:
            self._pending += 1
        try:
            self._queue.put_nowait(brief)
        except Full:
            self._done(1)
            logger.warning("too many briefs at once; one is not remembered")

    def settle(self) -> None:
        """Wait a moment until what was handed over is written, so that a list has it."""
        with self._changed:
            self._changed.wait_for(lambda: not self._pending, SETTLE_SECONDS)

    def close(self) -> None:
        """Write what waits, and stop."""
        if self._thread.is_alive():
            self._queue.put(None)
            self._thread.join()

    def _write(self) -> None:
        while (first := self._queue.get()) is not None:
            batch, goes_on = [first], True
            while goes_on and len(batch) < AT_ONCE:
                try:
                    another = self._queue.get_nowait()
                except Empty:
                    break
                goes_on = another is not None
                if another is not None:
                    batch.append(another)
            try:
                self.briefs.add(batch)
            except CatalogueError as error:
                logger.warning("%d briefs are not remembered: %s", len(batch), error)
            self._done(len(batch))
            if not goes_on:
                return

    def _done(self, count: int) -> None:
        with self._changed:
            self._pending -= count
            self._changed.notify_all()

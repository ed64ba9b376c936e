"""One planner for many plans: scenes that it has scored and tracks that it has heard stay known."""

from __future__ import annotations

from threading import Lock
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable

    from indexer.spotting.planner import CuePlanner


class KeptPlanner:
    """Keeps a planner for as long as what it goes by is the same; for any thread."""

    def __init__(self) -> None:
        self._lock = Lock()
        self._state: object = None
        self._planner: CuePlanner | None = None

    def get(self, state: object, make: Callable[[], CuePlanner]) -> CuePlanner:
        """The planner for a state of the library.

        Args:
            state: Equal as long as a planner may be used again.
            make: Makes one where the state is new.

        Returns:
            The planner.
        """
        with self._lock:
            if self._planner is None or state != self._state:
                self._planner, self._state = make(), state
            return self._planner

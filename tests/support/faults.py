"""Points at which a process may die: before and after every commit, rename, removal and fsync."""

from __future__ import annotations

import os
import signal
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, Literal
from unittest.mock import patch

from sqlalchemy.engine.default import DefaultDialect

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

Death = Literal["raise", "kill"]


class Died(BaseException):
    """The process is taken to be dead; nothing that it does counts any more."""


class FaultPoints:
    """Counts the points that are passed, and dies at one of them.

    Args:
        dies_at: The number of that point, from 1; None to count alone.
        death: By an exception at this point and every later one, so that no clearing up reaches
            the disk; or by SIGKILL.

    Attributes:
        passed: How many points were passed.
    """

    def __init__(self, dies_at: int | None, *, death: Death) -> None:
        self._dies_at = dies_at
        self._death = death
        self.passed = 0

    def __call__(self) -> None:
        """Pass one point."""
        self.passed += 1
        if self._dies_at is None or self.passed < self._dies_at:
            return
        if self._death == "kill":
            os.kill(os.getpid(), signal.SIGKILL)
        raise Died


@contextmanager
def fault_points(dies_at: int | None = None, *, death: Death = "raise") -> Iterator[FaultPoints]:
    """Let this process die at one point.

    Args:
        dies_at: Its number, from 1; None to count alone.
        death: How.

    Yields:
        The points.
    """
    points = FaultPoints(dies_at, death=death)

    def around(done: Callable[..., Any]) -> Callable[..., Any]:
        def guarded(*args: Any, **kwargs: Any) -> Any:  # noqa: ANN401  whatever is wrapped
            points()
            result = done(*args, **kwargs)
            points()
            return result

        return guarded

    with (
        patch.object(os, "replace", around(os.replace)),
        patch.object(os, "rename", around(os.rename)),
        patch.object(os, "fsync", around(os.fsync)),
        patch.object(os, "unlink", around(os.unlink)),
        patch.object(os, "rmdir", around(os.rmdir)),
        patch.object(DefaultDialect, "do_commit", around(DefaultDialect.do_commit)),
    ):
        yield points

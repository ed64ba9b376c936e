"""How long work is shown: bars on a screen, lines in a log, or nothing."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Literal, TextIO

if TYPE_CHECKING:
    from rich.progress import Progress, ProgressColumn, Task, TaskID

Unit = Literal["bytes", "tracks", "items", "%"]
PLAIN_INTERVAL_SECONDS = 10.0


class ProgressReport:
    """Told what is being done; this one shows nothing."""

    def __call__(self, step: str, done: int, total: int | None, *, note: str = "") -> None:
        """Take note of one step.

        Args:
            step: What is being done; every step has a bar of its own.
            done: So far; 0 for a step that is not counted.
            total: When finished; None if not known.
            note: What else there is to say of it, such as failures so far.
        """


class BarReport(ProgressReport):
    """A bar for each step.

    Args:
        bars: On the screen.
    """

    def __init__(self, bars: Progress) -> None:
        self._bars = bars
        self._tasks: dict[str, TaskID] = {}

    def __call__(self, step: str, done: int, total: int | None, *, note: str = "") -> None:
        """As in `ProgressReport`."""
        if step not in self._tasks:
            self._tasks[step] = self._bars.add_task(step, total=total)
        described = f"{step} ({note})" if note else step
        self._bars.update(self._tasks[step], completed=done, total=total, description=described)


class PlainReport(ProgressReport):
    """A line when a step begins, every ten seconds, and when it ends.

    Args:
        unit: What is counted.
        stream: Where it is printed.
    """

    def __init__(self, unit: Unit, stream: TextIO) -> None:
        self._unit = unit
        self._stream = stream
        self._started: dict[str, float] = {}
        self._last: dict[str, float] = {}
        self._finished: set[str] = set()

    def __call__(self, step: str, done: int, total: int | None, *, note: str = "") -> None:
        """As in `ProgressReport`."""
        now = time.monotonic()
        is_first = step not in self._started
        is_done = total is not None and done >= total and step not in self._finished
        if is_first:
            self._started[step] = now
        elif not is_done and now - self._last[step] < PLAIN_INTERVAL_SECONDS:
            return
        if step in self._finished:
            return
        if is_done:
            self._finished.add(step)
        self._last[step] = now
        line = self._line(step, done, total, now - self._started[step])
        print(f"{line}, {note}" if note else line, file=self._stream)

    def _line(self, step: str, done: int, total: int | None, elapsed_seconds: float) -> str:
        if total is None and done == 0:
            return step
        line = f"{step}: {self._counted(done, total)}"
        if done > 0 and elapsed_seconds > 0:
            rate = done / elapsed_seconds
            if self._unit != "%":
                scale, unit, _ = self._scale()
                line += f", {rate / scale:.2g} {unit}/s"
            if total is not None and total > done:
                line += f", {(total - done) / rate:.0f} s left"
        return line

    def _counted(self, done: int, total: int | None) -> str:
        if self._unit == "%":
            return f"{done} %"
        scale, unit, digits = self._scale()
        of_total = "" if total is None else f" of {total / scale:.{digits}f}"
        return f"{done / scale:.{digits}f}{of_total} {unit}"

    def _scale(self) -> tuple[float, str, int]:
        return (1e6, "MB", 1) if self._unit == "bytes" else (1, self._unit, 0)


def progress_bars(unit: Unit) -> Progress:
    """Bars with rate and time left, on stderr.

    Args:
        unit: What is counted.

    Returns:
        To be entered.
    """
    from rich.console import Console as RichConsole
    from rich.progress import (
        BarColumn,
        DownloadColumn,
        MofNCompleteColumn,
        Progress,
        ProgressColumn,
        TaskProgressColumn,
        TextColumn,
        TimeRemainingColumn,
        TransferSpeedColumn,
    )

    class RateColumn(ProgressColumn):
        """Items a second."""

        def render(self, task: Task) -> str:
            return f"{task.speed:.3g}/s" if task.speed else ""

    counted: list[ProgressColumn] = [MofNCompleteColumn(), RateColumn()]
    if unit == "bytes":
        counted = [DownloadColumn(), TransferSpeedColumn()]
    elif unit == "%":
        counted = [TaskProgressColumn()]
    return Progress(
        TextColumn("{task.description}"),
        BarColumn(),
        *counted,
        TimeRemainingColumn(compact=True),
        console=RichConsole(stderr=True),
    )

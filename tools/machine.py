"""What the benchmarks share: the machine's name, its memory, and the clock."""

from __future__ import annotations

import os
import platform
import time
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable


def describe_machine() -> str:
    """The processor, its cores and the Python that runs."""
    names = [
        line.partition(":")[2].strip()
        for line in Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines()
        if line.startswith("model name")
    ]
    processor = names[0] if names else platform.processor()
    return f"{processor}, {os.cpu_count()} cores, Python {platform.python_version()}"


def peak_memory_bytes() -> int:
    """The most memory that this process has held so far."""
    for line in Path("/proc/self/status").read_text(encoding="utf-8").splitlines():
        if line.startswith("VmHWM:"):
            return int(line.split()[1]) * 1024
    return 0


def best_seconds(*actions: Callable[[], object], repeats: int) -> list[float]:
    """The shortest wall time of each action after one run to warm up: others use the machine too.

    The actions take turns, so that a slow spell of the machine falls on all of them.
    """
    for action in actions:
        action()
    seconds: list[list[float]] = [[] for _ in actions]
    for _ in range(repeats):
        for action, own in zip(actions, seconds, strict=True):
            start = time.perf_counter()
            action()
            own.append(time.perf_counter() - start)
    return [min(own) for own in seconds]

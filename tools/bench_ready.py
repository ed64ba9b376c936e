"""Times how long `musiscene serve` takes until it is ready, and what its process holds then.

    python -m tools.bench_ready LIBRARY --runs 5

Each run is a process of its own, with a worker beside it as it is served, and then without one.
"""

from __future__ import annotations

import argparse
import json
import signal
import socket
import statistics
import subprocess
import sys
import time
from pathlib import Path
from urllib.error import URLError
from urllib.request import urlopen

from tools.machine import describe_machine

LONGEST_SECONDS = 120.0


def main() -> int:
    """Measure and print one JSON document."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("library", type=Path, help="folder of an indexed library")
    parser.add_argument("--runs", type=int, default=5)
    options = parser.parse_args()
    figures: dict[str, object] = {"machine": describe_machine()}
    for name, arguments in (("with_worker", ()), ("without_worker", ("--no-worker",))):
        seconds, memory = zip(
            *(start_once(options.library, *arguments) for _ in range(options.runs)), strict=True
        )
        figures[name] = {
            "median_seconds": round(statistics.median(seconds), 2),
            "longest_seconds": round(max(seconds), 2),
            "memory_mib": round(max(memory)),
        }
    print(json.dumps(figures, indent=2))
    return 0


def start_once(library: Path, *arguments: str) -> tuple[float, float]:
    """Start the service and stop it as soon as it is ready.

    Args:
        library: Indexed.
        *arguments: Of `musiscene serve`.

    Returns:
        Seconds until it was ready, and the memory of its process then, in MiB.

    Raises:
        RuntimeError: If it ends by itself, or is not ready in two minutes.
    """
    with socket.create_server(("127.0.0.1", 0)) as listening:
        port = listening.getsockname()[1]
    began = time.perf_counter()
    process = subprocess.Popen(  # noqa: S603  this program itself
        [
            sys.executable, "-m", "service.cli", "--data-dir", str(library),
            "serve", "--quiet", "--port", str(port), *arguments,
        ]
    )  # fmt: skip
    try:
        while not is_ready(port):
            if process.poll() is not None or time.perf_counter() - began > LONGEST_SECONDS:
                raise RuntimeError("the service did not start")
            time.sleep(0.01)
        seconds = time.perf_counter() - began
        status = Path(f"/proc/{process.pid}/status").read_text(encoding="utf-8")
        return seconds, int(status.partition("VmRSS:")[2].split()[0]) / 1024
    finally:
        process.send_signal(signal.SIGTERM)
        process.wait()


def is_ready(port: int) -> bool:
    """Whether the service can match."""
    try:
        with urlopen(f"http://127.0.0.1:{port}/health/ready", timeout=5) as answer:
            return bool(answer.status == 200)
    except (URLError, OSError):
        return False


if __name__ == "__main__":
    sys.exit(main())

"""Times `POST /v1/matches` of a real server over a large library, beside its floor in the same run.

    python -m tools.bench_service --library DEMO --work FOLDER [--vectors 100000] [--json]

The library is made of many copies of a small one (`tools/large_library.py`) once, and kept in the
folder. The server is `musiscene serve` as people start it; clients are threads of this process that
ask over one kept connection each, as soon as they have their answer. The floor
(`tools/bench_floor.py`) is what no such answer can do without: one encoding of the brief and one
bare search in FAISS, in one process, without HTTP, asked by as many threads.
"""

from __future__ import annotations

import argparse
import http.client
import json
import os
import re
import signal
import subprocess
import sys
import threading
import time
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from indexer.library import Library
from musiscene.checkpoints.store import ModelStore
from tests.support.service_process import free_port
from tools.bench_floor import closed_loop, measure_floor
from tools.large_library import make_large
from tools.machine import describe_machine

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

BRIEFS: Final = ("tools/briefs/demo-tuning.jsonl", "tools/briefs/wesnoth-tuning.jsonl")
READY_SECONDS: Final = 60.0


def main() -> int:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--library", type=Path, required=True, help="small one, indexed")
    parser.add_argument("--work", type=Path, required=True, help="where the large one is kept")
    parser.add_argument("--vectors", type=int, default=100_000)
    parser.add_argument("--briefs", nargs="*", type=Path, default=[Path(one) for one in BRIEFS])
    parser.add_argument("--clients", nargs="+", type=int, default=[1, 4, 16])
    parser.add_argument("--seconds", type=float, default=8.0, help="for each number of clients")
    parser.add_argument("--no-floor", action="store_true")
    parser.add_argument("--python", nargs="*", default=[], help="in front of the server's command")
    parser.add_argument("--json", action="store_true", help="print one JSON document")
    chosen = parser.parse_args()
    folder = large_library(chosen.library, chosen.work, chosen.vectors)
    texts = [
        json.loads(line)["brief"]
        for file in chosen.briefs
        for line in file.read_text("utf-8").splitlines()
    ]
    found: dict[str, Any] = {"machine": describe_machine(), "vectors": chosen.vectors}
    if not chosen.no_floor:
        found["floor"] = measure_floor(folder / "vectors", texts, chosen.clients, chosen.seconds)
    with served(folder, chosen.python) as (port, process, ready_seconds):
        found["ready_seconds"] = ready_seconds
        found["service"] = {
            str(count): load(port, process.pid, texts, count, chosen.seconds)
            for count in chosen.clients
        }
        found["memory_mb"] = memory_mb(process.pid)
    compare(found)
    print(json.dumps(found, indent=2) if chosen.json else table(found))
    return 0


def large_library(small_folder: Path, work: Path, vectors: int) -> Path:
    """The library with so many vectors; made where it is not there yet."""
    folder = work / f"library-{vectors}"
    if not folder.exists():
        work.mkdir(parents=True, exist_ok=True)
        begun = work / f"library-{vectors}-{os.getpid()}"
        with Library.open(small_folder, ModelStore(), create=False) as small:
            captions = sum(1 for _ in small.catalogue.vectors(embedder=small.embedder.version))
            began = time.perf_counter()
            tracks = make_large(
                small, begun, -(-vectors * small.catalogue.count_tracks() // captions)
            )
        begun.rename(folder)
        took = time.perf_counter() - began
        print(f"{tracks:,} tracks, {vectors:,} vectors made in {took:.0f} s", file=sys.stderr)
    return folder


@contextmanager
def served(
    folder: Path, in_front: Sequence[str] = (), *, quiet: bool = True
) -> Iterator[tuple[int, subprocess.Popen[bytes], float]]:
    """A server over a library.

    Args:
        folder: Its data folder.
        in_front: Of the server's command, such as a profiler.
        quiet: Whether the server logs errors only.

    Yields:
        Port, process, and the seconds until it could answer briefs.

    Raises:
        SystemExit: If it does not start.
    """
    port = free_port()
    command = [
        *(in_front or [sys.executable]), "-m", "service.cli", "--data-dir", str(folder), "serve",
        "--no-worker", "--port", str(port), *(["--quiet"] if quiet else []),
    ]  # fmt: skip
    began = time.perf_counter()
    process = subprocess.Popen(command)  # noqa: S603  this program itself
    try:
        while not is_ready(port):
            if process.poll() is not None or time.perf_counter() - began > READY_SECONDS:
                raise SystemExit("the server does not start")
            time.sleep(0.05)
        yield port, process, round(time.perf_counter() - began, 2)
    finally:
        process.send_signal(signal.SIGTERM)
        process.wait(60)


def is_ready(port: int) -> bool:
    """Whether briefs can be answered."""
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=30)
    try:
        connection.request("GET", "/health/ready")
        return connection.getresponse().status == 200
    except OSError:
        return False
    finally:
        connection.close()


def load(port: int, pid: int, texts: Sequence[str], clients: int, seconds: float) -> dict[str, Any]:
    """Let some clients ask the server, and say what its stages took."""
    connections: dict[int, http.client.HTTPConnection] = {}

    def ask(text: str) -> None:
        mine = connections.setdefault(
            threading.get_ident(), http.client.HTTPConnection("127.0.0.1", port, timeout=60)
        )
        body = json.dumps({"captions": [text], "remember": False})
        mine.request("POST", "/v1/matches", body, {"Content-Type": "application/json"})
        answer = mine.getresponse()
        read = answer.read()
        if answer.status != 200:
            raise SystemExit(f"{answer.status}: {read[:300]!r}")

    before, cpu_before = stages(port), cpu_seconds(pid)
    found: dict[str, Any] = dict(closed_loop(ask, texts, clients, seconds))
    after, cpu_after = stages(port), cpu_seconds(pid)
    count = after["read"][1] - before["read"][1]
    found["stages_ms"] = {
        stage: round(1000 * (after[stage][0] - before[stage][0]) / count, 2) for stage in after
    }
    found["client_cpu_ms"] = found["cpu_ms"]
    found["cpu_ms"] = round(1000 * (cpu_after - cpu_before) / count, 2)
    for connection in connections.values():
        connection.close()
    return found


def stages(port: int) -> dict[str, tuple[float, int]]:
    """Stage -> seconds and how often so far, from the server's metrics."""
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=30)
    connection.request("GET", "/metrics")
    text = connection.getresponse().read().decode()
    connection.close()
    name = r"musiscene_match_stage_seconds"
    sums = dict(re.findall(name + r'_sum\{stage="(\w+)"\} (\S+)', text))
    counts = dict(re.findall(name + r'_count\{stage="(\w+)"\} (\S+)', text))
    return {
        stage: (float(sums.get(stage, 0)), int(float(counts.get(stage, 0))))
        for stage in ("read", "filter", "score", "explain")
    }


def cpu_seconds(pid: int) -> float:
    """That a process has used so far."""
    fields = Path(f"/proc/{pid}/stat").read_text("utf-8").rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def memory_mb(pid: int) -> float:
    """Resident memory of a process."""
    text = Path(f"/proc/{pid}/status").read_text("utf-8")
    return round(int(re.findall(r"VmRSS:\s+(\d+)", text)[0]) / 1024, 1)


def compare(found: dict[str, Any]) -> None:
    """Put the ratios to the floor beside each measurement."""
    for floor in ("onnx", "sentence_transformers"):
        for count, own in found["service"].items():
            if (beside := found.get("floor", {}).get(floor, {}).get(count)) is None:
                continue
            own[f"median_over_{floor}"] = round(own["median_ms"] / beside["median_ms"], 2)
            own[f"cpu_over_{floor}"] = round(own["cpu_ms"] / beside["cpu_ms"], 2)
            own[f"rate_over_{floor}"] = round(own["per_second"] / beside["per_second"], 2)


def table(found: dict[str, Any]) -> str:
    """Everything, for people."""
    lines = [
        f"{found['machine']}; {found['vectors']:,} vectors; ready in {found['ready_seconds']} s"
    ]
    lines.append(f"memory of the server: {found['memory_mb']} MB")
    if "floor" in found:
        lines.append(f"floor, parts in ms: {found['floor']['parts_ms']}")
    lines += ["", "| clients | what | median ms | p99 ms | per second | CPU ms |", "|" + "---|" * 6]
    for count, own in found["service"].items():
        rows = {"service": own}
        for name in ("onnx", "sentence_transformers"):
            if "floor" in found:
                rows[f"floor, {name}"] = found["floor"][name][count]
        lines += [
            f"| {count} | {name} | "
            + " | ".join(str(row[part]) for part in ("median_ms", "p99_ms", "per_second", "cpu_ms"))
            + " |"
            for name, row in rows.items()
        ]
    lines.append("")
    for count, own in found["service"].items():
        shown = {
            name: value
            for name, value in own.items()
            if name not in {"median_ms", "p99_ms", "per_second", "asked"}
        }
        lines.append(f"{count} clients: {shown}")
    return "\n".join(lines)


if __name__ == "__main__":
    sys.exit(main())

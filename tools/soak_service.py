"""Asks a real server for a long time what people ask it, and watches errors and memory.

    python -m tools.soak_service --library FOLDER [--minutes 30] [--rate 6]

Requests begin at even distances, whether or not earlier ones are answered, as people's do. The
library is copied first: feedback and briefs are stored for real. Its audio has to be there still.
"""

from __future__ import annotations

import argparse
import json
import random
import shutil
import sys
import tempfile
import time
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import TYPE_CHECKING, Final

import httpx
import numpy as np

from tools.bench_service import BRIEFS, cpu_seconds, memory_mb, served
from tools.machine import describe_machine

if TYPE_CHECKING:
    from collections.abc import Callable

AT_ONCE: Final = 32
SETTLED: Final = 0.2
"""Share of the time after which memory should grow no more."""


class Visitor:
    """Makes requests of all sorts.

    Args:
        url: Of the server.
        texts: Briefs.
        seed: Of what is asked.
    """

    def __init__(self, url: str, texts: list[str], seed: int) -> None:
        self._client = httpx.Client(
            base_url=url, timeout=60, limits=httpx.Limits(max_connections=AT_ONCE)
        )
        self._texts = texts
        self._chance = random.Random(seed)  # noqa: S311  what is asked is no secret
        self._ids = [one["id"] for one in self._client.get("/v1/tracks").json()["tracks"]]
        self._kinds: list[tuple[str, int, Callable[[], httpx.Response]]] = [
            ("match", 10, self._match),
            ("list", 3, self._list),
            ("track", 2, lambda: self._client.get(f"/v1/tracks/{self._one()}")),
            ("similar", 2, lambda: self._client.get(f"/v1/tracks/{self._one()}/similar")),
            ("waveform", 1, lambda: self._client.get(f"/v1/tracks/{self._one()}/waveform")),
            ("audio range", 2, self._audio),
            ("briefs", 1, lambda: self._client.get("/v1/briefs")),
            ("feedback", 1, self._feedback),
        ]
        self.asked: Counter[str] = Counter()
        self.errors: Counter[str] = Counter()
        self.seconds: list[float] = []

    def ask(self) -> None:
        """Make one request of some kind."""
        weights = [weight for _, weight, _ in self._kinds]
        [(kind, _, request)] = self._chance.choices(self._kinds, weights)
        began = time.perf_counter()
        try:
            answer = request()
            if not answer.is_success:
                self.errors[f"{kind}: {answer.status_code} {answer.text[:200]}"] += 1
        except httpx.HTTPError as error:
            self.errors[f"{kind}: {type(error).__name__}"] += 1
        self.seconds.append(time.perf_counter() - began)
        self.asked[kind] += 1

    def _one(self) -> str:
        return str(self._chance.choice(self._ids))

    def _text(self) -> str:
        return self._chance.choice(self._texts)

    def _match(self) -> httpx.Response:
        body = {"captions": [self._text()], "top_k": self._chance.choice((3, 10))}
        return self._client.post("/v1/matches", json=body)

    def _list(self) -> httpx.Response:
        word = self._chance.choice(self._text().split())
        return self._client.get("/v1/tracks", params={"limit": 20, "q": word.strip('"')})

    def _audio(self) -> httpx.Response:
        first = self._chance.randrange(100_000)
        return self._client.get(
            f"/v1/tracks/{self._one()}/audio", headers={"Range": f"bytes={first}-{first + 65_535}"}
        )

    def _feedback(self) -> httpx.Response:
        verdict = self._chance.choice(("accept", "reject"))
        body = {"track_id": self._one(), "captions": [self._text()], "verdict": verdict}
        return self._client.post("/v1/feedback", json=body)


def main() -> int:
    """Ask, and print one JSON object; 1 where there was an error."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--library", type=Path, required=True)
    parser.add_argument("--minutes", type=float, default=30.0)
    parser.add_argument("--rate", type=float, default=6.0, help="requests a second")
    parser.add_argument("--every", type=float, default=15.0, help="seconds between looks at memory")
    parser.add_argument("--seed", type=int, default=0)
    chosen = parser.parse_args()
    texts = [
        json.loads(line)["brief"]
        for file in BRIEFS
        for line in Path(file).read_text("utf-8").splitlines()
    ]
    with tempfile.TemporaryDirectory() as folder:
        copied = shutil.copytree(chosen.library, Path(folder) / "library")
        with served(copied) as (port, process, _):
            visitor = Visitor(f"http://127.0.0.1:{port}", texts, chosen.seed)
            memory = visit(visitor, process.pid, chosen.minutes * 60, chosen.rate, chosen.every)
            cpu = cpu_seconds(process.pid)
    print(json.dumps({"machine": describe_machine(), "cpu_seconds": cpu, **told(visitor, memory)}))
    return int(bool(visitor.errors))


def visit(
    visitor: Visitor, pid: int, seconds: float, rate: float, every: float
) -> list[tuple[float, float]]:
    """Make requests at even distances.

    Args:
        visitor: Makes them.
        pid: Of the server.
        seconds: How long.
        rate: Requests a second.
        every: Seconds between looks at the memory.

    Returns:
        Seconds since the beginning, and megabytes.
    """
    memory: list[tuple[float, float]] = []
    began, looked = time.monotonic(), -every
    with ThreadPoolExecutor(AT_ONCE) as pool:
        for number in range(int(seconds * rate)):
            time.sleep(max(0.0, began + number / rate - time.monotonic()))
            now = time.monotonic() - began
            if now - looked >= every:
                memory.append((round(now, 1), memory_mb(pid)))
                print(*memory[-1], sum(visitor.errors.values()), file=sys.stderr, flush=True)
                looked = now
            pool.submit(visitor.ask)
    memory.append((round(time.monotonic() - began, 1), memory_mb(pid)))
    return memory


def told(visitor: Visitor, memory: list[tuple[float, float]]) -> dict[str, object]:
    """What came of it."""
    times, held = np.array(memory).T
    settled = times >= SETTLED * times[-1]
    slope = float(np.polyfit(times[settled], held[settled], 1)[0]) if settled.sum() > 1 else 0.0
    return {
        "minutes": round(times[-1] / 60, 1),
        "asked": dict(visitor.asked),
        "errors": dict(visitor.errors),
        "median_ms": round(1000 * float(np.median(visitor.seconds)), 1),
        "p99_ms": round(1000 * float(np.quantile(visitor.seconds, 0.99)), 1),
        "memory_mb": {"first": held[0], "settled": held[settled][0], "last": held[-1]},
        "growth_mb_per_hour": round(3600 * slope, 1),
        "memory_over_time": memory,
    }


if __name__ == "__main__":
    sys.exit(main())

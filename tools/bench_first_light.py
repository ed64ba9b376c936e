"""Times the main job on this machine: index the demo library, match cold, match over HTTP.

Every figure stands beside a floor measured in the same run: indexing beside decoding alone, the
warm match beside embedding the brief alone.
"""

from __future__ import annotations

import argparse
import json
import resource
import statistics
import subprocess
import sys
import tempfile
import time
from typing import TYPE_CHECKING
from urllib.request import Request, urlopen

import immich_memories_music

from indexer.library import EMBEDDER_NAME
from indexer.walk import Walk
from musiscene.audio.read import read_audio
from musiscene.checkpoints.store import ModelStore
from musiscene.embed import TextEmbedder
from musiscene.listen import SAMPLE_RATE
from tools.machine import describe_machine

if TYPE_CHECKING:
    from collections.abc import Callable

BRIEF = "a toddler blows out birthday candles and everybody laughs"
COLD_RUNS = 5
WARM_RUNS = 200
PORT = 8765


def main() -> int:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--json", action="store_true", help="print one JSON document")
    as_json = parser.parse_args().json
    with tempfile.TemporaryDirectory() as folder:
        figures = {
            "machine": describe_machine(),
            **index(folder),
            **match_cold(folder),
            **match_warm(folder),
        }
    if as_json:
        print(json.dumps(figures, indent=2))
    else:
        width = max(map(len, figures))
        for name, value in figures.items():
            print(f"{name:<{width}}  {value}")
    return 0


def index(folder: str) -> dict[str, float]:
    """Index the demo library from nothing."""
    tracks = immich_memories_music.tracks_dir()
    started = time.perf_counter()
    run(folder, "index", str(tracks), "--quiet")
    seconds = time.perf_counter() - started
    peak_bytes = resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss * 1024
    started = time.perf_counter()
    run(folder, "index", str(tracks), "--quiet")
    again_seconds = time.perf_counter() - started
    started = time.perf_counter()
    audio_seconds = sum(
        read_audio(file.path, sample_rate=SAMPLE_RATE).info.duration_seconds
        for file in Walk([tracks]).files()
    )
    decode_seconds = time.perf_counter() - started
    return {
        "index_seconds": round(seconds, 1),
        "index_again_seconds": round(again_seconds, 1),
        "index_peak_gib": round(peak_bytes / 2**30, 2),
        "audio_seconds": round(audio_seconds, 1),
        "floor_decode_seconds": round(decode_seconds, 1),
        "index_over_floor": round(seconds / decode_seconds, 1),
    }


def match_cold(folder: str) -> dict[str, float]:
    """Ask one brief in a fresh process, several times."""
    seconds = []
    for _ in range(COLD_RUNS):
        started = time.perf_counter()
        run(folder, "match", BRIEF, "--json")
        seconds.append(time.perf_counter() - started)
    return {"match_cold_seconds_median": round(statistics.median(seconds), 2)}


def match_warm(folder: str) -> dict[str, float]:
    """Ask one brief of a running service, many times."""
    server = subprocess.Popen(command(folder, "serve", "--port", str(PORT), "--quiet"))  # noqa: S603
    try:
        wait_until_ready(server)
        warm = milliseconds(ask)
    finally:
        server.terminate()
        server.wait()
    embedder = TextEmbedder.load(ModelStore().folder(EMBEDDER_NAME))
    floor = milliseconds(lambda: embedder.encode([BRIEF]))
    return {
        "match_warm_ms_median": round(statistics.median(warm), 2),
        "match_warm_ms_p99": round(statistics.quantiles(warm, n=100)[98], 2),
        "floor_embed_ms_median": round(statistics.median(floor), 2),
        "match_warm_over_floor": round(statistics.median(warm) / statistics.median(floor), 2),
    }


def ask() -> None:
    """One request to the running service."""
    body = json.dumps({"captions": [BRIEF]}).encode()
    request = Request(
        f"http://127.0.0.1:{PORT}/v1/matches", body, {"Content-Type": "application/json"}
    )
    with urlopen(request) as response:  # noqa: S310
        json.load(response)


def wait_until_ready(server: subprocess.Popen[bytes]) -> None:
    """Return when the service answers.

    Args:
        server: Its process.

    Raises:
        SystemExit: If the service's process ends before.
    """
    while server.poll() is None:
        try:
            with urlopen(f"http://127.0.0.1:{PORT}/health/ready"):
                return
        except OSError:
            time.sleep(0.1)
    raise SystemExit("the service ended before it was ready")


def milliseconds(function: Callable[[], object]) -> list[float]:
    """How long each of many calls takes, after a few that do not count."""
    for _ in range(10):
        function()
    found = []
    for _ in range(WARM_RUNS):
        started = time.perf_counter()
        function()
        found.append(1000 * (time.perf_counter() - started))
    return found


def command(folder: str, *arguments: str) -> list[str]:
    """The command line of `musiscene` on one library."""
    return [sys.executable, "-m", "service.cli", "--data-dir", folder, *arguments]


def run(folder: str, *arguments: str) -> None:
    """Run `musiscene` and stop when it fails."""
    subprocess.run(command(folder, *arguments), check=True, stdout=subprocess.DEVNULL)  # noqa: S603


if __name__ == "__main__":
    sys.exit(main())

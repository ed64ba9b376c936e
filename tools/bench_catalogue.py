"""Times a catalogue with made tracks: how fast they are stored, and questions answered.

python -m tools.bench_catalogue /tmp/bench.sqlite postgresql://me@localhost/bench
"""

from __future__ import annotations

import argparse
import random
import statistics
import time
from typing import TYPE_CHECKING

import numpy as np

from indexer.catalogue.repository import Catalogue
from indexer.catalogue.rows import MadeBy, NewCaption
from indexer.filters import read_text
from indexer.filters.conditions import condition_of
from tests.support.listening import listening
from tools.machine import describe_machine

if TYPE_CHECKING:
    from collections.abc import Callable

FILTERS = (
    "bpm=110..130",
    "key=C:major|A:minor -tag=metal",
    "artist=björk",
    "(mood=happy or genre=folk) bpm~=120 duration>60",
)
TAGS = ("happy", "folk", "metal", "piano", "drums", "strings")
KEYS = ("C:major", "A:minor", "E:major", "D#:minor")
SEGMENTS = 4
ROUNDS = 7
MADE_BY = MadeBy(listening="bench-1", model="bench-1", embedder="bench-1")


def main() -> None:
    """Measure each database in turn."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("locations", nargs="+", help="empty SQLite files and PostgreSQL URLs")
    parser.add_argument("--tracks", type=int, default=20_000)
    options = parser.parse_args()
    print(f"{describe_machine()}; {options.tracks:,} tracks of {SEGMENTS} segments")
    for number, location in enumerate(options.locations, start=1):
        with Catalogue.open(location) as catalogue:
            print(f"\ndatabase {number}: {'PostgreSQL' if '://' in location else 'SQLite'}")
            measure(catalogue, tracks=options.tracks)


def measure(catalogue: Catalogue, *, tracks: int) -> None:
    """Fill one catalogue and ask it."""
    started = time.perf_counter()
    fill(catalogue, tracks)
    seconds = time.perf_counter() - started
    print(f"stored: {tracks / seconds:.0f} tracks/s")
    report("known files", catalogue.known_files)
    for text in FILTERS:
        wanted = read_text(text)
        if wanted is not None:
            condition = condition_of(wanted)
            found = len(catalogue.track_ids(condition))
            report(f"{text} ({found:,} found)", lambda one=condition: catalogue.track_ids(one))  # type: ignore[misc]
    ids = sorted(catalogue.track_ids())[:50]
    report("50 whole tracks", lambda: catalogue.tracks(ids))
    report("all vectors", lambda: sum(1 for _ in catalogue.vectors(embedder=MADE_BY.embedder)))


def report(what: str, ask: Callable[[], object]) -> None:
    """Print the median of a few rounds."""
    spent = []
    for _ in range(ROUNDS):
        started = time.perf_counter()
        ask()
        spent.append(time.perf_counter() - started)
    print(f"{what}: {1000 * statistics.median(spent):.1f} ms")


def fill(catalogue: Catalogue, tracks: int) -> None:
    """Store made tracks, one transaction each, as a scan does."""
    chance = random.Random(0)  # noqa: S311 - made data
    vector = np.zeros(384, "<f2").tobytes()
    for number in range(tracks):
        heard = listening(
            f"/music/{number % 997:03d}/{number:07d}.flac",
            audio_hash=f"{number:064x}",
            bpm=chance.uniform(60, 180),
            key=chance.choice(KEYS),
            duration_seconds=chance.uniform(30, 300),
            tags={name: chance.random() for name in TAGS},
            artist=chance.choice(("Björk", "Ann", "The Band", "Ólafur")),
            segments=SEGMENTS,
        )
        captions = [
            NewCaption(
                segment=segment, kind=kind, text=f"{kind} {number} of segment {segment}",
                origin="model", rank=0, vector=vector,
            )
            for segment in range(SEGMENTS)
            for kind in ("music", "scene")
        ]  # fmt: skip
        catalogue.store_track(
            heard, captions, path=heard.info.path, modified_ns=number, made_by=MADE_BY
        )


if __name__ == "__main__":
    main()

"""Measures the vector index from ten thousand to ten million vectors, beside bare FAISS.

    python -m tools.bench_vectors --data DATA [--vectors N ...] [--json] [--picture FILE]

The figures that are reported:

    flock /tmp/bench.lock python -m tools.bench_vectors --data ../shared/data
        --vectors 10000 100000 1000000 --picture docs/vectors.png

Vectors are made of real captions' as `tools.caption_vectors` says; queries are made in the same way
from another seed, so none of them is in the index. `flat` is exact search of all vectors by FAISS
itself, `bare` the trained index alone, called as deeply as the product calls it and not compared
again. Searches are of one query at a time in one thread; rates with two threads are of two threads
that each search one query at a time.
"""

from __future__ import annotations

import argparse
import json
import sys
import tempfile
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final
from uuid import UUID

import numpy as np

from indexer.catalogue.rows import VectorRow
from indexer.vectors import Changes, IndexSettings, VectorIndex, publish, publish_changes
from indexer.vectors.files import CHECKED
from indexer.vectors.layout import PARTS
from indexer.vectors.training import exact_nearest
from tools.caption_vectors import (
    CaptionVectors,
    intrinsic_dimension,
    real_vectors,
    uniform_vectors,
)
from tools.machine import describe_machine, peak_memory_bytes

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

    from numpy.typing import NDArray

EMBEDDER: Final = "bench"
PER_TRACK: Final = 10
"""Captions; a track of the demo library has five to twenty."""
QUERIES: Final = 300
TOP_K: Final = 10
DEEP: Final = 200
SHARES: Final = (0.5, 0.1, 0.01, 0.001)
"""Of the tracks, that a filter leaves."""
ASKED: Final = 20
"""Queries by which the recall under a filter is measured."""
CHANGED_TRACKS: Final = 100
COMPARED_BY_SIZE: Final = 8_000
"""Vectors by which intrinsic dimensions are compared."""


def main() -> int:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--data", type=Path, required=True, help="folder of training captions")
    parser.add_argument("--real", type=Path, help="keep the captions' vectors in this file")
    parser.add_argument("--vectors", nargs="+", type=int, default=[10_000, 100_000, 1_000_000])
    parser.add_argument("--flat-limit", type=int, help="vectors that are searched exactly")
    parser.add_argument("--uniform", action="store_true", help="the hard case instead")
    parser.add_argument("--json", action="store_true", help="print one JSON document")
    parser.add_argument("--picture", type=Path)
    parser.add_argument("--work", type=Path, help="folder for the index; a temporary one if none")
    chosen = parser.parse_args()
    real = _read_real(chosen.data, chosen.real)
    made = CaptionVectors(real)
    some = np.random.default_rng(0).permutation(len(real))[:COMPARED_BY_SIZE]
    found: dict[str, Any] = {
        "machine": describe_machine(),
        "real": {"vectors": len(real), "dimension": intrinsic_dimension(real[some])},
        "made": {"dimension": intrinsic_dimension(made.make(len(some), seed=5))},
    }
    settings = IndexSettings(**({"flat_limit": chosen.flat_limit} if chosen.flat_limit else {}))
    results = []
    for count in chosen.vectors:
        with tempfile.TemporaryDirectory(dir=chosen.work) as folder:
            source = _uniform(real.shape[1]) if chosen.uniform else made.batches
            queries = np.concatenate(list(source(QUERIES, seed=99)))
            results.append(measure(Path(folder), source, queries, count, settings))
            print(json.dumps(results[-1]), file=sys.stderr)
    found["results"] = results
    if chosen.json:
        print(json.dumps(found, indent=2))
    else:
        say(found)
    if chosen.picture:
        draw(results, chosen.picture, str(found["machine"]))
    return 0


def measure(
    folder: Path,
    source: Callable[..., Iterable[NDArray[np.float32]]],
    queries: NDArray[np.float32],
    count: int,
    settings: IndexSettings,
) -> dict[str, Any]:
    """Index so many vectors, and search them.

    Args:
        folder: For the index.
        source: Makes batches of vectors.
        queries: Unit vectors, shape (queries, dimension).
        count: Vectors.
        settings: Of the index.

    Returns:
        Figure -> value.
    """
    import faiss

    stored_file = folder / "made.f2"
    started = time.perf_counter()
    with stored_file.open("wb") as file:
        for batch in source(count, seed=1):
            file.write(batch.astype("<f2").tobytes())
    stored = np.memmap(stored_file, "<f2", "r").reshape(count, -1)
    made_seconds = time.perf_counter() - started
    truth = exact_nearest(stored, queries, DEEP)

    started, cpu = time.perf_counter(), time.process_time()
    directory = folder / "vectors"
    publish(
        directory, _rows(stored), [], embedder=EMBEDDER, dimension=stored.shape[1], revision=1,
        settings=settings, progress=_Rates(),
    )  # fmt: skip
    found: dict[str, Any] = {
        "vectors": count,
        "made_seconds": made_seconds,
        "build_seconds": time.perf_counter() - started,
        "build_cpu_seconds": time.process_time() - cpu,
        "peak_memory_mb": peak_memory_bytes() / 1e6,
    }
    (directory / CHECKED).unlink(missing_ok=True)
    time.sleep(0.2)
    for name in ("first_open_seconds", "open_seconds"):
        started = time.perf_counter()
        index = VectorIndex.open(directory, embedder=EMBEDDER, revision=1)
        found[name] = time.perf_counter() - started
    [record] = index.manifest.parts
    found["kind"] = record.kind
    found["index_bytes_per_vector"] = record.files["index.faiss"].size_bytes / count
    found["bytes_per_vector"] = (
        sum(path.stat().st_size for path in directory.rglob("*") if path.is_file()) / count
    )
    if record.training is not None:
        found["training"] = {
            name: getattr(record.training, name) for name in record.training.__struct_fields__
        }
    faiss.omp_set_num_threads(1)
    found.update(_searches(index, queries, truth))
    found["bare_ms"], found["flat_ms"] = _bare(directory, index, stored, queries)
    found["over_flat"] = found["median_ms"] / found["flat_ms"]
    found["over_bare"] = found["median_ms"] / found["bare_ms"]
    found["filters"] = _filters(index, stored, queries)
    found["change_seconds"] = _change(directory, stored, queries, settings)
    faiss.omp_set_num_threads(2)
    return found


def _searches(
    index: VectorIndex, queries: NDArray[np.float32], truth: NDArray[np.intp]
) -> dict[str, float]:
    found: dict[str, float] = {}
    for name, top_k in (("", TOP_K), ("deep_", DEEP)):
        seconds, hits = [], 0
        for query, near in zip(queries, truth[:, :top_k], strict=True):
            started = time.perf_counter()
            rows = index.search(query[None], top_k=top_k)[1]
            seconds.append(time.perf_counter() - started)
            hits += len(np.intersect1d(rows[0], near))
        found[f"{name}recall"] = hits / truth[:, :top_k].size
        found[f"{name}median_ms"] = float(np.median(seconds)) * 1e3
        found[f"{name}p95_ms"] = float(np.percentile(seconds, 95)) * 1e3
    for threads in (1, 2):
        with ThreadPoolExecutor(threads) as pool:
            started = time.perf_counter()
            list(pool.map(lambda query: index.search(query[None], top_k=TOP_K), queries))
            found[f"qps_{threads}"] = len(queries) / (time.perf_counter() - started)
    return found


def _bare(
    directory: Path,
    index: VectorIndex,
    stored: NDArray[np.float16],
    queries: NDArray[np.float32],
) -> tuple[float, float]:
    """Median milliseconds of FAISS alone: the index that was made, and exact search."""
    import faiss

    [record] = index.manifest.parts
    made: Any = faiss.read_index(str(directory / PARTS / record.name / "index.faiss"))
    depth, parameters = TOP_K, None
    if record.training is not None:
        bits: Any = faiss.IVFRaBitQSearchParameters
        parameters = bits(nprobe=record.training.probes, qb=8)
        depth = 2 * TOP_K + record.training.spare
    bare = _median_ms(lambda query: made.search(query, depth, params=parameters), queries)
    if record.training is None:
        return bare, bare
    seconds = np.zeros(20)
    size = 500_000  # float32 of all of ten million would not fit
    for first in range(0, len(stored), size):
        exact: Any = faiss.IndexFlatIP(stored.shape[1])
        exact.add(stored[first : first + size].astype(np.float32))
        for number, query in enumerate(queries[: len(seconds)]):
            started = time.perf_counter()
            exact.search(query[None], TOP_K)
            seconds[number] += time.perf_counter() - started
    return bare, float(np.median(seconds)) * 1e3


def _filters(
    index: VectorIndex, stored: NDArray[np.float16], queries: NDArray[np.float32]
) -> dict[str, dict[str, float]]:
    """Share of the tracks that may be found -> recall and median milliseconds."""
    draw = np.random.default_rng(3)
    tracks = -(-len(stored) // PER_TRACK)
    found = {}
    for share in SHARES:
        chosen = np.sort(draw.choice(tracks, max(1, int(share * tracks)), replace=False))
        found[str(share)] = _filter(index, stored, queries[:50], chosen)
    return found


def _filter(
    index: VectorIndex,
    stored: NDArray[np.float16],
    queries: NDArray[np.float32],
    chosen: NDArray[np.intp],
) -> dict[str, float]:
    allowed = {UUID(int=int(one)) for one in chosen}
    rows = np.flatnonzero(np.isin(np.arange(len(stored)) // PER_TRACK, chosen))
    top_k = min(TOP_K, len(rows))
    exact = np.stack([rows[near] for near in exact_nearest(stored[rows], queries, top_k)])
    hits = sum(
        len(np.intersect1d(index.search(query[None], top_k=top_k, allowed_tracks=allowed)[1], near))
        for query, near in zip(queries[:ASKED], exact, strict=False)
    )
    mask = index.row_mask(allowed)
    return {
        "recall": hits / exact[:ASKED].size,
        "mask_ms": _median_ms(lambda _query: index.row_mask(allowed), queries[:5]),
        "search_ms": _median_ms(lambda query: index.parts[0].search(query, top_k, mask), queries),
    }


def _change(
    directory: Path,
    stored: NDArray[np.float16],
    queries: NDArray[np.float32],
    settings: IndexSettings,
) -> float:
    """Seconds to publish when a hundred tracks have changed."""
    new = queries[: min(len(queries), CHANGED_TRACKS)].astype("<f2")
    rows = [
        VectorRow(len(stored) + number, UUID(int=number), 0, "scene", vector.tobytes())
        for number, vector in enumerate(new)
    ]
    changes = Changes({row.track_id for row in rows}, rows, [], 2)
    started = time.perf_counter()
    publish_changes(directory, changes, settings=settings)
    return time.perf_counter() - started


def _median_ms(
    search: Callable[[NDArray[np.float32]], object], queries: NDArray[np.float32]
) -> float:
    search(queries[:1])
    seconds = []
    for query in queries:
        started = time.perf_counter()
        search(query[None])
        seconds.append(time.perf_counter() - started)
    return float(np.median(seconds)) * 1e3


def _rows(stored: NDArray[np.float16]) -> Iterator[VectorRow]:
    for number, vector in enumerate(stored):
        track = UUID(int=number // PER_TRACK)
        yield VectorRow(number, track, number, "scene", vector.tobytes())


def _uniform(dimension: int) -> Callable[..., Iterable[NDArray[np.float32]]]:
    def batches(count: int, *, seed: int, size: int = 1 << 16) -> Iterator[NDArray[np.float32]]:
        for number, first in enumerate(range(0, count, size)):
            own = seed * 1_000_003 + number
            yield uniform_vectors(min(size, count - first), dimension, seed=own)

    return batches


def _read_real(data: Path, kept: Path | None) -> NDArray[np.float32]:
    if kept is not None and kept.exists():
        found: NDArray[np.float32] = np.load(kept, allow_pickle=False)
        return found
    real = real_vectors(data)
    if kept is not None:
        np.save(kept, real)
    return real


class _Rates:
    """Says on stderr how fast each step of a build goes."""

    def __init__(self) -> None:
        self._started = time.perf_counter()
        self._step = ""

    def __call__(self, step: str, done: int, total: int | None) -> None:
        now = time.perf_counter()
        if step != self._step:
            self._step, self._started = step, now
            print(f"{step} ...", file=sys.stderr)
        elif total and done >= total:
            seconds = now - self._started
            print(f"{step}: {total:,} in {seconds:.0f} s", file=sys.stderr)


def say(found: dict[str, Any]) -> None:
    """Print Markdown tables."""
    print(
        f"{found['machine']}; {found['real']['vectors']:,} real captions, intrinsic dimension "
        f"{found['real']['dimension']:.1f}, of made ones {found['made']['dimension']:.1f}\n"
    )
    rows = {
        "kind": "{kind}",
        "recall@10": "{recall:.4f}",
        "recall@200": "{deep_recall:.4f}",
        "ms, median (p95)": "{median_ms:.2f} ({p95_ms:.2f})",
        "ms for 200": "{deep_median_ms:.2f} ({deep_p95_ms:.2f})",
        "queries a second, 1 thread": "{qps_1:.0f}",
        "queries a second, 2 threads": "{qps_2:.0f}",
        "ms, bare index": "{bare_ms:.2f}",
        "ms, flat": "{flat_ms:.2f}",
        "ratio to bare index": "{over_bare:.2f}",
        "ratio to flat": "{over_flat:.4f}",
        "build, s (CPU s)": "{build_seconds:.0f} ({build_cpu_seconds:.0f})",
        "peak memory, MB": "{peak_memory_mb:.0f}",
        "first open after boot, s": "{first_open_seconds:.3f}",
        "open, s": "{open_seconds:.3f}",
        "bytes a vector, searched": "{index_bytes_per_vector:.0f}",
        "bytes a vector, all": "{bytes_per_vector:.0f}",
        "publish 100 changed tracks, s": "{change_seconds:.2f}",
    }
    results = found["results"]
    print("| | " + " | ".join(f"{one['vectors']:,}" for one in results) + " |")
    print("|---|" + "---|" * len(results))
    for name, form in rows.items():
        print(f"| {name} | " + " | ".join(form.format(**one) for one in results) + " |")
    for share in SHARES:
        cells = [
            f"{own['search_ms']:.2f} + {own['mask_ms']:.2f} ({own['recall']:.3f})"
            for own in (one["filters"][str(share)] for one in results)
        ]
        print(
            f"| filter to {share:.1%}: ms + ms for the mask (recall) | " + " | ".join(cells) + " |"
        )


def draw(results: list[dict[str, Any]], target: Path, machine: str) -> None:
    """Draw recall and milliseconds by size."""
    import matplotlib as mpl

    mpl.use("Agg")
    from matplotlib import pyplot as plt

    figure, (left, right) = plt.subplots(1, 2, figsize=(9, 3.6), layout="constrained")
    sizes = [one["vectors"] for one in results]
    for name, label in (("median_ms", "MusiScene"), ("bare_ms", "bare index"), ("flat_ms", "flat")):
        left.plot(sizes, [one[name] for one in results], marker="o", label=label)
    left.set(xscale="log", yscale="log", xlabel="vectors", ylabel="ms a query, one thread")
    left.legend()
    for name, label in (("recall", "recall@10"), ("deep_recall", "recall@200")):
        right.plot(sizes, [one[name] for one in results], marker="o", label=label)
    right.set(xscale="log", xlabel="vectors", ylabel="share of the exact answer", ylim=(0.9, 1.002))
    right.legend(loc="lower left")
    figure.suptitle(machine, fontsize=9)
    figure.savefig(target, dpi=120)


if __name__ == "__main__":
    sys.exit(main())

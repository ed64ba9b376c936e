"""Times a warm match and its parts, in a small library and in large ones made of it.

    python -m tools.bench_match --library DATA_DIR BRIEFS [BRIEFS...] [--tracks N ...] [--rerank]
        [--json]

The figures that are reported:

    OMP_NUM_THREADS=1 python -m tools.bench_match --library DEMO tools/briefs/demo-tuning.jsonl
        --tracks 20000 100000 --rerank

Everything runs in one thread. The floor of a match, measured brief by brief beside it, is what no
such search can do without: one encoding of the brief, and a bare search of its vector in FAISS as
deep as the matcher's own. `--rerank` also times a language model that reads the first tracks again,
and says whether it would help the briefs of the files (docs/matching.md, "Tried").
"""

from __future__ import annotations

import argparse
import json
import sys
import tempfile
import time
from pathlib import Path
from typing import TYPE_CHECKING, Final, TypeVar

import numpy as np

from indexer.catalogue.repository import Catalogue
from indexer.evaluation.briefs import read_judged_briefs
from indexer.library import EMBEDDER_NAME, Library
from indexer.match import CANDIDATES_PER_HIT, Matcher
from indexer.matching.brief import read_brief
from indexer.matching.explain import ANY_WINDOW, explain
from indexer.matching.fusion import fitted
from indexer.windows import Timeline, best_window
from musiscene.checkpoints.store import ModelStore
from musiscene.embed import TextEmbedder
from musiscene.scene_reader import SCENE_READER_MODEL, SceneReader, load_maps
from tools.large_library import make_large
from tools.machine import describe_machine
from tools.rerank import measure_reranking

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from indexer.vectors import VectorIndex

WARM_UP: Final = 5
ROUNDS: Final = 3
TOP_K: Final = 10
WHOLE: Final = "match, whole"
FLOOR: Final = "floor: encode + bare search"

Result = TypeVar("Result")


def main() -> int:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--library", nargs="+", type=Path, required=True)
    parser.add_argument("--tracks", nargs="*", type=int, default=[])
    parser.add_argument("--rerank", action="store_true")
    parser.add_argument("--json", action="store_true", help="print one JSON document")
    chosen = parser.parse_args()
    set_one_thread()
    small_folder, *files = chosen.library
    found: dict[str, object] = {"machine": describe_machine()}
    store = ModelStore()
    reader = SceneReader(
        TextEmbedder.load(store.folder(SCENE_READER_MODEL), threads=1), load_maps()
    )
    with open_library(small_folder, store) as small:
        paths = {row.track_id: row.path for row in small.catalogue.known_files().values()}
        briefs = [one for file in files for one in read_judged_briefs(file, paths)[0]]
        texts = [one.text for one in briefs]
        of_library = {f"{len(paths):,}": measure(small, reader, texts)}
        for tracks in chosen.tracks:
            with tempfile.TemporaryDirectory() as made:
                started = time.perf_counter()
                count = make_large(small, Path(made) / "library", tracks)
                seconds = time.perf_counter() - started
                print(f"{count:,} tracks made in {seconds:.0f} s", file=sys.stderr)
                with open_library(Path(made) / "library", store) as large:
                    of_library[f"{count:,}"] = measure(large, reader, texts)
        found["milliseconds"] = of_library
        if chosen.rerank:
            found["rerank"] = measure_reranking(Matcher.over(small, reader), small, reader, briefs)
    if chosen.json:
        print(json.dumps(found, indent=2))
    else:
        say(found["machine"], of_library)
        for name, value in dict(found.get("rerank", {})).items():  # type: ignore[call-overload]
            print(f"{name}: {value}")
    return 0


def set_one_thread() -> None:
    """For FAISS and torch; ONNX is told when a model is loaded."""
    import faiss
    import torch

    faiss.omp_set_num_threads(1)
    torch.set_num_threads(1)


def open_library(folder: Path, store: ModelStore) -> Library:
    """As `Library.open`, with an embedder that keeps to one thread."""
    embedder = TextEmbedder.load(store.folder(EMBEDDER_NAME), threads=1)
    return Library(Catalogue.open(folder / "catalogue.sqlite"), folder / "vectors", embedder)


def measure(
    library: Library, reader: SceneReader, texts: Sequence[str]
) -> dict[str, dict[str, float]]:
    """Time every brief several times.

    Args:
        library: Open.
        reader: For the briefs.
        texts: The briefs.

    Returns:
        Part -> `median` and `p95` in milliseconds; `match, whole` also has `over_floor`, the ratio
        of the medians.
    """
    matcher, index = Matcher.over(library, reader), library.vectors()
    for text in texts[:WARM_UP]:
        time_parts(matcher, index, library, reader, text)
    seconds: dict[str, list[float]] = {}
    for _ in range(ROUNDS):
        for text in texts:
            for part, own in time_parts(matcher, index, library, reader, text).items():
                seconds.setdefault(part, []).append(own)
    found = {
        part: {
            "median": round(1000 * float(np.median(own)), 3),
            "p95": round(1000 * float(np.quantile(own, 0.95)), 3),
        }
        for part, own in seconds.items()
    }
    found[WHOLE]["over_floor"] = round(found[WHOLE]["median"] / found[FLOOR]["median"], 2)
    return found


def time_parts(
    matcher: Matcher, index: VectorIndex, library: Library, reader: SceneReader, text: str
) -> dict[str, float]:
    """One match, its parts one by one, and the floor, in seconds."""
    parts: dict[str, float] = {}

    def timed(part: str, action: Callable[[], Result]) -> Result:
        started = time.perf_counter()
        result = action()
        parts[part] = time.perf_counter() - started
        return result

    timed(WHOLE, lambda: matcher.match([text], top_k=TOP_K))
    vectors = timed("encode", lambda: library.embedder.encode([text]))
    depth = CANDIDATES_PER_HIT * TOP_K
    timed("search", lambda: index.search(vectors, top_k=depth))
    parts[FLOOR] = parts.pop("encode") + parts.pop("search")

    brief = timed(
        "read the brief",
        lambda: read_brief([text], embedder=library.embedder, scene_reader=reader),
    )
    timed("- its vector", lambda: library.embedder.encode([text]))
    timed("- its moods and music", lambda: reader.read([text]))
    nothing = timed("choose and load candidates", lambda: matcher.score(brief, [], top_k=TOP_K))
    for stage in matcher.stages:
        timed(f"stage: {stage.name}", lambda one=stage: one.score(brief, nothing.candidates))  # type: ignore[misc]
    scores = matcher.score(brief, matcher.stages, top_k=TOP_K)
    chance = timed("answer chance", lambda: matcher.answer_chance(brief, scores))
    best = [int(position) for position in scores.order[:TOP_K]]
    ids = [scores.candidates.track_ids[position] for position in best]
    tracks = timed("SQL: rows of the hits", lambda: library.catalogue.shown(ids))
    timed(
        "explain",
        lambda: explain(
            brief,
            scores,
            best,
            tracks,
            matcher.stages,
            curve=fitted().fits,
            ceiling=chance,
            wish=ANY_WINDOW,
        ),
    )
    timed("- its windows", lambda: [best_window(Timeline.of(one)) for one in tracks.values()])
    return parts


def say(machine: object, of_library: dict[str, dict[str, dict[str, float]]]) -> None:
    """Print a Markdown table of milliseconds."""
    print(f"{machine}; milliseconds, median (95th percentile):\n")
    print("| part | " + " | ".join(f"{tracks} tracks" for tracks in of_library) + " |")
    print("|---|" + "---|" * len(of_library))
    for part in next(iter(of_library.values())):
        cells = [
            f"{own[part]['median']:.2f} ({own[part]['p95']:.2f})" for own in of_library.values()
        ]
        print(f"| {part} | " + " | ".join(cells) + " |")
    ratios = [f"{own[WHOLE]['over_floor']:.2f}" for own in of_library.values()]
    print("| whole over floor | " + " | ".join(ratios) + " |\n")


if __name__ == "__main__":
    sys.exit(main())

"""Measures similar tracks on an indexed library whose file names begin with their mood.

    python -m tools.measure_similar --data-dir DIR

Each track is the seed once. Right is a track of the same mood, as `calm` in `calm_acoustic_1.opus`;
for a library that is not named so only the second table means something.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click
import numpy as np

from indexer.library import EMBEDDER_NAME, Library
from indexer.similar.candidates import likeness_to, pool_of
from indexer.similar.finder import SimilarFinder
from indexer.similar.likeness import WEIGHTS
from indexer.similar.seeds import Seed
from musiscene.checkpoints.first_use import store_with
from musiscene.console import Console

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from indexer.similar.likeness import Part
    from indexer.vectors import VectorIndex

DRAWS = 1000
DIVERSITIES = (0.0, 0.2, 0.3, 0.5, 0.7, 1.0)


def part_likeness(index: VectorIndex) -> dict[Part, NDArray[np.float32]]:
    """Part -> likeness of every track (row) to every other, 0 to 1."""
    pool = pool_of(index, np.arange(len(index.track_ids)))
    weights = dict.fromkeys(WEIGHTS, 1.0)
    rows = [
        likeness_to(index, pool, ordinal=one, rows=pool.rows_of(one), weights=weights)
        for one in range(len(index.track_ids))
    ]
    parts = np.array(rows).transpose(1, 0, 2) * len(weights)
    return dict(zip(WEIGHTS, parts, strict=True))


def precision(likeness: NDArray[np.floating], moods: NDArray[np.str_], *, top_k: int = 5) -> str:
    """Mean precision over the seeds, with a bootstrap of them."""
    chance = np.random.default_rng(0)
    values = likeness + 1e-9 * chance.random(likeness.shape)
    np.fill_diagonal(values, -np.inf)
    right = (moods[np.argsort(-values, axis=1)[:, :top_k]] == moods[:, None]).mean(axis=1)
    draws = right[chance.integers(0, len(right), (DRAWS, len(right)))].mean(axis=1)
    low, high = np.percentile(draws, (2.5, 97.5))
    return f"{right.mean():.3f} [{low:.3f}, {high:.3f}]"


def weight_sets() -> dict[str, dict[Part, float]]:
    """What the parts are added up by."""
    without = {f"without {part}": {**WEIGHTS, part: 0.0} for part in WEIGHTS}
    return {
        "shipped": WEIGHTS,
        "all alike": dict.fromkeys(WEIGHTS, 1.0),
        "captions alone": {"music": 0.75, "scene": 0.25},
        "without captions": {**WEIGHTS, "music": 0.0, "scene": 0.0},
        **without,
    }


@click.command()
@click.option("--data-dir", type=click.Path(exists=True, path_type=Path), required=True)
@click.option("--top-k", type=int, default=5, help="Hits a seed, for diversity.")
def main(data_dir: Path, top_k: int) -> None:
    """Print precision by part and by sum, then what diversity does."""
    store = store_with([EMBEDDER_NAME], Console())
    with Library.open(data_dir, store, create=False) as library:
        index = library.vectors()
        tracks = library.catalogue.tracks(index.track_ids)
        stems = [Path(tracks[track_id].path).stem for track_id in index.track_ids]
        moods = np.array([stem.split("_")[0] for stem in stems])
        parts = part_likeness(index)
        for part, likeness in parts.items():
            print(f"{part} alone: {precision(likeness, moods)}")
        for name, weights in weight_sets().items():
            summed = sum(weight * parts[part] for part, weight in weights.items())
            print(f"{name}: {precision(np.asarray(summed), moods)}")
        total = np.sum([weight * parts[part] for part, weight in WEIGHTS.items()], axis=0)
        finder = SimilarFinder(library.catalogue, index)
        place = {track_id: one for one, track_id in enumerate(index.track_ids)}
        for diversity in DIVERSITIES:
            pairs, scores = [], []
            for track_id in index.track_ids:
                hits = finder.similar(
                    [Seed(track_id=track_id)], diversity=diversity, top_k=top_k
                ).hits
                found = [place[hit.track.id] for hit in hits]
                among = total[np.ix_(found, found)]
                pairs.append(among[~np.eye(len(found), dtype=bool)].mean())
                scores.append(np.mean([hit.score for hit in hits]))
            print(
                f"diversity {diversity}: likeness of hits {np.mean(pairs):.3f}, "
                f"score {np.mean(scores):.3f}"
            )


if __name__ == "__main__":
    main()

"""How much opinions help: simulated people judge the answers to half of the briefs.

    python tools/simulate_feedback.py --data-dir DIR tools/briefs/demo-tuning.jsonl

A simulated person is shown the first tracks for a brief and accepts those that the brief wants. The
other half of the briefs is then ranked with and without these opinions, and the halves change
places; means over several ways to halve them. The control gives the same verdicts to other answers.
"""

from __future__ import annotations

import argparse
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from indexer.evaluation.briefs import read_judged_briefs
from indexer.library import Library
from indexer.match import MODELS, Matcher
from indexer.taste import Taste
from musiscene.checkpoints.first_use import store_with
from musiscene.console import Console
from musiscene.scene_reader import SCENE_READER_MODEL, SceneReader

if TYPE_CHECKING:
    from collections.abc import Sequence
    from uuid import UUID

    from numpy.typing import NDArray

WEIGHTS = (0.0, 0.05, 0.1, 0.2, 0.5, 1.0)
TOP_K = 5


class Bench:
    """Scores of every track for every brief, and what is wanted.

    Args:
        library: Open.
        scene_reader: For the briefs.
        file: Of briefs.
    """

    def __init__(self, library: Library, scene_reader: SceneReader, file: Path) -> None:
        paths = {row.track_id: row.path for row in library.catalogue.known_files().values()}
        self.briefs, _ = read_judged_briefs(file, paths)
        self.tracks: list[UUID] = sorted(paths)
        matcher = Matcher.over(library, scene_reader, without=["feedback"])
        self.scores = np.array(
            [self._scores(matcher, brief.text) for brief in self.briefs]
        )  # (briefs, tracks)
        self.vectors = library.embedder.encode([brief.text for brief in self.briefs])
        self.is_wanted = np.array(
            [[track in brief.grades for track in self.tracks] for brief in self.briefs]
        )  # (briefs, tracks)

    def _scores(self, matcher: Matcher, text: str) -> list[float]:
        hits = matcher.match([text], top_k=len(self.tracks)).hits
        score_of = {hit.track.id: hit.score for hit in hits}
        return [score_of[track] for track in self.tracks]

    def taste(
        self, judged: NDArray[np.intp], shown: int, chance: np.random.Generator, *, is_control: bool
    ) -> Taste:
        """Opinions on the first tracks shown for some briefs."""
        first = np.argsort(-self.scores[judged], axis=1, kind="stable")[:, :shown]
        briefs, tracks = np.repeat(judged, shown), first.ravel()
        verdicts = self.is_wanted[briefs, tracks]
        return Taste(
            self.vectors[briefs],
            [self.tracks[track] for track in tracks],
            chance.permutation(verdicts) if is_control else verdicts,
            [self.briefs[brief].text for brief in briefs],
        )

    def measure(self, asked: NDArray[np.intp], taste: Taste, weight: float) -> tuple[float, float]:
        """Mean P@5 and MRR of some briefs."""
        moved = np.array([taste.adjust(self.vectors[[row]], self.tracks) for row in asked])
        order = np.argsort(-(self.scores[asked] + weight * moved), axis=1, kind="stable")
        ranked = np.take_along_axis(self.is_wanted[asked], order, axis=1)
        return float(ranked[:, :TOP_K].mean()), float((1.0 / (1 + ranked.argmax(axis=1))).mean())


def simulate(bench: Bench, *, shown: int, repeats: int, is_control: bool) -> NDArray[np.float64]:
    """Measure every weight.

    Args:
        bench: Scores and wishes.
        shown: Tracks judged for each brief.
        repeats: Ways to halve the briefs.
        is_control: Shuffle the verdicts.

    Returns:
        P@5 and MRR, shape (repeats, weights, 2), each the mean of both halves.
    """
    measured = np.zeros((repeats, len(WEIGHTS), 2))
    for repeat in range(repeats):
        chance = np.random.default_rng(repeat)
        halves = np.array_split(chance.permutation(len(bench.briefs)), 2)
        for judged, asked in (halves, halves[::-1]):
            taste = bench.taste(judged, shown, chance, is_control=is_control)
            for column, weight in enumerate(WEIGHTS):
                measured[repeat, column] += np.array(bench.measure(asked, taste, weight)) / 2
    return measured


def main(arguments: Sequence[str] | None = None) -> int:
    """Print a table; the exit status is 0."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("briefs", type=Path)
    parser.add_argument("--data-dir", type=Path, required=True)
    parser.add_argument("--shown", type=int, default=5)
    parser.add_argument("--repeats", type=int, default=20)
    options = parser.parse_args(arguments)
    store = store_with(MODELS, Console())
    scene_reader = SceneReader.load(store.folder(SCENE_READER_MODEL))
    with Library.open(options.data_dir, store, create=False) as library:
        bench = Bench(library, scene_reader, options.briefs)
    print(f"{len(bench.briefs)} briefs, {options.shown} tracks judged for half of them")
    print("verdicts   weight   P@5 (sd)        MRR (sd)")
    for name, is_control in (("of people", False), ("shuffled", True)):
        measured = simulate(
            bench, shown=options.shown, repeats=options.repeats, is_control=is_control
        )
        for weight, mean, spread in zip(WEIGHTS, measured.mean(0), measured.std(0), strict=True):
            cells = [f"{value:.3f} ({sd:.3f})" for value, sd in zip(mean, spread, strict=True)]
            print(f"{name:10} {weight:6.2f}   {'   '.join(cells)}")
    return 0


if __name__ == "__main__":
    sys.exit(main())

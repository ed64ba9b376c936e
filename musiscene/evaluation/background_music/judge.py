"""Judges pieces: distances of sets, and agreements of pieces with their clips."""

from __future__ import annotations

from itertools import combinations
from typing import TYPE_CHECKING, Final, NamedTuple

import numpy as np

from musiscene.evaluation.background_music.agreement import MusicScale
from musiscene.evaluation.background_music.prompting import LONG
from musiscene.evaluation.background_music.report import (
    Agreement,
    Comparison,
    Kind,
    SystemFigures,
)
from musiscene.metrics.bootstrap import LEVEL, Interval, bootstrap_difference, bootstrap_mean
from musiscene.metrics.frechet import FEWEST_PIECES, fit_gaussian, frechet_of_pieces
from musiscene.metrics.identification import identification, own_ranks
from musiscene.metrics.kernel_distance import KernelReference
from musiscene.metrics.paired import holm, permutation_p
from musiscene.metrics.spread import spread
from musiscene.metrics.tag_divergence import tag_divergence

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from numpy.typing import NDArray

    from musiscene.embed import TextEmbedder
    from musiscene.evaluation.background_music.ear import HeardPiece
    from musiscene.progress import ProgressReport
    from musiscene.scene_reader import SceneReader

COMPARED: Final = ("fit", "scene", "tags_own")
SET_RESAMPLES: Final = 100
"""Of distances between sets, which take long."""


class System(NamedTuple):
    """One kind of music."""

    name: str
    """Unique."""
    kind: Kind
    """What it is."""
    pieces: tuple[tuple[HeardPiece, ...], ...]
    """Of each clip, its takes."""

    @property
    def all_pieces(self) -> list[HeardPiece]:
        """Of all clips."""
        return [piece for takes in self.pieces for piece in takes]


class Texts(NamedTuple):
    """What the clips say, in their order."""

    video: Sequence[str]
    """What is seen."""
    music: Sequence[str]
    """What is heard."""


class Judge:
    """Judges systems on the same clips.

    Args:
        texts: Of the clips.
        own: The clips' own music, where each has some.
        reference: Real music that is no clip's and no system's; may be empty.
        reader: Says what texts call for.
        embedder: Of texts, untuned.
        seed: Of all draws.
    """

    def __init__(
        self,
        texts: Texts,
        own: Sequence[HeardPiece] | None,
        reference: Sequence[HeardPiece],
        *,
        reader: SceneReader,
        embedder: TextEmbedder,
        seed: int,
    ) -> None:
        self._texts = texts
        self._own = None if own is None else np.stack([piece.all_tags for piece in own])
        self._reader = reader
        self._embedder = embedder
        self._seed = seed
        self._videos = embedder.encode(texts.video)
        self._reference = list(reference)
        if len(self._reference) >= FEWEST_PIECES:
            rows = np.concatenate([one.embeddings for one in self._reference])
            self._gaussian = fit_gaussian(rows)
            self._kernel_reference = KernelReference(rows)
            self._reference_tags = np.mean([one.all_tags for one in self._reference], axis=0)

    def judge(
        self, systems: Sequence[System], report: ProgressReport
    ) -> tuple[list[SystemFigures], list[Comparison]]:
        """Judge systems, and compare all pairs of them.

        Args:
            systems: With pieces for every clip.
            report: Is told how many are done.

        Returns:
            The figures of each, and the comparisons.
        """
        every = [piece for system in systems for piece in system.all_pieces] + self._reference
        scale = MusicScale(every)
        figures, by_clip = [], []
        for number, system in enumerate(systems):
            report("Judging", number, len(systems))
            one, values = self._judge_one(system, scale)
            figures.append(one)
            by_clip.append(values)
        report("Judging", len(systems), len(systems))
        return figures, self._compare(systems, by_clip)

    def _judge_one(
        self, system: System, scale: MusicScale
    ) -> tuple[SystemFigures, dict[str, NDArray[np.float64]]]:
        def fit_with(texts: Sequence[str]) -> NDArray[np.float64]:
            return self._over_takes(system, lambda pieces: scale.fit(texts, pieces, self._reader))

        fit, fit_music = fit_with(self._texts.video), fit_with(self._texts.music)
        scene = self._over_takes(system, self._scene_cosines)
        values = {"fit": np.diagonal(fit), "scene": np.diagonal(scene)}
        if self._own is not None:
            values["tags_own"] = self._divergences(system, self._own)
        pieces = system.all_pieces
        loudness = [
            piece.sound.loudness_lufs for piece in pieces if piece.sound.loudness_lufs is not None
        ]
        has_reference = len(self._reference) >= FEWEST_PIECES <= len(pieces)
        return SystemFigures(
            name=system.name,
            kind=system.kind,
            clips=len(system.pieces),
            pieces=len(pieces),
            frechet=frechet_of_pieces(
                self._gaussian,
                [piece.embeddings for piece in pieces],
                seed=self._seed,
                resamples=SET_RESAMPLES,
            )
            if has_reference
            else None,
            kernel=self._of_sets(pieces, self._kernel) if has_reference else None,
            tags_pooled=self._of_sets(pieces, self._pooled) if has_reference else None,
            tags_own=self._mean(values["tags_own"]) if "tags_own" in values else None,
            fit=self._agreement(fit),
            fit_music=self._agreement(fit_music),
            scene=self._agreement(scene),
            found_by_fit=identification(own_ranks(fit)),
            found_by_scene=identification(own_ranks(scene)),
            spread=spread(np.stack([piece.embeddings.mean(axis=0) for piece in pieces])),
            tempo_confidence=self._mean([piece.tempo_confidence for piece in pieces]),
            loudness_lufs=self._mean(loudness) if loudness else None,
            clipped_pieces=sum(piece.sound.clipped_share > 0 for piece in pieces),
            silent_share=float(np.mean([piece.sound.silent_share for piece in pieces])),
        ), values

    def _over_takes(
        self, system: System, measure: Callable[[list[HeardPiece]], NDArray[np.float64]]
    ) -> NDArray[np.float64]:
        """Of each clip's text with each clip's music, mean over the takes, shape (clips, clips)."""
        takes = zip(*system.pieces, strict=True)
        mean: NDArray[np.float64] = np.mean([measure(list(take)) for take in takes], axis=0)
        return mean

    def _scene_cosines(self, pieces: Sequence[HeardPiece]) -> NDArray[np.float64]:
        vectors = self._embedder.encode([piece.scene for piece in pieces])
        return (self._videos @ vectors.T).astype(np.float64)

    def _divergences(self, system: System, own: NDArray[np.float64]) -> NDArray[np.float64]:
        takes = zip(*system.pieces, strict=True)
        mean: NDArray[np.float64] = np.mean(
            [tag_divergence(own, np.stack([one.all_tags for one in take])) for take in takes],
            axis=0,
        )
        return mean

    def _agreement(self, similarity: NDArray[np.float64]) -> Agreement:
        """All moves at once: the mean of a clip's row without its own column."""
        count = len(similarity)
        own = np.diagonal(similarity)
        moved = (similarity.sum(axis=1) - own) / max(count - 1, 1)
        return Agreement(
            value=self._mean(own),
            moved=float(moved.mean()),
            gap=bootstrap_difference(own, moved, seed=self._seed),
        )

    def _kernel(self, pieces: Sequence[HeardPiece]) -> float:
        rows = np.concatenate([piece.embeddings for piece in pieces])
        return self._kernel_reference.distance(rows)

    def _pooled(self, pieces: Sequence[HeardPiece]) -> float:
        tags = np.mean([piece.all_tags for piece in pieces], axis=0)
        return float(tag_divergence(self._reference_tags, tags))

    def _of_sets(
        self, pieces: Sequence[HeardPiece], measure: Callable[[Sequence[HeardPiece]], float]
    ) -> Interval:
        """A figure of a set; the spread of sets drawn from it is laid around it."""
        rng = np.random.default_rng(self._seed)
        whole = measure(pieces)
        drawn = np.array(
            [
                measure([pieces[place] for place in rng.integers(0, len(pieces), len(pieces))])
                for _ in range(SET_RESAMPLES)
            ]
        )
        low, high = np.quantile(drawn - drawn.mean(), [(1 - LEVEL) / 2, (1 + LEVEL) / 2])
        return Interval(mean=whole, low=whole + float(low), high=whole + float(high))

    def _mean(self, values: Sequence[float] | NDArray[np.float64]) -> Interval:
        return bootstrap_mean(np.asarray(values, dtype=np.float64), seed=self._seed)

    def _compare(
        self, systems: Sequence[System], by_clip: Sequence[dict[str, NDArray[np.float64]]]
    ) -> list[Comparison]:
        compared = []
        for figure in COMPARED:
            if figure not in by_clip[0]:
                continue
            pairs = _planned([system.name for system in systems])
            values = [(by_clip[one][figure], by_clip[other][figure]) for one, other in pairs]
            chances = [permutation_p(first, second, seed=self._seed) for first, second in values]
            compared += [
                Comparison(
                    figure=figure,
                    first=systems[one].name,
                    second=systems[other].name,
                    difference=bootstrap_difference(first, second, seed=self._seed),
                    p=chance,
                    p_holm=corrected,
                )
                for (one, other), (first, second), chance, corrected in zip(
                    pairs, values, chances, holm(chances), strict=True
                )
            ]
        return compared


def _planned(names: Sequence[str]) -> list[tuple[int, int]]:
    """Which pairs are tested: all of one form of prompts, and each caption's two forms."""
    longs = {name: f"{name}{LONG}" for name in names if f"{name}{LONG}" in names}
    base = [place for place, name in enumerate(names) if name not in longs.values()]
    forms = [(names.index(short), names.index(long)) for short, long in longs.items()]
    return [*combinations(base, 2), *forms]

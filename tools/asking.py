"""Briefs held against all tracks of a library, for the tools that fit the matcher and measure it.

Briefs of given files are those that the library can answer; nonsense is what it cannot.
"""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Annotated, Final, NamedTuple

import msgspec
import numpy as np
from msgspec import Meta

from indexer.evaluation.briefs import read_judged_briefs
from indexer.library import Library
from indexer.match import Matcher
from indexer.matching.brief import read_brief
from indexer.matching.fusion import fitted
from musiscene.checkpoints.store import ModelStore
from musiscene.scene_reader import SCENE_READER_MODEL, SceneReader

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from numpy.typing import NDArray

LEARNT: Final = ("mood", "imagined", "scene", "music", "facts")
"""The stages whose weights are learnt."""
BINS: Final = 10


class Nonsense(msgspec.Struct, frozen=True):
    """A text that nothing should answer; other fields of its line are ignored."""

    brief: Annotated[str, Meta(min_length=1)]
    kind: Annotated[str, Meta(min_length=1)]


class Asked(NamedTuple):
    """One brief held against a whole library."""

    text: str
    kind: str
    """Of nonsense; empty for a brief that the library can answer."""
    values: NDArray[np.float64]
    """Of the learnt stages, shape (stages, tracks)."""
    wanted: NDArray[np.bool_]
    """Shape (tracks,)."""
    measures: dict[str, float]
    chance: float
    """That the brief has an answer, by the weights in use."""
    confidences: NDArray[np.float64]
    """Of each track as a hit, by the weights in use, shape (tracks,)."""
    order: NDArray[np.intp]
    """The tracks by the weights in use, best first, shape (tracks,)."""
    are_all_known: bool
    """Whether the tracks that are not wanted are known to be wrong."""

    @property
    def is_answerable(self) -> bool:
        """Whether the library has what it wants."""
        return not self.kind

    @property
    def confidence(self) -> float:
        """Of the best hit, as an answer states it."""
        return float(self.confidences[self.order[0]])

    @property
    def is_right(self) -> bool:
        """Whether the best hit is wanted."""
        return bool(self.wanted[self.order[0]])


def read_nonsense(path: Path) -> list[Nonsense]:
    """The texts of a file like `tools/briefs/nonsense-tuning.jsonl`."""
    return msgspec.json.Decoder(Nonsense).decode_lines(path.read_bytes())


def ask(folder: Path, files: Sequence[Path], nonsense: Sequence[Nonsense]) -> list[Asked]:
    """Open a library and hold briefs against it; see `ask_library`."""
    store = ModelStore()
    reader = SceneReader.load(store.folder(SCENE_READER_MODEL))
    with Library.open(folder, store, create=False) as library:
        return ask_library(library, reader, files, nonsense)


def ask_library(
    library: Library, reader: SceneReader, files: Sequence[Path], nonsense: Sequence[Nonsense]
) -> list[Asked]:
    """Hold briefs, and nonsense, against all tracks of a library.

    Args:
        library: Open.
        reader: For the briefs.
        files: Of briefs, as `musiscene evaluate retrieval` takes them; lines that cannot be judged
            are named on the standard error and passed over.
        nonsense: May be empty.

    Returns:
        The briefs in the order of the files, then the nonsense.
    """
    matcher = Matcher.over(library, reader)
    stages = {stage.name: stage for stage in matcher.stages}
    tracks = library.catalogue.tracks(list(library.catalogue.track_ids()))
    paths = {track_id: track.path for track_id, track in tracks.items()}
    grades = []
    for file in files:
        judged, bad = read_judged_briefs(file, paths)
        for line in bad:
            print(f"{line.place}: passed over: {line.reason}", file=sys.stderr)
        grades += [(one.text, "", set(one.grades)) for one in judged]
    grades += [(one.brief, one.kind, set()) for one in nonsense]
    asked = []
    for text, kind, wanted in grades:
        brief = read_brief([text], embedder=library.embedder, scene_reader=reader)
        scores = matcher.score(brief, matcher.stages, top_k=len(tracks))
        chance = matcher.answer_chance(brief, scores)
        fits = fitted().fits
        asked.append(
            Asked(
                text,
                kind,
                np.stack([stages[name].score(brief, scores.candidates) for name in LEARNT]).astype(
                    np.float64
                ),
                np.array([track_id in wanted for track_id in scores.candidates.track_ids]),
                matcher.measures(brief, scores),
                chance,
                np.array([chance * fits.chance({"score": float(one)}) for one in scores.total]),
                scores.order,
                are_all_known=len(wanted) > 1,
            )
        )
    return asked


class Bin(msgspec.Struct, frozen=True, kw_only=True):
    """Chances that are about as high."""

    low: float
    high: float
    """Ends of the bin."""
    count: int
    """Of chances in it."""
    weight: float
    """Of these."""
    said: float
    """Their weighted mean."""
    true: float
    """Weighted share of them that came true."""


def reliability(
    chances: NDArray[np.float64],
    labels: NDArray[np.bool_],
    weights: NDArray[np.float64] | None = None,
) -> list[Bin]:
    """Hold what was said against what is true, over equal bins.

    Args:
        chances: 0 to 1, shape (rows,).
        labels: What came true, shape (rows,).
        weights: Above 0, shape (rows,); None for alike.

    Returns:
        The bins that hold a row, rising.
    """
    own = np.ones(len(chances)) if weights is None else weights
    place = np.minimum((chances * BINS).astype(int), BINS - 1)
    return [
        Bin(
            low=one / BINS,
            high=(one + 1) / BINS,
            count=int(inside.sum()),
            weight=float(own[inside].sum()),
            said=float(np.average(chances[inside], weights=own[inside])),
            true=float(np.average(labels[inside], weights=own[inside])),
        )
        for one in range(BINS)
        if (inside := place == one).any()
    ]


def error_of(
    chances: NDArray[np.float64],
    labels: NDArray[np.bool_],
    weights: NDArray[np.float64] | None = None,
) -> float:
    """Expected calibration error, over the bins of `reliability`.

    Source: Naeini, Cooper, Hauskrecht 2015, Obtaining Well Calibrated Probabilities Using Bayesian
    Binning, section "Calibration measures".
    """
    bins = reliability(chances, labels, weights)
    total = sum(one.weight for one in bins)
    return sum(one.weight / total * abs(one.said - one.true) for one in bins)

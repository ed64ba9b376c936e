"""The candidates of a brief, held against it."""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec
import numpy as np
from numpy.typing import NDArray

from indexer.matching.candidates import Candidates

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from indexer.matching.brief import ReadBrief
    from indexer.matching.stages import Stage


class Scores(msgspec.Struct, frozen=True):
    """What each stage says of each candidate."""

    candidates: Candidates
    points: dict[str, NDArray[np.float32]]
    """Stage -> what it adds to each candidate's score, shape (tracks,)."""
    total: NDArray[np.float32]
    """Shape (tracks,)."""
    order: NDArray[np.intp]
    """Positions of the candidates, best first; equal ones by id."""


def add_up(
    brief: ReadBrief, candidates: Candidates, stages: Iterable[Stage], weights: Mapping[str, float]
) -> Scores:
    """Hold a brief against candidates, stage by stage, and sort them.

    Args:
        brief: As it was read.
        candidates: The tracks.
        stages: Of the pipeline.
        weights: Stage -> what one unit of its value adds to the score.

    Returns:
        Points, sums and order.
    """
    points, total = points_of(brief, candidates, stages, weights)
    return Scores(candidates, points, total, np.lexsort((candidates.names, -total)))


def points_of(
    brief: ReadBrief, candidates: Candidates, stages: Iterable[Stage], weights: Mapping[str, float]
) -> tuple[dict[str, NDArray[np.float32]], NDArray[np.float32]]:
    """Hold a brief against candidates, stage by stage.

    Args:
        brief: As it was read.
        candidates: The tracks.
        stages: Of the pipeline.
        weights: Stage -> what one unit of its value adds to the score.

    Returns:
        Points of each stage, and their sums, each of shape (tracks,).
    """
    points = {
        stage.name: np.float32(weights[stage.name]) * stage.score(brief, candidates)
        for stage in stages
    }
    total = np.zeros(len(candidates), dtype=np.float32)
    for values in points.values():
        total += values
    return points, total

"""How well tracks fit the scenes of a video, kept so that a scene is not scored twice."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final
from uuid import UUID

import msgspec
import numpy as np
from numpy.typing import NDArray

from indexer.errors import SpottingError
from indexer.filters.selection import demands_of
from indexer.matching.brief import ReadBrief
from indexer.matching.results import BestTracks

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from indexer.catalogue.repository import Catalogue
    from indexer.match import Matcher
    from indexer.spotting.cue_plan import PlanWishes
    from musiscene.video.analysis import VideoScene

BEST_OF_SCENE: Final = 15
MOST_TRACKS: Final = 160
"""That are considered for one video."""
FEWEST_OF_SCENE: Final = 3
BRIEF_SHARE: Final = 0.3
"""What the brief of the whole film counts beside a scene's captions."""
MOST_KEPT: Final = 5_000
"""Scenes that are kept."""


class SceneFits(msgspec.Struct, frozen=True, kw_only=True):
    """What the matcher says of each scene and each track that comes into question."""

    track_ids: tuple[UUID, ...]
    scores: NDArray[np.float64]
    """Shape (scenes, tracks)."""
    confidences: NDArray[np.float64]
    """That a person would call the track fitting, 0 to 1, likewise."""
    best: tuple[BestTracks, ...]
    """Of each scene."""

    @property
    def is_answered(self) -> NDArray[np.bool_]:
        """Scenes for which the library has something, shape (scenes,)."""
        return np.array([one.is_answered for one in self.best], np.bool_)


class _Scored(msgspec.Struct):
    """A scene that was read."""

    brief: ReadBrief
    best: BestTracks
    scores: dict[UUID, float]


class SceneScorer:
    """Holds scenes against the library.

    What was found for a scene's words stays known as long as the scorer lives, so another cut of
    the same video costs no more than its new scenes.

    Args:
        matcher: Over the library.
        catalogue: Of the same library.
    """

    def __init__(self, matcher: Matcher, catalogue: Catalogue) -> None:
        self._matcher = matcher
        self.catalogue = catalogue
        self._kept: dict[tuple[object, ...], _Scored] = {}
        self.scored = 0
        """Scenes that were scored, and not found among those that were before."""

    def fits(
        self, scenes: Sequence[VideoScene], wishes: PlanWishes, *, also: Iterable[UUID] = ()
    ) -> SceneFits:
        """The tracks that come into question, held against each scene.

        Args:
            scenes: With captions.
            wishes: Filter, brief, and what is not wanted.
            also: Tracks that come into question in any case.

        Returns:
            Scores of all of them beside all scenes.

        Raises:
            SpottingError: If a scene has no captions.
            BriefError: If a caption is too long.
            FilterError: If the filter cannot be read.
        """
        demands = demands_of(wishes.filter, negatives=wishes.negatives, length_seconds=None)
        conditions = [demand.condition for demand in demands]
        allowed = self.catalogue.track_ids(*conditions) if conditions else None
        read = [self._scored(scene, wishes, allowed) for scene in scenes]
        track_ids = _united([one.best for one in read], also)
        if track_ids:
            for one in read:
                missing = [track for track in track_ids if track not in one.scores]
                if missing:
                    found = self._matcher.scores_of(one.brief, missing)
                    one.scores.update(zip(missing, found.tolist(), strict=True))
        scores = [[one.scores[track_id] for track_id in track_ids] for one in read]
        shape = (len(scenes), len(track_ids))
        confidences = [
            [self._matcher.confidence(score, ceiling=one.best.chance) for score in row]
            for one, row in zip(read, scores, strict=True)
        ]
        return SceneFits(
            track_ids=tuple(track_ids),
            scores=np.array(scores, np.float64).reshape(shape),
            confidences=np.array(confidences, np.float64).reshape(shape),
            best=tuple(one.best for one in read),
        )

    def _scored(self, scene: VideoScene, wishes: PlanWishes, allowed: set[UUID] | None) -> _Scored:
        captions, weights = words_of(scene, wishes)
        key = (*captions, wishes.brief, wishes.negatives, wishes.filter, self._matcher.revision)
        known = self._kept.get(key)
        if known is None:
            brief = self._matcher.read(captions, weights=weights, negatives=wishes.negatives)
            best = self._matcher.best_of(brief, allowed=allowed, top_k=BEST_OF_SCENE)
            known = _Scored(brief, best, {})
            if len(self._kept) >= MOST_KEPT:
                self._kept.clear()
            self._kept[key] = known
            self.scored += 1
        return known


def words_of(scene: VideoScene, wishes: PlanWishes) -> tuple[list[str], list[float]]:
    """What a scene is searched by.

    Args:
        scene: With captions.
        wishes: With the brief of the whole film, if there is one.

    Returns:
        Captions, and how much each counts.

    Raises:
        SpottingError: If there are none.
    """
    captions = [text for caption in scene.captions if (text := caption.text.strip())]
    weights = [1.0 / len(captions)] * len(captions) if captions else []
    if brief := wishes.brief.strip():
        captions.append(brief)
        weights.append(BRIEF_SHARE)
    if not captions:
        raise SpottingError(
            f"scene {scene.number} has no caption; say what it shows, or let "
            "`musiscene.video.captioners` describe it"
        )
    return captions, weights


def _united(best: Sequence[BestTracks], also: Iterable[UUID]) -> list[UUID]:
    """The best tracks of all scenes, in turn, so that every scene has some of its own."""
    found = dict.fromkeys(also)
    for rank in range(BEST_OF_SCENE):
        for one in best:
            if rank < FEWEST_OF_SCENE or len(found) < MOST_TRACKS:
                found.update(dict.fromkeys(one.track_ids[rank : rank + 1]))
    return list(found)

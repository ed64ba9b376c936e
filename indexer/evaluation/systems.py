"""What ranks a library for a brief: the matcher, itself without some stages, and a control."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, Protocol

import msgspec
import numpy as np

from indexer.evaluation.report import Kind
from indexer.match import STAGES, Matcher
from indexer.matching.explain import strongest_tags

if TYPE_CHECKING:
    from collections.abc import Sequence
    from uuid import UUID

    from indexer.catalogue.models import Track
    from indexer.library import Library
    from musiscene.embed import TextEmbedder
    from musiscene.scene_reader import SceneReader

CONTROL_TAGS: Final = 8
MATCHER: Final = "matcher"
TAGS: Final = "tags"


class Ranker(Protocol):
    """Ranks a whole library for a brief."""

    def rank(self, captions: Sequence[str]) -> list[UUID]:
        """Every track, best first."""


class System(msgspec.Struct, frozen=True):
    """Something that ranks."""

    name: str
    kind: Kind
    ranker: Ranker


class TagRanker:
    """Knows a track by the names of its strongest tags alone.

    Args:
        tracks: All tracks of the library, with their tags.
        embedder: For tags and briefs.
    """

    def __init__(self, tracks: Sequence[Track], embedder: TextEmbedder) -> None:
        ordered = sorted(tracks, key=lambda track: track.id)
        self._ids = [track.id for track in ordered]
        self._embedder = embedder
        self._vectors = embedder.encode(
            [", ".join(strongest_tags(track, CONTROL_TAGS)) for track in ordered]
        )

    def rank(self, captions: Sequence[str]) -> list[UUID]:
        """Every track, the one with the most similar tags first; equal ones by id.

        Args:
            captions: Of the brief.

        Returns:
            Ids.
        """
        similarity = (self._embedder.encode(captions) @ self._vectors.T).mean(axis=0)
        return [self._ids[row] for row in np.argsort(-similarity, kind="stable")]


def stage_names() -> tuple[str, ...]:
    """The stages of the matcher that can be left out."""
    return STAGES


def build_systems(
    library: Library,
    scene_reader: SceneReader,
    tracks: Sequence[Track],
    left_out: Sequence[Sequence[str]],
) -> list[System]:
    """The matcher, itself without some stages, and the control by tags.

    Args:
        library: Open.
        scene_reader: For the briefs.
        tracks: All of it.
        left_out: For each ablation the stages that it lacks, as `stage_names` has them.

    Returns:
        The systems, the matcher first.
    """
    index = library.vectors()
    whole = Matcher(library.catalogue, index, library.embedder, scene_reader)
    systems = [System(MATCHER, "matcher", whole)]
    for stages in left_out:
        matcher = Matcher(library.catalogue, index, library.embedder, scene_reader, without=stages)
        systems.append(System(f"without {', '.join(stages)}", "ablation", matcher))
    return [*systems, System(TAGS, "control", TagRanker(tracks, library.embedder))]

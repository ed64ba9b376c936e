"""The tracks that are like others."""

from __future__ import annotations

import msgspec

from indexer.matching.results import MatchedTrack, Reason
from indexer.windows import FoundWindow


class UsedSeed(msgspec.Struct, frozen=True, kw_only=True):
    """A seed as it was understood."""

    track: MatchedTrack
    weight: float
    start_seconds: float
    """Of the segments that were used."""
    end_seconds: float
    """Of the segments that were used."""


class SimilarHit(msgspec.Struct, frozen=True, kw_only=True):
    """One track that was found."""

    rank: int
    score: float
    """Likeness to the seeds, -1 to 1; 1 is the same in every part."""
    track: MatchedTrack
    window: FoundWindow
    """Its stretch that is most like the seeds."""
    song: str | None = None
    """Whose stretch it is, where the track is a file that holds several."""
    scene_caption: str
    tags: tuple[str, ...]
    reasons: tuple[Reason, ...]
    """The parts of the score, the greatest first."""
    why: str
    """One sentence: what sets it apart from the other tracks."""


class SimilarResult(msgspec.Struct, frozen=True, kw_only=True):
    """The tracks that are like the seeds."""

    seeds: tuple[UsedSeed, ...]
    hits: tuple[SimilarHit, ...]
    notice: str | None = None
    """Why there are no hits; None where there are some."""

"""The answer to a brief."""

from __future__ import annotations

from typing import Literal
from uuid import UUID

import msgspec

from indexer.windows import FoundWindow


class MatchedTrack(msgspec.Struct, frozen=True, kw_only=True):
    """The track of a hit, as its catalogue row has it."""

    id: UUID
    path: str
    title: str | None
    artist: str | None
    duration_seconds: float
    bpm: float
    key: str
    loudness_lufs: float | None
    licence: str | None
    generated: bool


class Span(msgspec.Struct, frozen=True, kw_only=True):
    """Seconds of a track, from its beginning."""

    start_seconds: float
    end_seconds: float


class Reason(msgspec.Struct, frozen=True, kw_only=True):
    """What one stage gave to the score, and what it went by."""

    stage: str
    share: float
    """Of what all stages gave and took, 0 to 1."""
    points: float
    """Added to the score, or taken off it."""
    text: str
    heard: Span | None = None
    """Where the sentence was heard, if the text quotes one."""


class Fact(msgspec.Struct, frozen=True, kw_only=True):
    """Something that the brief says of the music, held against the track."""

    asked: str
    """In the brief's words."""
    found: str
    """What was measured."""
    agrees: bool


class Hit(msgspec.Struct, frozen=True, kw_only=True):
    """One track that was found."""

    rank: int
    score: float
    confidence: float
    track: MatchedTrack
    window: FoundWindow
    """The stretch that fits best."""
    song: str | None = None
    """Whose stretch it is, where the track is a file that holds several."""
    scene_caption: str
    tags: tuple[str, ...]
    reasons: tuple[Reason, ...]
    """The strongest first, whether they speak for the track or against it."""
    facts: tuple[Fact, ...] = ()


class CalledFor(msgspec.Struct, frozen=True, kw_only=True):
    """A mood that the brief calls for."""

    mood: str
    probability: float


class Reading(msgspec.Struct, frozen=True, kw_only=True):
    """How the brief was understood."""

    answerable: float
    """Chance that it is a scene which the library has music for, 0 to 1; decides `decision`."""
    moods: tuple[CalledFor, ...]
    """Those that stand out, strongest first."""
    music: tuple[str, ...]
    """What stands out most in the music that is imagined for it, strongest first."""
    wishes: tuple[str, ...]
    """What it says of the music in so many words; with `no` before what is not wanted."""


class BestTracks(msgspec.Struct, frozen=True, kw_only=True):
    """The tracks nearest to one brief, without reasons or windows."""

    track_ids: tuple[UUID, ...]
    """Best first, one file for each recording."""
    chance: float
    """That the brief can be answered, 0 to 1."""
    is_answered: bool
    """Whether that is enough to call the best of them a match."""
    reading: Reading


class GenerationLink(msgspec.Struct, frozen=True, kw_only=True):
    """Music that is made because nothing fits."""

    id: UUID
    status: Literal["queued", "running", "done", "failed", "cancelled"]
    url: str
    """Of the generation in the service; its `/events` and `/audio` are below it."""


class MatchResult(msgspec.Struct, frozen=True, kw_only=True):
    """The answer to one brief."""

    brief: str
    decision: Literal["matched", "nothing_fits"]
    confidence: float
    """Of the first hit; 0 without one."""
    hits: tuple[Hit, ...]
    reading: Reading
    generation: GenerationLink | None = None
    """Music made for the brief, where that was asked for; None otherwise."""
    notice: str | None = None
    """Why there are no hits, or why the answer is not to be relied on; None otherwise."""

"""What goes into the catalogue and comes out of it, beside its own tables."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING
from uuid import UUID

import msgspec

if TYPE_CHECKING:
    from musiscene.listen import Listening


class KnownFile(msgspec.Struct, frozen=True):
    """What the catalogue remembers of a file, to tell whether it has changed."""

    track_id: UUID
    path: str
    size_bytes: int
    modified_ns: int
    audio_hash: str
    status: str
    listening_version: str
    model_version: str
    cue_stamp: str | None = None


@dataclass(frozen=True)
class Remembered:
    """What was heard in a track, as it was."""

    listening: Listening
    fingerprint: bytes | None
    """Of its sound."""


class MadeBy(msgspec.Struct, frozen=True, kw_only=True):
    """Which models made what is stored of a track, one for each stage."""

    listening: str
    """Version of what measures and tags."""
    model: str
    """Version of what imagines the captions."""
    embedder: str
    """Version of what makes their vectors."""


class Failure(msgspec.Struct, frozen=True):
    """One file that could not be taken in."""

    path: str
    stage: str
    """`walk`, `decode`, `listen`, `imagine` or `store`."""
    reason: str
    size_bytes: int | None = None
    modified_ns: int | None = None
    """Of the file; None where there was none to look at."""
    reader: str | None = None
    """What could not read it; None where trying again may help."""


class NewCaption(msgspec.Struct, frozen=True, kw_only=True):
    """A caption on its way into the catalogue, with its vector."""

    segment: int
    """Which of the track's segments it is about, from 0."""
    kind: str
    """`music` or `scene`."""
    text: str
    """The sentence."""
    origin: str
    """`facts`, `model` or `fallback`."""
    rank: int
    """0 for the first choice."""
    vector: bytes
    """Float16 unit vector, little-endian."""


class VectorRow(msgspec.Struct, frozen=True):
    """One stored vector and what it is about."""

    caption_id: int
    track_id: UUID
    segment_id: int
    kind: str
    data: bytes


class ScanCounts(msgspec.Struct, kw_only=True):
    """What a scan has done so far."""

    files_found: int = 0
    tracks_indexed: int = 0
    tracks_unchanged: int = 0
    tracks_moved: int = 0
    tracks_missing: int = 0
    tracks_imagined: int = 0
    """Given new captions from what was heard before."""


class SoundRow(msgspec.Struct, frozen=True, kw_only=True):
    """What was measured in one track, as the matcher holds it against a brief."""

    id: UUID
    duration_seconds: float
    valence: float
    arousal: float
    bpm: float
    bpm_confidence: float
    key: str
    key_confidence: float
    vocal_probability: float
    tags: dict[tuple[str, str], float]
    """Vocabulary and name -> score, of the tags that are heard at all."""

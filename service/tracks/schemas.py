"""What the service tells of a track."""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING
from uuid import UUID

import msgspec
import numpy as np

from indexer.catalogue.listing import TrackSummary

if TYPE_CHECKING:
    from indexer.catalogue.models import Track


class TagView(msgspec.Struct, frozen=True, kw_only=True):
    """A tag and how strongly it is heard."""

    vocabulary: str
    name: str
    score: float


class SegmentView(msgspec.Struct, frozen=True, kw_only=True):
    """A stretch of the track, what is heard in it and the scenes imagined for it."""

    start_seconds: float
    end_seconds: float
    energy: float
    title: str | None
    """Of its song, where the track is a file that holds several."""
    music_caption: str
    scene_captions: list[str]


class TrackView(msgspec.Struct, frozen=True, kw_only=True):
    """Everything the catalogue knows of one track."""

    id: UUID
    path: str
    title: str | None
    artist: str | None
    album: str | None
    album_artist: str | None
    disc_number: int | None
    track_number: int | None
    licence: str | None
    generated: bool
    duration_seconds: float
    sample_rate: int
    channels: int
    codec: str
    bpm: float
    bpm_confidence: float
    key: str
    key_confidence: float
    loudness_lufs: float | None
    vocal_probability: float
    vocal_confidence: float
    valence: float
    arousal: float
    added_at: datetime
    model_version: str
    energy_curve: list[float]
    """One value a second, 0 to 1."""
    tags: list[TagView]
    """Strongest first."""
    segments: list[SegmentView]


class TrackPage(msgspec.Struct, frozen=True, kw_only=True):
    """Some of the tracks that were asked for."""

    total: int
    """How many there are on all pages, when the first was asked for."""
    tracks: list[TrackSummary]
    """In the order asked for."""
    after: str | None
    """To ask for the next page with; None on the last one."""


def view_of(track: Track) -> TrackView:
    """The view of a track that was loaded with its segments, captions and tags."""
    names = set(TrackView.__struct_fields__) - {"energy_curve", "tags", "segments"}
    return TrackView(
        **{name: getattr(track, name) for name in names},
        energy_curve=np.frombuffer(track.energy_curve, "<f2").round(3).tolist(),
        tags=[
            TagView(vocabulary=tag.vocabulary, name=tag.name, score=round(tag.score, 4))
            for tag in sorted(track.tags, key=lambda tag: -tag.score)
        ],
        segments=[
            SegmentView(
                start_seconds=segment.start_seconds,
                end_seconds=segment.end_seconds,
                energy=segment.energy,
                title=segment.title,
                music_caption=next(iter(_captions(track, segment.id, "music")), ""),
                scene_captions=_captions(track, segment.id, "scene"),
            )
            for segment in track.segments
        ],
    )


def _captions(track: Track, segment_id: int, kind: str) -> list[str]:
    chosen = [
        caption
        for caption in track.captions
        if caption.segment_id == segment_id and caption.kind == kind
    ]
    return [caption.text for caption in sorted(chosen, key=lambda caption: caption.rank)]

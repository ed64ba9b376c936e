"""What is heard in a track -> the rows that keep it."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from indexer.catalogue.models import Caption, Heard, Segment, Tag, Vector
from indexer.catalogue.rows import Remembered

if TYPE_CHECKING:
    from collections.abc import Iterable
    from uuid import UUID

    from indexer.catalogue.models import Track
    from indexer.catalogue.rows import NewCaption
    from musiscene.audio.read import AudioInfo
    from musiscene.listen import Listening


def fill_from_listening(track: Track, listening: Listening) -> None:
    """Copy what is heard into the row and its segments and tags.

    Args:
        track: Its segments and tags are replaced.
        listening: What is heard.
    """
    fill_from_file(track, listening.info)
    track.duration_seconds = listening.info.duration_seconds
    track.audio_hash = listening.audio_hash
    track.bpm, track.bpm_confidence = listening.tempo.bpm, listening.tempo.confidence
    track.key, track.key_confidence = listening.key.name, listening.key.confidence
    track.loudness_lufs = listening.loudness_lufs
    track.vocal_probability = listening.vocals.probability
    track.vocal_confidence = listening.vocals.confidence
    track.valence, track.arousal = listening.affect.valence, listening.affect.arousal
    track.energy_curve = np.asarray(listening.energy_curve, dtype="<f2").tobytes()
    beats = listening.beats
    track.beat_times = np.asarray(beats.beat_times_seconds, dtype="<f4").tobytes()
    track.downbeat_times = np.asarray(beats.downbeat_times_seconds, dtype="<f4").tobytes()
    track.segments = [
        Segment(
            start_seconds=segment.start_seconds,
            end_seconds=segment.end_seconds,
            energy=segment.energy,
            title=segment.title,
        )
        for segment in listening.segments
    ]
    track.tags = [
        Tag(vocabulary=vocabulary, name=tag.name.lower(), score=tag.score)
        for vocabulary, tags in listening.tags.items()
        for tag in tags
    ]


def fill_from_file(track: Track, info: AudioInfo) -> None:
    """Copy what the file says about itself, all but its duration: headers only estimate it.

    Args:
        track: Is changed.
        info: Of the file that holds the track's audio now.
    """
    track.size_bytes = info.size_bytes
    track.codec = info.codec
    track.sample_rate = info.sample_rate
    track.channels = info.channels
    track.title, track.artist = info.title, info.artist
    track.album, track.album_artist = info.album, info.album_artist
    track.disc_number, track.track_number = info.disc_number, info.track_number
    track.licence = info.licence


def add_captions(track: Track, captions: Iterable[NewCaption], *, embedder: str) -> None:
    """Give a track captions beside those that it has.

    Args:
        track: Has the segments that they are about.
        captions: With their vectors.
        embedder: Version of what made the vectors.
    """
    for caption in captions:
        track.captions.append(
            Caption(
                segment=track.segments[caption.segment],
                kind=caption.kind,
                text=caption.text,
                origin=caption.origin,
                rank=caption.rank,
                vector=Vector(embedder=embedder, data=caption.vector),
            )
        )


def packed(track_id: UUID, listening: Listening) -> Heard:
    """The row that keeps what was heard."""
    from musiscene.packing import pack_listening  # costs what listening does

    return Heard(track_id=track_id, data=pack_listening(listening))


def remembered(data: bytes, fingerprint: bytes | None) -> Remembered | None:
    """What such a row keeps; None where it is damaged, or another version wrote it."""
    from musiscene.packing import unpack_listening

    listening = unpack_listening(data)
    return None if listening is None else Remembered(listening, fingerprint)

"""Small libraries as the stages of the matcher see them, made without a catalogue."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, cast
from uuid import UUID

import msgspec

from indexer.catalogue.rows import SoundRow, VectorRow
from indexer.matching.brief import read_brief
from indexer.matching.candidates import Candidates
from indexer.matching.places import LibraryMoods
from indexer.vectors import VectorIndex, publish
from tests.support.listening import WordEmbedder, word_reader

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    import numpy as np
    from numpy.typing import NDArray

    from indexer.matching.brief import ReadBrief
    from musiscene.embed import TextEmbedder


class MadeTrack(msgspec.Struct, frozen=True, kw_only=True):
    """What may matter of a track to a stage."""

    scenes: tuple[str, ...] = ("a quiet street",)
    music: str = "slow piano"
    bpm: float = 120.0
    key: str = "E:major"
    key_confidence: float = 0.8
    vocals: float = 0.1
    duration_seconds: float = 180.0
    valence: float = 0.1
    arousal: float = -0.1
    tags: dict[str, float] = {}


def track_id(number: int) -> UUID:
    """The id of a made track; numbers count from 0."""
    return UUID(int=number + 1)


def made_index(folder: Path, tracks: Sequence[MadeTrack]) -> VectorIndex:
    """Their snapshot, open; the caption ids of track n are 10 n (music), 10 n + 1, ..."""
    embedder = WordEmbedder()
    vectors = [
        VectorRow(
            10 * number + place,
            track_id(number),
            number,
            "scene" if place else "music",
            embedder.encode([text])[0].astype("<f2").tobytes(),
        )
        for number, track in enumerate(tracks)
        for place, text in enumerate((track.music, *track.scenes))
    ]
    sounds = [
        SoundRow(
            id=track_id(number),
            duration_seconds=track.duration_seconds,
            valence=track.valence,
            arousal=track.arousal,
            bpm=track.bpm,
            bpm_confidence=0.9,
            key=track.key,
            key_confidence=track.key_confidence,
            vocal_probability=track.vocals,
            tags={("mtt", name): score for name, score in track.tags.items()},
        )
        for number, track in enumerate(tracks)
    ]
    publish(folder, vectors, sounds, embedder=embedder.version, dimension=512, revision=1)
    return VectorIndex.open(folder, embedder=embedder.version, revision=1)


def made_candidates(folder: Path, *tracks: MadeTrack) -> Candidates:
    """All of them, in this order."""
    import numpy as np

    index = made_index(folder, tracks)
    return Candidates(index, LibraryMoods(index.sounds, index.tags), np.arange(len(tracks)))


def made_brief(*captions: str, **options: Any) -> ReadBrief:  # noqa: ANN401  passed on
    """A brief as it is read by words alone."""
    embedder = cast("TextEmbedder", WordEmbedder())
    return read_brief(captions, embedder=embedder, scene_reader=word_reader(), **options)


def vectors_of(candidates: Candidates, ordinal: int) -> NDArray[np.float32]:
    """Of the captions of one track."""
    found: NDArray[np.float32] = candidates.vectors[candidates.entries["track"] == ordinal]
    return found

"""What is known of a track, as people read it: the catalogue's rows in words."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Final
from uuid import UUID

import msgspec

from musiscene.affect import Affect, mood_words
from musiscene.describe import (
    MIN_GENRE_SCORE,
    MIN_INSTRUMENT_SCORE,
    MIN_VOCAL_CONFIDENCE,
    VOCAL_MIDDLE,
)
from musiscene.profiles import HEARING_PARTS, LISTENING_MODEL, MODELS_OF, Licence, licences_of
from musiscene.vocabularies import GENRE_TAGS, INSTRUMENT_TAGS

if TYPE_CHECKING:
    from collections.abc import Iterable

    from indexer.catalogue.models import Track

MAX_SCENES: Final = 3
MAX_GENRES: Final = 2
MAX_INSTRUMENTS: Final = 4
MAX_CHARACTERS: Final = 400
"""Of one sentence."""
SURE_MOOD: Final = 0.4
"""Distance from the middle of valence and arousal from which a mood is sure."""

GENRE_NAMES: Final = {
    "classic": "Classical", "rnb": "R&B", "indian": "Indian", "electro": "Electronic",
    "electronica": "Electronic", "chillout": "Chillout", "hip-hop": "Hip-Hop", "oldies": "Oldies",
    "choral": "Choral", "opera": "Opera",
}  # fmt: skip
"""Tag -> genre as libraries spell it, where it is not the tag in capitals."""


class TaggedScore(msgspec.Struct, frozen=True, kw_only=True):
    """One word of a vocabulary."""

    vocabulary: str
    name: str
    score: float
    """0 to 1."""


class SegmentFacts(msgspec.Struct, frozen=True, kw_only=True):
    """One stretch of a track."""

    start_seconds: float
    end_seconds: float
    energy: float
    music_caption: str | None
    """What is heard."""
    scene_captions: tuple[str, ...]
    """The scenes it suits, the first choice first."""
    title: str | None = None
    """Of its song, where the track is a file that holds several."""


class TrackFacts(msgspec.Struct, frozen=True, kw_only=True):
    """One track."""

    id: UUID
    path: str
    title: str | None
    artist: str | None
    album: str | None
    album_artist: str | None = None
    disc_number: int | None = None
    track_number: int | None = None
    licence: str | None
    """Of the recording, by its tags."""
    duration_seconds: float
    bpm: float
    """0 where no beat was heard."""
    bpm_confidence: float
    key: str
    """Such as `F#:minor`."""
    key_confidence: float
    moods: tuple[str, ...]
    """The two words nearest to its valence and arousal; none where no tone was heard."""
    mood_confidence: float
    """How far from the middle, where no word says much; 0 to 1."""
    genres: tuple[str, ...]
    """The strongest first."""
    instruments: tuple[str, ...]
    """The strongest first."""
    vocals: str | None
    """`yes` or `no`, None where it is not clear."""
    vocal_probability: float
    valence: float
    """-1 to 1."""
    arousal: float
    """-1 to 1."""
    energy: float
    """From calm (0) to excited (1): its arousal on the scale that DJ software uses."""
    loudness_lufs: float | None
    music: str | None
    """What is heard in its longest segment."""
    scenes: tuple[str, ...]
    """The first choice of each segment, each sentence once."""
    tags: tuple[TaggedScore, ...]
    """The strongest first."""
    segments: tuple[SegmentFacts, ...]
    model_version: str
    model_licences: tuple[Licence, ...]
    """Of the models that heard and imagined; empty for a model that is not one of ours."""


def facts_of(track: Track) -> TrackFacts:
    """Put together what is known of a track.

    Args:
        track: With its segments, captions and tags.

    Returns:
        The facts; every text in one printable line.
    """
    segments = _segments(track)
    longest = max(segments, key=lambda one: one.end_seconds - one.start_seconds, default=None)
    first_choices = [one.scene_captions[0] for one in segments if one.scene_captions]
    is_clear = track.vocal_confidence >= MIN_VOCAL_CONFIDENCE
    affect = Affect(valence=track.valence, arousal=track.arousal)
    place = math.hypot(track.valence, track.arousal)
    scores = _scores(track)
    return TrackFacts(
        id=track.id,
        path=track.path,
        title=track.title,
        artist=track.artist,
        album=track.album,
        album_artist=track.album_artist,
        disc_number=track.disc_number,
        track_number=track.track_number,
        licence=track.licence,
        duration_seconds=track.duration_seconds,
        bpm=track.bpm,
        bpm_confidence=track.bpm_confidence if track.bpm > 0 else 0.0,
        key=track.key,
        key_confidence=track.key_confidence if ":" in track.key else 0.0,
        moods=mood_words(affect) if place else (),
        mood_confidence=min(1.0, place / SURE_MOOD),
        genres=_genres(scores),
        instruments=_heard(scores, INSTRUMENT_TAGS, MIN_INSTRUMENT_SCORE)[:MAX_INSTRUMENTS],
        vocals=("yes" if track.vocal_probability >= VOCAL_MIDDLE else "no") if is_clear else None,
        vocal_probability=track.vocal_probability,
        valence=track.valence,
        arousal=track.arousal,
        energy=(track.arousal + 1.0) / 2.0,
        loudness_lufs=track.loudness_lufs,
        music=longest.music_caption if longest else None,
        scenes=tuple(dict.fromkeys(first_choices))[:MAX_SCENES],
        tags=tuple(
            TaggedScore(vocabulary=tag.vocabulary, name=tag.name, score=tag.score)
            for tag in sorted(track.tags, key=lambda tag: (-tag.score, tag.name))
        ),
        segments=segments,
        model_version=track.model_version,
        model_licences=model_licences(track.model_version),
    )


def model_licences(model_version: str) -> tuple[Licence, ...]:
    """The licences of the models behind a version.

    Args:
        model_version: As the catalogue has it.

    Returns:
        One each; none for a checkpoint of somebody's own, whose manifest has them.
    """
    encoder = model_version.partition("-")[0]
    if encoder == "tiny":
        return licences_of(MODELS_OF["tiny"])
    if encoder == "mert":
        return licences_of((LISTENING_MODEL, *HEARING_PARTS))
    return ()


def one_line(text: str) -> str:
    r"""A text in one printable line of a sane length.

    Args:
        text: From anywhere.

    Returns:
        The text, each run of blanks and unprintable characters as one blank.

    Example:
        >>> one_line(" a street\nat night\0")
        'a street at night'
    """
    printable = "".join(char if char.isprintable() else " " for char in text)
    return " ".join(printable.split())[:MAX_CHARACTERS].strip()


def _segments(track: Track) -> tuple[SegmentFacts, ...]:
    captions = sorted(track.captions, key=lambda caption: caption.rank)
    said: dict[tuple[int, str], list[str]] = {}
    for caption in captions:
        text = one_line(caption.text)
        if text:
            said.setdefault((caption.segment_id, caption.kind), []).append(text)
    return tuple(
        SegmentFacts(
            start_seconds=segment.start_seconds,
            end_seconds=segment.end_seconds,
            energy=segment.energy,
            music_caption=next(iter(said.get((segment.id, "music"), ())), None),
            scene_captions=tuple(said.get((segment.id, "scene"), ())),
            title=segment.title,
        )
        for segment in track.segments
    )


def _scores(track: Track) -> dict[str, float]:
    """Tag -> its score in the vocabulary that hears it more strongly."""
    merged: dict[str, float] = {}
    for tag in track.tags:
        merged[tag.name] = max(merged.get(tag.name, 0.0), tag.score)
    return merged


def _heard(scores: dict[str, float], names: Iterable[str], least: float) -> tuple[str, ...]:
    wanted = {name.lower() for name in names}
    heard = [name for name, score in scores.items() if name in wanted and score >= least]
    return tuple(sorted(heard, key=lambda name: (-scores[name], name)))


def _genres(scores: dict[str, float]) -> tuple[str, ...]:
    heard = _heard(scores, GENRE_TAGS, MIN_GENRE_SCORE)
    return tuple(dict.fromkeys(GENRE_NAMES.get(name, name.title()) for name in heard))[:MAX_GENRES]

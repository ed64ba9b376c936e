"""Listenings and catalogues with known content, so that tests of storage need no model."""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING, cast

import numpy as np

from indexer.catalogue.repository import Catalogue
from indexer.catalogue.rows import MadeBy, NewCaption
from musiscene.affect import Affect
from musiscene.audio.beats import BeatEstimate
from musiscene.audio.key import KeyEstimate
from musiscene.audio.read import AudioInfo
from musiscene.audio.tempo import TempoEstimate
from musiscene.encoders.features import AudioFeatures
from musiscene.listen import HeardSegment, Listening, TagScore, VocalEstimate
from musiscene.scene_reader import IMAGINED_TAGS, MOODS, SceneMaps, SceneReader

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path
    from uuid import UUID

    from numpy.typing import NDArray

    from musiscene.embed import TextEmbedder

DIMENSION = 512
STOP_WORDS = {"a", "at", "over"}


class WordEmbedder:
    """A text embedder that can be worked out by hand: texts are near that share words."""

    version = "words-1"
    dimension = DIMENSION

    def encode(self, texts: Sequence[str]) -> NDArray[np.float32]:
        """Unit vectors, float32, shape (texts, dimension)."""
        vectors = np.zeros((len(texts), DIMENSION), np.float32)
        for row, text in enumerate(texts):
            for word in set(text.lower().split()) - STOP_WORDS:
                digest = hashlib.sha256(word.encode()).digest()
                vectors[row, int.from_bytes(digest[:2]) % DIMENSION] += 1.0
        lengths = np.linalg.norm(vectors, axis=1, keepdims=True)
        unit: NDArray[np.float32] = (vectors / np.maximum(lengths, 1e-9)).astype(np.float32)
        return unit


def word_reader() -> SceneReader:
    """A scene reader that knows only the words of the moods and the tags themselves."""
    embedder = WordEmbedder()
    of_moods = [embedder.encode(mood.words).sum(axis=0) for mood in MOODS]
    tags = embedder.encode(IMAGINED_TAGS).T
    maps = SceneMaps(
        moods=np.stack(of_moods, axis=1, dtype=np.float32) * np.float32(4.0),
        mood_bias=np.zeros(len(MOODS), np.float32),
        tags=tags * np.float32(4.0),
        tag_bias=np.zeros(len(IMAGINED_TAGS), np.float32),
        middle=np.zeros(DIMENSION, np.float32),
        whitener=np.eye(DIMENSION, dtype=np.float32),
    )
    return SceneReader(cast("TextEmbedder", embedder), maps)


def listening(  # noqa: PLR0913  one keyword for each fact a test may care about
    path: str = "/music/a.wav",
    *,
    audio_hash: str = "0" * 64,
    bpm: float = 120.0,
    key: str = "E:major",
    vocals: float = 0.1,
    duration_seconds: float = 30.0,
    loudness_lufs: float | None = -14.0,
    tags: dict[str, float] | None = None,
    artist: str | None = None,
    segments: int = 2,
) -> Listening:
    """What might be heard in a track."""
    tonic, mode = key.split(":")
    heard = {"mtt": tuple(TagScore(name=name, score=s) for name, s in (tags or {}).items())}
    bounds = np.linspace(0.0, duration_seconds, segments + 1)
    return Listening(
        info=AudioInfo(
            path=path,
            size_bytes=1000,
            container="wav",
            codec="pcm_s16le",
            duration_seconds=duration_seconds,
            sample_rate=44_100,
            channels=2,
            artist=artist,
        ),
        audio_hash=audio_hash,
        tempo=TempoEstimate(bpm=bpm, confidence=0.9),
        beats=BeatEstimate(
            beat_times_seconds=tuple(np.arange(0.0, duration_seconds, 60.0 / bpm).tolist()),
            downbeat_times_seconds=tuple(np.arange(0.0, duration_seconds, 240.0 / bpm).tolist()),
            confidence=0.9,
        ),
        key=KeyEstimate(tonic=tonic, mode=mode, confidence=0.8),
        loudness_lufs=loudness_lufs,
        energy_curve=(0.25, 0.5, 1.0),
        vocals=VocalEstimate(probability=vocals, confidence=0.7),
        tags=heard,
        affect=Affect(valence=0.5, arousal=-0.25),
        features=AudioFeatures(
            track=np.zeros((2, 4), np.float32), segments=np.zeros((segments, 2, 4), np.float32)
        ),
        segments=tuple(
            HeardSegment(start_seconds=start, end_seconds=end, energy=0.5, tags=heard)
            for start, end in zip(bounds[:-1].tolist(), bounds[1:].tolist(), strict=True)
        ),
    )


def store(
    catalogue: Catalogue,
    heard: Listening,
    *,
    scenes: Sequence[str] = ("a quiet street",),
    music: str = "slow piano",
    modified_ns: int = 1,
    fingerprint: bytes | None = None,
) -> UUID:
    """Put a track into a catalogue; scene i is about segment i."""
    embedder = WordEmbedder()
    texts = [(0, "music", music, "facts")]
    texts += [(number, "scene", scene, "model") for number, scene in enumerate(scenes)]
    return catalogue.store_track(
        heard,
        [
            NewCaption(
                segment=segment,
                kind=kind,
                text=text,
                origin=origin,
                rank=0,
                vector=embedder.encode([text])[0].astype("<f2").tobytes(),
            )
            for segment, kind, text, origin in texts
        ],
        path=heard.info.path,
        modified_ns=modified_ns,
        made_by=MadeBy(listening="test-1", model="test-1", embedder=embedder.version),
        fingerprint=fingerprint,
    )


def new_catalogue(folder: Path) -> Catalogue:
    """An empty catalogue in a real SQLite file."""
    return Catalogue.open(folder / "catalogue.sqlite")

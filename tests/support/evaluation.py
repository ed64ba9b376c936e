"""Rows, a writer and encoders for evaluation: real in form, quick, and with a known answer."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any, cast

import msgspec
import numpy as np

from musiscene.data.rows import SceneExample

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from numpy.typing import NDArray

    from musiscene.embed import TextEmbedder
    from musiscene.metrics.bert_score import TokenEncoder

INSTRUMENTS = ("harp", "drums", "flute", "organ", "banjo", "cello", "choir", "synth")
PLACES = ("forest", "battle", "meadow", "church", "saloon", "attic", "cathedral", "spaceship")
ANNOTATOR_COUNT = 2
DIMENSION = 512


def made_examples() -> list[SceneExample]:
    """Eight rows: an instrument each, and a scene at the place that goes with it."""
    return [
        SceneExample(
            id=f"clip{number}",
            source="musiccaps",
            group=f"clip{number}",
            music={"aspects": instrument, "description": f"A {instrument} plays alone."},
            scene=f"Somebody walks through a {place} with a {instrument} in mind.",
            annotator=str(number % ANNOTATOR_COUNT),
        )
        for number, (instrument, place) in enumerate(zip(INSTRUMENTS, PLACES, strict=True))
    ]


def write_musiccaps(path: Path, *, without_scene: Sequence[int] = ()) -> Path:
    """The made rows in the form of MusicCaps."""
    rows = [
        {
            "clip_id": example.id,
            "start_seconds": 0,
            "end_seconds": 10,
            "author_id": int(example.annotator),
            "aspects": [example.music["aspects"]],
            "description": example.music["description"],
            "scene": "" if number in without_scene else example.scene,
        }
        for number, example in enumerate(made_examples())
    ]
    path.write_bytes(b"".join(msgspec.json.encode(row) + b"\n" for row in rows))
    return path


class PlaceWriter:
    """Knows which place goes with which instrument, and counts what it is asked."""

    version = "places-1"

    def __init__(self) -> None:
        self.asked: list[str] = []

    def write(self, descriptions: Sequence[str]) -> list[str]:
        self.asked += descriptions
        return [self._scene(description) for description in descriptions]

    def _scene(self, description: str) -> str:
        for instrument, place in zip(INSTRUMENTS, PLACES, strict=True):
            if instrument in description:
                return f"A child runs through a {place}."
        return "A child runs."


class WordEncoder:
    """Embeds a text as the bag of its words, and a token as its word; for both encoders."""

    version = "words-1"

    def _rows(self, text: str) -> list[NDArray[np.float32]]:
        rows = []
        for word in re.findall(r"\w+", text.lower()):
            seed = int.from_bytes(word.encode(), "big")
            rows.append(np.random.default_rng(seed).normal(size=DIMENSION).astype(np.float32))
        return rows

    def encode_all(self, texts: Sequence[str]) -> NDArray[np.float32]:
        sums = [np.sum([*self._rows(text), np.full(DIMENSION, 1e-3)], axis=0) for text in texts]
        return _unit(np.array(sums, dtype=np.float32))

    def encode_tokens(self, text: str) -> NDArray[np.float32]:
        return _unit(np.array(self._rows(text), dtype=np.float32).reshape(-1, DIMENSION))


def _unit(vectors: NDArray[np.float32]) -> NDArray[np.float32]:
    unit: NDArray[np.float32] = vectors / np.linalg.norm(vectors, axis=1, keepdims=True)
    return unit


def word_embedder() -> TextEmbedder:
    """In place of a `TextEmbedder`."""
    encoder: Any = WordEncoder()
    encoder.encode = encoder.encode_all
    return cast("TextEmbedder", encoder)


def word_token_encoder() -> TokenEncoder:
    """In place of a `TokenEncoder`."""
    encoder: Any = WordEncoder()
    encoder.encode = encoder.encode_tokens
    return cast("TokenEncoder", encoder)

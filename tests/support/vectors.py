"""Vector snapshots of made tracks, without a catalogue."""

from __future__ import annotations

from typing import TYPE_CHECKING
from uuid import UUID

import numpy as np

from indexer.catalogue.rows import VectorRow
from indexer.vectors import IndexSettings, VectorIndex, publish

if TYPE_CHECKING:
    from pathlib import Path

    from numpy.typing import NDArray

DIMENSION = 16
EMBEDDER = "e-1"
TRAINED = IndexSettings(flat_limit=2_000, joined_rows=50, delta_share=0.1)
"""Settings under which some thousand vectors already get a trained index."""


def unit_vectors(count: int, *, seed: int = 0) -> NDArray[np.float32]:
    """Float32, shape (count, `DIMENSION`)."""
    vectors = np.random.default_rng(seed).normal(size=(count, DIMENSION)).astype(np.float32)
    unit: NDArray[np.float32] = vectors / np.linalg.norm(vectors, axis=1, keepdims=True)
    return unit


def clustered_vectors(count: int, *, seed: int = 0) -> NDArray[np.float32]:
    """Unit vectors around forty middles, as texts lie; float32, shape (count, `DIMENSION`)."""
    draw = np.random.default_rng(seed)
    middles = np.random.default_rng(0).normal(size=(40, DIMENSION))
    vectors = middles[draw.integers(40, size=count)] + 0.4 * draw.normal(size=(count, DIMENSION))
    unit: NDArray[np.float32] = (vectors / np.linalg.norm(vectors, axis=1, keepdims=True)).astype(
        np.float32
    )
    return unit


def vector_rows(vectors: NDArray[np.float32], *, per_track: int = 2) -> list[VectorRow]:
    """Captions 100, 101, ... of tracks 0, 1, ..., music and scene by turns."""
    return [
        VectorRow(
            100 + number,
            UUID(int=number // per_track),
            7,
            ("music", "scene")[number % 2],
            vector.astype("<f2").tobytes(),
        )
        for number, vector in enumerate(vectors)
    ]


def publish_vectors(
    folder: Path,
    vectors: NDArray[np.float32],
    *,
    revision: int = 1,
    settings: IndexSettings | None = None,
) -> Path:
    """Publish `vector_rows` of them."""
    return publish(
        folder,
        vector_rows(vectors),
        [],
        embedder=EMBEDDER,
        dimension=DIMENSION,
        revision=revision,
        settings=settings or IndexSettings(),
    )


def open_vectors(folder: Path, *, revision: int = 1) -> VectorIndex:
    """Open what `publish_vectors` published."""
    return VectorIndex.open(folder, embedder=EMBEDDER, revision=revision)

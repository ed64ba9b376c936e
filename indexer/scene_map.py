"""A library as a plane: tracks are near each other that suit alike scenes.

Each track is the mean of its scene captions' vectors, seen along the two directions in which the
library differs most (principal components). The directions are kept from one revision to the next
for as long as they show the library nearly as well as new ones would, so points stay in place while
tracks come and go.
"""

from __future__ import annotations

import os
from contextlib import suppress
from hashlib import sha256
from tempfile import NamedTemporaryFile
from typing import TYPE_CHECKING, Final
from uuid import UUID

import msgspec
import numpy as np
from numpy.typing import NDArray

from indexer.sounds import TAG_COLUMNS, TAG_COUNT
from indexer.vectors import KINDS

if TYPE_CHECKING:
    from pathlib import Path

    from indexer.catalogue.repository import Catalogue
    from indexer.vectors import VectorIndex

MAX_POINTS: Final = 20_000
TRACKS_AT_ONCE: Final = 2_000
KEPT_FROM: Final = 0.8
"""Kept directions stay that show so much of the variance that the best ones would."""
EDGE_PERCENTILE: Final = 98.0
"""Of the distances from the middle; it lies at 1."""
_ODD: Final = np.uint64(0x9E3779B97F4A7C15)
"""2**64 over the golden ratio. Source: Knuth, TAOCP volume 3, section 6.4, on hashing."""


class MapPoint(msgspec.Struct, frozen=True, kw_only=True):
    """One track."""

    id: UUID
    title: str
    """Its title, or its file's name."""
    artist: str | None
    x: float
    """Most tracks lie within -1 and 1."""
    y: float
    """Most tracks lie within -1 and 1."""
    tag: str | None
    """The tag that is heard most strongly."""
    valence: float
    arousal: float


class SceneMap(msgspec.Struct, frozen=True, kw_only=True):
    """The tracks of a library in a plane."""

    revision: int
    """Of the catalogue."""
    total: int
    """Tracks of the library; where there are more than points, the points are a sample."""
    points: tuple[MapPoint, ...]


class _Plane(msgspec.Struct, frozen=True):
    middle: NDArray[np.float64]
    axes: NDArray[np.float64]
    """Shape (2, dimension), orthonormal."""
    scale: float

    def place(self, vectors: NDArray[np.float32]) -> NDArray[np.float64]:
        placed: NDArray[np.float64] = (vectors - self.middle) @ self.axes.T / self.scale
        return placed


def make_map(
    index: VectorIndex, catalogue: Catalogue, *, folder: Path, limit: int = MAX_POINTS
) -> SceneMap:
    """Lay out a library.

    Args:
        index: Its vectors.
        catalogue: Its tracks.
        folder: Where the directions are kept from one time to the next.
        limit: At most so many points; the same tracks stay in the sample as others come and go.

    Returns:
        The map.
    """
    ordinals = _sample(index, min(limit, MAX_POINTS))
    ordinals, vectors = _mean_scenes(index, ordinals)
    ids = [index.track_ids[ordinal] for ordinal in ordinals.tolist()]
    names = catalogue.listing.names(ids)
    places = _plane(index.manifest.embedder, vectors, folder).place(vectors)
    sounds = index.sounds[ordinals]
    tags = _top_tags(index.tags[ordinals])
    points = tuple(
        MapPoint(
            id=track_id,
            title=names[track_id][0],
            artist=names[track_id][1],
            x=round(float(places[row, 0]), 4),
            y=round(float(places[row, 1]), 4),
            tag=tags[row],
            valence=round(float(sounds["valence"][row]), 3),
            arousal=round(float(sounds["arousal"][row]), 3),
        )
        for row, track_id in enumerate(ids)
        if track_id in names
    )
    total = len(index.track_ids)
    return SceneMap(revision=index.manifest.revision, total=total, points=points)


def _sample(index: VectorIndex, limit: int) -> NDArray[np.intp]:
    """Ordinals of the tracks to show, rising: those whose ids have the smallest hashes."""
    count = len(index.track_ids)
    if count <= limit:
        return np.arange(count)
    halves = index.track_ids.names.view("<u8").reshape(-1, 2)
    hashes = (halves[:, 0] * _ODD ^ halves[:, 1]) * _ODD
    return np.sort(np.argpartition(hashes, limit)[:limit])


def _mean_scenes(
    index: VectorIndex, ordinals: NDArray[np.intp]
) -> tuple[NDArray[np.intp], NDArray[np.float32]]:
    """The tracks of these that have scenes, and their means, float32, shape (tracks, dimension)."""
    owners = index.rows["track"]
    rows = np.flatnonzero((index.rows["kind"] == KINDS.index("scene")) & np.isin(owners, ordinals))
    rows = rows[np.argsort(owners[rows], kind="stable")]
    present, starts = np.unique(owners[rows], return_index=True)
    ends = np.append(starts[1:], len(rows))
    means = np.empty((len(present), index.manifest.dimension), np.float32)
    for first in range(0, len(present), TRACKS_AT_ONCE):
        last = min(first + TRACKS_AT_ONCE, len(present))
        begin = starts[first]
        sums = np.add.reduceat(
            index.vectors(rows[begin : ends[last - 1]]), starts[first:last] - begin
        )
        means[first:last] = sums / (ends[first:last] - starts[first:last])[:, None]
    return present.astype(np.intp), means


def _plane(embedder: str, vectors: NDArray[np.float32], folder: Path) -> _Plane:
    file = folder / f"map-{sha256(embedder.encode()).hexdigest()[:12]}.npz"
    fresh = _fitted(vectors)
    kept = _read(file, vectors.shape[1])
    if kept is not None and _shown(kept, vectors) >= KEPT_FROM * _shown(fresh, vectors):
        return kept
    with suppress(OSError), NamedTemporaryFile(dir=folder, suffix=".part", delete=False) as part:
        np.savez(part, middle=fresh.middle, axes=fresh.axes, scale=fresh.scale)
        part.flush()
        os.replace(part.name, file)  # noqa: PTH105  by name, as it was opened
    return fresh


def _fitted(vectors: NDArray[np.float32]) -> _Plane:
    middle = vectors.mean(axis=0, dtype=np.float64)
    centred = vectors - middle
    _, directions = np.linalg.eigh(centred.T @ centred)
    axes = directions[:, :-3:-1].T
    largest = np.abs(axes).argmax(axis=1)
    axes = axes * np.sign(axes[np.arange(2), largest])[:, None]  # either sign would do
    distances = np.linalg.norm(centred @ axes.T, axis=1)
    return _Plane(middle, axes, float(np.percentile(distances, EDGE_PERCENTILE)) or 1.0)


def _shown(plane: _Plane, vectors: NDArray[np.float32]) -> float:
    """The variance along a plane's directions."""
    return float((vectors @ plane.axes.T).var(axis=0).sum())


def _read(file: Path, dimension: int) -> _Plane | None:
    try:
        with np.load(file, allow_pickle=False) as stored:
            plane = _Plane(stored["middle"], stored["axes"], float(stored["scale"]))
    except (OSError, ValueError, KeyError):  # none yet, or damaged
        return None
    is_right = plane.middle.shape == (dimension,) and plane.axes.shape == (2, dimension)
    return plane if is_right and plane.scale > 0 else None


def _top_tags(scores: NDArray[np.float16]) -> list[str | None]:
    name_of = [""] * TAG_COUNT
    for name, columns in TAG_COLUMNS.items():
        for column in columns:
            name_of[column] = name
    best = scores.argmax(axis=1)
    return [
        name_of[column] if score > 0 else None
        for column, score in zip(best.tolist(), scores.max(axis=1).tolist(), strict=True)
    ]

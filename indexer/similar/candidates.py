"""The seeds and the candidates of one search, and how alike they are."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import msgspec
import numpy as np
from numpy.typing import NDArray

from indexer.catalogue.models import Track
from indexer.similar.likeness import CAPTION_PARTS, caption_likeness, sound_likeness
from indexer.similar.seeds import Seed
from indexer.vectors import KINDS

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from uuid import UUID

    from indexer.similar.likeness import Part
    from indexer.vectors import VectorIndex

ALL_LOOKED_AT: Final = 2_000
"""In libraries of up to so many tracks all of them are held against the seeds; in larger ones those
whose captions come nearest."""
CHOSEN_FROM: Final = 4
"""So many candidates for each track that is wanted, at least."""


class Source(msgspec.Struct, frozen=True, kw_only=True):
    """A seed with what is known of it."""

    seed: Seed
    """As it was given."""
    track: Track
    """Its row."""
    ordinal: int
    """Of the track in the index."""
    rows: NDArray[np.intp]
    """Of the captions in the index: those of the track, or of its section."""
    span: tuple[float, float]
    """Seconds from and to that these captions are about."""


class Pool(msgspec.Struct, frozen=True, kw_only=True):
    """Candidates."""

    ordinals: NDArray[np.intp]
    """Of the tracks in the index, rising, shape (candidates,)."""
    rows: NDArray[np.intp]
    """Of their captions in the index, those of a track beside each other, shape (rows,)."""
    owners: NDArray[np.intp]
    """Which candidate each row belongs to, rising, shape (rows,)."""

    def rows_of(self, position: int) -> NDArray[np.intp]:
        """The captions of one candidate, by their rows in the index."""
        rows: NDArray[np.intp] = self.rows[self.owners == position]
        return rows


def pool_of(index: VectorIndex, ordinals: NDArray[np.intp]) -> Pool:
    """Some tracks as candidates.

    Args:
        index: The library's.
        ordinals: Of the tracks, rising, shape (candidates,).

    Returns:
        The candidates in the order given.
    """
    of_row = index.rows["track"]
    rows = np.flatnonzero(np.isin(of_row, ordinals))
    rows = rows[np.argsort(of_row[rows], kind="stable")]
    return Pool(ordinals=ordinals, rows=rows, owners=np.searchsorted(ordinals, of_row[rows]))


def find_pool(
    index: VectorIndex, sources: Sequence[Source], allowed: set[UUID], *, top_k: int
) -> Pool:
    """All allowed tracks, or in a large library those nearest to the wanted seeds.

    Args:
        index: The library's.
        sources: The seeds.
        allowed: The tracks that may be candidates.
        top_k: How many tracks are wanted in the end.

    Returns:
        The candidates; more than `top_k` of them where there are more.
    """
    if len(index.track_ids) <= ALL_LOOKED_AT:
        return pool_of(index, index.track_ids.ordinals_of(allowed))
    wanted = np.concatenate([source.rows for source in sources if source.seed.weight > 0])
    queries = index.vectors(wanted)
    enough = min(CHOSEN_FROM * top_k + ALL_LOOKED_AT // 10, len(allowed))
    depth = 2 * enough
    while True:
        _, rows = index.search(queries, top_k=depth, allowed_tracks=allowed)
        ordinals = np.unique(index.rows["track"][rows.ravel()])
        if len(ordinals) >= enough or rows.shape[1] < depth:
            return pool_of(index, ordinals)
        depth *= 4


def likeness_to(
    index: VectorIndex,
    pool: Pool,
    *,
    ordinal: int,
    rows: NDArray[np.intp],
    weights: Mapping[Part, float],
) -> NDArray[np.float32]:
    """How alike each candidate is to one track.

    Args:
        index: The library's.
        pool: The candidates.
        ordinal: Of the track in the index.
        rows: Of the track's captions that count.
        weights: Part -> its share of the likeness; they need not sum to one.

    Returns:
        Each part times its share, in the order of `weights`, shape (parts, candidates); the sum
        over the parts is 0 to 1.
    """
    found = sound_likeness(
        index.sounds[ordinal],
        index.sounds[pool.ordinals],
        seed_tags=index.tags[ordinal],
        tags=index.tags[pool.ordinals],
    )
    for kind in CAPTION_PARTS:
        number = KINDS.index(kind)
        theirs = np.flatnonzero(index.rows["kind"][pool.rows] == number)
        found[kind] = caption_likeness(
            index.vectors(rows[index.rows["kind"][rows] == number]),
            index.vectors(pool.rows[theirs]),
            pool.owners[theirs],
            track_count=len(pool.ordinals),
        )
    total = sum(weights.values())
    return np.array([weight / total * found[part] for part, weight in weights.items()])

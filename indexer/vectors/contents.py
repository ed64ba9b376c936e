"""What a snapshot says beside its vectors: the caption of each row, and how its track sounds.

Rows are in the order of caption ids, tracks in that of their first row, so two snapshots of one
catalogue say the same however they came about.
"""

from __future__ import annotations

from itertools import islice
from typing import TYPE_CHECKING, Self

import msgspec
import numpy as np
from numpy.typing import NDArray

from indexer.sounds import SOUND_DTYPE, TAG_COUNT, pack_sounds
from indexer.vectors.arrays import BLOCK_ROWS, map_array
from indexer.vectors.layout import KINDS, PLACE_DTYPE, ROW_DTYPE, TABLES

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from pathlib import Path
    from uuid import UUID

    from indexer.catalogue.rows import SoundRow, VectorRow
    from indexer.vectors.snapshot import VectorIndex


class Contents(msgspec.Struct, frozen=True):
    """The tables of a snapshot."""

    rows: NDArray[np.void]
    """`ROW_DTYPE`, shape (rows,)."""
    places: NDArray[np.void]
    """`PLACE_DTYPE`, shape (rows,)."""
    tracks: NDArray[np.uint8]
    """Ids, shape (tracks, 16)."""
    sounds: NDArray[np.void]
    """`SOUND_DTYPE`, shape (tracks,)."""
    tags: NDArray[np.float16]
    """Shape (tracks, tags)."""

    @classmethod
    def of(cls, index: VectorIndex, *, without: Iterable[UUID]) -> Self:
        """What an open snapshot says of all tracks but some.

        Args:
            index: The snapshot.
            without: Tracks to leave out.

        Returns:
            Tables that still hold the tracks left out, but none of their rows.
        """
        gone = np.zeros(len(index.track_ids), np.bool_)
        gone[index.track_ids.ordinals_of(set(without))] = True
        kept = ~gone[index.rows["track"]]
        tracks = map_array(index.folder / "tracks.npy")
        return cls(index.rows[kept], index.places[kept], tracks, index.sounds, index.tags)

    def joined(self, other: Contents) -> Contents:
        """The rows of both in the order of caption ids, with the tracks that they belong to.

        Args:
            other: Has no row of a track that has rows here.

        Returns:
            Tables without tracks that have no row.
        """
        moved = other.rows.copy()
        moved["track"] += len(self.tracks)
        rows = np.concatenate([self.rows, moved])
        places = np.concatenate([self.places, other.places])
        if (np.diff(rows["caption"]) < 0).any():
            order = np.argsort(rows["caption"], kind="stable")
            rows, places = rows[order], places[order]
        tracks = np.concatenate([self.tracks, other.tracks])
        first = np.full(len(tracks), len(rows), np.intp)
        np.minimum.at(first, rows["track"], np.arange(len(rows)))
        present = np.flatnonzero(first < len(rows))
        present = present[np.argsort(first[present])]
        number = np.full(len(tracks), -1, "<i4")
        number[present] = np.arange(len(present))
        rows["track"] = number[rows["track"]]
        return Contents(
            rows,
            places,
            tracks[present],
            np.concatenate([self.sounds, other.sounds])[present],
            np.concatenate([self.tags, other.tags])[present],
        )

    def write(self, folder: Path) -> None:
        """Write each table into a file of its own."""
        for name in TABLES:
            np.save(folder / f"{name}.npy", getattr(self, name))


class Reading:
    """Takes vectors as they come from the catalogue, and notes what they are about.

    Args:
        vectors: In the order of caption ids.

    Attributes:
        last: The rows of the last block.
    """

    def __init__(self, vectors: Iterable[VectorRow]) -> None:
        self.last: list[VectorRow] = []
        self._vectors = iter(vectors)
        self._rows: list[NDArray[np.void]] = [np.empty(0, ROW_DTYPE)]
        self._ordinals: dict[UUID, int] = {}

    def blocks(self) -> Iterator[NDArray[np.float16]]:
        """The vectors as the catalogue has them, float16, shape (up to `BLOCK_ROWS`, dimension)."""
        while taken := list(islice(self._vectors, BLOCK_ROWS)):
            self.last = taken
            entries = [
                (
                    row.caption_id,
                    self._ordinals.setdefault(row.track_id, len(self._ordinals)),
                    row.segment_id,
                    KINDS.index(row.kind),
                )
                for row in taken
            ]
            self._rows.append(np.array(entries, dtype=ROW_DTYPE))
            data = b"".join(row.data for row in taken)
            yield np.frombuffer(data, "<f2").reshape(len(taken), -1)

    def contents(self, sounds: Iterable[SoundRow], *, part: int, first: int = 0) -> Contents:
        """What the vectors are about, once they were taken.

        Args:
            sounds: What was measured in their tracks.
            part: Number of the part that they went into.
            first: Position of the first of them in it.

        Returns:
            The tables.
        """
        rows = np.concatenate(self._rows)
        places = np.empty(len(rows), PLACE_DTYPE)
        places["part"], places["row"] = part, np.arange(first, first + len(rows))
        ids = np.frombuffer(b"".join(one.bytes for one in self._ordinals), np.uint8)
        measured, tags = pack_sounds(sounds, self._ordinals)
        return Contents(rows, places, ids.reshape(-1, 16), measured, tags)


NOTHING = Contents(
    np.empty(0, ROW_DTYPE),
    np.empty(0, PLACE_DTYPE),
    np.empty((0, 16), np.uint8),
    np.empty(0, SOUND_DTYPE),
    np.empty((0, TAG_COUNT), np.float16),
)

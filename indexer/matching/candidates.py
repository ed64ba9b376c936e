"""The tracks that are looked at closely for one brief."""

from __future__ import annotations

from functools import cached_property
from typing import TYPE_CHECKING

import numpy as np

from indexer.vectors import KINDS

if TYPE_CHECKING:
    from uuid import UUID

    from numpy.typing import NDArray

    from indexer.matching.places import LibraryMoods
    from indexer.vectors import VectorIndex


class Candidates:
    """Some tracks of a library, with their captions' vectors and what was measured in them.

    The vectors are read when they are asked for, so that what was measured can be held against a
    whole library.

    Args:
        index: The library's vectors and sounds.
        moods: Of all its tracks.
        ordinals: Which tracks, as `index.rows["track"]` counts them; rising, shape (tracks,).
    """

    def __init__(self, index: VectorIndex, moods: LibraryMoods, ordinals: NDArray[np.intp]) -> None:
        self._index = index
        self.ordinals = ordinals
        # A whole library is looked at where it lies.
        chosen = ordinals if len(ordinals) < len(index.track_ids) else slice(None)
        self.sounds = index.sounds[chosen]
        self.tags = index.tags[chosen]
        self.mood_log_chances = moods.log_chances[chosen]
        self.contrasts = moods.contrasts[chosen]

    def __len__(self) -> int:
        return len(self.ordinals)

    @cached_property
    def track_ids(self) -> list[UUID]:
        """Their ids."""
        return [self._index.track_ids[ordinal] for ordinal in self.ordinals.tolist()]

    @property
    def names(self) -> NDArray[np.bytes_]:
        """Their ids as bytes, which sort as the ids do, shape (tracks,)."""
        return self._index.track_ids.names[self.ordinals]

    @cached_property
    def rows(self) -> NDArray[np.intp]:
        """Rows of the index, those of a track beside each other."""
        tracks = self._index.rows["track"]
        is_looked_at = np.zeros(len(self._index.track_ids), dtype=np.bool_)
        is_looked_at[self.ordinals] = True
        rows = np.flatnonzero(is_looked_at[tracks])
        ordered: NDArray[np.intp] = rows[np.argsort(tracks[rows], kind="stable")]
        return ordered

    @cached_property
    def entries(self) -> NDArray[np.void]:
        """What the rows are about, `indexer.vectors.ROW_DTYPE`, shape (rows,)."""
        return self._index.rows[self.rows]

    @cached_property
    def vectors(self) -> NDArray[np.float32]:
        """Unit vectors, float32, shape (rows, dimension)."""
        return self._index.vectors(self.rows)

    @cached_property
    def track_of_row(self) -> NDArray[np.intp]:
        """Which candidate a row belongs to, shape (rows,)."""
        return np.searchsorted(self.ordinals, self.entries["track"])

    def of_kind(self, kind: str) -> NDArray[np.intp]:
        """Positions of the captions of one kind, in `rows`."""
        return np.flatnonzero(self.entries["kind"] == KINDS.index(kind))

    def fold(self, values: NDArray[np.float32], positions: NDArray[np.intp]) -> NDArray[np.float32]:
        """The largest value of each track.

        Args:
            values: One for each of the captions, shape (texts, positions).
            positions: Of these captions in `rows`, rising.

        Returns:
            Shape (texts, tracks); 0 for a track that has none of them.
        """
        folded = np.zeros((len(values), len(self)), dtype=np.float32)
        if len(positions):
            tracks = self.track_of_row[positions]
            starts = np.flatnonzero(np.r_[True, np.diff(tracks) > 0])
            folded[:, tracks[starts]] = np.maximum.reduceat(values, starts, axis=1)
        return folded

"""The tracks that are looked at closely for one brief."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from indexer.vectors import KINDS

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from indexer.matching.places import LibraryMoods
    from indexer.vectors import VectorIndex


class Candidates:
    """Some tracks of a library, with their captions' vectors and what was measured in them.

    Args:
        index: The library's vectors and sounds.
        moods: Of all its tracks.
        ordinals: Which tracks, as `index.rows["track"]` counts them; rising, shape (tracks,).
    """

    def __init__(self, index: VectorIndex, moods: LibraryMoods, ordinals: NDArray[np.intp]) -> None:
        self.ordinals = ordinals
        self.track_ids = [index.track_ids[ordinal] for ordinal in ordinals]
        rows = np.flatnonzero(np.isin(index.rows["track"], ordinals))
        self.rows: NDArray[np.intp] = rows[np.argsort(index.rows["track"][rows], kind="stable")]
        """Rows of the index, those of a track beside each other."""
        self.entries = index.rows[self.rows]
        self.vectors = index.vectors(self.rows)
        """Unit vectors, float32, shape (rows, dimension)."""
        self.sounds = index.sounds[ordinals]
        self.tags = index.tags[ordinals]
        self.mood_log_chances = moods.log_chances[ordinals]
        self.contrasts = moods.contrasts[ordinals]
        self.track_of_row: NDArray[np.intp] = np.searchsorted(ordinals, self.entries["track"])
        """Which candidate a row belongs to."""

    def __len__(self) -> int:
        return len(self.ordinals)

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

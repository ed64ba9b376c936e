"""A published snapshot, open for searching."""

from __future__ import annotations

from typing import TYPE_CHECKING, Self

import numpy as np

from indexer.errors import (
    NothingIndexedError,
    StaleSnapshotError,
    TornSnapshotError,
    WrongEmbedderError,
)
from indexer.vectors.arrays import map_array
from indexer.vectors.files import CheckedFiles
from indexer.vectors.layout import (
    PARTS,
    check_tables,
    current_name,
    has_present_sounds,
    read_manifest,
)
from indexer.vectors.parts import Part
from indexer.vectors.trackids import TrackIds

if TYPE_CHECKING:
    from pathlib import Path
    from uuid import UUID

    from numpy.typing import NDArray

    from indexer.vectors.layout import Manifest


class VectorIndex:
    """A published snapshot, open for searching; see `indexer.vectors` for its files.

    Args:
        folder: The snapshot's folder.
        manifest: Its manifest.

    Attributes:
        folder: As given.
        manifest: As given.
        rows: What each row is about, `ROW_DTYPE`, shape (rows,).
        track_ids: `rows["track"]` counts into them.
        sounds: What was measured in each track.
        tags: How strongly each tag is heard in each track.
        parts: Where the vectors are.
        places: Part and position of each row's vector, `PLACE_DTYPE`, shape (rows,).
    """

    def __init__(self, folder: Path, manifest: Manifest) -> None:
        self.folder = folder
        self.manifest = manifest
        self.rows: NDArray[np.void] = map_array(folder / "rows.npy")
        self.track_ids = TrackIds(map_array(folder / "tracks.npy"))
        self.sounds: NDArray[np.void] = map_array(folder / "sounds.npy")
        self.tags: NDArray[np.float16] = map_array(folder / "tags.npy")
        self.parts = [Part(folder.parent, record) for record in manifest.parts]
        self.places: NDArray[np.void] = map_array(folder / "places.npy")
        self._rows_of = [self._rows_of_part(number) for number in range(len(self.parts))]
        self._alive = [_alive(rows_of) for rows_of in self._rows_of]

    @classmethod
    def open(cls, directory: Path, *, embedder: str, revision: int) -> Self:
        """Open the published snapshot of a vector directory.

        Args:
            directory: Holds `CURRENT` and the snapshots.
            embedder: Version that the queries will be embedded with.
            revision: The catalogue's, now.

        Returns:
            The snapshot, its files mapped into memory.

        Raises:
            NothingIndexedError: If nothing was ever published here.
            TornSnapshotError: If a file is missing, cut or changed.
            WrongEmbedderError: If another embedder made the vectors.
            StaleSnapshotError: If the catalogue has changed since.
        """
        name = current_name(directory)
        if name is None:
            raise NothingIndexedError("nothing is indexed yet; run `musiscene index FOLDER` first")
        folder = directory / name
        try:
            manifest = read_manifest(folder)
            _check_origin(folder, manifest, embedder=embedder, revision=revision)
            return cls.open_folder(folder, manifest)
        except (TornSnapshotError, StaleSnapshotError):
            if current_name(directory) == name:
                raise
        # It was replaced, and perhaps swept away, while it was being opened.
        return cls.open(directory, embedder=embedder, revision=revision)

    @classmethod
    def open_folder(cls, folder: Path, manifest: Manifest) -> Self:
        """Open a snapshot whatever the catalogue says.

        Args:
            folder: The snapshot's.
            manifest: Its manifest.

        Returns:
            The snapshot.

        Raises:
            TornSnapshotError: If a file is missing, cut or changed.
        """
        checked = CheckedFiles(folder.parent)
        check_tables(folder, manifest)
        checked.check(folder, manifest.files)
        for part in manifest.parts:
            checked.check(folder.parent / PARTS / part.name, part.files)
        checked.keep()
        try:
            opened = cls(folder, manifest)
        except (OSError, ValueError, RuntimeError) as error:  # swept away since; or another FAISS
            raise TornSnapshotError(f"{folder}: cannot be read ({error})") from error
        if not has_present_sounds(opened.sounds, opened.tags):
            raise TornSnapshotError(f"{folder}: its sounds are laid out as an earlier version did")
        return opened

    def __len__(self) -> int:
        return self.manifest.count

    def search(
        self, query: NDArray[np.float32], *, top_k: int, allowed_tracks: set[UUID] | None = None
    ) -> tuple[NDArray[np.float32], NDArray[np.intp]]:
        """The captions nearest to each query.

        Args:
            query: Unit vectors, float32, shape (queries, dimension).
            top_k: How many captions to return for each.
            allowed_tracks: Only captions of these tracks; None for all. The restriction holds
                inside the search, so it never makes the answer shorter than it has to be.

        Returns:
            Similarities in [-1, 1] and row numbers, both of shape (queries, found), best first and
            equal ones by row, where found = min(top_k, number of allowed captions).
        """
        allowed = None if allowed_tracks is None else self.row_mask(allowed_tracks)
        similarities, rows, total = [np.empty((len(query), 0), np.float32)], [], 0
        rows.append(np.empty((len(query), 0), np.intp))
        for part, rows_of, alive in zip(self.parts, self._rows_of, self._alive, strict=True):
            selected = _selected(rows_of, alive, allowed)
            available = len(part) if selected is None else int(np.count_nonzero(selected))
            total += available
            wanted = min(top_k, available)
            if wanted > 0:
                similarity, positions = part.search(query, wanted, selected)
                similarities.append(similarity)
                rows.append(positions if rows_of is None else rows_of[positions])
        near, numbers = np.concatenate(similarities, axis=1), np.concatenate(rows, axis=1)
        order = np.lexsort((numbers, -near), axis=1)[:, : min(max(top_k, 0), total)]
        return np.take_along_axis(near, order, axis=1), np.take_along_axis(numbers, order, axis=1)

    def row_mask(self, allowed_tracks: set[UUID] | None) -> NDArray[np.bool_]:
        """Which rows belong to the allowed tracks, bool, shape (rows,)."""
        if allowed_tracks is None:
            return np.ones(len(self.rows), dtype=np.bool_)
        allowed = np.zeros(len(self.track_ids), np.bool_)
        allowed[self.track_ids.ordinals_of(allowed_tracks)] = True
        mask: NDArray[np.bool_] = allowed[self.rows["track"]]
        return mask

    def vectors(self, row_numbers: NDArray[np.intp]) -> NDArray[np.float32]:
        """The stored vectors of some rows, float32, shape (rows, dimension)."""
        row_numbers = np.asarray(row_numbers, np.intp)
        if len(self.parts) == 1 and self._rows_of[0] is None:
            return self.parts[0].vectors(row_numbers)
        return self.vectors_at(self.places[row_numbers])

    def vectors_at(self, places: NDArray[np.void]) -> NDArray[np.float32]:
        """The vectors in some places, `PLACE_DTYPE`, float32, shape (places, dimension)."""
        found = np.empty((len(places), self.manifest.dimension), np.float32)
        for number, part in enumerate(self.parts):
            wanted = np.flatnonzero(places["part"] == number)
            if len(wanted):
                found[wanted] = part.vectors(places["row"][wanted].astype(np.intp))
        return found

    def _rows_of_part(self, number: int) -> NDArray[np.intp] | None:
        """Row of each of a part's vectors, -1 for a lost one; None where they are the same."""
        own = np.flatnonzero(self.places["part"] == number)
        positions = self.places["row"][own]
        count = self.manifest.parts[number].count
        if len(own) == count == len(self.rows) and (positions == own).all():
            return None
        rows = np.full(count, -1, np.intp)
        rows[positions] = own
        return rows


def _check_origin(folder: Path, manifest: Manifest, *, embedder: str, revision: int) -> None:
    if manifest.embedder != embedder:
        raise WrongEmbedderError(
            f"{folder}: made by {manifest.embedder}, but queries are embedded by {embedder}"
        )
    if manifest.revision != revision:
        raise StaleSnapshotError(
            f"{folder}: made at revision {manifest.revision} of the catalogue, "
            f"which is now at {revision}"
        )


def _alive(rows_of: NDArray[np.intp] | None) -> NDArray[np.bool_] | None:
    """Which of a part's vectors belong to a row; None where all do."""
    if rows_of is None or (alive := rows_of >= 0).all():
        return None
    return alive


def _selected(
    rows_of: NDArray[np.intp] | None,
    alive: NDArray[np.bool_] | None,
    allowed: NDArray[np.bool_] | None,
) -> NDArray[np.bool_] | None:
    """Which of a part's vectors may be found; None for all of them."""
    if allowed is None:
        return alive
    selected = allowed if rows_of is None else allowed[rows_of]
    return selected if alive is None else selected & alive

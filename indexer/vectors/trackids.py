"""The tracks of a snapshot, by number and by id, without an object for each of them."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cached_property
from typing import TYPE_CHECKING, overload
from uuid import UUID

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Collection

    from numpy.typing import NDArray


class TrackIds(Sequence[UUID]):
    """Ids in the order of the tracks' ordinals.

    Args:
        ids: 16 bytes each, uint8, shape (tracks, 16); may be mapped.
    """

    def __init__(self, ids: NDArray[np.uint8]) -> None:
        self.names: NDArray[np.bytes_] = np.ascontiguousarray(ids).view("S16").reshape(-1)
        """The ids as bytes, shape (tracks,); they sort as the ids do."""
        self._made: dict[int, UUID] = {}

    def __len__(self) -> int:
        return len(self.names)

    @overload
    def __getitem__(self, ordinal: int) -> UUID: ...
    @overload
    def __getitem__(self, ordinal: slice) -> list[UUID]: ...
    def __getitem__(self, ordinal: int | slice) -> UUID | list[UUID]:
        if isinstance(ordinal, slice):
            return [self[one] for one in range(*ordinal.indices(len(self)))]
        made = self._made.get(ordinal)
        if made is None:
            # NumPy takes zeros at the end of bytes for padding.
            made = UUID(bytes=bytes(self.names[ordinal]).ljust(16, b"\0"))
            self._made[ordinal] = made
        return made

    def __contains__(self, track_id: object) -> bool:
        return isinstance(track_id, UUID) and self.find(track_id) is not None

    def find(self, track_id: UUID) -> int | None:
        """The ordinal of a track; None for one that is not here."""
        found = self.ordinals_of([track_id])
        return int(found[0]) if len(found) else None

    def ordinals_of(self, track_ids: Collection[UUID]) -> NDArray[np.intp]:
        """Ordinals of some tracks, rising; those that are not here are left out."""
        if not len(self) or not track_ids:
            return np.empty(0, np.intp)
        wanted = np.sort(np.frombuffer(b"".join([one.bytes for one in track_ids]), "S16"))
        order, names = self._ordered
        places = np.minimum(np.searchsorted(names, wanted), len(self) - 1)
        found: NDArray[np.intp] = np.unique(order[places[names[places] == wanted]])
        return found

    def without(self, track_ids: Collection[UUID]) -> set[UUID]:
        """Those that are not among some tracks."""
        other = np.ones(len(self), np.bool_)
        other[self.ordinals_of(track_ids)] = False
        return {self[ordinal] for ordinal in np.flatnonzero(other).tolist()}

    @cached_property
    def _ordered(self) -> tuple[NDArray[np.intp], NDArray[np.bytes_]]:
        order = np.argsort(self.names, kind="stable")
        return order, self.names[order]

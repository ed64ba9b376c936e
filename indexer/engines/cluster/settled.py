"""Which audio has been heard already: eight bytes a track, so that every machine can hold it all.

The first 64 bits of a hash stand for it. Should two tracks share them, the second is asked for once
more and then heard, so nothing is lost by it.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Iterable

    from numpy.typing import NDArray

DIGITS = 16
"""Hexadecimal, of a hash, that are kept."""
MAX_LOOSE = 1_000_000
"""So many are held one by one before they are sorted in."""


def short_hash(audio_hash: str) -> int:
    """The first 64 bits of a hash in hexadecimal."""
    return int(audio_hash[:DIGITS], 16)


def pack_hashes(hashes: Iterable[str]) -> NDArray[np.uint64]:
    """Shorten hashes.

    Args:
        hashes: Hexadecimal, of 16 digits or more.

    Returns:
        Their first 64 bits, sorted, shape (hashes,).
    """
    return np.sort(np.fromiter(map(short_hash, hashes), np.uint64))


class SettledHashes(Collection[str]):
    """Hashes that are held as `pack_hashes` makes them; may grow.

    Args:
        first: Those that are known from the start; not copied, so that the processes of a machine
            can share them.
    """

    def __init__(self, first: NDArray[np.uint64]) -> None:
        self._first = first
        self._since: set[int] = set()

    def add(self, hashes: NDArray[np.uint64]) -> None:
        """Take in more.

        Args:
            hashes: As `short_hash` makes them, in any order.
        """
        self._since.update(hashes.tolist())
        if len(self._since) > MAX_LOOSE:
            since = np.fromiter(self._since, np.uint64)
            self._first, self._since = np.union1d(self._first, since), set()

    def __contains__(self, one: object) -> bool:
        if not isinstance(one, str):
            return False
        short = short_hash(one)
        if short in self._since:
            return True
        row = int(np.searchsorted(self._first, np.uint64(short)))
        return row < len(self._first) and int(self._first[row]) == short

    def __iter__(self) -> Iterator[str]:
        yield from (f"{short:0{DIGITS}x}" for short in (*self._first.tolist(), *self._since))

    def __len__(self) -> int:
        return len(self._first) + len(self._since)

"""What turns a changed file back into what it was, byte for byte, in little room.

A patch is a list of pieces of the former file, in order: stretches to be copied from the changed
one, and bytes that it no longer has. Retagging moves the sound as a whole and leaves it alone (but
for the headers of Ogg pages, which are numbered anew), so patches are about as large as the tags.

Format: MessagePack list of `[start, length]` in the changed file, or bytes; compressed by zlib.
"""

from __future__ import annotations

import hashlib
import mmap
import zlib
from contextlib import ExitStack
from typing import TYPE_CHECKING, Final, TypeAlias

import msgspec
import numpy as np

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

Piece: TypeAlias = "bytes | tuple[int, int]"

MAX_LITERAL_BYTES: Final = 64 << 20
"""A patch that would hold more is not made."""
CHUNK_BYTES: Final = 1 << 20
MIN_MATCH_BYTES: Final = 24
NEARBY_BYTES: Final = 64
"""How far behind a difference the two files are looked for in step again."""
ANCHOR_BYTES: Final = 48
ANCHOR_STEP: Final = 256
ANCHOR_REACH: Final = 64 << 10
SEARCH_BYTES: Final = 32 << 20
"""To both sides of a place, where a moved stretch is looked for."""
MAX_SEARCHES: Final = 2_000


def make_patch(former: Path, changed: Path) -> bytes | None:
    """The patch that makes `former` of `changed`.

    Args:
        former: The file as it was.
        changed: The file as it will be.

    Returns:
        The patch, None where it would be too large.

    Raises:
        OSError: If a file cannot be read.
    """
    with ExitStack() as stack:
        old, new = (_mapped(path, stack) for path in (former, changed))
        pieces, literal = [], 0
        for piece in _Comparison(old, new).pieces():
            literal += len(piece) if isinstance(piece, bytes) else 0
            if literal > MAX_LITERAL_BYTES:
                return None
            pieces.append(piece)
    return zlib.compress(msgspec.msgpack.encode(pieces), level=6)


def apply_patch(patch: bytes, changed: Path) -> Iterator[bytes]:
    """The former file, in pieces.

    Args:
        patch: From `make_patch`.
        changed: The file that it was made for.

    Yields:
        Its bytes in order.

    Raises:
        ValueError: If the patch is damaged.
        OSError: If the file cannot be read.
    """
    try:
        pieces = msgspec.msgpack.decode(zlib.decompress(patch), type=list[bytes | tuple[int, int]])
    except (zlib.error, msgspec.DecodeError) as error:
        raise ValueError(f"the patch is damaged ({error})") from error
    with changed.open("rb") as file:
        for piece in pieces:
            if isinstance(piece, bytes):
                yield piece
                continue
            start, left = piece
            file.seek(start)
            while left > 0:
                data = file.read(min(left, CHUNK_BYTES))
                if not data:
                    raise ValueError("the patch is for a longer file")
                left -= len(data)
                yield data


def digest_of_pieces(pieces: Iterator[bytes]) -> str:
    """SHA-256 of bytes that come in pieces, in hex."""
    sha256 = hashlib.sha256()
    for piece in pieces:
        sha256.update(piece)
    return sha256.hexdigest()


class _Comparison:
    """Goes through the former file and says where each part of it is in the changed one."""

    def __init__(self, old: mmap.mmap | bytes, new: mmap.mmap | bytes) -> None:
        self._old, self._new = old, new
        self._old_array = np.frombuffer(old, np.uint8)
        self._new_array = np.frombuffer(new, np.uint8)
        self._shift = 0
        self._searches = 0

    def pieces(self) -> Iterator[Piece]:
        """The pieces in order."""
        at = literal_from = 0
        size = len(self._old)
        while at < size:
            length = self._match(at)
            if length == 0:
                at = self._resume(at)
                continue
            if literal_from < at:
                yield bytes(self._old[literal_from:at])
            yield at + self._shift, length
            at += length
            literal_from = at
        if literal_from < size:
            yield bytes(self._old[literal_from:size])
        del self._old_array, self._new_array  # lest the maps cannot be closed

    def _match(self, at: int) -> int:
        """How many bytes from `at` on are the same by one of the known shifts, which it sets."""
        for shift in (self._shift, len(self._new) - len(self._old), 0):
            length = self._extent(at, at + shift)
            if length >= min(MIN_MATCH_BYTES, len(self._old) - at):
                self._shift = shift
                return length
        return 0

    def _extent(self, old_at: int, new_at: int) -> int:
        if new_at < 0:
            return 0
        total = 0
        most = min(len(self._old) - old_at, len(self._new) - new_at)
        while total < most:
            size = min(CHUNK_BYTES if total else NEARBY_BYTES, most - total)
            old = self._old_array[old_at + total : old_at + total + size]
            differs = old != self._new_array[new_at + total : new_at + total + size]
            if differs.any():
                return total + int(differs.argmax())
            total += size
        return max(total, 0)

    def _resume(self, at: int) -> int:
        """The next place, behind `at`, from which a match goes on; sets its shift."""
        for place in range(at + 1, min(at + NEARBY_BYTES, len(self._old))):
            if self._match(place):
                return place
        for place in range(at, min(at + ANCHOR_REACH, len(self._old)), ANCHOR_STEP):
            found = self._find(place)
            if found is None:
                continue
            back = 0
            while (
                place - back > at
                and found - back > 0
                and self._old[place - back - 1] == self._new[found - back - 1]
            ):
                back += 1
            self._shift = found - place
            return place - back
        return min(at + ANCHOR_REACH, len(self._old))

    def _find(self, place: int) -> int | None:
        anchor = bytes(self._old[place : place + ANCHOR_BYTES])
        if len(anchor) < ANCHOR_BYTES or len(set(anchor)) == 1 or self._searches >= MAX_SEARCHES:
            return None  # padding is everywhere
        self._searches += 1
        start = max(0, place - SEARCH_BYTES)
        found = self._new.find(anchor, start, place + SEARCH_BYTES)
        return None if found < 0 else found


def _mapped(path: Path, stack: ExitStack) -> mmap.mmap | bytes:
    file = stack.enter_context(path.open("rb"))
    if not path.stat().st_size:
        return b""  # nothing cannot be mapped
    return stack.enter_context(mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ))

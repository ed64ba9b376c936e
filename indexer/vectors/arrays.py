"""Arrays on disk that are written as they come, and vectors that are read a block at a time."""

from __future__ import annotations

from threading import Lock
from typing import TYPE_CHECKING, Any, Final

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from pathlib import Path

    from numpy.typing import NDArray

_READING_HEADERS = Lock()
"""NumPy parses a header as Python, and threads that parse at once make CPython 3.11 raise
`SystemError: AST constructor recursion depth mismatch` (python/cpython#106905)."""
BLOCK_ROWS: Final = 1 << 16
"""Vectors in memory at once: 100 MB of float32 at 384 dimensions."""


def write_vectors(path: Path, blocks: Iterable[NDArray[np.float16]], *, dimension: int) -> int:
    """Write vectors as they come, as an array that can be mapped.

    Args:
        path: New file, `.npy`.
        blocks: Shape (any, dimension).
        dimension: Of each vector.

    Returns:
        How many there were.
    """
    count = 0
    with path.open("wb") as file:
        _write_header(file, (1 << 40, dimension))  # as long as the true one, which comes last
        for block in blocks:
            file.write(np.ascontiguousarray(block, dtype="<f2").data)
            count += len(block)
        file.seek(0)
        _write_header(file, (count, dimension))
    return count


def _write_header(file: Any, shape: tuple[int, int]) -> None:  # noqa: ANN401  a binary file
    # NumPy leaves room for the first number to grow, so both headers are of one length.
    np.lib.format.write_array_header_1_0(
        file, {"descr": "<f2", "fortran_order": False, "shape": shape}
    )


def map_array(path: Path) -> NDArray[Any]:
    """An array in a file, mapped into memory."""
    with _READING_HEADERS:
        return np.asarray(np.load(path, mmap_mode="r", allow_pickle=False))


def unit(vectors: NDArray[np.float16]) -> NDArray[np.float32]:
    """Stored vectors as unit vectors, float32, of the same shape.

    Rounding to float16 moves a vector's length by up to 1e-3: similarities would pass 1.
    """
    wide = vectors.astype(np.float32)
    lengths = np.linalg.norm(wide, axis=-1, keepdims=True)
    found: NDArray[np.float32] = wide / np.maximum(lengths, np.float32(1e-12))
    return found


def unit_blocks(stored: NDArray[np.float16]) -> Iterator[tuple[int, NDArray[np.float32]]]:
    """Stored vectors a block at a time: position of the first, and unit vectors."""
    for first in range(0, len(stored), BLOCK_ROWS):
        yield first, unit(stored[first : first + BLOCK_ROWS])

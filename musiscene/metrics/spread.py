"""Variety of a set of vectors: whether pieces differ, or are one piece in turns.

Source: Friedman and Dieng 2023, arXiv:2210.02410, definition 3.1 (Vendi score).
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec
import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray


class Spread(msgspec.Struct, frozen=True, kw_only=True):
    """Variety of a set."""

    mean_distance: float
    """1 less the cosine, mean over all pairs; 0 if all are the same."""
    vendi: float
    """As many wholly different pieces would be as various: 1 to the number of pieces."""


def spread(vectors: NDArray[np.floating]) -> Spread:
    """Measure the variety of vectors.

    Args:
        vectors: One for each piece, none of them zero, shape (pieces, width).

    Returns:
        The figures.

    Raises:
        ValueError: If there are fewer than two.
    """
    count = len(vectors)
    if count < 2:  # noqa: PLR2004  one differs from nothing
        raise ValueError("variety needs two pieces")
    exact = vectors.astype(np.float64)
    units = exact / np.linalg.norm(exact, axis=1, keepdims=True)
    cosines = units @ units.T
    values = np.maximum(np.linalg.eigvalsh(cosines / count), 0.0)
    known = values[values > 0]
    return Spread(
        mean_distance=float(1.0 - (cosines.sum() - count) / (count * (count - 1))),
        vendi=float(np.exp(-(known * np.log(known)).sum())),
    )

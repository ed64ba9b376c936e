"""How far the thumbnails of frames lie from each other."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

AT_ONCE = 8192
"""Pairs of frames; bounds the memory that long videos take."""


def gaps(
    frames: NDArray[Any], first: NDArray[np.int64], second: NDArray[np.int64]
) -> NDArray[np.float32]:
    """Mean difference of colours between pairs of frames.

    Args:
        frames: Of the video, dtype `FRAME`, shape (frames,).
        first: Numbers of frames, shape (pairs,).
        second: Likewise; numbers outside the video stand for its first or last frame.

    Returns:
        Of 255 levels, float32, shape (pairs,).
    """
    last = len(frames) - 1
    found = np.zeros(len(first), dtype=np.float32)
    for start in range(0, len(first), AT_ONCE):
        part = slice(start, start + AT_ONCE)
        one = frames["thumb"][np.clip(first[part], 0, last)].astype(np.int16)
        other = frames["thumb"][np.clip(second[part], 0, last)].astype(np.int16)
        found[part] = np.abs(one - other).mean(axis=(1, 2, 3))
    return found


def gap(frames: NDArray[Any], first: int, second: int) -> float:
    """The same for one pair."""
    return float(gaps(frames, np.array([first]), np.array([second]))[0])


def steps(frames: NDArray[Any]) -> NDArray[np.float32]:
    """Difference of each frame from the one before, float32, shape (frames,); 0 for the first."""
    numbers = np.arange(len(frames))
    return gaps(frames, numbers - 1, numbers)

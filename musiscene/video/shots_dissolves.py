"""Finds dissolves: one picture is mixed into the next over a second or so.

While pictures A and B are mixed, every frame lies on the straight line from A to B; a pan or a
moving object leaves that line. Before and after, the picture stays near its end of it. A change of
light alone also keeps to a line, but then B is A made brighter or darker.

Source: the linear model of a dissolve of Hampapur, Jain and Weymouth 1994, Digital Video
Segmentation, here on thumbnails.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from musiscene.video.shots_gaps import AT_ONCE, gaps

if TYPE_CHECKING:
    from collections.abc import Iterator

    from numpy.typing import NDArray

HALF_SECONDS = (0.25, 0.5, 1.0)
"""Half of the length looked for; in between, the next longer one finds it."""
LEAST_GAP = 16.0
"""Between A and B, of 255 levels."""
MOST_UNREST = 0.3
"""By which the picture may change just before and just after, of the gap."""
MOST_OFF_LINE = 0.15
"""Distance from the line, of the line's length."""
LEAST_NEW = 0.35
"""Share of B that is not A made brighter or darker."""
MIDDLE = (0.35, 0.65)


def find_dissolves(frames: NDArray[Any], *, rate: float) -> list[tuple[int, int]]:
    """Where dissolves lie.

    Args:
        frames: Of the video, dtype `FRAME`, shape (frames,).
        rate: Frames a second.

    Returns:
        The middle frame of each and half its length in frames, the surest first.
    """
    found: list[tuple[float, int, int]] = []
    for seconds in HALF_SECONDS:
        half = max(2, round(seconds * rate))
        for middles, sureness in _scan(frames, half):
            found += [
                (float(sure), int(middle), half)
                for middle, sure in zip(middles, sureness, strict=True)
            ]
    kept: list[tuple[int, int]] = []
    for _, middle, half in sorted(found, reverse=True):
        if all(abs(middle - other) > half + reach for other, reach in kept):
            kept.append((middle, half))
    return kept


def _scan(
    frames: NDArray[Any], half: int
) -> Iterator[tuple[NDArray[np.int64], NDArray[np.float64]]]:
    for start in range(half, len(frames) - half, AT_ONCE):
        middles = np.arange(start, min(start + AT_ONCE, len(frames) - half))
        whole = gaps(frames, middles - half, middles + half)
        middles, whole = middles[whole > LEAST_GAP], whole[whole > LEAST_GAP]
        before = gaps(frames, middles - 2 * half, middles - half)
        after = gaps(frames, middles + half, middles + 2 * half)
        is_calm = np.maximum(before, after) < MOST_UNREST * whole
        middles = middles[is_calm]
        if len(middles):
            is_mixed, sureness = _mixes(frames, middles, half)
            yield middles[is_mixed], sureness[is_mixed]


def _mixes(
    frames: NDArray[Any], middles: NDArray[np.int64], half: int
) -> tuple[NDArray[np.bool_], NDArray[np.float64]]:
    """Whether the frames around each middle lie on the line, and how surely."""
    old = _points(frames, middles - half)
    way = _points(frames, middles + half) - old
    length = np.maximum(np.linalg.norm(way, axis=1), 1e-6)
    shares, off_line = [], []
    for place in (-half // 2, 0, half // 2):
        along = _points(frames, middles + place) - old
        share = (along * way).sum(axis=1) / length**2
        shares.append(share)
        off_line.append(np.linalg.norm(along - share[:, None] * way, axis=1) / length)
    worst = np.max(off_line, axis=0)
    before, middle, after = shares
    is_mixed = (worst < MOST_OFF_LINE) & (before < middle) & (middle < after)
    is_mixed &= (middle > MIDDLE[0]) & (middle < MIDDLE[1]) & (_newness(old, way) > LEAST_NEW)
    return is_mixed, 1.0 - worst - np.abs(middle - 0.5)


def _points(frames: NDArray[Any], numbers: NDArray[np.int64]) -> NDArray[np.float64]:
    return frames["thumb"][numbers].reshape(len(numbers), -1).astype(np.float64)


def _newness(old: NDArray[np.float64], way: NDArray[np.float64]) -> NDArray[np.float64]:
    """Share of the way that no change of brightness or contrast of the old picture explains."""
    centred = old - old.mean(axis=1, keepdims=True)
    goal = way - way.mean(axis=1, keepdims=True)
    power = np.maximum((centred**2).sum(axis=1), 1e-6)
    slope = (centred * goal).sum(axis=1) / power
    rest = np.linalg.norm(goal - slope[:, None] * centred, axis=1)
    return np.asarray(rest / np.maximum(np.linalg.norm(way, axis=1), 1e-6))

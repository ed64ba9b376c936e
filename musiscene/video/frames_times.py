"""When each frame is shown, repaired where the file is wrong, and the grid of frame numbers."""

from __future__ import annotations

from fractions import Fraction
from typing import TYPE_CHECKING

import msgspec
import numpy as np

from musiscene.video.probe import usual_rate

if TYPE_CHECKING:
    from numpy.typing import NDArray

OFF_GRID = 0.3
"""Of a frame's length, by which a frame may miss the grid; containers round to milliseconds."""
MOST_OFF_GRID = 0.02
"""Share of frames that may."""
MOST_UNEVEN = 0.05
"""Share of frames that may be left out or repeated at a constant rate."""
MOST_REPAIRED = 0.5
"""Share of time stamps that may be useless before none is trusted."""


class FrameTimes(msgspec.Struct, frozen=True, kw_only=True):
    """Where the frames of a video lie in time."""

    seconds: np.ndarray[tuple[int, ...], np.dtype[np.float64]]
    """Of each frame from the first one, rising, shape (frames,)."""
    numbers: np.ndarray[tuple[int, ...], np.dtype[np.int64]]
    """Of each frame on the grid of `rate`, shape (frames,); some may share one."""
    rate: Fraction
    """Frames a second: the stated one where frames keep to it, else the mean."""
    is_variable: bool
    """Whether frames come at uneven times."""
    repaired: int
    """Frames whose time was missing or not after the one before."""
    duration_seconds: float
    """To the end of the last frame."""
    count: int
    """Frames on the grid."""


def frame_times(
    stamps: NDArray[np.float64], *, rate: Fraction, last_seconds: float | None
) -> FrameTimes:
    """Make sense of time stamps.

    Args:
        stamps: Seconds from the first frame as the file has them, NaN where it has none, float64,
            shape (frames,); at least one.
        rate: As the header states it.
        last_seconds: Length of the last frame where the file states it.

    Returns:
        Rising times and frame numbers.
    """
    seconds, repaired = _rising(stamps, float(1 / rate))
    grid, is_variable = _grid(seconds, rate)
    period = float(1 / grid)
    last = period if last_seconds is None or is_variable else last_seconds
    if not 0.0 < last <= 2 * period:
        last = period
    duration = float(seconds[-1]) + last
    numbers = np.rint(seconds * float(grid)).astype(np.int64)
    count = max(int(numbers[-1]) + 1, round(duration * grid))
    return FrameTimes(
        seconds=seconds,
        numbers=numbers,
        rate=grid,
        is_variable=is_variable,
        repaired=repaired,
        duration_seconds=duration,
        count=count,
    )


def _rising(stamps: NDArray[np.float64], period: float) -> tuple[NDArray[np.float64], int]:
    """Times that rise: a frame without a time of its own lies half a frame after the last one."""
    seconds = stamps.copy()
    repaired = 0
    before = -period / 2
    for place, stamp in enumerate(stamps):
        if not stamp > before:  # NaN is not above anything
            seconds[place] = before + period / 2
            repaired += 1
        before = seconds[place]
    if repaired > MOST_REPAIRED * len(stamps):
        return np.arange(len(stamps), dtype=np.float64) * period, repaired
    return np.subtract(seconds, seconds[0], dtype=np.float64), repaired


def _grid(seconds: NDArray[np.float64], rate: Fraction) -> tuple[Fraction, bool]:
    """The rate whose grid the frames keep, or the mean one, and whether they keep none."""
    if len(seconds) < 2 or seconds[-1] <= 0.0:  # noqa: PLR2004  a rate needs two frames
        return rate, False
    mean = usual_rate(Fraction((len(seconds) - 1) / seconds[-1]).limit_denominator(100_000))
    for candidate in (rate, mean):
        places = seconds * float(candidate)
        is_off = np.abs(places - np.rint(places)) > OFF_GRID
        is_uneven = np.diff(np.rint(places)) != 1
        if is_off.mean() <= MOST_OFF_GRID and is_uneven.mean() <= MOST_UNEVEN:
            return candidate, False
    return mean, True

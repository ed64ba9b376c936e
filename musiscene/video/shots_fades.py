"""Finds where the picture is gone, black or white, and whether it went and came by fading."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import msgspec
import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

BLACK = 0.05
WHITE = 0.95
"""Mean luma of a frame without a picture."""
PLAIN = 0.04
"""Most contrast of such a frame."""
RAMP_FRAMES = 3
"""Over at least so many frames the picture changes when it fades."""
STEP = 0.004
"""Least change of luma from frame to frame in a fade."""
HARD_SHARE = 0.6
"""Share of the change that falls on one frame when it is a cut."""


class Blank(msgspec.Struct, frozen=True, kw_only=True):
    """A run of frames without a picture."""

    start: int
    """Its first frame."""
    end: int
    """The frame after its last one."""
    ramp_start: int
    """First frame of the fade that leads to it; `start` where it begins with a cut."""
    ramp_end: int
    """Where the fade that leads out of it is over; `end` where it ends with a cut."""
    appears: int
    """First frame in which the next picture can be seen."""

    @property
    def fades_out(self) -> bool:
        """Whether the picture before it fades."""
        return self.ramp_start < self.start

    @property
    def fades_in(self) -> bool:
        """Whether the picture after it fades in."""
        return self.ramp_end > self.end


def find_blanks(frames: NDArray[Any]) -> list[Blank]:
    """Every run of frames without a picture, in order.

    Args:
        frames: Of the video, dtype `FRAME`, shape (frames,).

    Returns:
        None for a video that is blank throughout.
    """
    luma = np.asarray(frames["luma"], dtype=np.float64)
    is_plain = frames["contrast"] < PLAIN
    found = []
    for is_blank, darkness in (
        (is_plain & (luma < BLACK), luma),
        (is_plain & (luma > WHITE), 1.0 - luma),
    ):
        edges = np.flatnonzero(np.diff(np.concatenate([[0], is_blank.astype(np.int8), [0]])))
        for start, end in edges.reshape(-1, 2).tolist():
            if end - start < len(frames):
                found.append(_blank(darkness, start, end))
    return sorted(found, key=lambda blank: blank.start)


def _blank(darkness: NDArray[np.float64], start: int, end: int) -> Blank:
    ramp_start = start
    while ramp_start > 0 and darkness[ramp_start - 1] > darkness[ramp_start] + STEP:
        ramp_start -= 1
    ramp_end = end
    while ramp_end < len(darkness) and darkness[ramp_end] > darkness[ramp_end - 1] + STEP:
        ramp_end += 1
    is_out = _is_ramp(darkness[ramp_start : start + 1])
    is_in = _is_ramp(darkness[end - 1 : ramp_end])
    appears = end
    if is_in:
        while appears > start + 1 and darkness[appears - 1] > darkness[appears - 2] + STEP / 4:
            appears -= 1
    return Blank(
        start=start,
        end=end,
        ramp_start=ramp_start if is_out else start,
        ramp_end=ramp_end if is_in else end,
        appears=appears,
    )


def _is_ramp(darkness: NDArray[np.float64]) -> bool:
    if len(darkness) <= RAMP_FRAMES:
        return False
    changes = np.abs(np.diff(darkness))
    return bool(changes.max() < HARD_SHARE * changes.sum())

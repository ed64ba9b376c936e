"""The picture as a plan sees it: pieces of scenes, its course, and the moments to land on.

Music begins and ends at borders of pieces. A piece is a scene; it is cut where a stretch without
music begins or ends, and a long scene at its shots besides, since a track may be shorter than it.
"""

from __future__ import annotations

import itertools
from fractions import Fraction
from typing import TYPE_CHECKING, Final

import msgspec
import numpy as np
from numpy.typing import NDArray

from indexer.arcs import Energy
from musiscene.video.timecode import frame_at, seconds_at

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from indexer.spotting.cue_plan import PlanWishes
    from musiscene.video.analysis import Shot, VideoAnalysis, VideoScene

LONG_SCENE_SECONDS: Final = 24.0
"""Longer scenes are cut into pieces, since many a track is shorter than they are."""
PIECE_SECONDS: Final = 8.0
"""About how long those pieces are."""
SCENE_CUT: Final = 1.0
SHOT_CUT: Final = 0.3
LAND_ON: Final = 15.0
"""What a turn is worth that lands on the beginning of a scene, on a hard cut within one, or where
the user wants it; in seconds of perfectly fitting music."""


class Moments(msgspec.Struct, frozen=True, kw_only=True):
    """Moments of the picture that music may land on, in order; arrays of shape (moments,)."""

    seconds: NDArray[np.float64]
    worths: NDArray[np.float64]
    pieces: NDArray[np.intp]
    """In which piece each lies."""


class Picture(msgspec.Struct, frozen=True, kw_only=True):
    """What of a video decides where music goes."""

    rate: Fraction
    frames: NDArray[np.int64]
    """Borders of the pieces, shape (pieces + 1,)."""
    seconds: NDArray[np.float64]
    """The same in seconds."""
    scenes: NDArray[np.intp]
    """Of each piece, by its place among the scenes, shape (pieces,)."""
    is_silent: NDArray[np.bool_]
    """Pieces without music, because the user wants it so, shape (pieces,)."""
    is_inner: NDArray[np.bool_]
    """Borders within a scene, at which music should rather not change, shape (pieces + 1,)."""
    level: NDArray[np.float64]
    """How lively it is, each second, 0 (its calm parts) to 1 (its lively ones)."""
    moments: Moments
    """What lies between the borders, or is wished for."""
    border_worths: NDArray[np.float64]
    """Of a turn that lands on a border, shape (pieces + 1,)."""

    @property
    def lengths(self) -> NDArray[np.float64]:
        """Of each piece, in seconds, shape (pieces,)."""
        return np.diff(self.seconds)

    @property
    def half_frame(self) -> float:
        """In seconds: what lands so near, lands on the frame."""
        return float(1 / self.rate) / 2


def picture_of(
    analysis: VideoAnalysis,
    wishes: PlanWishes,
    *,
    keep: Iterable[tuple[int, int]] = (),
    walls: Iterable[int] = (),
) -> Picture:
    """What of a video decides where music goes.

    Args:
        analysis: The video.
        wishes: Where no music is wanted, and what it should land on.
        keep: Stretches that are left to cues which stand already, in frames.
        walls: Further frames at which cues begin or end.

    Returns:
        The picture.
    """
    rate, last = analysis.info.rate, analysis.info.frames
    silent = [
        (frame_within(start, rate, last), frame_within(end, rate, last))
        for start, end in wishes.no_music
    ]
    silent += [(scene.start_frame, scene.end_frame) for scene in analysis.scenes if scene.no_music]
    silent += list(keep)
    starts = {scene.start_frame for scene in analysis.scenes}
    outer = starts | {frame for stretch in silent for frame in stretch} | {0, last} | set(walls)
    inner = set(_inner_borders(analysis, outer))
    frames = np.array(sorted(outer | inner), np.int64)
    middles = (frames[:-1] + frames[1:]) / 2
    ends = np.array([scene.end_frame for scene in analysis.scenes])
    seconds = frames.astype(np.float64) * rate.denominator / rate.numerator
    is_silent = np.zeros(len(middles), np.bool_)
    for start, end in silent:
        is_silent |= (middles > start) & (middles < end)
    return Picture(
        rate=rate,
        frames=frames,
        seconds=seconds,
        scenes=np.searchsorted(ends, middles, side="right"),
        is_silent=is_silent,
        is_inner=np.array([int(frame) in inner for frame in frames]),
        level=course(analysis.activity, float(seconds[-1])),
        moments=_moments(analysis.shots, wishes.land_on, frames, rate),
        border_worths=np.array(
            [SCENE_CUT if 0 < frame < last and frame in starts else 0.0 for frame in frames]
        ),
    )


def course(curve: Sequence[float], duration_seconds: float) -> NDArray[np.float64]:
    """How lively something is relative to its own calm and lively parts, 0 to 1, each second."""
    return Energy(np.array(curve, np.float64), duration_seconds).level


def frame_within(seconds: float, rate: Fraction, last: int) -> int:
    """The frame nearest to a moment, 0 to `last`."""
    return min(max(frame_at(seconds, rate), 0), last)


def seconds_of(frame: int, rate: Fraction) -> float:
    """When a frame begins, to the microsecond."""
    return round(float(seconds_at(frame, rate)), 6)


def scenes_under(scenes: Sequence[VideoScene], start_frame: int, end_frame: int) -> tuple[int, int]:
    """The first and the last scene, by number, of which a stretch shows something."""
    own = [
        scene.number
        for scene in scenes
        if scene.start_frame < end_frame and scene.end_frame > start_frame
    ]
    return own[0], own[-1]


def _inner_borders(analysis: VideoAnalysis, outer: set[int]) -> list[int]:
    """Where pieces begin within long stretches: at shots, or else at even distances."""
    borders = sorted(outer)
    cuts = np.array([shot.start_frame for shot in analysis.shots], np.int64)
    piece = float(PIECE_SECONDS * analysis.info.rate)
    found: list[int] = []
    for start, end in itertools.pairwise(borders):
        if end - start <= LONG_SCENE_SECONDS * analysis.info.rate:
            continue
        count = round((end - start) / piece)
        for even in np.linspace(start, end, count + 1)[1:-1]:
            near = cuts[np.abs(cuts - even) < piece / 2]
            near = near[(near > start) & (near < end)]
            chosen = near[np.abs(near - even).argmin()] if len(near) else round(even)
            found.append(int(chosen))
    return found


def _moments(
    shots: Sequence[Shot],
    land_on: Sequence[float],
    frames: NDArray[np.int64],
    rate: Fraction,
) -> Moments:
    borders = set(frames.tolist())
    worth_of = {
        float(shot.start_frame / rate): SHOT_CUT * shot.strength
        for shot in shots
        if shot.start_frame not in borders
    }
    worth_of |= dict.fromkeys(land_on, LAND_ON)
    seconds = np.array(sorted(worth_of), np.float64)
    edges = frames.astype(np.float64) * rate.denominator / rate.numerator
    pieces = np.searchsorted(edges, seconds + 1e-9, side="right") - 1
    is_within = (pieces >= 0) & (pieces < len(frames) - 1)
    return Moments(
        seconds=seconds[is_within],
        worths=np.array([worth_of[second] for second in seconds.tolist()])[is_within],
        pieces=pieces[is_within],
    )

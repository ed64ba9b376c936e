"""Facts of a scene and how lively the picture is, from what was measured in its frames."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

import numpy as np

from musiscene.video.analysis import SceneFacts

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from musiscene.video.analysis import Shot

PACE_SECONDS = 1.5
"""Cuts so near to a second, before or after it, count for its pace."""
SHARP_ENOUGH = 0.5
"""Of the scene's median sharpness: a keyframe is not blurred."""
SEEN = (0.04, 0.97)
"""Mean luma of a frame that shows something."""
SECONDS_PER_KEYFRAME = 10.0
MOST_KEYFRAMES = 4
INNER = 0.1
"""Share of a shot at either end where no keyframe is taken: it may be dissolving there."""


def calm_motion(frames: NDArray[Any], starts: Sequence[int], reach: int) -> NDArray[np.float32]:
    """Motion of each frame within its shot: a cut is no motion.

    Args:
        frames: Of the video, dtype `FRAME`, shape (frames,).
        starts: Places of the first frames of shots.
        reach: Frames between the pictures that were compared.

    Returns:
        Shares, float32, shape (frames,); NaN where the pictures belong to two shots.
    """
    motion = frames["motion"].copy()
    for start in starts:
        motion[start : start + reach] = np.nan
    return np.asarray(motion, dtype=np.float32)


def scene_facts(
    frames: NDArray[Any], motion: NDArray[np.float32], shots: Sequence[Shot]
) -> SceneFacts:
    """What is seen in a scene; nothing of its sound yet.

    Args:
        frames: Of the scene, dtype `FRAME`, shape (frames,).
        motion: Of the same frames, from `calm_motion`.
        shots: Of the scene.

    Returns:
        The facts.
    """
    seconds = shots[-1].end_seconds - shots[0].start_seconds
    known = motion[~np.isnan(motion)]
    return SceneFacts(
        cuts_per_minute=60 * (len(shots) - 1) / max(seconds, 1.0),
        motion=float(known.mean()) if len(known) else 0.0,
        brightness=float(frames["luma"].mean()),
        contrast=min(1.0, float(frames["contrast"].mean())),
        saturation=float(frames["saturation"].mean()),
        warmth=float(np.clip(frames["warmth"].mean(), -1.0, 1.0)),
        speech=0.0,
        loudness_lufs=None,
    )


def activity(
    seconds: NDArray[np.float64],
    motion: NDArray[np.float32],
    cuts: Sequence[float],
    duration: float,
) -> tuple[float, ...]:
    """How lively each second is: motion, and the chance of a cut within a second at this pace.

    Args:
        seconds: Of each frame, shape (frames,).
        motion: Of each frame, from `calm_motion`, shape (frames,).
        cuts: Seconds at which shots begin, without the first.
        duration: Of the video, in seconds.

    Returns:
        One value a second, 0 to 1: 1 - (1 - motion)(1 - cutting).
    """
    count = max(1, math.ceil(duration - 1e-6))
    is_known = ~np.isnan(motion)
    places = np.clip(seconds[is_known].astype(int), 0, count - 1)
    total = np.bincount(places, weights=motion[is_known], minlength=count)
    moved = total / np.maximum(np.bincount(places, minlength=count), 1)
    middles = np.arange(count) + 0.5
    places = np.sort(np.asarray(cuts, dtype=np.float64))
    near = np.searchsorted(places, middles + PACE_SECONDS, side="right")
    near -= np.searchsorted(places, middles - PACE_SECONDS)
    cutting = 1.0 - np.exp(-near / (2 * PACE_SECONDS))
    lively = 1.0 - (1.0 - np.clip(moved, 0.0, 1.0)) * (1.0 - cutting)
    return tuple(round(float(value), 4) for value in lively)


def choose_keyframes(
    frames: NDArray[Any], spans: Sequence[tuple[int, int]], seconds: float
) -> list[int]:
    """Frames that show what a scene shows: of its longest shots, one each.

    Args:
        frames: Of the video, dtype `FRAME`, shape (frames,).
        spans: First and after-last frame of each shot of the scene.
        seconds: Length of the scene.

    Returns:
        Numbers of frames, in order; at least one.
    """
    count = min(MOST_KEYFRAMES, len(spans), 1 + int(seconds / SECONDS_PER_KEYFRAME))
    longest = sorted(spans, key=lambda span: span[0] - span[1])[:count]
    return sorted(_typical(frames, first, end) for first, end in longest)


def _typical(frames: NDArray[Any], first: int, end: int) -> int:
    """The frame of a shot that is sharp, not blank, and nearest to the shot's usual picture."""
    margin = int(INNER * (end - first))
    part = frames[first + margin : max(first + margin + 1, end - margin)]
    thumbs = part["thumb"].reshape(len(part), -1).astype(np.float32)
    far = np.abs(thumbs - np.median(thumbs, axis=0)).mean(axis=1)
    is_seen = (part["luma"] > SEEN[0]) & (part["luma"] < SEEN[1])
    is_sharp = part["sharpness"] >= SHARP_ENOUGH * np.median(part["sharpness"])
    # A sharper frame of two that are alike is the better one.
    cost = far - 0.1 * part["sharpness"] + 1000.0 * (2 * ~is_seen + ~is_sharp)
    return first + margin + int(np.argmin(cost))

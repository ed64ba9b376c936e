"""A track as a plan sees it: where it may be cut, where it turns, and how its energy goes."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import msgspec
import numpy as np
from numpy.typing import NDArray

from indexer.arcs import Energy
from indexer.catalogue.shown import ShownTrack
from indexer.cut_points import CutPoints, Timeline, cut_points
from indexer.spotting.cue_plan import LandingKind

if TYPE_CHECKING:
    from collections.abc import Sequence


STEP_SECONDS: Final = 4
"""Before and after a turn, by which its strength is measured."""
FULL_STEP: Final = 0.3
"""Change of the level that makes a turn as strong as one can be."""
WEAKEST_TURN: Final = 0.4
PEAK_STRENGTH: Final = 0.5
START_STRENGTH: Final = 0.8
PEAK_SNAP_SECONDS: Final = 1.0
"""The loudest second is known to a second; its peak is the beat nearest to the middle of it."""


class Turn(msgspec.Struct, frozen=True, kw_only=True):
    """A moment of a track that is worth a cut."""

    seconds: float
    kind: LandingKind
    strength: float
    """0 to 1."""


class TrackShape(msgspec.Struct, frozen=True, kw_only=True):
    """What of a track decides where it goes."""

    track: ShownTrack
    timeline: Timeline
    points: CutPoints
    level: NDArray[np.float64]
    """Each second, 0 (its quiet parts) to 1 (its loud ones)."""
    turns: tuple[Turn, ...]
    """In order; its own ending is not among them."""

    @property
    def seconds(self) -> float:
        """Its length."""
        return self.timeline.duration_seconds

    @property
    def turn_seconds(self) -> NDArray[np.float64]:
        """Shape (turns,)."""
        return np.array([turn.seconds for turn in self.turns])

    @property
    def entries(self) -> NDArray[np.float64]:
        """Where a bar begins, or else a beat, or else each second; in order."""
        line = self.timeline
        for times in (line.downbeats, line.beats):
            if len(times):
                return times
        return np.arange(0.0, max(line.duration_seconds - 1.0, 1.0))


def shape_of(track: ShownTrack) -> TrackShape:
    """What of a track decides where it goes.

    Args:
        track: A row of the catalogue.

    Returns:
        Its shape.
    """
    timeline = Timeline.of(track)
    energy = Energy(timeline.energy, timeline.duration_seconds)
    points = cut_points(timeline, energy)
    turns = [Turn(seconds=0.0, kind="start", strength=START_STRENGTH)]
    turns += [
        Turn(seconds=float(time), kind="turn", strength=_strength(energy.level, float(time)))
        for time in points.phrases[1:-1]
    ]
    peak = _peak(timeline, energy, points.sound_end)
    if peak is not None and all(abs(peak - turn.seconds) > PEAK_SNAP_SECONDS for turn in turns):
        turns.append(Turn(seconds=peak, kind="peak", strength=PEAK_STRENGTH))
    return TrackShape(
        track=track,
        timeline=timeline,
        points=points,
        level=energy.level,
        turns=tuple(sorted(turns, key=lambda turn: turn.seconds)),
    )


def _strength(level: NDArray[np.float64], seconds: float) -> float:
    middle = round(seconds)
    before, after = level[max(0, middle - STEP_SECONDS) : middle], level[middle:][:STEP_SECONDS]
    step = abs(float(after.mean() - before.mean())) if len(before) and len(after) else 0.0
    return WEAKEST_TURN + (1 - WEAKEST_TURN) * min(step / FULL_STEP, 1.0)


def _peak(timeline: Timeline, energy: Energy, sound_end: float) -> float | None:
    """The beat at the loudest second; None where the beats are not known."""
    loudest = energy.peak(0.0, sound_end)
    beats: Sequence[float] = [
        beat for beat in timeline.beats.tolist() if abs(beat - loudest) <= PEAK_SNAP_SECONDS
    ]
    return min(beats, key=lambda beat: abs(beat - loudest), default=None)

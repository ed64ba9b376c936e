"""Where a track may well be cut: what is known of it over time, and what a cut is worth."""

from __future__ import annotations

import itertools
from typing import TYPE_CHECKING, Final, Literal, Self, TypeAlias

import msgspec
import numpy as np
from numpy.typing import NDArray

if TYPE_CHECKING:
    from collections.abc import Sequence

    from indexer.arcs import Energy
    from indexer.catalogue.models import Segment
    from indexer.catalogue.shown import CatalogueTrack, ShownSegment

CutPoint: TypeAlias = Literal["track start", "track end", "phrase", "downbeat", "beat", "free"]
"""What a cut falls on; `free` for nothing that is known."""

BEAT_SIGMA_SECONDS: Final = 0.04
"""Width of the Gaussian by which a cut loses value beside a beat. Source: Cemgil, Kappen, Desain
and Honing 2000, Journal of New Music Research 29(4), their measure of beat tracking."""
BEAT_TOLERANCE_SECONDS: Final = 0.07
"""A cut this near to a beat is called on it: the window in which found beats count as right.
Source: Dixon 2001, Journal of New Music Research 30(1)."""
ENDING_SIGMA_SECONDS: Final = 0.25
ENDING_TOLERANCE_SECONDS: Final = 0.5
"""So much of a last chord that dies away may be lost to a fade."""
SILENT_TAIL_SECONDS: Final = 2.0
"""So much silence behind the last sound passes as part of the ending."""
SILENT_ENERGY: Final = 0.05
"""38 dB below the loudest second."""
PHRASE_SNAP_SECONDS: Final = 1.5
"""A segment's boundary belongs to a downbeat, or else a beat, this near: segments are found to a
quarter of a second and then moved to a strong onset within 0.7 s, which need not begin a bar."""

NO_SONGS: Final = np.empty(0)

CUT_WORDS: Final[dict[CutPoint, str]] = {
    "track start": "the track's start", "track end": "the track's own ending",
    "phrase": "where a phrase begins", "downbeat": "the first beat of a bar", "beat": "on a beat",
    "free": "on no beat that is known",
}  # fmt: skip


class Timeline(msgspec.Struct, frozen=True, kw_only=True):
    """What is known of a track over time. All times are in seconds from its beginning."""

    duration_seconds: float
    """Length of the track, above 0."""
    segments: NDArray[np.float64]
    """Starts and ends in order, without gaps, shape (segments, 2)."""
    energy: NDArray[np.float32]
    """One value a second relative to the loudest, 0 to 1, shape (seconds,)."""
    beats: NDArray[np.float64]
    """In order, downbeats included, shape (beats,); empty where unknown."""
    downbeats: NDArray[np.float64]
    """Those that begin a bar, in order, shape (downbeats,); empty where unknown."""
    songs: NDArray[np.float64] = NO_SONGS
    """Where another song begins in a track that holds several, in order, shape (songs - 1,)."""

    @classmethod
    def of(cls, track: CatalogueTrack) -> Self:
        """The timeline of a track of the catalogue, loaded with its segments."""
        downbeats = _times(track.downbeat_times, track.duration_seconds)
        beats = _times(track.beat_times, track.duration_seconds)
        segments: Sequence[Segment | ShownSegment] = track.segments
        bounds = [(segment.start_seconds, segment.end_seconds) for segment in segments]
        return cls(
            duration_seconds=track.duration_seconds,
            segments=np.array(bounds or [(0.0, track.duration_seconds)], np.float64),
            energy=np.frombuffer(track.energy_curve, "<f2").astype(np.float32),
            beats=np.union1d(beats, downbeats),
            downbeats=downbeats,
            songs=np.array(
                [
                    after.start_seconds
                    for before, after in itertools.pairwise(segments)
                    if before.title != after.title
                ]
            ),
        )


class Anchor(msgspec.Struct, frozen=True, kw_only=True):
    """One kind of point on which a cut can fall."""

    name: CutPoint
    value: float
    """Of a cut that falls on it, 0 to 1."""
    times: NDArray[np.float64]
    """In order, shape (points,); may be empty."""
    slack_seconds: float = 0.0
    """So much later is as good."""
    sigma_seconds: float = BEAT_SIGMA_SECONDS
    """Width of the Gaussian by which a cut beside it loses value."""
    tolerance_seconds: float = BEAT_TOLERANCE_SECONDS
    """A cut this near is called by its name."""

    def distances(self, cuts: NDArray[np.float64]) -> NDArray[np.float64]:
        """From each cut to the nearest point, in seconds, same shape; infinite without points."""
        if not len(self.times):
            return np.full(cuts.shape, np.inf)
        centres = self.times + self.slack_seconds / 2
        away = np.abs(cuts - centres[_nearest(cuts, centres)])
        return np.maximum(away - self.slack_seconds / 2, 0)


class CutPoints(msgspec.Struct, frozen=True, kw_only=True):
    """Where a window of one track may well begin and end."""

    starts: tuple[Anchor, ...]
    """Named by the first that is near."""
    ends: tuple[Anchor, ...]
    """Likewise."""
    phrases: NDArray[np.float64]
    """Boundaries of segments, moved to downbeats, from 0 to the ending."""
    sound_end: float
    """Where the last sound ends, in seconds."""


def cut_points(timeline: Timeline, energy: Energy) -> CutPoints:
    """Where a track may well be cut.

    Args:
        timeline: The track.
        energy: Of the same track.

    Returns:
        Its points.
    """
    duration = timeline.duration_seconds
    heard = np.flatnonzero(energy.curve > SILENT_ENERGY)
    sound_end = min(float(heard[-1]) + 1, duration) if len(heard) else duration
    ending = min(sound_end + SILENT_TAIL_SECONDS, duration)
    bounds = inner = timeline.segments[1:, 0]
    for beats in (timeline.beats, timeline.downbeats):  # a downbeat goes before a nearer beat
        if len(beats):
            near = beats[_nearest(bounds, beats)]
            inner = np.where(np.abs(near - bounds) <= PHRASE_SNAP_SECONDS, near, inner)
    inner = np.where(np.isin(bounds, timeline.songs), bounds, inner)
    inner = np.unique(inner[(inner > 0) & (inner < ending)])
    end = Anchor(
        name="track end",
        value=1.0,
        times=np.array([sound_end]),
        slack_seconds=ending - sound_end,
        sigma_seconds=ENDING_SIGMA_SECONDS,
        tolerance_seconds=ENDING_TOLERANCE_SECONDS,
    )
    # Nothing sounds as finished as the composer's own ending, so a bar that reaches it is worth
    # more than a phrase that does not; a track's start is often an introduction.
    start = Anchor(name="track start", value=0.8, times=np.zeros(1))
    downbeat = Anchor(name="downbeat", value=0.5, times=timeline.downbeats)
    beat = Anchor(name="beat", value=0.25, times=timeline.beats)
    return CutPoints(
        starts=(start, Anchor(name="phrase", value=0.9, times=inner), downbeat, beat),
        ends=(end, Anchor(name="phrase", value=0.7, times=inner), downbeat, beat),
        phrases=np.array([0.0, *inner, ending]),
        sound_end=sound_end,
    )


def cut_values(cuts: NDArray[np.float64], anchors: tuple[Anchor, ...]) -> NDArray[np.float64]:
    """What cuts are worth.

    Args:
        cuts: In seconds of the track, any shape.
        anchors: `CutPoints.starts` for in points, `CutPoints.ends` for out points.

    Returns:
        By the anchor that serves each best, 0 to 1, same shape.
    """
    worth = [
        anchor.value * np.exp(-((anchor.distances(cuts) / anchor.sigma_seconds) ** 2) / 2)
        for anchor in anchors
    ]
    best: NDArray[np.float64] = np.max(worth, axis=0)
    return best


def cut_name(cut: float, anchors: tuple[Anchor, ...]) -> CutPoint:
    """What a cut falls on.

    Args:
        cut: In seconds of the track.
        anchors: As for `cut_values`.

    Returns:
        The first kind of point that is near.
    """
    for anchor in anchors:
        if anchor.distances(np.array([cut]))[0] <= anchor.tolerance_seconds:
            return anchor.name
    return "free"


def _nearest(values: NDArray[np.float64], times: NDArray[np.float64]) -> NDArray[np.intp]:
    """Which of the times, in order and not empty, is nearest to each value."""
    return np.searchsorted((times[1:] + times[:-1]) / 2, values)


def _times(stored: bytes | None, duration_seconds: float) -> NDArray[np.float64]:
    times = np.frombuffer(stored or b"", "<f4").astype(np.float64)
    return np.unique(times[(times >= 0) & (times < duration_seconds)])

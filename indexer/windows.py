"""The best in and out points in a track, as an editor would set them.

A window begins where a listener feels a beginning (a phrase, a bar, a beat) and ends where one
feels an end, it covers what fits the brief, and its energy takes the course that was asked for.
All candidates are measured at once, so an hour of music with its beats takes milliseconds.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import msgspec
import numpy as np
from numpy.typing import NDArray

from indexer.arcs import Arc, Energy
from indexer.cut_points import (
    CUT_WORDS,
    CutPoint,
    CutPoints,
    Timeline,
    cut_name,
    cut_points,
    cut_values,
)

if TYPE_CHECKING:
    from indexer.catalogue.models import Segment
    from indexer.catalogue.shown import CatalogueTrack, ShownSegment

__all__ = ["Arc", "CutPoint", "FoundWindow", "Timeline", "best_window", "song_in"]

RELEVANCE_WEIGHT: Final = 0.4
ARC_WEIGHT: Final = 0.4
START_WEIGHT: Final = 0.15
END_WEIGHT: Final = 0.15
"""What the window holds counts before where exactly it is cut."""
LENGTH_WEIGHT: Final = 0.1
USABLE_SECONDS: Final = 30.0
"""Where no length is asked, shorter windows lose up to `LENGTH_WEIGHT`: a spot lasts this long."""

LEAST_SECONDS: Final = 1.0
"""Two boundaries that are nearer to each other hold nothing between them."""

WEAK_ARC: Final = 0.35
"""Below this fit, the sentence says that the arc asked for was not found."""

LEAST_RELEVANCE_RANGE: Final = 0.1
"""Segments that differ by less are not told apart as far as that."""

SONG_WEIGHT: Final = 2.0
"""What a window of two songs loses: more than all else can give it."""
SONG_TOLERANCE_SECONDS: Final = 0.5
"""So much of another song is none."""
SPARKLINE_BINS: Final = 12

ARC_WORDS: Final[dict[Arc, str]] = {
    "build": "builds", "steady": "stays level", "release": "starts high and falls",
}  # fmt: skip


class FoundWindow(msgspec.Struct, frozen=True, kw_only=True):
    """A stretch of a track, and why it was chosen."""

    start_seconds: float
    """In point, to the millisecond."""
    end_seconds: float
    """Out point; the in point and the wanted length, where one was asked."""
    arc: Arc
    """The course that its energy takes."""
    arc_fit: float
    """How well it takes the course asked for, or `arc` where none was asked; 0 to 1."""
    starts_at: CutPoint
    """What the in point falls on."""
    ends_at: CutPoint
    """What the out point falls on."""
    energy: tuple[float, ...]
    """Of `SPARKLINE_BINS` equal parts, relative to the track's loudest second, 0 to 1."""
    text: str
    """One sentence."""


class _Windows(msgspec.Struct, frozen=True):
    """Candidates, each array of shape (candidates,)."""

    starts: NDArray[np.float64]
    ends: NDArray[np.float64]


def best_window(
    timeline: Timeline,
    *,
    length_seconds: float | None = None,
    arc: Arc | None = None,
    relevance: NDArray[np.floating] | None = None,
) -> FoundWindow:
    """The stretch of a track to use.

    Args:
        timeline: The track.
        length_seconds: Exactly so long; None for the best whole segment, or several in a row. A
            track that is not longer is taken whole.
        arc: The course that the energy should take; None for any.
        relevance: How well each segment fits the brief, about 0 to 1, shape (segments,); None where
            every segment fits alike.

    Returns:
        The window, within the track.

    Raises:
        ValueError: If the length is not above 0, or there is not one relevance a segment.
    """
    if length_seconds is not None and not length_seconds > 0:
        raise ValueError(f"length_seconds must be above 0, got {length_seconds}")
    if relevance is not None and np.shape(relevance) != (len(timeline.segments),):
        raise ValueError(f"{np.size(relevance)} relevances, {len(timeline.segments)} segments")
    energy = Energy(timeline.energy, timeline.duration_seconds)
    points = cut_points(timeline, energy)
    if length_seconds is None:
        windows = _whole_phrases(points)
    else:
        windows = _of_length(timeline, points, length_seconds)
    fits = energy.arc_fits(windows.starts, windows.ends)
    score = START_WEIGHT * cut_values(windows.starts, points.starts)
    score += END_WEIGHT * cut_values(windows.ends, points.ends)
    if arc is not None:
        score += ARC_WEIGHT * fits[arc]
    if relevance is not None:
        score += RELEVANCE_WEIGHT * _relevances(timeline, windows, relevance)
    score -= SONG_WEIGHT * _holds_two_songs(timeline.songs, windows)
    if length_seconds is None:
        lengths = windows.ends - windows.starts
        score += LENGTH_WEIGHT * np.minimum(lengths / USABLE_SECONDS, 1)
    best = int(score.round(6).argmax())  # the earliest of equals
    span = float(windows.starts[best]), float(windows.ends[best])
    has = max(fits, key=lambda course: fits[course][best])
    return _found(energy, points, span, has=has, asked=arc, fit=float(fits[arc or has][best]))


def song_in(track: CatalogueTrack, window: FoundWindow) -> str | None:
    """The title of the song that most of a window is from; None where the track is one song."""

    def shared(segment: Segment | ShownSegment) -> float:
        start = max(segment.start_seconds, window.start_seconds)
        return min(segment.end_seconds, window.end_seconds) - start

    seconds: dict[str | None, float] = {}
    for segment in track.segments:
        seconds[segment.title] = seconds.get(segment.title, 0.0) + max(shared(segment), 0.0)
    return max(seconds, key=lambda title: seconds[title], default=None)


def _whole_phrases(points: CutPoints) -> _Windows:
    """Every run of neighbouring segments."""
    first, last = np.triu_indices(len(points.phrases), k=1)
    starts, ends = points.phrases[first], points.phrases[last]
    is_usable = ends - starts >= min(LEAST_SECONDS, points.phrases[-1])
    return _Windows(starts[is_usable], ends[is_usable])


def _of_length(timeline: Timeline, points: CutPoints, length_seconds: float) -> _Windows:
    """Every window of a length that begins where one may; without beats, anywhere."""
    latest = timeline.duration_seconds - length_seconds
    if latest <= 0:
        return _Windows(np.zeros(1), np.array([timeline.duration_seconds]))
    if len(timeline.beats):
        starts = np.concatenate([points.phrases[:-1], timeline.beats])
    else:
        ends = np.concatenate([anchor.times for anchor in points.ends])
        grid = np.arange(0.0, latest, 1.0)  # as fine as the energy is known
        starts = np.concatenate([points.phrases[:-1], ends - length_seconds, [latest], grid])
    starts = np.unique(starts[(starts >= 0) & (starts <= latest)].round(3).clip(max=latest))
    return _Windows(starts, starts + length_seconds)


def _holds_two_songs(songs: NDArray[np.float64], windows: _Windows) -> NDArray[np.bool_]:
    first = np.searchsorted(songs, windows.starts + SONG_TOLERANCE_SECONDS)
    holds: NDArray[np.bool_] = first < np.searchsorted(songs, windows.ends - SONG_TOLERANCE_SECONDS)
    return holds


def _relevances(
    timeline: Timeline, windows: _Windows, relevance: NDArray[np.floating]
) -> NDArray[np.float64]:
    """Mean relevance over each window, where the track's least is 0 and its greatest 1."""
    spread = max(float(np.ptp(relevance)), LEAST_RELEVANCE_RANGE)
    relative = (np.asarray(relevance, np.float64) - np.min(relevance)) / spread
    edges = np.append(timeline.segments[:, 0], timeline.duration_seconds)
    sums = np.concatenate([[0.0], np.cumsum(relative * np.diff(edges))])
    covered = np.interp(windows.ends, edges, sums) - np.interp(windows.starts, edges, sums)
    means: NDArray[np.float64] = covered / (windows.ends - windows.starts)
    return means


def _found(
    energy: Energy,
    points: CutPoints,
    span: tuple[float, float],
    *,
    has: Arc,
    asked: Arc | None,
    fit: float,
) -> FoundWindow:
    start, end = span
    starts_at, ends_at = cut_name(start, points.starts), cut_name(end, points.ends)
    edges = np.linspace(start, end, SPARKLINE_BINS + 1)
    text = f"From {_clock(start)}, {CUT_WORDS[starts_at]}, to {_clock(end)}, {CUT_WORDS[ends_at]}"
    text += f"; the energy {ARC_WORDS[has]}"
    if has == "build":
        text += f" and peaks at {_clock(energy.peak(start, end))}"
    if asked is not None and fit < WEAK_ARC:
        text += f": not much of the {asked} that was asked for"
    return FoundWindow(
        start_seconds=start,
        end_seconds=end,
        arc=has,
        arc_fit=round(fit, 3),
        starts_at=starts_at,
        ends_at=ends_at,
        energy=energy.means(edges),
        text=text + ".",
    )


def _clock(seconds: float) -> str:
    minutes, tenths = divmod(round(seconds * 10), 600)
    return f"{minutes}:{tenths / 10:04.1f}"

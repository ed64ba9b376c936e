"""The best in and out points in a track, as an editor would set them.

A window begins where a listener feels a beginning (a phrase, a bar, a beat) and ends where one
feels an end, it covers what fits the brief, and its energy takes the course that was asked for.
All candidates are measured at once, so an hour of music with its beats takes milliseconds.
"""

from __future__ import annotations

import itertools
from typing import TYPE_CHECKING, Final, Literal, Self, TypeAlias

import msgspec
import numpy as np
from numpy.typing import NDArray

from indexer.arcs import Arc, Energy

if TYPE_CHECKING:
    from collections.abc import Sequence

    from indexer.catalogue.models import Segment
    from indexer.catalogue.shown import CatalogueTrack, ShownSegment

__all__ = ["Arc", "CutPoint", "FoundWindow", "Timeline", "best_window", "song_in"]

CutPoint: TypeAlias = Literal["track start", "track end", "phrase", "downbeat", "beat", "free"]
"""What a cut falls on; `free` for nothing that is known."""

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

WEAK_ARC: Final = 0.35
"""Below this fit, the sentence says that the arc asked for was not found."""

LEAST_RELEVANCE_RANGE: Final = 0.1
"""Segments that differ by less are not told apart as far as that."""

SONG_WEIGHT: Final = 2.0
"""What a window of two songs loses: more than all else can give it."""
SONG_TOLERANCE_SECONDS: Final = 0.5
"""So much of another song is none."""
NO_SONGS: Final = np.empty(0)

SPARKLINE_BINS: Final = 12

CUT_WORDS: Final[dict[CutPoint, str]] = {
    "track start": "the track's start", "track end": "the track's own ending",
    "phrase": "where a phrase begins", "downbeat": "the first beat of a bar", "beat": "on a beat",
    "free": "on no beat that is known",
}  # fmt: skip
ARC_WORDS: Final[dict[Arc, str]] = {
    "build": "builds", "steady": "stays level", "release": "starts high and falls",
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


class _Anchor(msgspec.Struct, frozen=True, kw_only=True):
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


class _Points(msgspec.Struct, frozen=True, kw_only=True):
    """Where a window of one track may well begin and end."""

    starts: tuple[_Anchor, ...]
    """Named by the first that is near."""
    ends: tuple[_Anchor, ...]
    """Likewise."""
    phrases: NDArray[np.float64]
    """Boundaries of segments, moved to downbeats, from 0 to the ending."""


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
    points = _points(timeline, energy)
    if length_seconds is None:
        windows = _whole_phrases(points)
    else:
        windows = _of_length(timeline, points, length_seconds)
    fits = energy.arc_fits(windows.starts, windows.ends)
    score = START_WEIGHT * _values(windows.starts, points.starts)
    score += END_WEIGHT * _values(windows.ends, points.ends)
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


def _points(timeline: Timeline, energy: Energy) -> _Points:
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
    end = _Anchor(
        name="track end",
        value=1.0,
        times=np.array([sound_end]),
        slack_seconds=ending - sound_end,
        sigma_seconds=ENDING_SIGMA_SECONDS,
        tolerance_seconds=ENDING_TOLERANCE_SECONDS,
    )
    # Nothing sounds as finished as the composer's own ending, so a bar that reaches it is worth
    # more than a phrase that does not; a track's start is often an introduction.
    start = _Anchor(name="track start", value=0.8, times=np.zeros(1))
    downbeat = _Anchor(name="downbeat", value=0.5, times=timeline.downbeats)
    beat = _Anchor(name="beat", value=0.25, times=timeline.beats)
    return _Points(
        starts=(start, _Anchor(name="phrase", value=0.9, times=inner), downbeat, beat),
        ends=(end, _Anchor(name="phrase", value=0.7, times=inner), downbeat, beat),
        phrases=np.array([0.0, *inner, ending]),
    )


def _whole_phrases(points: _Points) -> _Windows:
    """Every run of neighbouring segments."""
    first, last = np.triu_indices(len(points.phrases), k=1)
    starts, ends = points.phrases[first], points.phrases[last]
    is_usable = ends - starts >= min(LEAST_SECONDS, points.phrases[-1])
    return _Windows(starts[is_usable], ends[is_usable])


def _of_length(timeline: Timeline, points: _Points, length_seconds: float) -> _Windows:
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


def _values(cuts: NDArray[np.float64], anchors: tuple[_Anchor, ...]) -> NDArray[np.float64]:
    """What each cut is worth by the anchor that serves it best, 0 to 1."""
    worth = [
        anchor.value * np.exp(-((anchor.distances(cuts) / anchor.sigma_seconds) ** 2) / 2)
        for anchor in anchors
    ]
    best: NDArray[np.float64] = np.max(worth, axis=0)
    return best


def _name(cut: float, anchors: tuple[_Anchor, ...]) -> CutPoint:
    for anchor in anchors:
        if anchor.distances(np.array([cut]))[0] <= anchor.tolerance_seconds:
            return anchor.name
    return "free"


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
    points: _Points,
    span: tuple[float, float],
    *,
    has: Arc,
    asked: Arc | None,
    fit: float,
) -> FoundWindow:
    start, end = span
    starts_at, ends_at = _name(start, points.starts), _name(end, points.ends)
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


def _nearest(values: NDArray[np.float64], times: NDArray[np.float64]) -> NDArray[np.intp]:
    """Which of the times, in order and not empty, is nearest to each value."""
    return np.searchsorted((times[1:] + times[:-1]) / 2, values)


def _times(stored: bytes | None, duration_seconds: float) -> NDArray[np.float64]:
    times = np.frombuffer(stored or b"", "<f4").astype(np.float64)
    return np.unique(times[(times >= 0) & (times < duration_seconds)])


def _clock(seconds: float) -> str:
    minutes, tenths = divmod(round(seconds * 10), 600)
    return f"{minutes}:{tenths / 10:04.1f}"

"""The likeliest beats and bars behind activations: a walk from beat to beat.

A path is a row of beats, each with its place in a bar and the time to the next. In the first
sixteenth of that time the network should hear the beat, in the rest nothing; the time changes
little from beat to beat. As nothing is decided within a beat, the walk steps from beat to beat:
of every frame it keeps only the best way to begin a beat there.

Source: the observation and tempo models of Krebs, Böck and Widmer, "An efficient state-space model
for joint tempo and meter tracking", ISMIR 2015, and of Böck, Krebs and Widmer, "Joint beat and
downbeat tracking with recurrent neural networks", ISMIR 2016; solved as a semi-Markov chain.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, NamedTuple

import numpy as np

from musiscene.audio.pulse.spectra import FRAME_RATE

if TYPE_CHECKING:
    from numpy.typing import NDArray

METERS: Final = (3, 4)
SLOWEST_BPM: Final = 55.0
FASTEST_BPM: Final = 215.0
"""Between these beats are looked for where no tempo is known."""
STEADINESS: Final = 100.0
"""Cost, in nats, of doubling the time between two beats; a tenth of it for a tenth."""
BEAT_SHARE: Final = 16
"""One part in so many of a beat is its sound."""
TEMPO_SLACK: Final = 0.12
"""By how much beats may leave a known tempo, as a share of it."""
MAX_WAYS: Final = 1 << 15
"""From beat to beat, weighed in one step; more need more memory and are no faster."""

_FLOOR = 1e-5
_FIRST_IN_BAR = np.array([place == 0 for meter in METERS for place in range(meter)])
_BEFORE = np.concatenate(
    [sum(METERS[:index]) + np.roll(np.arange(meter), 1) for index, meter in enumerate(METERS)]
)


class Beats(NamedTuple):
    """A row of beats."""

    frames: NDArray[np.int64]
    """Where each begins."""
    begins_bar: NDArray[np.bool_]
    """Whether it is the first of a bar."""


class _Scores:
    """Log probabilities of what is heard in a beat, as differences of running sums."""

    def __init__(self, activations: NDArray[np.float32], intervals: NDArray[np.int64]) -> None:
        heard = activations.astype(np.float64)
        nothing = (1.0 - heard.sum(axis=1)) / (BEAT_SHARE - 1)
        logs = np.log(np.maximum(np.column_stack([heard, nothing]), _FLOOR))
        self._sums = np.concatenate([np.zeros((1, 3)), np.cumsum(logs, axis=0)])
        self._intervals = intervals
        self._sounding = np.maximum(1, np.rint(intervals / BEAT_SHARE).astype(np.int64))

    def beat(self, starts: NDArray[np.int64]) -> NDArray[np.float64]:
        """Of a beat of each interval that begins at `starts`, (frames, intervals), in each place.

        Shape (frames, places, intervals).
        """
        last = len(self._sums) - 1
        middle = np.minimum(starts + self._sounding, last)
        end = np.minimum(starts + self._intervals, last)
        rest = self._sums[end, 2] - self._sums[middle, 2]
        within, first = (self._sums[middle, c] - self._sums[starts, c] + rest for c in (0, 1))
        heard: NDArray[np.float64] = np.where(
            _FIRST_IN_BAR[:, None], first[:, None], within[:, None]
        )
        return heard

    def upbeat(self, frames: NDArray[np.int64]) -> NDArray[np.float64]:
        """Of nothing being heard before each frame."""
        before: NDArray[np.float64] = self._sums[frames, 2]
        return before


def likeliest_beats(activations: NDArray[np.float32], *, bpm: float | None = None) -> Beats:
    """Find the beats and bars that explain activations best.

    Args:
        activations: Of `beat_activations`, float32, shape (frames, 2).
        bpm: Stay near this tempo; None to choose between `SLOWEST_BPM` and `FASTEST_BPM`.

    Returns:
        The beats in order; none where the activations are shorter than one beat. Takes 300 bytes
        a frame: 55 MB for an hour.
    """
    intervals = _intervals(bpm)
    frames, longest = len(activations), int(intervals[-1])
    if frames <= longest:
        return Beats(np.zeros(0, np.int64), np.zeros(0, np.bool_))
    scores = _Scores(activations, intervals)
    steps = -STEADINESS * np.abs(intervals / intervals[:, None] - 1.0)  # from, to
    steps -= np.log(np.exp(steps).sum(axis=1, keepdims=True))
    columns = np.arange(len(intervals))
    # What happens less than the shortest interval apart cannot depend on each other.
    block = max(1, min(int(intervals[0]), MAX_WAYS // (len(_BEFORE) * len(intervals) ** 2)))
    ring = np.full((longest + block, len(_BEFORE), len(intervals)), -np.inf)
    came_from = np.full((frames, len(_BEFORE), len(intervals)), -1, np.int8)
    ending = (-np.inf, 0, 0, 0)
    for first in range(0, frames, block):
        now = np.arange(first, min(first + block, frames))
        starts = now[:, None] - intervals  # (frames, intervals)
        before = ring[starts % len(ring), :, columns].transpose(0, 2, 1)
        ended = before + scores.beat(np.maximum(starts, 0))  # (frames, places, intervals)
        ended = np.where(starts[:, None] < 0, -np.inf, ended)
        ways = ended[:, _BEFORE, :, None] + steps  # (frames, places, from, to)
        choice = ways.argmax(axis=2)
        best = np.take_along_axis(ways, choice[:, :, None], axis=2)[:, :, 0]
        if first < longest:
            upbeats = scores.upbeat(now)[:, None] - np.log(intervals)
            fresh = np.where(now[:, None] < intervals, upbeats, -np.inf)[:, None]
            choice = np.where(fresh > best, -1, choice)
            best = np.maximum(fresh, best)
        came_from[now] = choice
        ring[now % len(ring)] = best
        if now[-1] + longest >= frames:
            ending = max(ending, _best_last(best, scores, now, now[:, None] + intervals >= frames))
    return _walk_back(came_from, intervals, ending[1:])


def mean_bpm(beats: Beats) -> float:
    """Beats per minute from the first to the last; 0 for fewer than two."""
    if len(beats.frames) < 2:  # noqa: PLR2004
        return 0.0
    span = float(beats.frames[-1] - beats.frames[0])
    return 60.0 * FRAME_RATE * (len(beats.frames) - 1) / span


def _intervals(bpm: float | None) -> NDArray[np.int64]:
    """Frames from beat to beat that are tried, rising."""
    if bpm is None:
        shortest, longest = 60 * FRAME_RATE / FASTEST_BPM, 60 * FRAME_RATE / SLOWEST_BPM
    else:
        middle = 60 * FRAME_RATE / bpm
        shortest, longest = middle * (1 - TEMPO_SLACK), middle * (1 + TEMPO_SLACK)
    return np.arange(round(shortest), round(longest) + 1)


def _best_last(
    best: NDArray[np.float64],
    scores: _Scores,
    frames: NDArray[np.int64],
    reaches: NDArray[np.bool_],
) -> tuple[float, int, int, int]:
    """Score, frame, place and interval of the best last beat that begins at one of some frames."""
    starts = np.repeat(frames[:, None], best.shape[2], axis=1)
    total = np.where(reaches[:, None], best + scores.beat(starts), -np.inf)
    index, place, column = np.unravel_index(int(np.argmax(total)), total.shape)
    return float(total[index, place, column]), int(frames[index]), int(place), int(column)


def _walk_back(
    came_from: NDArray[np.int8], intervals: NDArray[np.int64], ending: tuple[int, int, int]
) -> Beats:
    frame, place, column = ending
    frames: list[int] = []
    begins_bar: list[bool] = []
    while column >= 0:
        frames.append(frame)
        begins_bar.append(bool(_FIRST_IN_BAR[place]))
        column = int(came_from[frame, place, column])
        frame, place = frame - int(intervals[column]), int(_BEFORE[place])
    return Beats(np.array(frames[::-1]), np.array(begins_bar[::-1]))

"""The best plan of cues: exact, by dynamic programming over borders, tracks and placements.

Let V(i, j, k, d) be what track k is worth from border i to border j at offset d,

    V = sums[d, j] - sums[d, i] + ins[d, i] + outs[d, j] - short(j - i),

where `short` is what a cue costs that lasts less than is wanted. With B[i, k] the most that can be
had up to border i if track k comes next, the most that can be had up to border j with track k last
is

    E[j, k] = max over d and i < j of  B[i, k] + V(i, j, k, d).

All but `short` splits into what belongs to i and what belongs to j. So for each placement the
maximum over all starts that are long enough ago is carried along, and only the few starts nearer
than the shortest wanted cue are looked at one by one: the work grows with the number of placements
times borders, not with the square of the borders, and nothing is left out.

Source: segmental (semi-Markov) Viterbi decoding, Ostendorf, Digalakis and Kimball 1996, From HMM's
to segment models, IEEE Transactions on Speech and Audio Processing 4(5), section III.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

import msgspec
import numpy as np
from numpy.typing import NDArray

from indexer.spotting.cue_values import Placements

if TYPE_CHECKING:
    from collections.abc import Sequence

NEVER: Final = -np.inf
NOTHING: Final = -1
"""Instead of a track, where there is no music."""


class Costs(msgspec.Struct, frozen=True, kw_only=True):
    """What a plan pays for, in seconds of perfectly fitting music."""

    change: NDArray[np.float64]
    """From each track to each, shape (tracks, tracks)."""
    stop: float
    """To stop for silence."""
    fewest_seconds: float
    """A shorter cue costs `short` times the share of it that is missing."""
    short: float


class Problem(msgspec.Struct, frozen=True, kw_only=True):
    """Where music may go, and what it is worth there."""

    seconds: NDArray[np.float64]
    """Borders, shape (borders,)."""
    without: NDArray[np.float64]
    """Worth of no music between a border and the next, shape (borders - 1,)."""
    may_play: NDArray[np.bool_]
    """Whether there may be music, likewise."""
    border_costs: NDArray[np.float64]
    """Of a change at a border, shape (borders,)."""
    begin_costs: NDArray[np.float64]
    """To begin at a border after silence, likewise."""
    tracks: tuple[Placements, ...]
    costs: Costs


class Stretch(msgspec.Struct, frozen=True, kw_only=True):
    """One track, or nothing, from a border to another."""

    first: int
    last: int
    track: int
    """Its place in `Problem.tracks`, or `NOTHING`."""
    offset: float
    """0 for `NOTHING`."""


class _Table(msgspec.Struct, frozen=True, kw_only=True):
    """What is known at each border; arrays of shape (borders, tracks)."""

    ended: NDArray[np.float64]
    """E: the most with this track last."""
    began: NDArray[np.intp]
    """Border at which that cue began."""
    placed: NDArray[np.float64]
    """Its offset."""
    ready: NDArray[np.float64]
    """B: the most with this track next."""
    previous: NDArray[np.intp]
    """Track before that, or `NOTHING`."""
    silent: NDArray[np.float64]
    """The most with nothing last, shape (borders,)."""
    silent_after: NDArray[np.intp]
    """Track that ended one piece ago, or `NOTHING`, shape (borders,)."""


def optimise(problem: Problem) -> tuple[list[Stretch], float]:
    """The plan that is worth most.

    Args:
        problem: Where music may go.

    Returns:
        Stretches in order, without gaps, and their worth.
    """
    table = _empty_table(len(problem.seconds), len(problem.tracks))
    cells = _Cells(problem)
    for border in range(len(problem.seconds)):
        if border:
            _end_at(border, problem, table, cells)
        _go_on_from(border, problem, table)
        cells.begin(border, table.ready[border])
    return _way_back(table)


def short_cost(costs: Costs, seconds: float) -> float:
    """What a cue costs for being short.

    Args:
        costs: Of the plan.
        seconds: Length of the cue.

    Returns:
        0 for one that is long enough.
    """
    return costs.short * max(0.0, 1.0 - seconds / costs.fewest_seconds)


class _Cells:
    """The placements of all tracks, with what each has come to so far."""

    def __init__(self, problem: Problem) -> None:
        tracks = problem.tracks
        sizes = np.array([len(one.sums) for one in tracks], np.intp)
        self._problem = problem
        self._track = np.repeat(np.arange(len(tracks)), [len(one.offsets) for one in tracks])
        self._lows = _joined([one.lows for one in tracks], np.intp)
        self._highs = _joined([one.highs for one in tracks], np.intp)
        self._offsets = _joined([one.offsets for one in tracks], np.float64)
        self._sums = _joined([one.sums for one in tracks], np.float64)
        self._ins = _joined([one.ins for one in tracks], np.float64)
        self._outs = _joined([one.outs for one in tracks], np.float64)
        before = np.cumsum(sizes) - sizes
        bases = [one.bases + first for one, first in zip(tracks, before, strict=True)]
        self._zero = _joined(bases, np.intp) - self._lows
        self._carried = np.full(len(self._track), NEVER)
        self._carried_from = np.zeros(len(self._track), np.intp)
        self._recent: list[tuple[int, NDArray[np.intp], NDArray[np.float64]]] = []

    def begin(self, border: int, ready: NDArray[np.float64]) -> None:
        """Let a cue begin at a border in every placement that can.

        Args:
            border: Where.
            ready: The most before that, for each track.
        """
        if border == len(self._problem.may_play) or not self._problem.may_play[border]:
            self._carried[:] = NEVER
            self._recent.clear()
            return
        own = np.flatnonzero((self._lows <= border) & (self._highs > border))
        cell = self._zero[own] + border
        self._recent.append(
            (border, own, ready[self._track[own]] + self._ins[cell] - self._sums[cell])
        )

    def end(self, border: int, count: int) -> tuple[NDArray[Any], NDArray[Any], NDArray[Any]]:
        """The best cues that end at a border.

        Args:
            border: Where.
            count: Of tracks.

        Returns:
            For each track the most that can be had, where its cue begins, and its offset.
        """
        best, began = np.full(count, NEVER), np.zeros(count, np.intp)
        placed = np.zeros(count)
        self._settle(border)
        own = np.flatnonzero((self._lows < border) & (self._highs >= border))
        if not len(own):
            return best, began, placed
        value, since = self._carried[own], self._carried_from[own]
        for start, placements, worth in self._recent:
            near = np.full(len(self._track), NEVER)
            seconds = float(self._problem.seconds[border] - self._problem.seconds[start])
            near[placements] = worth - short_cost(self._problem.costs, seconds)
            is_better = near[own] > value
            value = np.where(is_better, near[own], value)
            since = np.where(is_better, start, since)
        cell = self._zero[own] + border
        value = value + self._sums[cell] + self._outs[cell]
        tracks, firsts = np.unique(self._track[own], return_index=True)
        highest = np.maximum.reduceat(value, firsts)
        is_best = value == highest.repeat(np.diff(np.append(firsts, len(own))))
        chosen = np.flatnonzero(is_best)
        _, first = np.unique(self._track[own[chosen]], return_index=True)
        chosen = chosen[first]
        best[tracks], began[tracks] = highest, since[chosen]
        placed[tracks] = self._offsets[own[chosen]]
        return best, began, placed

    def _settle(self, border: int) -> None:
        """Carry along the starts that are long enough ago."""
        end = self._problem.seconds[border]
        while self._recent:
            start, placements, worth = self._recent[0]
            if end - self._problem.seconds[start] < self._problem.costs.fewest_seconds:
                return
            del self._recent[0]
            is_better = worth > self._carried[placements]
            self._carried[placements[is_better]] = worth[is_better]
            self._carried_from[placements[is_better]] = start


def _joined(arrays: Sequence[NDArray[Any]], dtype: type[np.generic]) -> NDArray[Any]:
    return np.concatenate([*arrays, np.zeros(0, dtype)])


def _empty_table(borders: int, tracks: int) -> _Table:
    shape = (borders, tracks)
    return _Table(
        ended=np.full(shape, NEVER),
        began=np.zeros(shape, np.intp),
        placed=np.zeros(shape),
        ready=np.full(shape, NEVER),
        previous=np.full(shape, NOTHING, np.intp),
        silent=np.full(borders, NEVER),
        silent_after=np.full(borders, NOTHING, np.intp),
    )


def _end_at(border: int, problem: Problem, table: _Table, cells: _Cells) -> None:
    """The best that can end at a border: with each track, and with nothing."""
    found = cells.end(border, len(problem.tracks))
    table.ended[border], table.began[border], table.placed[border] = found
    before = border - 1
    silent = table.silent[before]
    if len(problem.tracks):
        stopping = problem.costs.stop + problem.border_costs[before]
        last = int(table.ended[before].argmax())
        if table.ended[before, last] - stopping > silent:
            silent = table.ended[before, last] - stopping
            table.silent_after[border] = last
    table.silent[border] = silent + problem.without[before]


def _go_on_from(border: int, problem: Problem, table: _Table) -> None:
    """The best before each track that may come next at a border."""
    if not border:
        table.silent[0] = 0.0
        table.ready[0] = 0.0
        return
    ready = np.full(len(problem.tracks), table.silent[border] - problem.begin_costs[border])
    if len(problem.tracks):
        changing = table.ended[border][:, None] - problem.costs.change
        last = changing.argmax(axis=0)
        best = changing[last, np.arange(len(last))]
        is_better = best > ready
        ready = np.where(is_better, best, ready)
        table.previous[border] = np.where(is_better, last, NOTHING)
    table.ready[border] = ready - problem.border_costs[border]


def _way_back(table: _Table) -> tuple[list[Stretch], float]:
    border = len(table.silent) - 1
    track = NOTHING
    value = float(table.silent[border])
    if table.ended.shape[1] and table.ended[border].max() > value:
        track = int(table.ended[border].argmax())
        value = float(table.ended[border, track])
    way: list[Stretch] = []
    while border:
        if track == NOTHING:
            first, offset = border - 1, 0.0
            following = int(table.silent_after[border])
        else:
            first, offset = int(table.began[border, track]), float(table.placed[border, track])
            following = int(table.previous[first, track])
        way.append(Stretch(first=first, last=border, track=track, offset=offset))
        border, track = first, following
    return way[::-1], value

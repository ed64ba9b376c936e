"""What every placement of a track is worth, as sums along the picture.

A placement (alignment) is the offset d by which the track's time runs ahead of the video's: what
sounds at second t of the video is second t + d of the track. For one offset all that a cue earns by
the scenes, the energy and the landings between two borders of the picture is a difference of two
running sums, and what its in and out points cost belongs to one border each; so the optimiser need
not look at every pair of borders (`indexer/spotting/optimise.py`).

All worths are in seconds of perfectly fitting music. The weights are chosen by hand.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import msgspec
import numpy as np
from numpy.typing import NDArray

from indexer.cut_points import cut_values

if TYPE_CHECKING:
    from indexer.spotting.picture import Picture
    from indexer.spotting.track_shape import TrackShape

ENERGY_WEIGHT: Final = 0.15
"""Of a second in which the track is as lively as the picture; it loses as much where one is lively
and the other calm."""
IN_COST: Final = 1.0
OUT_COST: Final = 1.0
"""Of an in or out point that falls on nothing; the best ones cost nothing."""
ENDING_LANDS: Final = 0.5
"""A track's own ending on a cut, beside a turn on it."""
MOST_ENTRIES: Final = 24
"""Beginnings of bars that are tried at each border, spread evenly over the track."""
MOST_CELLS: Final = 150_000
"""Offsets times borders of one track; where there would be more, fewer beginnings are tried."""
TOUCH: Final = 1e-6
"""Seconds below the rounding of offsets."""


class Placements(msgspec.Struct, frozen=True, kw_only=True):
    """All placements of one track; borders of the picture are counted from 0."""

    offsets: NDArray[np.float64]
    """Shape (placements,)."""
    lows: NDArray[np.intp]
    """The first border at which the track may begin, shape (placements,)."""
    highs: NDArray[np.intp]
    """The last border at which it may end, likewise."""
    bases: NDArray[np.intp]
    """Where the borders `lows` to `highs` of each placement stand in the arrays below."""
    sums: NDArray[np.float64]
    """Worth of everything before a border, shape (cells,)."""
    ins: NDArray[np.float64]
    """Worth of an in point at a border, shape (cells,)."""
    outs: NDArray[np.float64]
    """Worth of an out point at a border, shape (cells,)."""

    def best(self, first: int, last: int) -> tuple[float, float] | None:
        """The best placement of the track from one border to another.

        Args:
            first: Border at which the cue begins.
            last: Border at which it ends, after `first`.

        Returns:
            Its worth and its offset; None where the track is too short.
        """
        own = np.flatnonzero((self.lows <= first) & (self.highs >= last))
        if not len(own):
            return None
        start, end = self.bases[own] - self.lows[own] + first, self.bases[own] - self.lows[own]
        end = end + last
        worth = self.sums[end] - self.sums[start] + self.ins[start] + self.outs[end]
        best = int(worth.argmax())
        return float(worth[best]), float(self.offsets[own[best]])


def placements_of(
    shape: TrackShape,
    picture: Picture,
    worth_a_second: NDArray[np.float64],
    *,
    extra: NDArray[np.float64] | None = None,
) -> Placements:
    """Find the placements of a track that may be worth something, and what they are worth.

    Args:
        shape: The track.
        picture: The video.
        worth_a_second: Of the track under each piece, shape (pieces,).
        extra: Further offsets to try.

    Returns:
        The placements.
    """
    offsets = _offsets(shape, picture, extra)
    borders = picture.seconds
    lows = np.searchsorted(borders, -offsets - TOUCH)
    highs = np.searchsorted(borders, shape.seconds - offsets + TOUCH, side="right") - 1
    is_possible = highs > lows
    offsets, lows, highs = offsets[is_possible], lows[is_possible], highs[is_possible]
    counts = highs - lows + 1
    bases, placement, border = _ragged(lows, counts)
    source = np.maximum(borders[border] + offsets[placement], 0.0)
    landed = _border_landings(shape, picture, source, border)
    ended = ENDING_LANDS * _landed_ending(shape, picture, source, border)
    gained = np.concatenate([[0.0], np.cumsum(worth_a_second * picture.lengths)])[border]
    gained += _energy(shape, picture, offsets, lows, highs)
    gained += _inner_landings(shape, picture, offsets, lows, highs)
    before = np.cumsum(landed) - landed
    gained += before - before[bases].repeat(counts)
    return Placements(
        offsets=offsets,
        lows=lows,
        highs=highs,
        bases=bases,
        sums=gained,
        ins=IN_COST * (cut_values(source, shape.points.starts) - 1) - landed,
        outs=OUT_COST * (cut_values(source, shape.points.ends) - 1) + ended,
    )


def cells_of(shape: TrackShape, picture: Picture) -> int:
    """About how many cells the placements of a track will have.

    Args:
        shape: The track.
        picture: The video.

    Returns:
        Offsets times the borders that lie within the track.
    """
    borders, moments = len(picture.seconds), picture.moments
    wished = int((moments.worths >= 1.0).sum())
    offsets = len(shape.turns) * (borders + wished) + (_entry_count(shape, picture) + 2) * borders
    return offsets * min(borders, 1 + int(shape.seconds / picture.lengths.mean()))


def _entry_count(shape: TrackShape, picture: Picture) -> int:
    room = MOST_CELLS // len(picture.seconds) ** 2
    return min(len(shape.entries), max(2, min(MOST_ENTRIES, room)))


def _offsets(
    shape: TrackShape, picture: Picture, extra: NDArray[np.float64] | None
) -> NDArray[np.float64]:
    """Those at which a turn, a bar or the ending of the track falls on something."""
    borders, moments = picture.seconds, picture.moments
    wished = moments.seconds[moments.worths >= 1.0]
    entries, count = shape.entries, _entry_count(shape, picture)
    chosen = entries[np.linspace(0, len(entries) - 1, count).round().astype(np.intp)]
    meeting = np.concatenate([borders, wished])
    found = [
        np.subtract.outer(shape.turn_seconds, meeting).ravel(),
        np.subtract.outer(chosen, borders[:-1]).ravel(),
        np.subtract.outer([shape.points.sound_end, shape.seconds], borders[1:]).ravel(),
        np.zeros(0) if extra is None else extra,
    ]
    return np.unique(np.concatenate(found).round(6))


def _ragged(
    lows: NDArray[np.intp], counts: NDArray[np.intp]
) -> tuple[NDArray[np.intp], NDArray[np.intp], NDArray[np.intp]]:
    """Rows of unequal length, one behind the other: where each begins, its row, and its column."""
    bases = np.cumsum(counts) - counts
    row = np.repeat(np.arange(len(counts)), counts)
    column = np.arange(int(counts.sum())) - bases[row] + lows[row]
    return bases, row, column


def _energy(
    shape: TrackShape,
    picture: Picture,
    offsets: NDArray[np.float64],
    lows: NDArray[np.intp],
    highs: NDArray[np.intp],
) -> NDArray[np.float64]:
    """What the energy earns before each border of each placement, shape (cells,)."""
    seconds, weights, levels, firsts = samples_of(picture)
    starts, ends = firsts[lows], firsts[highs]
    bases, row, sample = _ragged(starts, ends - starts)
    past = np.clip((seconds[sample] + offsets[row]).astype(np.intp), 0, len(shape.level) - 1)
    agreement = 1.0 - 2.0 * np.abs(levels[sample] - shape.level[past])
    earned = ENERGY_WEIGHT * weights[sample] * agreement
    return _before_borders(earned, bases, starts, firsts, lows, highs)


def samples_of(
    picture: Picture,
) -> tuple[NDArray[np.float64], NDArray[np.float64], NDArray[np.float64], NDArray[np.intp]]:
    """The seconds of the picture, cut at its borders.

    Args:
        picture: The video.

    Returns:
        The middle, the length and the level of each part, shape (parts,), and where the parts of
        each piece begin, shape (pieces + 1,).
    """
    whole = np.arange(1, int(np.ceil(picture.seconds[-1])))
    edges = np.union1d(picture.seconds, whole)
    middles = (edges[1:] + edges[:-1]) / 2
    levels = picture.level[np.minimum(middles.astype(np.intp), len(picture.level) - 1)]
    return middles, np.diff(edges), levels, np.searchsorted(edges, picture.seconds)


def _inner_landings(
    shape: TrackShape,
    picture: Picture,
    offsets: NDArray[np.float64],
    lows: NDArray[np.intp],
    highs: NDArray[np.intp],
) -> NDArray[np.float64]:
    """What turns earn that land between borders, before each border, shape (cells,)."""
    moments = picture.moments
    firsts = np.searchsorted(moments.pieces, np.arange(len(picture.seconds)))
    starts, ends = firsts[lows], firsts[highs]
    bases, row, moment = _ragged(starts, ends - starts)
    strength = landed(shape, moments.seconds[moment] + offsets[row], picture.half_frame)
    return _before_borders(moments.worths[moment] * strength, bases, starts, firsts, lows, highs)


def _before_borders(
    earned: NDArray[np.float64],
    bases: NDArray[np.intp],
    starts: NDArray[np.intp],
    firsts: NDArray[np.intp],
    lows: NDArray[np.intp],
    highs: NDArray[np.intp],
) -> NDArray[np.float64]:
    """Sums of what each placement has earned before each of its borders, shape (cells,)."""
    sums = np.concatenate([[0.0], np.cumsum(earned)])
    _, row, border = _ragged(lows, highs - lows + 1)
    reached: NDArray[np.float64] = sums[bases[row] + firsts[border] - starts[row]]
    reached -= sums[bases[row]]
    return reached


def _border_landings(
    shape: TrackShape, picture: Picture, source: NDArray[np.float64], border: NDArray[np.intp]
) -> NDArray[np.float64]:
    worths = picture.border_worths[border]
    return worths * landed(shape, source, picture.half_frame)


def _landed_ending(
    shape: TrackShape, picture: Picture, source: NDArray[np.float64], border: NDArray[np.intp]
) -> NDArray[np.float64]:
    is_ending = np.abs(source - shape.points.sound_end) <= picture.half_frame + TOUCH
    return picture.border_worths[border] * is_ending


def landed(
    shape: TrackShape, source: NDArray[np.float64], half_frame: float
) -> NDArray[np.float64]:
    """How strong the turns are that fall on moments of a track; 0 where none does.

    Args:
        shape: The track.
        source: Moments in seconds of the track, any shape.
        half_frame: A turn falls on a moment where it is not further away, in seconds.

    Returns:
        Strengths, 0 to 1, same shape.
    """
    times = shape.turn_seconds
    strengths = np.array([turn.strength for turn in shape.turns])
    nearest = np.searchsorted((times[1:] + times[:-1]) / 2, source)
    is_on = np.abs(times[nearest] - source) <= half_frame + TOUCH
    return np.where(is_on, strengths[nearest], 0.0)

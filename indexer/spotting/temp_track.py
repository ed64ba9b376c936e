"""Tracks that go as the temp music under a picture goes: the same course of energy, the same hits.

Every track is laid under the temp music at every second, and the courses are correlated; around the
best place the track is then moved by fractions of a second until its turns meet the temp's hits.

Source: Lewis 1995, Fast normalized cross-correlation, Vision Interface (running sums for the means
and deviations, a transform for the products).
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import msgspec
import numpy as np

from indexer.catalogue.shown import ShownTrack
from indexer.cut_points import Timeline
from indexer.errors import SpottingError
from indexer.filters.selection import demands_of
from indexer.matching.explain import matched_track
from indexer.matching.results import MatchedTrack
from indexer.spotting.cue_plan import Landing
from indexer.spotting.track_shape import shape_of

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from fractions import Fraction

    from numpy.typing import NDArray

    from indexer.catalogue.repository import Catalogue
    from indexer.spotting.cue_plan import PlanWishes
    from indexer.spotting.track_shape import Turn
    from musiscene.video.analysis import TempMusic

HEARD: Final = 0.05
"""Energy from which the temp music counts as heard."""
SHORTEST_SECONDS: Final = 8
"""A track must be laid under so much of it at least."""
BATCH: Final = 200
REFINED: Final = 40
"""Of the best by energy, those whose hits are looked at."""
SHIFT_SECONDS: Final = 1.5
"""By which a track is moved, at most, to meet hits: courses are known to a second."""
HIT_SIGMA_SECONDS: Final = 0.08
"""Width of the Gaussian by which a hit loses value beside a turn."""
NEAR_SECONDS: Final = 0.5
"""Hits further from every turn are not met at all."""
ENERGY_SHARE: Final = 0.6
HIT_SHARE: Final = 0.25
TEMPO_SHARE: Final = 0.15
TEMPO_SIGMA_OCTAVES: Final = 0.08
FLAT: Final = 1e-3


class TempMatch(msgspec.Struct, frozen=True, kw_only=True):
    """A track in the place of the temp music."""

    track: MatchedTrack
    source_start_seconds: float
    """What of the track sounds at `start_seconds`."""
    start_seconds: float
    """Where in the video it is laid under the temp music."""
    end_seconds: float
    energy_fit: float
    """Correlation of both courses there, -1 to 1."""
    coverage: float
    """Share of the temp music that it is long enough for, 0 to 1."""
    tempo_fit: float
    """1 for the same tempo, or half or double of it; 0 for another, or where none is known."""
    hits: tuple[Landing, ...]
    """Of the temp music, each with the nearest turn of the track and by how much it is missed."""
    score: float
    """0 to 1."""
    energy: tuple[float, ...]
    """Of the track, one value a second of the video from `start_seconds` on, 0 to 1."""


class _Place(msgspec.Struct, frozen=True):
    """A track at the second at which it goes best with the temp music."""

    track: ShownTrack
    correlation: float
    offset: int
    """The track's time less the video's, in seconds."""
    first: int
    """Second of the video from which the track is laid."""
    last: int

    def score(self, music: TempMusic) -> float:
        """Without hits."""
        share = ENERGY_SHARE * max(self.correlation, 0.0)
        return share + TEMPO_SHARE * tempo_fit(music.bpm, self.track.bpm)


def like_temp(
    music: TempMusic,
    catalogue: Catalogue,
    wishes: PlanWishes,
    *,
    rate: Fraction,
    top_k: int = 10,
) -> tuple[TempMatch, ...]:
    """Find tracks that go as the temp music goes.

    Args:
        music: Under the picture.
        catalogue: The tracks.
        wishes: What they must fulfil.
        rate: Frames a second of the video, in which residuals are counted.
        top_k: How many.

    Returns:
        The best first.

    Raises:
        SpottingError: If there is too little temp music to compare with.
        FilterError: If the filter cannot be read.
    """
    first, last = _heard(music)
    temp = np.array(music.energy[first:last], np.float64)
    placed = [
        place
        for track in _tracks(catalogue, wishes)
        if (place := _placed(track, temp, first)) is not None
    ]
    coverage = {place.track.id: (place.last - place.first) / (last - first) for place in placed}
    placed.sort(key=lambda place: -place.score(music) * coverage[place.track.id] ** 0.5)
    found = [
        _refined(place, music, float(rate), coverage[place.track.id])
        for place in placed[: max(REFINED, top_k)]
    ]
    found.sort(key=lambda match: -match.score)
    return tuple(found[:top_k])


def best_offset(temp: NDArray[np.float64], curve: NDArray[np.float64]) -> tuple[float, int] | None:
    """Where one course goes best with another, the shorter laid along the longer.

    Args:
        temp: One value a second.
        curve: Likewise.

    Returns:
        Correlation, and the seconds by which `curve` is ahead of `temp`; None where one is flat, or
        shorter than `SHORTEST_SECONDS`.
    """
    from scipy.signal import correlate

    is_longer = len(curve) >= len(temp)
    long, short = (curve, temp) if is_longer else (temp, curve)
    count = len(short)
    if count < SHORTEST_SECONDS or short.std() < FLAT:
        return None
    products = correlate(long, short - short.mean(), mode="valid", method="fft")
    sums = np.cumsum(np.concatenate([[0.0], long]))
    squares = np.cumsum(np.concatenate([[0.0], long**2]))
    means = (sums[count:] - sums[:-count]) / count
    deviations = np.sqrt(np.maximum((squares[count:] - squares[:-count]) / count - means**2, 0))
    correlations = np.where(
        deviations > FLAT, products / (count * short.std() * np.maximum(deviations, FLAT)), -1.0
    )
    best = int(correlations.argmax())
    return float(np.clip(correlations[best], -1.0, 1.0)), best if is_longer else -best


def tempo_fit(wanted: float | None, bpm: float) -> float:
    """How near two tempos are, 0 to 1; half and double are as good."""
    if not wanted or bpm <= 0:
        return 0.0
    octaves = float(np.log2(bpm / wanted))
    away = abs(octaves - round(octaves))
    return float(np.exp(-((away / TEMPO_SIGMA_OCTAVES) ** 2) / 2))


def _heard(music: TempMusic) -> tuple[int, int]:
    """From the first to the last second in which the temp music is heard.

    Args:
        music: Under the picture.

    Returns:
        Both, the second one not included.

    Raises:
        SpottingError: If that is too short.
    """
    heard = np.flatnonzero(np.array(music.energy) > HEARD)
    if not len(heard) or heard[-1] + 1 - heard[0] < SHORTEST_SECONDS:
        raise SpottingError(
            f"less than {SHORTEST_SECONDS} s of music lie under the picture; there is nothing to "
            "replace"
        )
    return int(heard[0]), int(heard[-1]) + 1


def _tracks(catalogue: Catalogue, wishes: PlanWishes) -> Iterator[ShownTrack]:
    demands = demands_of(wishes.filter, negatives=wishes.negatives, length_seconds=None)
    track_ids = sorted(catalogue.track_ids(*(demand.condition for demand in demands)))
    for start in range(0, len(track_ids), BATCH):
        yield from catalogue.shown(track_ids[start : start + BATCH]).values()


def _placed(track: ShownTrack, temp: NDArray[np.float64], first: int) -> _Place | None:
    curve = np.array(Timeline.of(track).energy, np.float64)[: int(track.duration_seconds)]
    best = best_offset(temp, curve)
    if best is None:
        return None
    correlation, ahead = best
    start = first + max(-ahead, 0)
    count = min(len(temp), len(curve))
    return _Place(track, correlation, ahead - first, start, start + count)


def _refined(place: _Place, music: TempMusic, rate: float, coverage: float) -> TempMatch:
    """A match whose track is moved until its turns meet the hits."""
    shape = shape_of(place.track)
    turns = shape.turn_seconds
    hits = np.array([hit for hit in music.hits_seconds if place.first <= hit <= place.last])
    latest = place.track.duration_seconds - place.last
    offsets = np.array([float(place.offset)])
    if len(hits):
        meeting = np.subtract.outer(turns, hits).ravel()
        meeting = meeting[np.abs(meeting - place.offset) <= SHIFT_SECONDS]
        meeting = meeting[(meeting >= -place.first) & (meeting <= latest)]
        offsets = np.concatenate([offsets, meeting])
    away = _away(offsets[:, None] + hits, turns)
    met = np.exp(-((away / HIT_SIGMA_SECONDS) ** 2) / 2).mean(axis=1) if len(hits) else np.zeros(1)
    # Of those that meet the hits as well, the one that is moved least.
    best = int(np.lexsort((np.abs(offsets - place.offset), -met.round(6)))[0])
    offset = float(offsets[best])
    seconds = np.arange(place.first, place.last)
    curve = Timeline.of(place.track).energy
    past = np.clip((seconds + 0.5 + offset).astype(np.intp), 0, len(curve) - 1)
    return TempMatch(
        track=matched_track(place.track),
        source_start_seconds=round(place.first + offset, 6),
        start_seconds=float(place.first),
        end_seconds=float(place.last),
        energy_fit=round(place.correlation, 3),
        coverage=round(coverage, 3),
        tempo_fit=round(tempo_fit(music.bpm, place.track.bpm), 3),
        hits=_landings(hits, offset, shape.turns, rate),
        score=round((place.score(music) + HIT_SHARE * float(met[best])) * coverage**0.5, 4),
        energy=tuple(curve[past].astype(float).round(3).tolist()),
    )


def _away(times: NDArray[np.float64], turns: NDArray[np.float64]) -> NDArray[np.float64]:
    """From each moment of the track to the nearest turn, in seconds, same shape."""
    nearest = np.searchsorted((turns[1:] + turns[:-1]) / 2, times)
    away: NDArray[np.float64] = np.abs(turns[nearest] - times)
    return away


def _landings(
    hits: NDArray[np.float64], offset: float, turns: Sequence[Turn], rate: float
) -> tuple[Landing, ...]:
    """Each hit with the turn that is nearest to it, where one is near."""
    found: list[Landing] = []
    for hit in hits.tolist():
        turn = min(turns, key=lambda one: abs(one.seconds - offset - hit))
        late = turn.seconds - offset - hit
        if abs(late) <= NEAR_SECONDS:
            landing = Landing(
                kind=turn.kind,
                video_seconds=round(hit, 6),
                track_seconds=round(turn.seconds, 6),
                residual_frames=round(late * rate, 3) + 0.0,
            )
            found.append(landing)
    return tuple(found)

"""How long everything is: bars that fit the wanted length and the points of the picture.

Between two points the music has a whole number of beats. What is left over is bent into the tempo,
`MOST_BEND` of it over the whole stretch and the rest in the last bar before the point.
"""

from __future__ import annotations

import math
from itertools import pairwise
from typing import TYPE_CHECKING, Final, Literal, TypeAlias

import msgspec
import numpy as np

from musiscene.generate.protocol import HitKind, HitPoint

if TYPE_CHECKING:
    from collections.abc import Sequence

Ending: TypeAlias = Literal["ritardando", "stop"]
"""Whether the last bar slows down before the last chord."""

MOST_BEND: Final = 0.01
"""Of the tempo over a whole stretch."""
LEAST_TAIL_SECONDS: Final = 2.0
"""For the last chord to ring."""
WIDE_SEARCH: Final = 0.06
"""Of the tempo, where the prompt states none."""
NEAREST_SECONDS: Final = 1.0
"""Points nearer to the one before them, or to the beginning or end, cannot be met."""
END_REACH_SECONDS: Final = 5.0
"""A point so near to the end is where the last chord begins, or is cut off."""
SILENCE_SECONDS: Final = (1.2, 3.0)
"""Shortest and longest after a cut, if nothing is to be met there."""
LONGEST_PHRASE, INTRO_BARS = 9, 4
RITARDANDO: Final = (0.97, 0.93, 0.87, 0.8)
"""Share of the tempo in the last beats before the last chord."""


class Bar(msgspec.Struct, frozen=True, kw_only=True):
    """One bar."""

    start: int
    """Beat of the piece."""
    beats: int
    section: int
    """Number of its section."""
    place: int
    """In its phrase, from 0."""
    phrase: int
    """Bars of its phrase."""
    silent: bool = False
    hit: HitKind | None = None
    """What its first beat meets."""


class Section(msgspec.Struct, frozen=True, kw_only=True):
    """A stretch of music with one theme."""

    name: str
    """`intro`, `A`, `B`, `C`, `rest` or `ending`."""
    first_bar: int
    bars: int
    take: int = 0
    """How often the same theme was heard before."""


class Form(msgspec.Struct, frozen=True, kw_only=True):
    """Where every bar lies in time."""

    tempo_bpm: float
    bars: tuple[Bar, ...]
    """The last one holds the last chord."""
    sections: tuple[Section, ...]
    beat_seconds: tuple[float, ...]
    """When each beat begins, up to that of the last bar."""
    end_seconds: float
    """When nothing is to be heard any more."""
    is_cut_off: bool
    """Whether the end is sudden."""
    met: tuple[HitPoint, ...]
    """Points of the picture that are met."""

    def seconds_of(self, beat: float) -> float:
        """When a beat, or a part of it, is played."""
        times = self.beat_seconds
        number = min(int(beat), len(times) - 1)
        if number < len(times) - 1:
            return times[number] + (beat - number) * (times[number + 1] - times[number])
        return times[-1] + (beat - number) * 60.0 / self.tempo_bpm

    @property
    def tail_beats(self) -> float:
        """From the beginning of the last bar to the end of the sound."""
        return (self.end_seconds - self.beat_seconds[-1]) * self.tempo_bpm / 60.0


class _Stretch(msgspec.Struct, frozen=True):
    """From one point to the next."""

    start: float
    end: float
    hit: HitKind | None
    """What its beginning meets."""
    silent: bool


def make_form(
    *,
    seconds: float,
    tempo_bpm: float,
    beats_per_bar: int,
    hits: Sequence[HitPoint] = (),
    is_tempo_fixed: bool = False,
    ending: Ending = "ritardando",
) -> Form:
    """Lay out a piece of music.

    Args:
        seconds: Exact length.
        tempo_bpm: About which; within `MOST_BEND` if it is fixed.
        beats_per_bar: Of full bars.
        hits: Points to meet, in the order of time.
        is_tempo_fixed: Whether the tempo was asked for.
        ending: How it comes to its end.

    Returns:
        Its bars, sections and tempo.

    Example:
        >>> form = make_form(seconds=20, tempo_bpm=120, beats_per_bar=4)
        >>> len(form.bars), form.bars[-1].start, [section.name for section in form.sections]
        (10, 36, ['A', 'ending'])
    """
    met, end, is_cut_off = _reachable(hits, seconds)
    bar_seconds = beats_per_bar * 60.0 / tempo_bpm
    stretches = _stretches(met, end, is_cut_off=is_cut_off, bar_seconds=bar_seconds)
    has_aim = not is_cut_off and bool(met) and met[-1].seconds >= seconds - END_REACH_SECONDS
    width = WIDE_SEARCH if not is_tempo_fixed else MOST_BEND if met else 0.0
    tempi = tempo_bpm * (1.0 + np.linspace(-width, width, 49))
    tempo = min(
        tempi.tolist(),
        key=lambda one: (
            _cost(stretches, one, beats_per_bar, has_aim=has_aim)
            + (abs(one / tempo_bpm - 1.0) / 0.03) ** 2
        ),
    )
    if not has_aim:
        stretches = [*stretches[:-1], _without_tail(stretches[-1], tempo, beats_per_bar)]
    bars, beats = _bars(stretches, tempo, beats_per_bar)
    slows = ending == "ritardando" and not has_aim and len(bars) > len(RITARDANDO)
    times = np.array(beats)
    if slows and end - times[-1] > LEAST_TAIL_SECONDS + 0.4:
        times = _slowed(times)
    sections = _sections(bars)
    return Form(
        tempo_bpm=tempo,
        bars=tuple(_placed(bars, sections)),
        sections=tuple(sections),
        beat_seconds=tuple(times.tolist()),
        end_seconds=end,
        is_cut_off=is_cut_off,
        met=tuple(met),
    )


def _reachable(hits: Sequence[HitPoint], seconds: float) -> tuple[list[HitPoint], float, bool]:
    """The points that can be met, where the sound ends, and whether a cut ends it."""
    met: list[HitPoint] = []
    for hit in hits:
        before = met[-1].seconds if met else 0.0
        if hit.seconds - before >= NEAREST_SECONDS and hit.seconds <= seconds - 0.8:
            met.append(hit)
    if met and met[-1].kind == "cut" and met[-1].seconds >= seconds - END_REACH_SECONDS:
        return met, met[-1].seconds, True
    if met and met[-1].kind == "quiet" and met[-1].seconds >= seconds - END_REACH_SECONDS:
        met.pop()
    return met, seconds, False


def _stretches(
    met: Sequence[HitPoint], end: float, *, is_cut_off: bool, bar_seconds: float
) -> list[_Stretch]:
    points = [hit for hit in met if hit.seconds < end]
    stretches: list[_Stretch] = []
    start, kind = 0.0, None
    for number, hit in enumerate(points):
        if start < hit.seconds:
            stretches.append(_Stretch(start, hit.seconds, kind, silent=False))
        start, kind = hit.seconds, hit.kind
        if kind == "cut":
            following = points[number + 1].seconds if number + 1 < len(points) else end
            pause = min(max(bar_seconds, SILENCE_SECONDS[0]), SILENCE_SECONDS[1])
            again = start + pause
            if following < again + 2 * SILENCE_SECONDS[0] and number + 1 < len(points):
                again = following
            stretches.append(_Stretch(start, again, "cut", silent=True))
            start, kind = again, None
    if not is_cut_off and points and start > end - END_REACH_SECONDS and kind in {"hit", "swell"}:
        return [*stretches, _Stretch(start, start, kind, silent=False)]
    return [*stretches, _Stretch(start, end, kind, silent=False)]


def _cost(
    stretches: Sequence[_Stretch], tempo: float, beats_per_bar: int, *, has_aim: bool
) -> float:
    cost = 0.0
    for stretch in stretches[:-1]:
        if not stretch.silent:
            exact = (stretch.end - stretch.start) * tempo / 60.0
            beats = max(1, round(exact))
            cost += ((beats / exact - 1.0) / MOST_BEND) ** 2 * min(1.0, exact / 8.0)
            cost += 0.0 if beats % beats_per_bar == 0 else 2.0
    if not has_aim:
        tail = _tail(stretches[-1], tempo, beats_per_bar)
        cost += (tail - LEAST_TAIL_SECONDS - 1.0) ** 2
    return cost


def _tail(stretch: _Stretch, tempo: float, beats_per_bar: int) -> float:
    length, bar = stretch.end - stretch.start, beats_per_bar * 60.0 / tempo
    bars = math.floor((length - LEAST_TAIL_SECONDS) / bar)
    return length - bars * bar if bars > 0 else length - min(bar, length / 2)


def _without_tail(stretch: _Stretch, tempo: float, beats_per_bar: int) -> _Stretch:
    tail = _tail(stretch, tempo, beats_per_bar)
    return msgspec.structs.replace(stretch, end=stretch.end - tail)


def _bars(
    stretches: Sequence[_Stretch], tempo: float, beats_per_bar: int
) -> tuple[list[Bar], list[float]]:
    """All bars, in no section yet, and when each beat begins."""
    bars: list[Bar] = []
    times: list[float] = []
    for stretch in stretches:
        length = stretch.end - stretch.start
        count = max(1, round(length * tempo / 60.0)) if length > 0 else 0
        sizes = _sizes(count, beats_per_bar) if not stretch.silent else [count] * bool(count)
        hit = stretch.hit
        for size in sizes:
            start = bars[-1].start + bars[-1].beats if bars else 0
            bars.append(
                Bar(
                    start=start, beats=size, section=0, place=0, phrase=0,
                    silent=stretch.silent, hit=hit,
                )
            )  # fmt: skip
            hit = None
        last = sizes[-1] if sizes else 0
        times += _beat_times(stretch, tempo, count, last)
    last_hit = stretches[-1].hit if stretches[-1].end == stretches[-1].start else None
    start = bars[-1].start + bars[-1].beats if bars else 0
    bars.append(Bar(start=start, beats=beats_per_bar, section=0, place=0, phrase=0, hit=last_hit))
    return bars, [*times, stretches[-1].end]


def _sizes(beats: int, beats_per_bar: int) -> list[int]:
    full, left = divmod(beats, beats_per_bar)
    if left == 1 and full:
        return [beats_per_bar] * (full - 1) + [beats_per_bar + 1]
    return [beats_per_bar] * full + [left] * bool(left)


def _beat_times(stretch: _Stretch, tempo: float, count: int, last: int) -> list[float]:
    """When the beats of a stretch begin: a little bent, the last bar as much as it must."""
    length = stretch.end - stretch.start
    if not count:
        return []
    beat = 60.0 / tempo
    bent = float(np.clip(length / count, beat * (1 - MOST_BEND), beat * (1 + MOST_BEND)))
    if count == last:
        return [stretch.start + number * length / count for number in range(count)]
    steady = count - last
    rest = (length - steady * bent) / last
    return [
        *(stretch.start + np.arange(steady) * bent).tolist(),
        *(stretch.start + steady * bent + np.arange(last) * rest).tolist(),
    ]


def _slowed(times: np.ndarray) -> np.ndarray:
    """The last beats a little longer, the last chord a little later."""
    lengths = np.diff(times)
    lengths[-len(RITARDANDO) :] /= np.array(RITARDANDO)
    slowed: np.ndarray = times[0] + np.concatenate([[0.0], np.cumsum(lengths)])
    return slowed


def _sections(bars: Sequence[Bar]) -> list[Section]:
    """Themes that come again; a point of the picture begins a new section."""
    edges = [0, *(n for n, bar in enumerate(bars) if n and (bar.hit or _resumes(bars, n)))]
    edges = [edge for edge in edges if edge < len(bars) - 1]
    sections: list[Section] = []
    heard: dict[str, int] = {}
    order = 0
    for number, (first, following) in enumerate(pairwise([*edges, len(bars) - 1])):
        if bars[first].silent:
            sections.append(Section(name="rest", first_bar=first, bars=following - first))
            continue
        for size in _phrases(following - first, is_first=number == 0):
            name = (
                "intro"
                if number == 0 and first == 0 and size <= INTRO_BARS < len(bars) - 5
                else None
            )
            if name is None:
                name = "AABACABC"[order % 8]
                order += 1
            sections.append(Section(name=name, first_bar=first, bars=size, take=heard.get(name, 0)))
            heard[name] = heard.get(name, 0) + 1
            first += size  # noqa: PLW2901  where the next phrase begins
    return [*sections, Section(name="ending", first_bar=len(bars) - 1, bars=1)]


def _resumes(bars: Sequence[Bar], number: int) -> bool:
    return bars[number - 1].silent


def _phrases(bars: int, *, is_first: bool) -> list[int]:
    """Lengths of phrases: eights and fours where they go, the first one a short introduction."""
    if bars <= LONGEST_PHRASE:
        return [bars] if bars else []
    lead = bars % 4 + (4 if is_first and bars % 8 >= INTRO_BARS else 0) if is_first else 0
    lead = lead if lead in {2, 3, 4} else (4 if lead > INTRO_BARS else 0)
    left = bars - lead
    sizes = [8] * (left // 8)
    rest = left % 8
    if rest >= INTRO_BARS:
        sizes.append(rest)
    elif rest:
        sizes[-1] += rest
    return [lead] * bool(lead) + sizes


def _placed(bars: Sequence[Bar], sections: Sequence[Section]) -> list[Bar]:
    placed = []
    for number, section in enumerate(sections):
        for place in range(section.bars):
            bar = bars[section.first_bar + place]
            placed.append(
                msgspec.structs.replace(bar, section=number, place=place, phrase=section.bars)
            )
    return placed

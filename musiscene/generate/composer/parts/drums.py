"""Drum kits: grooves by style, fills into new sections, ghost notes and crashes."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import msgspec

if TYPE_CHECKING:
    from musiscene.generate.composer.parts.page import Note, Page, Span

KICK, STICK, SNARE, CLAP, HAT, PEDAL_HAT, OPEN_HAT = 36, 37, 38, 39, 42, 44, 46
LOW_TOM, MIDDLE_TOM, HIGH_TOM, CRASH, RIDE, TAMBOURINE, SHAKER = 41, 45, 48, 49, 51, 54, 70
LOUDNESS: Final = {"X": 0.12, "x": 0.0, "o": -0.16, "g": -0.34}
"""Of a stroke, beside that of its bar: accent, full, light and ghost."""
FILL_FROM: Final = 0.45
"""Intensity from which sections end with a fill."""
BUSY_FROM: Final = 0.6


class Groove(msgspec.Struct, frozen=True):
    """Strokes of one bar by drum; four characters a beat, three where beats have three parts."""

    calm: dict[int, str]
    busy: dict[int, str]
    fill: tuple[int, ...]
    """Drums of a fill, in their order."""
    crash: int = CRASH


LIGHT: Final = {
    "4/4": Groove(
        {KICK: "x.......x.......", STICK: "....o.......o...", SHAKER: "x.o.x.o.x.o.x.o."},
        {KICK: "X.....o.x.....o.", SNARE: "....x..g....x.g.", SHAKER: "x.o.x.o.x.o.x.o.",
         TAMBOURINE: "....o.......o..."},
        (SNARE, SNARE, MIDDLE_TOM, LOW_TOM),
    ),
    "3/4": Groove(
        {KICK: "x...........", STICK: "....o...o...", SHAKER: "x.o.x.o.x.o."},
        {KICK: "X.........o.", SNARE: "....x...x.g.", SHAKER: "x.o.x.o.x.o."},
        (SNARE, MIDDLE_TOM, LOW_TOM),
    ),
    "6/8": Groove(
        {KICK: "x.....", STICK: "...o..", SHAKER: "xooxoo"},
        {KICK: "X....o", SNARE: "...x.g", SHAKER: "xooxoo"},
        (SNARE, MIDDLE_TOM, LOW_TOM),
    ),
}  # fmt: skip
ROCK: Final = {
    "4/4": Groove(
        {KICK: "X.......x.......", SNARE: "....x.......x...", HAT: "x.o.x.o.x.o.x.o."},
        {KICK: "X.....x.x.x.....", SNARE: "....X..g.g..X..g", HAT: "x.o.x.o.x.o.x.o."},
        (SNARE, HIGH_TOM, MIDDLE_TOM, LOW_TOM),
    ),
}
FOUR: Final = {
    "4/4": Groove(
        {KICK: "X...x...X...x...", HAT: "..x...x...x...x."},
        {KICK: "X...X...X...X...", CLAP: "....x.......x...", OPEN_HAT: "..x...x...x...x.",
         HAT: "o.go..go..go..go"},
        (SNARE, SNARE, SNARE, CLAP),
    ),
}  # fmt: skip
BRUSH: Final = {
    "4/4": Groove(
        {RIDE: "x...x.o.x...x.o.", PEDAL_HAT: "....o.......o...", KICK: "g...g...g...g..."},
        {RIDE: "x...x.o.x...x.o.", PEDAL_HAT: "....x.......x...", KICK: "g...g...g...g...",
         SNARE: "..g.......o...g."},
        (SNARE, SNARE, HIGH_TOM, SNARE),
    ),
}  # fmt: skip
MARCH: Final = {
    "4/4": Groove(
        {KICK: "X.......X.......", SNARE: "....x.oo....x.o."},
        {KICK: "X.......X.......", SNARE: "x.oox.o.x.oox.oo"},
        (SNARE, SNARE, SNARE, SNARE), 57,
    ),
}  # fmt: skip
EPIC: Final = {
    "4/4": Groove(
        {KICK: "X.......x.......", LOW_TOM: "x.....o.x.....o."},
        {KICK: "X...x...X...x...", LOW_TOM: "X..ox.o.X..ox.oo", MIDDLE_TOM: "....o.......o.x."},
        (MIDDLE_TOM, LOW_TOM, MIDDLE_TOM, LOW_TOM),
    ),
}


def light(page: Page) -> list[Note]:
    """A soft kit with a shaker."""
    return _played(page, LIGHT)


def rock(page: Page) -> list[Note]:
    """Kick, backbeat and hats."""
    return _played(page, ROCK)


def four_on_the_floor(page: Page) -> list[Note]:
    """A kick on each beat, hats between."""
    return _played(page, FOUR)


def brush(page: Page) -> list[Note]:
    """A ride that swings, hats on two and four."""
    return _played(page, BRUSH)


def march(page: Page) -> list[Note]:
    """Bass drum and a snare that marches."""
    return _played(page, MARCH)


def epic(page: Page) -> list[Note]:
    """Low drums."""
    return _played(page, EPIC)


def strokes(page: Page, span: Span, patterns: dict[int, str]) -> list[Note]:
    """Write one bar from patterns.

    Args:
        page: Of the drummer.
        span: Of the bar.
        patterns: Strokes by drum, as in `Groove`.

    Returns:
        Its notes; a bar of other length takes as much of the patterns as it holds.
    """
    per_beat = 3 if page.division == 3 else 4
    steps = round(span.length * per_beat)
    return [
        page.note(span.start + step / per_beat, 0.24, drum, page.loud(span) + LOUDNESS[mark])
        for drum, pattern in patterns.items()
        for step in range(steps)
        if (mark := pattern[step % len(pattern)]) != "."
    ]


def _played(page: Page, grooves: dict[str, Groove]) -> list[Note]:
    groove = grooves[page.plan.metre.name if page.plan.metre.name in grooves else "4/4"]
    notes: list[Note] = []
    for spans in page.bars():
        span = msgspec.structs.replace(spans[0], length=float(spans[0].bar.beats))
        starts = span.bar.hit in {"hit", "swell"} or (span.bar.place == 0 and span.intensity > 0.5)
        if span.is_last or starts:
            notes.append(page.note(span.start, 2.0, groove.crash, page.loud(span) + 0.05))
        if span.is_last:
            notes.append(page.note(span.start, 1.0, KICK, page.loud(span) + 0.1))
            continue
        is_busy = 0.5 * span.intensity + 0.5 * page.plan.activity > BUSY_FROM
        written = strokes(page, span, groove.busy if is_busy else groove.calm)
        is_end = span.bar.place == span.bar.phrase - 1 and span.bar.phrase > 1
        if is_end and span.intensity > FILL_FROM and span.length >= 2:
            written = _filled(page, span, written, groove.fill)
        notes += written
    return notes


def _filled(page: Page, span: Span, written: list[Note], drums: tuple[int, ...]) -> list[Note]:
    """The last beat, or the last two, given to a fill; the kick stays."""
    beats = 2 if span.intensity > 0.7 and span.length >= 4 else 1
    begin = span.start + span.length - beats
    per_beat = 3 if page.division == 3 else 4
    count = beats * per_beat
    fill = [
        page.note(
            begin + number / per_beat, 0.2, drums[number * len(drums) // count],
            page.loud(span) - 0.12 + 0.16 * number / count,
        )
        for number in range(count)
        if number % per_beat == 0 or page.random.random() < 0.75
    ]  # fmt: skip
    return [note for note in written if note.start < begin or note.pitch == KICK] + fill

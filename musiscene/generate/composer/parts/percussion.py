"""Percussion of the hands: drums, bells, shakers, and a clock.

Source: Toussaint 2013, The Geometry of Musical Rhythm, chapters 2 and 11 (son clave, and the
standard bell pattern of twelve parts).
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import msgspec

from musiscene.generate.composer.parts.drums import strokes

if TYPE_CHECKING:
    from musiscene.generate.composer.parts.page import Note, Page

HIGH_BONGO, LOW_BONGO, MUTE_CONGA, OPEN_CONGA, LOW_CONGA = 60, 61, 62, 63, 64
HIGH_AGOGO, LOW_AGOGO, CABASA, CLAVES, HIGH_BLOCK, LOW_BLOCK = 67, 68, 69, 75, 76, 77
HAND: Final = {
    2: ({LOW_CONGA: "X...o...x...o...", OPEN_CONGA: "......x.......x."},
        {LOW_CONGA: "X...o..ox...o...", OPEN_CONGA: "..o...x...o...xx",
         HIGH_BONGO: "x.ox..o.x.ox..o.", MUTE_CONGA: "....x.......x..."}),
    3: ({LOW_CONGA: "X..o..", OPEN_CONGA: "..o..x"},
        {LOW_CONGA: "X..x..", OPEN_CONGA: "..o.ox", HIGH_BONGO: "xooxoo"}),
}  # fmt: skip
"""Calm and busy, by the division of the beat."""
SON_CLAVE: Final = "x..x..x...x.x..."
BELL_OF_TWELVE: Final = "x.x.xx.x.x.x"
THREE_OVER_TWO: Final = "x.x.x."
"""Three strokes to two beats of three parts."""


def hand_drums(page: Page) -> list[Note]:
    """Congas and bongos: the low one says where the beat is."""
    notes: list[Note] = []
    calm, busy = HAND[page.division]
    for spans in page.bars():
        span = msgspec.structs.replace(spans[0], length=float(spans[0].bar.beats))
        if span.is_last:
            notes += [page.note(span.start, 1.0, drum, page.loud(span)) for drum in (LOW_CONGA,)]
            continue
        is_busy = span.intensity + page.plan.activity > 0.95
        written = strokes(page, span, busy if is_busy else calm)
        if span.bar.place == span.bar.phrase - 1 and is_busy and span.length >= 2:
            begin = span.start + span.length - 1
            written += [
                page.note(begin + n / 4, 0.2, drum, page.loud(span) - 0.1 + 0.03 * n)
                for n, drum in enumerate((HIGH_BONGO, HIGH_BONGO, LOW_BONGO, OPEN_CONGA))
            ]
        notes += written
    return notes


def bell_patterns(page: Page) -> list[Note]:
    """A bell or claves over the drums, and a shaker."""
    notes: list[Note] = []
    for spans in page.bars():
        span = msgspec.structs.replace(spans[0], length=float(spans[0].bar.beats))
        if span.is_last:
            notes.append(page.note(span.start, 1.0, HIGH_AGOGO, page.loud(span)))
            continue
        if page.division == 3:
            half = 6 * (span.bar.place % 2)
            bell = BELL_OF_TWELVE[half : half + 6]
            patterns = {HIGH_AGOGO: bell, LOW_BLOCK: THREE_OVER_TWO, CABASA: "xooxoo"}
        else:
            patterns = {CLAVES: SON_CLAVE, CABASA: "x.o.x.o.x.o.x.o."}
            if span.intensity > 0.75:
                patterns |= {HIGH_AGOGO: "x...x...x...x...", LOW_AGOGO: "......x.......x."}
        notes += strokes(page, span, patterns)
    return notes


def ticking(page: Page) -> list[Note]:
    """A clock: blocks on the beat, light strokes between."""
    notes: list[Note] = []
    for spans in page.bars():
        span = msgspec.structs.replace(spans[0], length=float(spans[0].bar.beats))
        if span.is_last:
            notes.append(page.note(span.start, 1.0, LOW_BLOCK, page.loud(span)))
            continue
        patterns = {HIGH_BLOCK: "x...", CABASA: "..o."}
        if span.intensity > 0.6:
            patterns |= {CABASA: "g.o.", LOW_BLOCK: "..........g....."}
        notes += strokes(page, span, patterns)
    return notes

"""Melodies: a motif of two bars that is repeated, sequenced, inverted and answered.

Source: Schoenberg 1967, Fundamentals of Musical Composition, chapters 3 to 5 (motif, its variation,
and the sentence of 4 + 4 bars).
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import msgspec
import numpy as np

from musiscene.generate.composer.harmony import melody_scale
from musiscene.generate.composer.voicing import upper_tones

if TYPE_CHECKING:
    from musiscene.generate.composer.parts.page import Note, Page, Span

CELLS: Final[dict[int, tuple[tuple[float, ...], ...]]] = {
    2: ((2.0,), (1.0,), (1.5, 0.5), (1.0, 0.5, 0.5), (0.5, 0.5), (0.5, 1.0, 0.5)),
    3: ((2.0,), (1.0,), (1.0, 2 / 3, 1 / 3), (2 / 3, 1 / 3), (2 / 3, 1 / 3), (1 / 3, 1 / 3, 1 / 3)),
}
"""Lengths in beats, from calm to busy, by the division of the beat."""
CONTOURS: Final = (
    (0, 1, 1, -1, 1, 1), (0, 2, -1, -1, 1, -1), (0, 1, 2, -1, -1, -1), (0, -1, 2, 1, -1, -1),
    (0, -1, -1, 2, 1, 1), (0, 1, -2, 1, 1, 2),
)  # fmt: skip
"""Steps of the scale from note to note."""
ORNAMENT_CHANCE: Final = 0.5
RESTING_PLACES: Final = 4
"""The melody breathes in every so-manieth bar."""
CLIMAX_ROOM: Final = 3
"""Semitones at the top of the range that are kept for the climax."""


class Motif(msgspec.Struct, frozen=True):
    """What a theme is made of."""

    rhythms: tuple[tuple[float, ...], tuple[float, ...]]
    """Lengths of the notes of two bars, in beats."""
    contours: tuple[tuple[int, ...], tuple[int, ...]]


class _Bar(msgspec.Struct, frozen=True):
    """How one bar of a phrase is made from the motif."""

    lengths: tuple[float, ...]
    steps: tuple[int, ...]
    rests: bool
    is_close: bool


def make_motif(page: Page, name: str) -> Motif:
    """Draw the motif of a theme: the same for all players of a piece.

    Args:
        page: Of any player.
        name: Of the section.

    Returns:
        The motif.
    """
    random = np.random.default_rng((page.plan.seed, 11, *name.encode()))
    busy = page.plan.activity + (0.15 if name == "B" else 0.0)
    beats = page.plan.metre.beats
    rhythms = tuple(_rhythm(random, beats, page.division, busy) for _ in range(2))
    first, second = random.permutation(len(CONTOURS))[:2]
    return Motif((rhythms[0], rhythms[1]), (CONTOURS[int(first)], CONTOURS[int(second)]))


def theme(page: Page) -> list[Note]:
    """The tune, which comes again when its section does."""
    return _sung(page, is_long=False)


def long_theme(page: Page) -> list[Note]:
    """A tune in long notes."""
    return _sung(page, is_long=True)


def counter(page: Page) -> list[Note]:
    """A second voice: held tones of the chord, that moves while the tune breathes."""
    notes: list[Note] = []
    pitch = (page.player.low + page.player.high) / 2
    spans = list(page.spans())
    for number, span in enumerate(spans):
        guide = span.chord.tones[1] if len(span.chord.tones) > 1 else span.chord.root
        before = pitch
        pitch = min(
            (page.pitch_near(tone, before) for tone in {guide, span.chord.tones[-1]}),
            key=lambda one, near=before: (abs(one - near), one),  # type: ignore[misc]
        )
        moves = span.bar.place % RESTING_PLACES == RESTING_PLACES - 1 and span.length >= 3
        if span.is_last or not moves or number + 1 == len(spans):
            notes.append(page.note(span.start, span.length, int(pitch), page.loud(span) - 0.08))
            continue
        scale = melody_scale(span.chord, page.plan.tonic, page.plan.mode)
        notes.append(page.note(span.start, 1.0, int(pitch), page.loud(span) - 0.04))
        for beat in range(1, round(span.length)):
            pitch = _step(page, scale, int(pitch), 1 if beat % 3 else -1)
            notes.append(page.note(span.start + beat, 0.95, int(pitch), page.loud(span) - 0.04))
    return notes


def _sung(page: Page, *, is_long: bool) -> list[Note]:
    random = np.random.default_rng((page.plan.seed, 12))
    motifs: dict[str, Motif] = {}
    notes: list[Note] = []
    bars = page.bars()
    climax = _climax(page)
    pitch = float(page.centre)
    for spans in bars:
        span = spans[0]
        section = page.plan.form.sections[span.bar.section]
        if span.is_last:
            notes.append(
                page.note(
                    span.start, span.length, page.pitch_near(page.plan.tonic, pitch),
                    page.loud(span),
                )
            )  # fmt: skip
            continue
        if section.name == "intro":
            continue
        motif = motifs.setdefault(section.name, make_motif(page, section.name))
        bar = _long_bar(span) if is_long else _bar(motif, span, section.take, random)
        aim = _aim(page, span, is_climax=span.number == climax)
        written = _written(page, spans, bar, pitch, aim)
        pitch = float(written[-1].pitch) if written else pitch
        notes += written
    return notes


def _climax(page: Page) -> int:
    """The bar of the highest note: near the end of the most intense phrase."""
    bars = page.plan.form.bars
    wanted = [
        (page.plan.intensity[number], bar.place >= bar.phrase // 2, -bar.place, -number)
        for number, bar in enumerate(bars[:-1])
        if page.plays(number)
    ]
    return -max(wanted)[3] if wanted else 0


def _aim(page: Page, span: Span, *, is_climax: bool) -> float:
    if is_climax:
        return float(page.player.high)
    arch = float(np.sin(np.pi * (span.bar.place + 1) / (span.bar.phrase + 1)))
    return min(page.centre - 2.0 + 5.0 * arch, page.player.high - CLIMAX_ROOM)


def _bar(motif: Motif, span: Span, take: int, random: np.random.Generator) -> _Bar:
    """Statement, answer, sequence, breath; then the same again, inverted, up and home."""
    place = span.bar.place % 8
    which = place % 2
    lengths, steps = motif.rhythms[which], motif.contours[which]
    is_close = place % RESTING_PLACES == RESTING_PLACES - 1 or span.bar.place == span.bar.phrase - 1
    if is_close:
        lengths, steps = (*motif.rhythms[0][:1], 2.0), motif.contours[0][:2]
    elif place == 5:
        steps = tuple(-step for step in steps)
    elif place == 6:
        steps = tuple(abs(step) for step in steps)
    elif take and random.random() < ORNAMENT_CHANCE:
        lengths, steps = _ornamented(lengths, steps)
    return _Bar(lengths, steps, is_close, is_close)


def _long_bar(span: Span) -> _Bar:
    if span.bar.place % RESTING_PLACES == RESTING_PLACES - 1:
        return _Bar((2.0,), (0,), rests=True, is_close=True)
    half = span.bar.beats / 2
    return _Bar((half, half) if span.bar.place % 2 else (2 * half,), (0, 1), False, False)  # noqa: FBT003  a record


def _ornamented(
    lengths: tuple[float, ...], steps: tuple[int, ...]
) -> tuple[tuple[float, ...], tuple[int, ...]]:
    """The longest note with its upper neighbour."""
    longest = int(np.argmax(lengths))
    if lengths[longest] < 1.0:
        return lengths, steps
    first, half = lengths[longest] - 0.5, 0.5
    cut = min(longest + 1, len(steps))
    return (
        (*lengths[:longest], first, half, *lengths[longest + 1 :]),
        (*steps[:cut], 1, *(-1 if n == 0 else step for n, step in enumerate(steps[cut:]))),
    )


def _rhythm(
    random: np.random.Generator, beats: int, division: int, busy: float
) -> tuple[float, ...]:
    """Lengths that fill a bar."""
    cells = CELLS[division]
    lengths: list[float] = []
    while sum(lengths) < beats - 1e-6:
        place = float(np.clip(random.normal(busy * (len(cells) - 1), 1.2), 0, len(cells) - 1))
        cell = cells[round(place)]
        if sum(lengths) + sum(cell) <= beats + 1e-6:
            lengths += cell
    return tuple(lengths)


def _written(page: Page, spans: list[Span], bar: _Bar, pitch: float, aim: float) -> list[Note]:
    """Notes of a bar: chord tones where it counts, steps between."""
    span, notes, at = spans[0], [], 0.0
    end = sum(one.length for one in spans)
    for number, length in enumerate(bar.lengths):
        if at >= end - 1e-6:
            break
        chord = next(one for one in reversed(spans) if one.start <= span.start + at + 1e-6).chord
        scale = melody_scale(chord, page.plan.tonic, page.plan.mode)
        step = bar.steps[number % len(bar.steps)]
        if number == 0:
            new = _nearest(page, upper_tones(chord)[:3], pitch + 0.6 * (aim - pitch), int(pitch))
        else:
            new = _step(page, scale, int(pitch), step)
            if at == int(at) and (int(at) % 2 == 0 or length >= 1.0):
                new = _nearest(page, upper_tones(chord)[:3], new, None)
        is_last_note = number == len(bar.lengths) - 1
        held = min(length, end - at)
        if is_last_note and not bar.rests:
            held = end - at
        loud = page.loud(span, at) + 0.06
        notes.append(page.note(span.start + at, held * 0.94, new, loud))
        pitch, at = float(new), at + length
    return notes


def _nearest(page: Page, tones: tuple[int, ...], near: float, before: int | None) -> int:
    """The chord's tone that is nearest, rather another than the one before."""
    choices = sorted({page.pitch_near(tone, near) for tone in tones})
    return min(choices, key=lambda one: (abs(one - near) + 1.5 * (one == before), one))


def _step(page: Page, scale: tuple[int, ...], pitch: int, steps: int) -> int:
    """So many tones of the scale up or down, turned back at the ends of the range."""
    low, high = page.player.low, page.player.high
    ladder = [one for one in range(low, high + 1) if one % 12 in scale]
    here = min(range(len(ladder)), key=lambda number: abs(ladder[number] - pitch))
    there = here + steps
    if not 0 <= there < len(ladder):
        there = here - steps
    return ladder[min(max(there, 0), len(ladder) - 1)]

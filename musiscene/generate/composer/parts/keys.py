"""Broken and struck chords: piano, harp, plucked strings, organ, bells."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from musiscene.generate.composer.parts.page import Note, Page, Span

ORDERS: Final = (
    (0, 1, 2, 1), (0, 2, 1, 2), (0, 1, 2, 3), (0, 2, 3, 2), (0, 2, 1, 3), (0, 3, 2, 1),
)  # fmt: skip
"""Voices of broken chords, lowest first."""
ROLL_SECONDS: Final = 0.035
"""Between the notes of a rolled chord."""
COMPS: Final = (
    (0.0, 1.5), (0.5, 2.5), (1.0, 2.5), (0.0, 2.5), (1.5, 3.0), (0.5, 1.5, 3.0),
)  # fmt: skip
"""Beats of a bar on which a jazz pianist puts chords."""


def arpeggio(page: Page) -> list[Note]:
    """Broken chords over two octaves, held by the pedal; faster where more goes on."""
    order = ORDERS[int(page.random.integers(len(ORDERS)))]
    notes: list[Note] = []
    for span in page.spans():
        if span.is_last:
            notes += rolled(page, span)
            continue
        per_beat = _rate(page, span)
        mirror = span.bar.place % 4 == 3 and span.bar.phrase >= 4
        for number, offset in enumerate(page.steps(span, per_beat)):
            voice = order[number % len(order)] % len(span.voices)
            voice = len(span.voices) - 1 - voice if mirror and number >= len(order) else voice
            held = min(span.length - offset, 4.0 if page.player.pedal else 1.0 / per_beat)
            loud = page.loud(span, offset) - 0.04 * (number % 2)
            notes.append(page.note(span.start + offset, held, span.voices[voice], loud))
    return notes


def alberti(page: Page) -> list[Note]:
    """Low, high, middle, high: light and classical."""
    notes: list[Note] = []
    for span in page.spans():
        if span.is_last:
            notes += rolled(page, span)
            continue
        order = (0, -1, 1, -1)
        per_beat = _rate(page, span)
        for number, offset in enumerate(page.steps(span, per_beat)):
            pitch = span.voices[order[number % 4]]
            notes.append(
                page.note(span.start + offset, 0.9 / per_beat, pitch, page.loud(span, offset))
            )
    return notes


def block(page: Page) -> list[Note]:
    """Chords on beats; off the beat too where more goes on."""
    notes: list[Note] = []
    for span in page.spans():
        if span.is_last:
            notes += rolled(page, span)
            continue
        busy = page.plan.activity * 0.7 + span.intensity * 0.5
        per_beat = 2 if busy > 0.75 and page.division == 2 else 1
        for offset in page.steps(span, per_beat):
            length = 0.85 / per_beat
            notes += [
                page.note(span.start + offset, length, pitch, page.loud(span, offset) - 0.05)
                for pitch in span.voices
            ]
    return notes


def comp(page: Page) -> list[Note]:
    """Chords off the beat, in answer to the soloist; no two bars alike."""
    notes: list[Note] = []
    for span in page.spans():
        if span.is_last:
            notes += rolled(page, span)
            continue
        figure: tuple[float, ...] = COMPS[int(page.random.integers(len(COMPS)))]
        if span.number == 0 or page.random.random() < 0.35:
            figure = (0.0, *[beat for beat in figure if beat > 1.0])
        for offset in figure:
            if offset >= span.length:
                continue
            length = 0.4 if page.random.random() < 0.5 else 1.2
            notes += [
                page.note(span.start + offset, length, pitch, page.loud(span, offset) - 0.06)
                for pitch in span.voices
            ]
    return notes


def offbeat(page: Page) -> list[Note]:
    """Stabs between the beats."""
    notes: list[Note] = []
    for span in page.spans():
        if span.is_last:
            notes += rolled(page, span)
            continue
        for offset in page.steps(span, 1):
            if page.division == 2:
                offset += 0.5  # noqa: PLW2901  after the beat
            notes += [
                page.note(span.start + offset, 0.3, pitch, page.loud(span)) for pitch in span.voices
            ]
    return notes


def sequence(page: Page) -> list[Note]:
    """A machine's run through the chord, sixteen to the bar when it is busy."""
    order = ORDERS[int(page.random.integers(len(ORDERS)))]
    skip = int(page.random.integers(5, 8))
    notes: list[Note] = []
    for span in page.spans():
        if span.is_last:
            notes += rolled(page, span)
            continue
        per_beat = 4 if page.plan.activity > 0.45 and page.division == 2 else page.division
        for number, offset in enumerate(page.steps(span, per_beat)):
            if number % skip == skip - 1:
                continue
            pitch = span.voices[order[number % len(order)] % len(span.voices)]
            pitch += 12 if number % 8 >= 6 and pitch + 12 <= page.player.high else 0
            loud = page.loud(span, offset) - (0.1 if number % per_beat else 0.0)
            notes.append(page.note(span.start + offset, 0.7 / per_beat, pitch, loud))
    return notes


def bells(page: Page) -> list[Note]:
    """A few high tones of the chord, far apart."""
    notes: list[Note] = []
    for span in page.spans():
        if span.is_last:
            notes += rolled(page, span)
            continue
        offsets = (0.0,) if span.bar.place % 2 else (0.0, 2.0)
        for offset in offsets:
            if offset < span.length:
                pitch = span.voices[int(page.random.integers(len(span.voices)))]
                notes.append(page.note(span.start + offset, 2.0, pitch, page.loud(span) - 0.05))
    return notes


def soft_pulse(page: Page) -> list[Note]:
    """A quiet tone of the chord on each beat."""
    notes: list[Note] = []
    for span in page.spans():
        if span.is_last:
            notes += rolled(page, span)
            continue
        for number, offset in enumerate(page.steps(span, 1)):
            pitch = span.voices[(0, -1, 1, -1)[number % 4]]
            notes.append(page.note(span.start + offset, 1.0, pitch, page.loud(span, offset)))
            if page.plan.activity > 0.4:
                notes.append(
                    page.note(span.start + offset + 0.5, 0.5, span.voices[0], page.loud(span) - 0.2)
                )
    return notes


def rolled(page: Page, span: Span) -> list[Note]:
    """A chord from its lowest note up, as it is left to ring."""
    roll = ROLL_SECONDS if page.player.pedal and not span.bar.hit else 0.0
    return [
        page.note(span.start, span.length, pitch, page.loud(span), delay=number * roll)
        for number, pitch in enumerate(span.voices)
    ]


def _rate(page: Page, span: Span) -> int:
    """Notes a beat of a broken chord."""
    if page.division == 3:
        return 3
    busy = page.plan.activity + 0.3 * (span.intensity - 0.5)
    fast = page.player.fastest >= 4 and busy > 0.6 and page.plan.tempo_bpm < 132
    return 4 if fast else 1 if busy < 0.0 else 2

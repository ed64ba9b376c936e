"""Bowed, blown and sung chords: pads, ostinati, tremolo, fanfares, timpani."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from musiscene.generate.composer.parts.page import Note, Page, Span

OVERLAP_BEATS: Final = 0.12
"""By which held chords run into each other."""
OSTINATI: Final = (
    "x.xxx.xx", "xxx.xxx.", "x.xx.xx.", "xxxxx.x.",
)  # fmt: skip
FANFARES: Final = (
    ((0.0, 1.0), (1.5, 0.5), (2.0, 1.0), (3.0, 1.0)),
    ((0.0, 1.5), (1.5, 0.25), (1.75, 0.25), (2.0, 2.0)),
    ((0.0, 0.5), (0.5, 0.5), (1.0, 1.0), (2.0, 2.0)),
)
"""Onset and length of each stroke of a bar."""


def pad(page: Page) -> list[Note]:
    """Held chords; tones that stay are not struck again."""
    notes: list[Note] = []
    open_at: dict[int, tuple[float, float, float]] = {}
    end = 0.0
    for span in page.spans():
        if span.start > end + 0.01 or span.bar.hit or span.is_last or span.bar.place == 0:
            notes += _closed(page, open_at, set())
        kept = set(span.voices)
        notes += _closed(page, open_at, kept)
        for pitch in span.voices:
            start, _, loud = open_at.get(pitch, (span.start, 0.0, page.loud(span) - 0.05))
            open_at[pitch] = (start, span.start + span.length, loud)
        end = span.start + span.length
    return notes + _closed(page, open_at, set())


def swells(page: Page) -> list[Note]:
    """Each chord anew, so that it can grow and fade."""
    return [
        page.note(span.start, span.length + OVERLAP_BEATS, pitch, page.loud(span) - 0.05)
        for span in page.spans()
        for pitch in span.voices
    ]


def ostinato(page: Page) -> list[Note]:
    """Short repeated figures of the strings."""
    figure = OSTINATI[int(page.random.integers(len(OSTINATI)))]
    notes: list[Note] = []
    for span in page.spans():
        if span.is_last:
            notes += _held(page, span)
            continue
        busy = page.plan.activity + 0.4 * (span.intensity - 0.5)
        per_beat = 4 if busy > 0.75 and page.division == 2 else page.division
        for number, offset in enumerate(page.steps(span, per_beat)):
            if per_beat == 2 and figure[number % 8] == "." and busy < 0.6:
                continue
            rising = number % 4 == 3
            pitch = span.voices[-1 if rising else number % max(1, len(span.voices) - 1)]
            loud = page.loud(span, offset) - (0.08 if number % per_beat else 0.0)
            notes.append(page.note(span.start + offset, 0.75 / per_beat, pitch, loud))
    return notes


def chords_in_eighths(page: Page) -> list[Note]:
    """All voices together, short, in eighths or beats."""
    notes: list[Note] = []
    for span in page.spans():
        if span.is_last:
            notes += _held(page, span)
            continue
        per_beat = page.division if page.plan.activity + span.intensity > 0.9 else 1
        notes += [
            page.note(span.start + offset, 0.6 / per_beat, pitch, page.loud(span, offset))
            for offset in page.steps(span, per_beat)
            for pitch in span.voices
        ]
    return notes


def tremolo(page: Page) -> list[Note]:
    """Held chords, trembling: struck again eight times a beat or so."""
    notes: list[Note] = []
    for span in page.spans():
        if span.is_last:
            notes += _held(page, span)
            continue
        per_beat = 4 if page.plan.tempo_bpm > 100 else 6
        for number, offset in enumerate(page.steps(span, per_beat)):
            loud = page.loud(span, offset) - 0.1 * (number % 2)
            notes += [
                page.note(span.start + offset, 1.0 / per_beat, pitch, loud) for pitch in span.voices
            ]
    return notes


def fanfare(page: Page) -> list[Note]:
    """Calls of the brass in chords; held at the ends of phrases."""
    figure = FANFARES[int(page.random.integers(len(FANFARES)))]
    notes: list[Note] = []
    for span in page.spans():
        if span.is_last or span.bar.place % 4 == 3 or page.division == 3:
            notes += _held(page, span)
            continue
        notes += [
            page.note(span.start + offset, length * 0.85, pitch, page.loud(span, offset))
            for offset, length in figure
            if offset < span.length
            for pitch in span.voices
        ]
    return notes


def timpani(page: Page) -> list[Note]:
    """Roots on the strong beats, rolls into new phrases."""
    notes: list[Note] = []
    for span in page.spans():
        pitch = page.pitch_near(span.chord.root, page.player.low + 6)
        if span.is_last:
            notes.append(page.note(span.start, span.length, pitch, page.loud(span)))
            continue
        notes.append(page.note(span.start, 1.0, pitch, page.loud(span)))
        is_end = span.bar.place == span.bar.phrase - 1 and span.length >= 2
        if is_end and span.intensity > 0.45:
            begin = span.length - 1
            notes += [
                page.note(span.start + begin + n / 8, 0.2, pitch, page.loud(span) - 0.3 + 0.035 * n)
                for n in range(8)
            ]
        elif page.plan.activity > 0.5 and span.length >= 4:
            notes.append(page.note(span.start + 2.0, 0.9, pitch, page.loud(span) - 0.05))
            notes.append(page.note(span.start + 3.5, 0.4, pitch, page.loud(span) - 0.15))
    return notes


def _held(page: Page, span: Span) -> list[Note]:
    return [page.note(span.start, span.length, pitch, page.loud(span)) for pitch in span.voices]


def _closed(
    page: Page, open_at: dict[int, tuple[float, float, float]], kept: set[int]
) -> list[Note]:
    """Notes that have come to their end."""
    ended = [pitch for pitch in open_at if pitch not in kept]
    notes = []
    for pitch in ended:
        start, end, loud = open_at.pop(pitch)
        notes.append(page.note(start, end - start + OVERLAP_BEATS, pitch, loud))
    return notes

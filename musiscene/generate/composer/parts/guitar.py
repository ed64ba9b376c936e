"""Strummed and picked guitar: chords as a hand holds them, strings one after the other."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from musiscene.generate.composer.parts.page import Note, Page, Span

TUNING: Final = (40, 45, 50, 55, 59, 64)
"""Open strings, E2 to E4."""
REACH: Final = 4
"""Frets from the lowest one that is held."""
STRUM_SECONDS: Final = 0.012
"""From one string to the next; slower when soft."""
STRUMS: Final = {
    2: ("D.D.D.D.", "D.DUD.DU", "D.DU.UDU", "D.DUDUDU"),
    3: ("D..D..", "D.UD.U", "DDUDDU"),
}
"""By the beat's division, calm to busy: strokes down and up of a bar, in eighths."""
PICKED: Final = {2: (0, 3, 4, 5, 4, 3, 4, 3), 3: (0, 3, 4, 5, 4, 3)}
"""Strings of a picked bar above the bass string."""


def held(tones: tuple[int, ...], bass: int) -> tuple[int, ...]:
    """A chord as a hand can hold it.

    Args:
        tones: Pitch classes.
        bass: Pitch class of the lowest string.

    Returns:
        MIDI numbers of the strings that sound, lowest first: four to six.

    Example:
        >>> held((0, 4, 7), 0)
        (48, 52, 55, 60, 64)
    """
    best: tuple[float, tuple[int, ...]] | None = None
    for position in range(8):
        pitches: list[int] = []
        for opened in TUNING:
            frets = [0, *range(max(1, position), position + REACH)]
            choice = [opened + f for f in frets if (opened + f) % 12 in tones]
            if not pitches:
                choice = [pitch for pitch in choice if pitch % 12 == bass]
            choice = [pitch for pitch in choice if not pitches or pitch > pitches[-1]]
            if choice:
                pitches.append(min(choice))
        missing = len(set(tones[:3]) - {pitch % 12 for pitch in pitches})
        cost = 10.0 * missing + 2.0 * max(0, 5 - len(pitches)) + 0.5 * position
        if len(pitches) >= 4 and (best is None or cost < best[0]):
            best = (cost, tuple(pitches))
    return best[1] if best else tuple(48 + (tone - 48) % 12 for tone in tones)


def strum(page: Page) -> list[Note]:
    """Down and up strokes; up strokes catch the high strings."""
    notes: list[Note] = []
    for span in page.spans():
        strings = held(span.chord.tones, span.chord.bass)
        if span.is_last:
            notes += _stroke(page, span, 0.0, span.length, strings, down=True)
            continue
        patterns = STRUMS[page.division]
        busy = page.plan.activity * 0.6 + span.intensity * 0.5
        pattern = patterns[min(len(patterns) - 1, int(busy * len(patterns)))]
        offsets = [
            (n / page.division, mark)
            for n, mark in enumerate(pattern * 3)
            if mark != "." and n / page.division < span.length
        ]
        for place, (offset, mark) in enumerate(offsets):
            end = offsets[place + 1][0] if place + 1 < len(offsets) else span.length
            sounding = strings if mark == "D" else strings[-4:]
            notes += _stroke(page, span, offset, end - offset, sounding, down=mark == "D")
    return notes


def picked(page: Page) -> list[Note]:
    """Thumb on the bass string, fingers on the others, each left to ring."""
    notes: list[Note] = []
    for span in page.spans():
        strings = held(span.chord.tones, span.chord.bass)
        if span.is_last:
            notes += _stroke(page, span, 0.0, span.length, strings, down=True)
            continue
        order = PICKED[page.division]
        per_beat = page.division
        for number, offset in enumerate(page.steps(span, per_beat)):
            string = order[number % len(order)]
            pitch = strings[0] if string == 0 else strings[min(string, len(strings)) - 1]
            if number == len(order) // 2 and page.division == 2:
                pitch = strings[1]  # the thumb goes between two strings
            length = min(2.0, span.length - offset)
            notes.append(page.note(span.start + offset, length, pitch, page.loud(span, offset)))
    return notes


def power(page: Page) -> list[Note]:
    """Root and fifth in eighths, damped; held where the music is wide."""
    figure = "x.xxx.xx" if page.random.random() < 0.5 else "xxxxxxxx"
    notes: list[Note] = []
    for span in page.spans():
        low = page.pitch_near(span.chord.root, page.player.low + 5)
        pitches = (low, low + 7, low + 12)
        if span.is_last or span.bar.hit:
            length = span.length
            notes += [page.note(span.start, length, p, page.loud(span)) for p in pitches]
            continue
        for number, offset in enumerate(page.steps(span, page.division)):
            if figure[number % 8] == "x":
                notes += [
                    page.note(span.start + offset, 0.42, p, page.loud(span, offset))
                    for p in pitches
                ]
    return notes


def _stroke(
    page: Page, span: Span, offset: float, length: float, strings: tuple[int, ...], *, down: bool
) -> list[Note]:
    order = strings if down else tuple(reversed(strings))
    gap = STRUM_SECONDS * (1.5 - span.intensity) * (0.6 if span.bar.hit else 1.0)
    loud = page.loud(span, offset) - (0.0 if down else 0.08)
    return [
        page.note(span.start + offset, length, pitch, loud - 0.02 * n, delay=n * gap)
        for n, pitch in enumerate(order)
    ]

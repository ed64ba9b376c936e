"""Bass lines."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from musiscene.generate.composer.parts.page import Note, Page, Span


def long_bass(page: Page) -> list[Note]:
    """The root of each chord, held."""
    return [
        page.note(span.start, span.length * (1.0 if span.is_last else 0.98), _low(page, span),
                  page.loud(span))
        for span in page.spans()
    ]  # fmt: skip


def root_fifth(page: Page) -> list[Note]:
    """Root and fifth in turn, with a step towards the next root."""
    spans = list(page.spans())
    notes: list[Note] = []
    for number, span in enumerate(spans):
        low = _low(page, span)
        if span.is_last:
            notes.append(page.note(span.start, span.length, low, page.loud(span)))
            continue
        fifth = page.pitch_near(span.chord.tones[min(2, len(span.chord.tones) - 1)], low + 2)
        half = 2.0 if span.bar.beats % 2 == 0 and page.division == 2 else 1.0
        following = spans[number + 1] if number + 1 < len(spans) else None
        for offset in page.steps(span, 1):
            if offset % half == 0:
                is_root = (offset / half) % 2 == 0
                pitch = low if is_root else fifth
                length = min(half, span.length - offset) * 0.85
                notes.append(page.note(span.start + offset, length, pitch, page.loud(span, offset)))
        if following and span.intensity > 0.6 and span.length >= 4 and page.division == 2:
            step = _approach(page, low, _low(page, following))
            notes.append(page.note(span.start + span.length - 0.5, 0.45, step, page.loud(span)))
    return notes


def walking(page: Page) -> list[Note]:
    """A note a beat: chord tones, and a step into the next root."""
    spans = list(page.spans())
    notes: list[Note] = []
    last = float(page.player.low + 12)
    for number, span in enumerate(spans):
        root = page.pitch_near(span.chord.bass, last)
        if span.is_last:
            notes.append(page.note(span.start, span.length, root, page.loud(span)))
            continue
        following = spans[number + 1] if number + 1 < len(spans) else span
        target = page.pitch_near(following.chord.bass, root)
        beats = round(span.length)
        line = [root]
        for place in range(1, beats):
            if place == beats - 1:
                line.append(_approach(page, line[-1], target))
            else:
                tones = [t for t in span.chord.tones if t != line[-1] % 12]
                near = line[-1] + (3 if target >= line[-1] else -3) * (1 if place == 1 else 0.5)
                choices = sorted(page.pitch_near(tone, near) for tone in tones)
                apart = [abs(pitch - near) for pitch in choices]
                line.append(choices[apart.index(min(apart))])
        for place, pitch in enumerate(line):
            notes.append(page.note(span.start + place, 0.92, pitch, page.loud(span, place)))
            if span.intensity > 0.55 and page.random.random() < 0.12:
                notes.append(page.note(span.start + place + 0.5, 0.3, pitch, page.loud(span) - 0.2))
        last = float(line[-1])
    return notes


def pulse_bass(page: Page) -> list[Note]:
    """Eighths on the root, an octave up at times."""
    leap = int(page.random.integers(3, 8))
    notes: list[Note] = []
    for span in page.spans():
        low = _low(page, span)
        if span.is_last:
            notes.append(page.note(span.start, span.length, low, page.loud(span)))
            continue
        per_beat = page.division if page.plan.activity > 0.3 else 1
        for number, offset in enumerate(page.steps(span, per_beat)):
            up = number % 8 == leap and low + 12 <= page.player.high
            length = 0.8 / per_beat
            notes.append(
                page.note(span.start + offset, length, low + 12 * up, page.loud(span, offset))
            )
    return notes


def synth_bass(page: Page) -> list[Note]:
    """Syncopated roots between the kicks."""
    figures = ((0.0, 0.75, 1.5, 2.5, 3.25), (0.5, 1.5, 2.5, 3.5), (0.0, 1.5, 2.0, 3.5))
    figure = figures[int(page.random.integers(len(figures)))]
    notes: list[Note] = []
    for span in page.spans():
        low = _low(page, span)
        if span.is_last:
            notes.append(page.note(span.start, span.length, low, page.loud(span)))
            continue
        for number, offset in enumerate(one for one in (0.0, *figure[1:]) if one < span.length):
            pitch = low + (12 if number % 4 == 3 and low + 12 <= page.player.high else 0)
            notes.append(page.note(span.start + offset, 0.4, pitch, page.loud(span, offset)))
    return notes


def drone(page: Page) -> list[Note]:
    """The tonic, under everything."""
    tonic = page.plan.tonic
    pitch = page.pitch_near(tonic, page.player.low + 6)
    fifth = pitch + 7 if pitch + 7 <= page.player.high else pitch
    notes: list[Note] = []
    for span in page.spans():
        dissonant = {(tonic - 1) % 12, (tonic + 1) % 12} & set(span.chord.tones)
        own = (pitch,) if dissonant or (tonic + 7) % 12 not in span.chord.tones else (pitch, fifth)
        notes += [page.note(span.start, span.length, p, page.loud(span)) for p in own]
    return notes


def _low(page: Page, span: Span) -> int:
    return page.pitch_near(span.chord.bass, page.player.low + 6)


def _approach(page: Page, here: int, target: int) -> int:
    """A tone of the scale beside the next root, on the side from which the line comes."""
    scale = {(page.plan.tonic + step) % 12 for step in page.plan.scale}
    side = -1 if here < target else 1
    for step in (1, 2):
        pitch = target + side * step
        if pitch % 12 in scale and page.player.low <= pitch <= page.player.high:
            return pitch
    return min(max(target, page.player.low), page.player.high)

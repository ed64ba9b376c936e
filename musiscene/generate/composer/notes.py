"""A plan -> notes: every player writes a part, points of the picture are struck, people play."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import msgspec

from musiscene.generate.composer.dynamics import ACCENT
from musiscene.generate.composer.humanise import humanise
from musiscene.generate.composer.parts.page import Note, Page
from musiscene.generate.composer.parts.writers import WRITERS

if TYPE_CHECKING:
    from collections.abc import Sequence

    from musiscene.generate.composer.plan import MusicPlan

__all__ = ["Note", "write_notes"]

STRUCK: Final = 118
"""Least velocity on a point of the picture."""
STRIKE_BEATS: Final = 2.0


def write_notes(plan: MusicPlan) -> list[Note]:
    """Write a piece.

    Args:
        plan: All that was decided.

    Returns:
        Its notes, in the order of time; each lies within its player's range.
    """
    notes: list[Note] = []
    for number, player in enumerate(plan.ensemble.players):
        page = Page(plan, player, number)
        written = WRITERS[player.writer](page)
        notes += _struck(page, written)
    return sorted(
        humanise(_single(notes), plan),
        key=lambda note: (note.start, note.player, note.pitch),
    )


def _struck(page: Page, written: Sequence[Note]) -> list[Note]:
    """A part whose notes on points of the picture are accents; a chord where it had none."""
    bars = page.plan.form.bars
    hits = {float(bar.start) for bar in bars if bar.hit in {"hit", "swell"}}
    notes = [
        msgspec.structs.replace(note, velocity=min(127, max(STRUCK, note.velocity + ACCENT)))
        if note.start in hits
        else note
        for note in written
    ]
    player = page.player
    if player.is_drums or player.swells:
        return notes
    for span in page.spans():
        if span.start not in hits or span.start != span.bar.start:
            continue
        if any(note.start == span.start for note in written):
            continue
        pitches = span.voices or (page.pitch_near(span.chord.root, page.centre),)
        notes += [Note(player.name, span.start, STRIKE_BEATS, pitch, STRUCK) for pitch in pitches]
    return notes


def _single(notes: Sequence[Note]) -> list[Note]:
    """No string is struck twice at once: of notes at one place, the longest."""
    kept: dict[tuple[str, float, int], Note] = {}
    for note in notes:
        place = (note.player, note.start, note.pitch)
        if place not in kept or kept[place].length < note.length:
            kept[place] = note
    return list(kept.values())

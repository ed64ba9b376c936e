"""Ways of playing by name."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from musiscene.generate.composer.parts import (
    bass,
    drums,
    guitar,
    keys,
    melody,
    percussion,
    sustained,
)

if TYPE_CHECKING:
    from collections.abc import Callable

    from musiscene.generate.composer.parts.page import Note, Page

WRITERS: Final[dict[str, Callable[[Page], list[Note]]]] = {
    writer.__name__: writer
    for writer in (
        bass.long_bass, bass.root_fifth, bass.walking, bass.pulse_bass, bass.synth_bass, bass.drone,
        drums.light, drums.rock, drums.four_on_the_floor, drums.brush, drums.march, drums.epic,
        guitar.strum, guitar.picked, guitar.power,
        keys.arpeggio, keys.alberti, keys.block, keys.comp, keys.offbeat, keys.sequence, keys.bells,
        keys.soft_pulse,
        melody.theme, melody.long_theme, melody.counter,
        percussion.hand_drums, percussion.bell_patterns, percussion.ticking,
        sustained.pad, sustained.swells, sustained.ostinato, sustained.chords_in_eighths,
        sustained.tremolo, sustained.fanfare, sustained.timpani,
    )
}  # fmt: skip

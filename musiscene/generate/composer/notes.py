"""A plan -> notes: voice-led chords, a bass line, a melody of motifs, drums, and a real ending."""

from __future__ import annotations

from itertools import product
from typing import TYPE_CHECKING, Final

import msgspec
import numpy as np

from musiscene.generate.composer.dynamics import ACCENT
from musiscene.generate.composer.plan import BEATS_PER_BAR, PHRASE_BARS

if TYPE_CHECKING:
    from collections.abc import Sequence

    from musiscene.generate.composer.plan import MusicPlan

HARMONY_RANGE: Final = (55, 74)
BASS_LOWEST: Final = 36
MELODY_RANGE: Final = (67, 84)
FROM_MELODY, FROM_BASS, FROM_DRUMS, FROM_PAD = 0.36, 0.32, 0.5, 0.6
"""Intensities from which a part plays."""
OCTAVE: Final = 12
HARDEST: Final = 112
"""Velocity from which a note is played exactly in time."""
DOMINANT: Final = 4
"""Degree of the scale."""
KICK, SNARE, HAT, SHAKER, CRASH = 36, 38, 42, 70, 49
RHYTHMS: Final = (
    (0.0, 2.0), (0.0, 1.5, 2.0), (0.0, 1.0, 2.0, 3.0), (0.0, 1.0, 1.5, 2.0, 3.0),
    (0.0, 0.5, 1.0, 2.0, 2.5, 3.0), (0.0, 0.5, 1.0, 1.5, 2.0, 3.0, 3.5),
)  # fmt: skip
"""Of one bar of a melody, in beats, from sparse to dense."""


class Note(msgspec.Struct, frozen=True):
    """One note; times in beats of the piece."""

    part: str
    """`melody`, `harmony`, `pad`, `bass`, `drums` or `accent`."""
    start: float
    length: float
    pitch: int
    """MIDI number; of drums, the instrument."""
    velocity: int
    """1 to 127."""


def write_notes(plan: MusicPlan) -> list[Note]:
    """Write a piece.

    Args:
        plan: All that was decided.

    Returns:
        Its notes, in the order of time.
    """
    random = np.random.default_rng(plan.seed + 1)
    voicings = lead_voices([chord_tones(plan, root) for root in plan.chords])
    notes = [
        *_harmony(plan, voicings),
        *_bass(plan),
        *_melody(plan, random),
        *(_drums(plan) if plan.ensemble.drums else ()),
    ]
    laid = [one for note in notes for one in _laid(plan, note)]
    return sorted(
        [*(_played(note, random) for note in laid), *_accents(plan)], key=lambda note: note.start
    )


def chord_tones(plan: MusicPlan, root: int) -> tuple[int, int, int]:
    """Pitch classes of the triad on a degree; in minor, the dominant has its leading tone.

    Args:
        plan: Has the scale.
        root: A degree, from 0.

    Returns:
        Root, third and fifth.
    """
    tones = [(plan.tonic + plan.scale[(root + step) % len(plan.scale)]) % 12 for step in (0, 2, 4)]
    if plan.mode == "minor" and root == DOMINANT:
        tones[1] = (plan.tonic + 11) % 12
    return tones[0], tones[1], tones[2]


def lead_voices(chords: Sequence[Sequence[int]]) -> list[tuple[int, ...]]:
    """Lay chords so that every voice moves as little as it can.

    Args:
        chords: Pitch classes, three each.

    Returns:
        MIDI numbers, rising, three for each chord.

    Example:
        >>> lead_voices([(0, 4, 7), (9, 0, 4)])
        [(60, 64, 67), (60, 64, 69)]
    """
    voicings: list[tuple[int, ...]] = []
    for chord in chords:
        pitches = [[p for p in range(*HARMONY_RANGE) if p % 12 == tone] for tone in chord]
        close = [tuple(sorted(choice)) for choice in product(*pitches)]
        close = [one for one in close if one[2] - one[0] <= OCTAVE]
        before = voicings[-1] if voicings else (60, 64, 67)

        def movement(one: tuple[int, ...], before: tuple[int, ...] = before) -> int:
            return sum(abs(new - old) for new, old in zip(one, before, strict=True))

        voicings.append(min(close, key=lambda one: (movement(one), one)))
    return voicings


def _harmony(plan: MusicPlan, voicings: Sequence[tuple[int, ...]]) -> list[Note]:
    notes: list[Note] = []
    last = len(voicings) - 1
    for bar, (voicing, intensity) in enumerate(zip(voicings, plan.intensity, strict=True)):
        start, velocity = bar * BEATS_PER_BAR, 46 + 36 * intensity
        if bar == last:
            notes += [
                _note("harmony", start, _ring(plan, bar), pitch, velocity) for pitch in voicing
            ]
        else:
            for offset, length, voices in _figure(plan.ensemble.pattern, intensity):
                accent = 8 if offset == 0.0 else 0
                notes += [
                    _note("harmony", start + offset, length, voicing[voice], velocity + accent)
                    for voice in voices
                ]
        if plan.ensemble.pad is not None and (intensity >= FROM_PAD or bar == last):
            length = _ring(plan, bar)
            notes += [_note("pad", start, length, pitch, velocity - 14) for pitch in voicing]
    return notes


def _figure(pattern: str, intensity: float) -> list[tuple[float, float, tuple[int, ...]]]:
    """How a bar of harmony is played: offset, length and voices of each stroke."""
    if pattern == "arpeggio":
        order = (0, 1, 2, 1, 0, 1, 2, 1)
        return [(number / 2, 0.9, (voice,)) for number, voice in enumerate(order)]
    if pattern == "strum":
        offsets = (0.0, 1.0, 1.5, 2.0, 3.0, 3.5) if intensity >= FROM_DRUMS else (0.0, 1, 2.0, 3)
        return [(offset, 0.55, (0, 1, 2)) for offset in offsets]
    step = 0.5 if intensity >= FROM_MELODY else 1.0
    return [(number * step, 0.8 * step, (0, 1, 2)) for number in range(round(4 / step))]


def _bass(plan: MusicPlan) -> list[Note]:
    notes: list[Note] = []
    last = len(plan.chords) - 1
    for bar, (root, intensity) in enumerate(zip(plan.chords, plan.intensity, strict=True)):
        if intensity < FROM_BASS and bar != last:
            continue
        tones = chord_tones(plan, root)
        low, fifth = (BASS_LOWEST + (tone - BASS_LOWEST) % 12 for tone in (tones[0], tones[2]))
        start, velocity = bar * BEATS_PER_BAR, 58 + 34 * intensity
        if bar == last:
            notes.append(_note("bass", start, _ring(plan, bar), low, velocity))
        elif plan.ensemble.pattern == "pulse" and intensity >= FROM_DRUMS:
            notes += [_note("bass", start + beat / 2, 0.45, low, velocity) for beat in range(8)]
        else:
            notes.append(_note("bass", start, 1.9, low, velocity + 4))
            notes.append(_note("bass", start + 2, 1.9, fifth, velocity))
    return notes


def _melody(plan: MusicPlan, random: np.random.Generator) -> list[Note]:
    """Two rhythms that come again in every phrase, on tones that step from chord to chord."""
    spread = plan.density * (len(RHYTHMS) - 1)
    numbers = np.clip(np.round(spread + np.array([0.0, -1.0, 0.6])), 0, len(RHYTHMS) - 1)
    motif = [RHYTHMS[int(number)] for number in numbers]
    form = (0, 1, 0, 1, 0, 2, 0, 1)
    pitch = MELODY_RANGE[0] + (plan.tonic + plan.scale[4] - MELODY_RANGE[0]) % 12
    notes: list[Note] = []
    last = len(plan.chords) - 1
    for bar, (root, intensity) in enumerate(zip(plan.chords, plan.intensity, strict=True)):
        start, velocity = bar * BEATS_PER_BAR, 62 + 38 * intensity
        tones = chord_tones(plan, root)
        if bar == last:
            pitch = _nearest(pitch, (plan.tonic,))
            notes.append(_note("melody", start, _ring(plan, bar), pitch, velocity))
            continue
        if intensity < FROM_MELODY:
            continue
        rhythm = motif[form[bar % PHRASE_BARS]]
        aim = 76 + 5 * intensity * np.sin(np.pi * (bar % PHRASE_BARS) / PHRASE_BARS)
        for onset, following in zip(rhythm, (*rhythm[1:], float(BEATS_PER_BAR)), strict=True):
            drift = int(np.sign(aim - pitch + random.normal(0.0, 4.0))) * int(random.integers(1, 4))
            strong = onset in {0.0, 2.0}
            allowed = tones if strong else _scale_with(plan, tones)
            pitch = _nearest(pitch + drift, allowed)
            notes.append(
                _note("melody", start + onset, 0.95 * (following - onset), pitch, velocity)
            )
    return notes


def _drums(plan: MusicPlan) -> list[Note]:
    notes: list[Note] = []
    light = plan.ensemble.drums == "light"
    last = len(plan.chords) - 1
    for bar, intensity in enumerate(plan.intensity):
        start, velocity = bar * BEATS_PER_BAR, 50 + 45 * intensity
        if bar == last:
            notes += [_note("drums", start, 1, drum, velocity) for drum in (KICK, CRASH)]
            continue
        if intensity < FROM_DRUMS:
            continue
        hits = [(KICK, (0.0, 2.0)), (SNARE, (1.0, 3.0)), (HAT, np.arange(0, 4, 0.5).tolist())]
        if light:
            hits = [(KICK, (0.0, 2.0)), (SHAKER, np.arange(0, 4, 0.5).tolist()), (SNARE, (3.0,))]
        for drum, onsets in hits:
            level = velocity - (22 if drum in {HAT, SHAKER} else 14 if light else 0)
            notes += [_note("drums", start + onset, 0.25, drum, level) for onset in onsets]
        if bar % PHRASE_BARS == PHRASE_BARS - 1 and not light:
            notes += [
                _note("drums", start + 3 + step / 4, 0.2, SNARE, velocity - 6) for step in range(4)
            ]
    return notes


def _scale_with(plan: MusicPlan, tones: tuple[int, ...]) -> tuple[int, ...]:
    """The scale, less what lies a semitone beside the raised tone of its dominant."""
    scale = {(plan.tonic + step) % 12 for step in plan.scale}
    raised = set(tones) - scale
    return tuple(scale - {(tone - 1) % 12 for tone in raised} | raised)


def _nearest(pitch: float, classes: Sequence[int]) -> int:
    """The pitch of one of these classes within the melody's range that is nearest."""
    allowed = [p for p in range(*MELODY_RANGE) if p % 12 in classes]
    return min(allowed, key=lambda one: (abs(one - pitch), one))


def _ring(plan: MusicPlan, bar: int) -> float:
    """Beats from the start of a bar to its end, or of the last one to that of the piece."""
    if bar < len(plan.chords) - 1:
        return float(BEATS_PER_BAR)
    return plan.form.tail_beats


def _laid(plan: MusicPlan, note: Note) -> list[Note]:
    """From bars of one size to where the bars of the form lie; nothing in a silent one."""
    number = min(int(note.start // BEATS_PER_BAR), len(plan.form.bars) - 1)
    bar, offset = plan.form.bars[number], note.start - number * BEATS_PER_BAR
    if bar.silent or offset >= bar.beats:
        return []
    is_last = number == len(plan.form.bars) - 1
    louder = ACCENT if bar.hit in {"hit", "swell"} and offset == 0.0 else 0
    return [
        msgspec.structs.replace(
            note,
            start=bar.start + offset,
            length=note.length if is_last else min(note.length, bar.beats - offset),
            velocity=min(127, note.velocity + louder),
        )
    ]


def _accents(plan: MusicPlan) -> list[Note]:
    """What strikes exactly on a hit or at the top of a swell: low octaves, and a crash."""
    notes: list[Note] = []
    for number, bar in enumerate(plan.form.bars):
        if bar.hit not in {"hit", "swell"}:
            continue
        low = BASS_LOWEST + (chord_tones(plan, plan.chords[number])[0] - BASS_LOWEST) % 12
        notes += [Note("accent", bar.start, 2.0, pitch, 124) for pitch in (low, low + OCTAVE)]
        if plan.ensemble.drums:
            notes += [Note("drums", bar.start, 1.0, drum, 118) for drum in (KICK, CRASH)]
    return notes


def _note(part: str, start: float, length: float, pitch: int, velocity: float) -> Note:
    return Note(part, start, length, pitch, round(velocity))


def _played(note: Note, random: np.random.Generator) -> Note:
    """As a person plays it: not quite in time, not quite even."""
    late = (
        0.0
        if note.start % 1.0 == 0.0 and note.velocity >= HARDEST
        else float(random.normal(0.0, 0.008))
    )
    velocity = int(np.clip(note.velocity + random.integers(-4, 5), 1, 127))
    return msgspec.structs.replace(note, start=max(0.0, note.start + late), velocity=velocity)

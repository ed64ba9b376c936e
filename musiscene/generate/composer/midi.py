"""Notes -> a standard MIDI file that other players play as it was meant.

Volume and place of a player are controllers 7 and 10, swells are controller 11, and the pedal is
controller 64.
"""

from __future__ import annotations

from itertools import pairwise
from typing import TYPE_CHECKING, Any, Final

import numpy as np

from musiscene.generate.composer.sampler import LONG_NOTE_SECONDS, SWELL

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from musiscene.generate.composer.ensembles import Player
    from musiscene.generate.composer.notes import Note
    from musiscene.generate.composer.plan import MusicPlan

TICKS: Final = 480
"""Of a quarter."""
MOST_SHARPS: Final = 6
MOST_VALUE: Final = 127
VOLUME, PAN, EXPRESSION, PEDAL = 7, 10, 11, 64
"""Controllers."""
USUAL_VOLUME: Final = 100
SWELL_STEPS: Final = 12
PEDAL_GAP_TICKS: Final = 30
TRIPLETS: Final = 3


def write_midi(plan: MusicPlan, notes: Sequence[Note]) -> bytes:
    """Write notes as a standard MIDI file.

    Args:
        plan: Tempo, metre, key, players and form.
        notes: Of the piece.

    Returns:
        The file, with names of players and markers of sections.
    """
    import symusic

    beat = beat_ticks(plan)
    score = symusic.Score(TICKS)
    _write_time(plan, score)
    sharps = (plan.tonic + (3 if plan.mode == "minor" else 0)) * 7 % 12
    sharps = sharps - 12 if sharps > MOST_SHARPS else sharps
    score.key_signatures.append(symusic.KeySignature(0, sharps, int(plan.mode == "minor")))
    for section in plan.form.sections:
        start = plan.form.bars[section.first_bar].start
        score.markers.append(symusic.TextMeta(start * beat, section.name))
    for player in plan.ensemble.players:
        own = [note for note in notes if note.player == player.name]
        if not own:
            continue
        track = symusic.Track(player.name, player.program, player.is_drums)
        late_ticks = beat * plan.tempo_bpm / 60.0
        for note in own:
            start = max(0, round(note.start * beat + note.delay * late_ticks))
            length = max(1, round(note.length * beat))
            track.notes.append(symusic.Note(start, length, note.pitch, note.velocity))
        for tick, number, value in sorted(_controls(plan, player, own)):
            track.controls.append(symusic.ControlChange(tick, number, value))
        score.tracks.append(track)
    written: bytes = score.dumps_midi()
    return written


def beat_ticks(plan: MusicPlan) -> int:
    """Ticks of a beat: in 6/8, which has two beats a bar, each is a quarter and a half."""
    return TICKS * 3 // 2 if plan.metre.division == TRIPLETS else TICKS


def _write_time(plan: MusicPlan, score: Any) -> None:  # noqa: ANN401  symusic has no types
    """Put tempo and metre into a score."""
    import symusic

    beat, times = beat_ticks(plan), plan.form.beat_seconds
    tempo = 0.0
    for number, (now, following) in enumerate(pairwise(times)):
        new = 60.0 / (following - now) * beat / TICKS
        if abs(new - tempo) > 1e-6 * new:
            score.tempos.append(symusic.Tempo(number * beat, new))
            tempo = new
    score.tempos.append(symusic.Tempo((len(times) - 1) * beat, plan.tempo_bpm * beat / TICKS))
    beats = 0
    for bar in plan.form.bars:
        if bar.beats != beats:
            parts = (bar.beats * 3, 8) if beat != TICKS else (bar.beats, 4)
            score.time_signatures.append(symusic.TimeSignature(bar.start * beat, *parts))
            beats = bar.beats


def _controls(
    plan: MusicPlan, player: Player, notes: Sequence[Note]
) -> Iterator[tuple[int, int, int]]:
    """Tick, controller and value of all that a player does beside its notes."""
    beat = beat_ticks(plan)
    volume = min(MOST_VALUE, round(USUAL_VOLUME * 10 ** (player.level_db / 40)))
    yield 0, VOLUME, volume
    yield 0, PAN, round(64 + 63 * player.pan)
    if player.swells:
        yield from _swells(plan, notes, beat)
    if player.pedal:
        yield round(notes[0].start * beat), PEDAL, MOST_VALUE
        ends = sorted({round((note.start + note.length) * beat) for note in notes})
        for number, end in enumerate(ends):
            yield end, PEDAL, 0
            if number < len(ends) - 1:
                yield end + PEDAL_GAP_TICKS, PEDAL, MOST_VALUE


def _swells(plan: MusicPlan, notes: Sequence[Note], beat: int) -> Iterator[tuple[int, int, int]]:
    """Expression of long notes, one curve where several begin together; full for short ones."""
    at_start: dict[float, float] = {}
    for note in notes:
        at_start[note.start] = max(note.length, at_start.get(note.start, 0.0))
    for start, length in at_start.items():
        seconds = plan.form.seconds_of(start + length) - plan.form.seconds_of(start)
        if seconds <= LONG_NOTE_SECONDS:
            yield round(start * beat), EXPRESSION, MOST_VALUE
            continue
        for place in np.linspace(0.0, 1.0, SWELL_STEPS, endpoint=False).tolist():
            loud = float(np.interp(place, *SWELL)) ** 0.5  # players square it
            yield round((start + place * length) * beat), EXPRESSION, round(MOST_VALUE * loud)

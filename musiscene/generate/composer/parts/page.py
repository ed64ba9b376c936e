"""What every part writer reads and writes: the page of a piece, and its notes."""

from __future__ import annotations

from itertools import groupby
from typing import TYPE_CHECKING

import msgspec
import numpy as np

from musiscene.generate.composer.form import Bar
from musiscene.generate.composer.harmony import Chord
from musiscene.generate.composer.voicing import lead_voices

if TYPE_CHECKING:
    from collections.abc import Iterator

    from musiscene.generate.composer.ensembles import Player
    from musiscene.generate.composer.plan import MusicPlan


class Note(msgspec.Struct, frozen=True):
    """One note of one player."""

    player: str
    start: float
    """Beat of the piece."""
    length: float
    """In beats."""
    pitch: int
    """MIDI number; of drums, the instrument."""
    velocity: int
    """1 to 127."""
    delay: float = 0.0
    """Seconds after the beat, or before it: of people, and of the strings of a strummed chord."""


class Span(msgspec.Struct, frozen=True):
    """One chord in one bar."""

    bar: Bar
    number: int
    """Of the bar."""
    start: float
    """Beat of the piece."""
    length: float
    """In beats; of the last chord, to the end of the sound."""
    chord: Chord
    voices: tuple[int, ...]
    """Of the player's voicing."""
    intensity: float
    is_last: bool


class Page:
    """The piece as one player sees it.

    Args:
        plan: Of the piece.
        player: Who plays.
        number: Of the player: each draws chances of its own.
    """

    def __init__(self, plan: MusicPlan, player: Player, number: int) -> None:
        self.plan = plan
        self.player = player
        self.random = np.random.default_rng((plan.seed, number, 7))
        self.division = plan.metre.division
        chords = [chord for bar in plan.chords for chord in bar]
        self._voices = lead_voices(
            chords, count=player.voices, low=player.low, high=player.high
        ) if player.voices else [()] * len(chords)  # fmt: skip

    def plays(self, number: int) -> bool:
        """Whether the player plays in a bar."""
        bar = self.plan.form.bars[number]
        if bar.silent:
            return False
        if number == len(self.plan.form.bars) - 1:
            return self.player.in_last
        return self.plan.intensity[number] >= self.player.entry

    def spans(self) -> Iterator[Span]:
        """The chords of the bars in which the player plays."""
        bars, at = self.plan.form.bars, 0
        for number, (bar, chords) in enumerate(zip(bars, self.plan.chords, strict=True)):
            is_last = number == len(bars) - 1
            for place, chord in enumerate(chords):
                start = bar.start + round(place * bar.beats / len(chords))
                end = bar.start + round((place + 1) * bar.beats / len(chords))
                length = self.plan.form.tail_beats if is_last else end - start
                if self.plays(number) and length > 0:
                    yield Span(
                        bar, number, start, length, chord, self._voices[at],
                        self.plan.intensity[number], is_last,
                    )  # fmt: skip
                at += 1

    def bars(self) -> list[list[Span]]:
        """The chords of each bar in which the player plays."""
        return [list(spans) for _, spans in groupby(self.spans(), key=lambda span: span.number)]

    @property
    def centre(self) -> float:
        """Of a tune: higher the more excited the music is."""
        low, high = self.player.low, self.player.high
        return low + (high - low) * (0.35 + 0.2 * self.plan.activity)

    def note(
        self, start: float, length: float, pitch: int, loud: float, *, delay: float = 0.0
    ) -> Note:
        """Write a note; `loud` is 0 to 1."""
        velocity = round(min(127.0, max(1.0, 30 + 85 * loud)))
        return Note(self.player.name, start, length, pitch, velocity, delay)

    def loud(self, span: Span, offset: float = 0.0) -> float:
        """How loud a note is: by the intensity and by its place in the bar."""
        accent = 0.08 if offset == 0.0 else 0.03 if offset == int(offset) else 0.0
        return 0.3 + 0.5 * span.intensity + accent

    def steps(self, span: Span, per_beat: int) -> Iterator[float]:
        """Offsets in a span, evenly."""
        for number in range(round(span.length * per_beat)):
            yield number / per_beat

    def pitch_near(self, tone: int, near: float) -> int:
        """The pitch of a class within the player's range that is nearest."""
        low, high = self.player.low, self.player.high
        allowed = [p for p in range(low, high + 1) if p % 12 == tone % 12]
        return min(allowed, key=lambda one: (abs(one - near), one))

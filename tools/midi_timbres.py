"""Play a MIDI file in one of six timbres, to audio as this project hears it.

Needs `tinysoundfont` (0.3.7, `pip install --no-deps`) and General MIDI SoundFonts.
"""

from __future__ import annotations

import importlib
import random
from typing import TYPE_CHECKING, Any, Final, NamedTuple

import numpy as np

from musiscene.audio.excerpts import ANALYSIS_RATE

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from numpy.typing import NDArray

TIMBRES: Final[dict[str, tuple[tuple[int, ...], ...]]] = {
    "piano": ((0,), (0,), (0,)),
    "strings": ((48, 42), (48,), (48, 40)),
    "orchestra": ((43, 58, 70, 42), (60, 48, 71, 42), (73, 68, 40, 56, 46)),
    "synth": ((38, 39, 87), (89, 90, 50, 88, 62), (80, 81, 82, 84)),
    "band": ((33, 34, 32), (25, 27, 24, 4, 16), (26, 27, 11, 65, 22)),
    "plucked": ((46, 24, 12), (46, 11, 24, 6, 12), (10, 8, 11, 46, 6)),
}
"""Timbre -> General MIDI programs to choose from for low, middle and high notes."""
SPLITS: Final = (48, 64)
"""MIDI pitches from which a note is a middle and a high one."""
PEDALLED: Final = frozenset({"piano", "plucked", "orchestra", "synth"})
WINDOW_SECONDS: Final = 14.0
"""Two windows of a piece are heard."""
LATE_SECONDS: Final = 0.3
"""A note that began earlier before a window is not struck anew in it."""
REVERB_SHARE: Final = 0.6
PEDAL: Final = 64  # MIDI controller; half of its range is down
LONGEST_PEDAL_SECONDS: Final = 4.0


class Note(NamedTuple):
    """One note of a piece."""

    start: float
    end: float
    pedalled_end: float
    pitch: int
    velocity: int


class Player:
    """Plays notes with some SoundFonts.

    Args:
        soundfonts: Files; each render draws one.
    """

    def __init__(self, soundfonts: Sequence[Path]) -> None:
        module = importlib.import_module("tinysoundfont")
        self._synths: list[tuple[Any, int]] = []
        for path in soundfonts:
            synth = module.Synth(samplerate=ANALYSIS_RATE, gain=-6)
            self._synths.append((synth, synth.sfload(str(path), gain=-6)))

    def play(self, notes: Sequence[Note], timbre: str, *, seed: str) -> NDArray[np.float32]:
        """Render up to 28 s, with programs, room and gain drawn by the seed.

        Args:
            notes: From `read_notes`.
            timbre: One of `TIMBRES`.
            seed: The same one gives the same sound.

        Returns:
            Mono at `ANALYSIS_RATE`, float32, shape (samples,).
        """
        draw = random.Random(seed)  # noqa: S311  not for secrets
        synth = draw.choice(self._synths)
        programs = [draw.choice(choices) for choices in TIMBRES[timbre]]
        dry = self._render(synth, notes, programs, pedal=timbre in PEDALLED)
        if draw.random() < REVERB_SHARE:
            dry = _with_room(dry, draw)
        level = 10 ** (draw.uniform(-24, -14) / 20)
        scaled = dry * level / max(float(np.sqrt(np.mean(dry**2))), 1e-9)
        bounded: NDArray[np.float32] = np.tanh(scaled).astype(np.float32)
        return bounded

    def piano_level_db(self, notes: Sequence[Note]) -> float:
        """How loud the piece is as a piano plays it, from its velocities; in dB."""
        played = self._render(self._synths[0], notes, [0, 0, 0], pedal=True)
        return float(20 * np.log10(np.sqrt(np.mean(played**2)) + 1e-6))

    def _render(
        self,
        synth_and_font: tuple[Any, int],
        notes: Sequence[Note],
        programs: Sequence[int],
        *,
        pedal: bool,
    ) -> NDArray[np.float64]:
        synth, font = synth_and_font
        for channel, program in enumerate(programs):
            synth.program_select(channel, font, 0, program)
        parts = []
        for start, end in windows(max(note.pedalled_end for note in notes)):
            synth.sounds_off()
            done = 0
            for at, is_on, channel, pitch, velocity in _events(notes, start, end, pedal=pedal):
                parts.append(_generate(synth, int(at * ANALYSIS_RATE) - done))
                done += len(parts[-1])
                if is_on:
                    synth.noteon(channel, pitch, velocity)
                else:
                    synth.noteoff(channel, pitch)
            parts.append(_generate(synth, int((end - start) * ANALYSIS_RATE) - done))
        synth.sounds_off()
        return np.concatenate(parts)


def read_notes(path: Path) -> list[Note]:
    """Read the notes of a MIDI file, without drums, in order of their starts."""
    import pretty_midi

    notes = []
    for part in pretty_midi.PrettyMIDI(str(path)).instruments:
        if part.is_drum:
            continue
        held = _pedal_spans(part.control_changes)
        for note in part.notes:
            lifted = next((up for down, up in held if down <= note.end <= up), note.end)
            end = min(lifted, note.end + LONGEST_PEDAL_SECONDS)
            notes.append(Note(note.start, note.end, end, note.pitch, note.velocity))
    return sorted(notes)


def windows(seconds: float) -> list[tuple[float, float]]:
    """Which stretches of a piece are heard: two, or all of a short one."""
    if seconds <= 2 * WINDOW_SECONDS + 2:
        return [(0.0, min(seconds, 2 * WINDOW_SECONDS))]
    starts = (0.08 * seconds, min(0.55 * seconds, seconds - WINDOW_SECONDS))
    return [(start, start + WINDOW_SECONDS) for start in starts]


def _events(
    notes: Sequence[Note], start: float, end: float, *, pedal: bool
) -> list[tuple[float, bool, int, int, int]]:
    events = []
    for note in notes:
        last = note.pedalled_end if pedal else note.end
        if last > start and start - LATE_SECONDS <= note.start < end:
            channel = sum(note.pitch >= split for split in SPLITS)
            begins = max(note.start, start) - start
            events.append((begins, True, channel, note.pitch, note.velocity))
            events.append((min(last, end) - start, False, channel, note.pitch, 0))
    return sorted(events)


def _pedal_spans(changes: Sequence[Any]) -> list[tuple[float, float]]:
    spans = []
    down: float | None = None
    for change in sorted(changes, key=lambda change: float(change.time)):
        if change.number != PEDAL:
            continue
        if change.value >= 64 and down is None:
            down = change.time
        elif change.value < 64 and down is not None:
            spans.append((down, change.time))
            down = None
    return spans


def _generate(synth: Any, samples: int) -> NDArray[np.float64]:  # noqa: ANN401  no types
    if samples <= 0:
        return np.zeros(0)
    stereo = np.frombuffer(synth.generate(samples), np.float32).reshape(-1, 2)
    mono: NDArray[np.float64] = stereo.mean(axis=1, dtype=np.float64)
    return mono


def _with_room(dry: NDArray[np.float64], draw: random.Random) -> NDArray[np.float64]:
    """Add noise that dies away by 60 dB in 0.4 to 1.6 s, as a room's answer."""
    from scipy.signal import fftconvolve

    seconds, share = draw.uniform(0.4, 1.6), draw.uniform(0.1, 0.5)
    noise = np.random.default_rng(draw.randrange(2**31)).standard_normal(
        int(seconds * ANALYSIS_RATE)
    )
    answer = noise * np.exp(-6.9 * np.arange(len(noise)) / len(noise))
    answer /= np.linalg.norm(answer)
    wet: NDArray[np.float64] = dry + share * fftconvolve(dry, answer)[: len(dry)]
    return wet

"""Notes -> sound, by a SoundFont, with some room around it.

The SoundFont is TimGM6mb (Tim Brechbill, GPL-2.0), which pretty_midi carries; what is rendered with
it is free.
"""

from __future__ import annotations

import math
from itertools import pairwise
from typing import TYPE_CHECKING, Any, Final

import numpy as np

from musiscene.generate.composer.dynamics import gain
from musiscene.generate.composer.soundfont import tuned_soundfont
from musiscene.generate.mastering import to_loudness

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from musiscene.generate.composer.notes import Note
    from musiscene.generate.composer.plan import MusicPlan

SAMPLE_RATE: Final = 44_100
TICKS: Final = 480
"""Of one beat."""
FADE_SECONDS: Final = 1.5
MOST_SHARPS: Final = 6
ROOM_SECONDS: Final = 1.3
ROOM_LEVEL: Final = 0.22
VOLUME_CONTROL, PAN_CONTROL = 7, 10


def render(plan: MusicPlan, notes: Sequence[Note]) -> NDArray[np.float32]:
    """Play notes.

    Args:
        plan: Tempo, instruments and length.
        notes: Of the piece.

    Returns:
        Stereo in [-1, 1] at `SAMPLE_RATE`, mastered, float32, shape (2, samples).

    Raises:
        GeneratorMissingError: If what renders is not installed.
        GenerationError: If nothing sounds.
    """
    font = tuned_soundfont()
    import symusic

    synthesizer = symusic.Synthesizer(str(font), SAMPLE_RATE, 0)
    played = np.asarray(synthesizer.render(write_score(plan, notes), True), dtype=np.float32)  # noqa: FBT003  its own interface
    samples = round(plan.seconds * SAMPLE_RATE)
    dry = np.zeros((2, samples), dtype=np.float32)
    dry[:, : played.shape[1]] = played[:, :samples]
    music = _with_room(dry, seed=plan.seed)
    music *= gain(plan.form, samples, sample_rate=SAMPLE_RATE)
    fade = min(samples, round(FADE_SECONDS * SAMPLE_RATE))
    music[:, samples - fade :] *= np.cos(np.linspace(0, np.pi / 2, fade, dtype=np.float32)) ** 2
    return to_loudness(music, sample_rate=SAMPLE_RATE)


def _with_room(dry: NDArray[np.float32], *, seed: int) -> NDArray[np.float32]:
    """Add what a small hall throws back: noise that dies away, other on each side."""
    from scipy.signal import oaconvolve

    random = np.random.default_rng(seed + 2)
    times = np.arange(round(ROOM_SECONDS * SAMPLE_RATE)) / SAMPLE_RATE
    answer = random.standard_normal((2, times.size)) * 10 ** (-3 * times / ROOM_SECONDS)
    answer[:, : round(0.012 * SAMPLE_RATE)] = 0.0  # before the nearest wall answers
    answer = np.diff(answer, axis=1, prepend=0.0) * 0.3 + np.cumsum(answer, axis=1) * 0.02
    answer /= math.sqrt(float(np.square(answer).sum(axis=1).mean()))
    wet = oaconvolve(dry, answer.astype(np.float32), axes=1)[:, : dry.shape[1]]
    mixed: NDArray[np.float32] = (dry + ROOM_LEVEL * wet).astype(np.float32)
    return mixed


def write_score(plan: MusicPlan, notes: Sequence[Note]) -> Any:  # noqa: ANN401  symusic has no types
    """Write notes as MIDI: with tempo, metre, key, names of players and markers of sections.

    Args:
        plan: Tempo, instruments and form.
        notes: Of the piece.

    Returns:
        A `symusic.Score`.
    """
    import symusic

    score = symusic.Score(TICKS)
    times = plan.form.beat_seconds
    for beat, (now, following) in enumerate(pairwise(times)):
        score.tempos.append(symusic.Tempo(beat * TICKS, 60.0 / (following - now)))
    score.tempos.append(symusic.Tempo((len(times) - 1) * TICKS, plan.tempo_bpm))
    beats = 0
    for bar in plan.form.bars:
        if bar.beats != beats:
            score.time_signatures.append(symusic.TimeSignature(bar.start * TICKS, bar.beats, 4))
            beats = bar.beats
    sharps = (plan.tonic + (3 if plan.mode == "minor" else 0)) * 7 % 12
    score.key_signatures.append(
        symusic.KeySignature(
            0, sharps - 12 if sharps > MOST_SHARPS else sharps, int(plan.mode == "minor")
        )
    )
    for section in plan.form.sections:
        start = plan.form.bars[section.first_bar].start
        score.markers.append(symusic.TextMeta(start * TICKS, section.name))
    for player in plan.ensemble.players:
        own = [note for note in notes if note.player == player.name]
        if not own:
            continue
        track = symusic.Track(player.name, player.program, player.is_drums)
        volume = round(100 * 10 ** (min(0.0, player.level_db) / 40))
        track.controls.append(symusic.ControlChange(0, VOLUME_CONTROL, volume))
        track.controls.append(symusic.ControlChange(0, PAN_CONTROL, round(64 + 63 * player.pan)))
        for note in own:
            late = note.delay * plan.tempo_bpm / 60.0
            start = max(0, round((note.start + late) * TICKS))
            length = max(1, round(note.length * TICKS))
            loud = min(127, max(1, round(note.velocity * 10 ** (player.level_db / 40))))
            track.notes.append(symusic.Note(start, length, note.pitch, loud))
        score.tracks.append(track)
    return score

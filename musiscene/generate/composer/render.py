"""Notes -> sound: all players, the hall around them, and the way to the points of the picture.

The SoundFont is TimGM6mb (Tim Brechbill, GPL-2.0), which pretty_midi carries; what is rendered with
it is free.
"""

from __future__ import annotations

import math
from collections import defaultdict
from typing import TYPE_CHECKING, Final

import numpy as np

from musiscene.generate.composer.dynamics import gain
from musiscene.generate.composer.sampler import SAMPLE_RATE, Sounding, play
from musiscene.generate.composer.soundfont import tuned_soundfont
from musiscene.generate.mastering import to_loudness

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from musiscene.generate.composer.notes import Note
    from musiscene.generate.composer.plan import MusicPlan

__all__ = ["SAMPLE_RATE", "render"]

FADE_SECONDS, LEAST_FADE_SECONDS = 1.5, 0.02
"""Of the end if it still sounds, and if it does not."""
STILL_SOUNDS: Final = 1e-3
"""Of the highest sample."""
ROOM_SECONDS: Final = 1.3
FIRST_ECHO_SECONDS: Final = 0.012


def render(plan: MusicPlan, notes: Sequence[Note]) -> NDArray[np.float32]:
    """Play notes.

    Args:
        plan: Tempo, players and length.
        notes: Of the piece.

    Returns:
        Stereo in [-1, 1] at `SAMPLE_RATE`, mastered, float32, shape (2, samples).

    Raises:
        GeneratorMissingError: If what renders is not installed.
        GenerationError: If nothing sounds.
    """
    tuned_soundfont()
    samples = round(plan.seconds * SAMPLE_RATE)
    parts: dict[str, list[Sounding]] = defaultdict(list)
    for note in notes:
        start = plan.form.seconds_of(note.start)
        length = plan.form.seconds_of(note.start + note.length) - start
        parts[note.player].append(Sounding(start + note.delay, length, note.pitch, note.velocity))
    dry = np.zeros((2, samples), dtype=np.float32)
    for player in plan.ensemble.players:
        if parts[player.name]:
            dry += play(player, parts[player.name], samples)
    music = _with_room(dry, share=plan.ensemble.room, seed=plan.seed)
    music *= gain(plan.form, samples, sample_rate=SAMPLE_RATE)
    return to_loudness(_ended(music), sample_rate=SAMPLE_RATE)


def _with_room(dry: NDArray[np.float32], *, share: float, seed: int) -> NDArray[np.float32]:
    """Add what a small hall throws back: noise that dies away, other on each side."""
    from scipy.signal import oaconvolve

    random = np.random.default_rng(seed + 2)
    times = np.arange(round(ROOM_SECONDS * SAMPLE_RATE)) / SAMPLE_RATE
    answer = random.standard_normal((2, times.size)) * 10 ** (-3 * times / ROOM_SECONDS)
    answer[:, : round(FIRST_ECHO_SECONDS * SAMPLE_RATE)] = 0.0
    answer = np.diff(answer, axis=1, prepend=0.0) * 0.3 + np.cumsum(answer, axis=1) * 0.02
    answer /= math.sqrt(float(np.square(answer).sum(axis=1).mean()))
    wet = oaconvolve(dry, answer.astype(np.float32), axes=1)[:, : dry.shape[1]]
    mixed: NDArray[np.float32] = (dry + np.float32(share) * wet).astype(np.float32)
    return mixed


def _ended(music: NDArray[np.float32]) -> NDArray[np.float32]:
    """Faded at its end, for long only if it still sounds there."""
    samples = music.shape[1]
    least = min(samples, round(LEAST_FADE_SECONDS * SAMPLE_RATE))
    sounds = np.abs(music[:, -least:]).max() > STILL_SOUNDS * np.abs(music).max()
    fade = min(samples, round(FADE_SECONDS * SAMPLE_RATE)) if sounds else least
    music[:, samples - fade :] *= np.cos(np.linspace(0, np.pi / 2, fade, dtype=np.float32)) ** 2
    return music

"""The sound of one player: every pitch is rendered once, and laid wherever it is played.

symusic gives the bare recording of an instrument; velocity, envelope, filter, release, swell and
place are put to it here, with every onset on its exact sample.
"""

from __future__ import annotations

import math
from collections import OrderedDict, defaultdict
from functools import cache
from threading import Lock
from typing import TYPE_CHECKING, Any, Final

import msgspec
import numpy as np
from numpy.typing import NDArray

from musiscene.generate.composer.soundfont import tuned_soundfont
from musiscene.generate.composer.zones import OPEN_HZ, voice

if TYPE_CHECKING:
    from collections.abc import Sequence

    from musiscene.generate.composer.ensembles import Player

SAMPLE_RATE: Final = 44_100
LATENCY_SAMPLES: Final = 46
"""Of symusic, before any sound begins."""
BRIGHTNESS_STEPS: Final = 5
"""Into which velocities are divided: who plays softer sounds darker."""
DARKEST_OCTAVES: Final = 1.5
"""By which the filter of the softest notes is lower."""
LEAST_CUTOFF_HZ: Final = 700.0
LONGEST_ATTACK_SECONDS: Final = 0.15
LEVEL: Final = 0.1
"""Root mean square to which the beginning of every pitch is brought."""
LEVEL_SECONDS: Final = 0.4
DRUM_LEVEL: Final = 0.7
DRUM_SECONDS: Final = 3.0
DRUM_WIDTH: Final = 0.5
"""Of the kit, which the SoundFont lays from hard left to hard right."""
VELOCITY_EXPONENT: Final = 1.7
LENGTH_STEP_SECONDS: Final = 0.5
"""What is rendered is a multiple of it, so that it can be used again."""
LONG_NOTE_SECONDS: Final = 1.0
SWELL: Final = ((0.0, 0.6, 1.0), (0.55, 1.0, 0.7))
"""Places in a long note, and its loudness there."""
MOST_BYTES_KEPT: Final = 64 * 2**20


class Sounding(msgspec.Struct, frozen=True):
    """A note on its place in time."""

    start_seconds: float
    length_seconds: float
    """Until it is let go."""
    pitch: int
    velocity: int
    """1 to 127."""


class Sound(msgspec.Struct, frozen=True):
    """One pitch of one instrument."""

    waveform: NDArray[np.float32]
    """Mono, shape (samples,)."""
    pan: float
    """-1 left to 1 right, as the SoundFont has it."""


class SoundBank:
    """Renders pitches, and keeps those that were used last.

    Args:
        most_bytes: That are kept.
    """

    def __init__(self, most_bytes: int = MOST_BYTES_KEPT) -> None:
        self._most_bytes = most_bytes
        self._kept: OrderedDict[tuple[int, bool, int, int], Sound] = OrderedDict()
        self._lock = Lock()
        self._synthesizer: Any = None

    @property
    def kept_bytes(self) -> int:
        """Size of what is kept."""
        return sum(sound.waveform.nbytes for sound in self._kept.values())

    def sound(
        self, program: int, pitch: int, velocity: int, seconds: float, *, is_drums: bool = False
    ) -> Sound:
        """One pitch.

        Args:
            program: Of General MIDI, from 0; of drums, the kit's.
            pitch: MIDI number.
            velocity: 1 to 127; for its brightness alone.
            seconds: Least length.
            is_drums: Whether the program is a kit.

        Returns:
            Its sound, no shorter than that unless it has died away.

        Raises:
            GeneratorMissingError: If what renders is not installed.
        """
        step = _brightness(velocity)
        key = (program, is_drums, pitch, step)
        samples = round(seconds * SAMPLE_RATE)
        with self._lock:
            kept = self._kept.get(key)
            if kept is None or (len(kept.waveform) < samples and not is_drums):
                kept = self._made(program, pitch, step, seconds, is_drums=is_drums)
                self._kept[key] = kept
            self._kept.move_to_end(key)
            while len(self._kept) > 1 and self.kept_bytes > self._most_bytes:
                self._kept.popitem(last=False)
        return kept

    def _made(
        self, program: int, pitch: int, step: int, seconds: float, *, is_drums: bool
    ) -> Sound:
        steps = math.ceil((DRUM_SECONDS if is_drums else seconds) / LENGTH_STEP_SECONDS)
        samples = round(max(1, steps) * LENGTH_STEP_SECONDS * SAMPLE_RATE)
        sides = self._rendered(program, pitch, samples, is_drums=is_drums)
        power = np.square(sides).sum(axis=1)
        pan = float((power[1] - power[0]) / max(power.sum(), 1e-12))
        one = voice(program, pitch, is_drums=is_drums)
        softness = 1.0 - (step + 0.5) / BRIGHTNESS_STEPS
        cutoff = max(LEAST_CUTOFF_HZ, one.cutoff_hz * 2 ** (-DARKEST_OCTAVES * softness))
        mono = _filtered(sides.sum(axis=0), min(cutoff, OPEN_HZ))
        if not is_drums:
            start = mono[: round(LEVEL_SECONDS * SAMPLE_RATE)]
            mono *= np.float32(LEVEL / max(1e-6, math.sqrt(float(np.square(start).mean()))))
        else:
            mono *= np.float32(DRUM_LEVEL)
        times = np.arange(samples, dtype=np.float32) / np.float32(SAMPLE_RATE)
        attack = min(one.attack_seconds, LONGEST_ATTACK_SECONDS)
        fall = np.minimum(
            np.maximum(times - np.float32(attack + one.hold_seconds), 0.0)
            * np.float32(one.decay_db_per_second),
            np.float32(one.sustain_db),
        )
        mono *= np.minimum(times / np.float32(attack), 1.0) * _factor(fall)
        if is_drums:
            mono *= np.minimum((times[-1] - times) / np.float32(LENGTH_STEP_SECONDS), 1.0)
        return Sound(mono, pan)

    def _rendered(
        self, program: int, pitch: int, samples: int, *, is_drums: bool
    ) -> NDArray[np.float32]:
        """What symusic plays, shape (2, samples); each pitch alone: it is always the same."""
        import symusic

        if self._synthesizer is None:
            self._synthesizer = symusic.Synthesizer(str(tuned_soundfont()), SAMPLE_RATE, 0)
        score = symusic.Score(SAMPLE_RATE // 2)
        score.tempos.append(symusic.Tempo(0, 120.0))  # a tick is a sample
        track = symusic.Track("", program, is_drums)
        track.notes.append(symusic.Note(0, samples + 2 * LATENCY_SAMPLES, pitch, 127))
        score.tracks.append(track)
        played = np.asarray(self._synthesizer.render(score, True), dtype=np.float32)  # noqa: FBT003
        sides = np.zeros((2, samples), dtype=np.float32)
        heard = played[:, LATENCY_SAMPLES : LATENCY_SAMPLES + samples]
        sides[:, : heard.shape[1]] = heard
        return sides


@cache
def shared_bank() -> SoundBank:
    """The bank of this process."""
    return SoundBank()


def play(
    player: Player, notes: Sequence[Sounding], samples: int, *, bank: SoundBank | None = None
) -> NDArray[np.float32]:
    """Let one player play.

    Args:
        player: The instrument, its level, place and release.
        notes: In any order.
        samples: Of the piece.
        bank: Has the sounds; None for that of this process.

    Returns:
        Stereo, float32, shape (2, samples).

    Raises:
        GeneratorMissingError: If what renders is not installed.
    """
    bank = bank or shared_bank()
    alike: dict[tuple[int, int], list[Sounding]] = defaultdict(list)
    for note in notes:
        alike[note.pitch, _brightness(note.velocity)].append(note)
    buses: dict[float, NDArray[np.float32]] = {}
    for (pitch, _), own in alike.items():
        longest = max(note.length_seconds for note in own) + player.release_seconds
        sound = bank.sound(
            player.program, pitch, own[0].velocity, longest, is_drums=player.is_drums
        )
        pan = player.pan + (DRUM_WIDTH * round(sound.pan, 1) if player.is_drums else 0.0)
        bus = buses.setdefault(pan, np.zeros(samples, dtype=np.float32))
        for note in own:
            _lay(bus, sound.waveform, note, player)
    out = np.zeros((2, samples), dtype=np.float32)
    level = 10 ** (player.level_db / 20)
    for pan, bus in buses.items():
        angle = (min(1.0, max(-1.0, pan)) + 1.0) * math.pi / 4  # the same power wherever it lies
        out[0] += bus * np.float32(level * math.cos(angle))
        out[1] += bus * np.float32(level * math.sin(angle))
    return out


def _lay(
    bus: NDArray[np.float32], sound: NDArray[np.float32], note: Sounding, player: Player
) -> None:
    """Add one note."""
    start = max(0, round(note.start_seconds * SAMPLE_RATE))
    held = len(sound) if player.is_drums else round(note.length_seconds * SAMPLE_RATE)
    tail = 0 if player.is_drums else round(player.release_seconds * SAMPLE_RATE)
    count = min(held + tail, len(sound), len(bus) - start)
    if count <= 0:
        return
    gain = np.float32((note.velocity / 127) ** VELOCITY_EXPONENT)
    part = sound[:count] * gain
    if count > held:
        part[held:] *= _release(tail)[: count - held]
    if player.swells and note.length_seconds > LONG_NOTE_SECONDS:
        places = np.linspace(0.0, count / held, 1 + count // 441)
        curve = np.interp(places, *SWELL)
        part *= np.interp(np.arange(count), np.linspace(0, count, len(curve)), curve).astype(
            np.float32
        )
    bus[start : start + count] += part


def _brightness(velocity: int) -> int:
    return min(BRIGHTNESS_STEPS - 1, velocity * BRIGHTNESS_STEPS // 128)


def _factor(fall_db: NDArray[np.float32]) -> NDArray[np.float32]:
    factor: NDArray[np.float32] = np.exp(fall_db * np.float32(-math.log(10.0) / 20.0))
    return factor


@cache
def _release(samples: int) -> NDArray[np.float32]:
    """From 1 down by 60 decibels."""
    return np.power(10.0, -3.0 * np.arange(samples) / max(1, samples)).astype(np.float32)


def _filtered(mono: NDArray[np.float32], cutoff_hz: float) -> NDArray[np.float32]:
    """Two poles take away what is above."""
    from scipy.signal import butter, lfilter

    numerator, denominator = butter(2, cutoff_hz, fs=SAMPLE_RATE)
    filtered: NDArray[np.float32] = lfilter(
        numerator.astype(np.float32), denominator.astype(np.float32), mono
    ).astype(np.float32)
    return filtered

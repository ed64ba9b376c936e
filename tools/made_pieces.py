"""Pieces of music made from a seed and played in many ways, to tell near things apart."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, NamedTuple

import numpy as np

from musiscene.generate.composer.soundfont import tuned_soundfont

if TYPE_CHECKING:
    from numpy.typing import NDArray

RATE: Final = 44_100
"""Of the renders, in Hz."""
DRUMS: Final = 128
CHORDS: Final = ((0, 5, 7, 0), (9, 5, 0, 7), (0, 9, 5, 7), (9, 7, 5, 7))
SCALE: Final = (0, 2, 4, 5, 7, 9, 11)


class Playing(NamedTuple):
    """How a piece is played."""

    bpm: float = 112.0
    transposed: int = 0
    programs: tuple[int, int, int] = (0, 33, 73)
    """General MIDI programs of chords, bass and melody."""
    bars: int = 16
    melody_seed: int | None = None
    """Of another melody over the same loop; None for the piece's own."""
    with_melody: bool = True
    with_chords: bool = True
    looseness_seconds: float = 0.0
    """Spread of the onsets, as of people playing."""
    take: int = 0
    """Which performance, where onsets are loose."""


def play(seed: int, playing: Playing) -> NDArray[np.float32]:
    """Render a piece.

    Args:
        seed: Which piece: its chords and its melody.
        playing: How.

    Returns:
        float32, shape (2, samples), at `RATE`.
    """
    import symusic

    score = symusic.Score(480)
    score.tempos.append(symusic.Tempo(0, playing.bpm))
    draw = np.random.default_rng((seed, playing.take, 99))
    seconds = playing.looseness_seconds
    for program, is_drum, notes in _parts(seed, playing):
        track = symusic.Track(program=program, is_drum=is_drum)
        for beat, length, pitch, velocity in notes:
            late = draw.normal(0, seconds) * playing.bpm / 60 if seconds else 0.0
            louder = int(draw.normal(0, 8)) if seconds else 0
            start = max(round((beat + late) * 480), 0)
            track.notes.append(
                symusic.Note(
                    start, round(length * 480), pitch, min(max(velocity + louder, 20), 127)
                )
            )
        score.tracks.append(track)
    rendered: NDArray[np.float32] = np.asarray(
        symusic.Synthesizer(sf_path=str(tuned_soundfont()), sample_rate=RATE, quality=2).render(
            score, stereo=True
        ),
        np.float32,
    )
    return rendered * np.float32(0.5 / max(float(np.abs(rendered).max()), 1e-6))


def near_things(seed: int) -> dict[str, Playing]:
    """What must not be taken for `play(seed, Playing())`, each with what it is.

    Args:
        seed: Of the piece; only varies which melody replaces its own.

    Returns:
        Kind -> playing.
    """
    plain = Playing()
    return {
        "1 % faster": plain._replace(bpm=113.12),
        "4 % faster": plain._replace(bpm=116.5),
        "a semitone higher": plain._replace(transposed=1),
        "an octave higher": plain._replace(transposed=12),
        "other instruments": plain._replace(programs=(48, 38, 56)),
        "the melody on another instrument": plain._replace(programs=(0, 33, 56)),
        "without its melody": plain._replace(with_melody=False),
        "another melody over the same loop": plain._replace(melody_seed=seed + 1000),
        "drums and melody without the loop": plain._replace(with_chords=False),
        "the loop once more": plain._replace(bars=20),
        "played by people, onsets 15 ms": plain._replace(looseness_seconds=0.015, take=1),
        "played by people, onsets 40 ms": plain._replace(looseness_seconds=0.04, take=1),
    }


def _parts(
    seed: int, playing: Playing
) -> list[tuple[int, bool, list[tuple[float, float, int, int]]]]:
    draw = np.random.default_rng(seed)
    key = 48 + int(draw.integers(0, 12)) + playing.transposed
    roots = CHORDS[int(draw.integers(0, len(CHORDS)))]
    own = draw if playing.melody_seed is None else np.random.default_rng(playing.melody_seed)
    chords: list[tuple[float, float, int, int]] = []
    bass: list[tuple[float, float, int, int]] = []
    melody: list[tuple[float, float, int, int]] = []
    drums: list[tuple[float, float, int, int]] = []
    for bar in range(playing.bars):
        at = 4.0 * bar
        root = key + roots[bar % 4]
        third = 3 if roots[bar % 4] == 9 else 4
        for beat in (0, 1.5, 2.5):
            chords.extend((at + beat, 1.0, root + step, 70) for step in (0, third, 7, 12))
        bass.extend((at + beat, 0.9, root - 12, 90) for beat in (0, 1, 2, 3))
        drums.extend((at + beat, 0.2, 36 if beat % 2 == 0 else 38, 100) for beat in range(4))
        drums.extend((at + beat / 2, 0.1, 42, 60) for beat in range(8))
        beat = 0.0
        while beat < 4:
            length = float(own.choice([0.5, 0.5, 1.0, 1.5]))
            pitch = key + 24 + SCALE[int(own.integers(0, 7))]
            melody.append((at + beat, length, pitch, 95))
            beat += length
    chord_program, bass_program, melody_program = playing.programs
    parts = [(0, True, drums)]
    if playing.with_chords:
        parts += [(chord_program, False, chords), (bass_program, False, bass)]
    if playing.with_melody:
        parts.append((melody_program, False, melody))
    return parts

"""What the music is to be -> a plan: tempo, key, form, harmony, instruments and their entries.

Slow, minor and thin for sad and calm; fast, major and dense for happy and excited.

Source: Gabrielsson and Lindström 2010, The role of structure in the musical expression of emotions
(tempo, mode, loudness and density for the two axes); the tables are our own judgement.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Final

import msgspec
import numpy as np

from musiscene.generate.composer.dynamics import shaped
from musiscene.generate.composer.form import Form, make_form

if TYPE_CHECKING:
    from collections.abc import Sequence

    from musiscene.generate.protocol import HitPoint
    from musiscene.generate.reading import MusicWish

BEATS_PER_BAR: Final = 4
MIDDLE_BPM: Final = 96.0
OCTAVES_OF_TEMPO: Final = 0.66
"""From the middle to the end of arousal."""
PHRASE_BARS: Final = 8
MAJOR: Final = (0, 2, 4, 5, 7, 9, 11)
MINOR: Final = (0, 2, 3, 5, 7, 8, 10)

# Roots as degrees of the scale, from 0; a phrase is two halves, which end open and closed.
OPENINGS: Final = {
    "major": ((0, 4, 5, 3), (0, 5, 3, 4), (0, 3, 0, 4), (0, 2, 3, 4)),
    "minor": ((0, 5, 3, 4), (0, 3, 5, 4), (0, 6, 5, 4), (0, 5, 2, 4)),
}
CLOSINGS: Final = {
    "major": ((0, 3, 4, 0), (5, 3, 4, 0), (5, 1, 4, 0)),
    "minor": ((0, 3, 4, 0), (5, 3, 4, 0), (2, 5, 4, 0)),
}


class Ensemble(msgspec.Struct, frozen=True, kw_only=True):
    """Who plays; programs are those of General MIDI, from 0."""

    name: str
    melody: int
    harmony: int
    pad: int | None
    bass: int
    drums: str | None
    """`light` or `driving`; None for none."""
    pattern: str
    """How the harmony is played: `arpeggio`, `strum` or `pulse`."""
    place: tuple[float, float]
    """Valence and arousal that it suits best."""
    suits: frozenset[str] = frozenset()
    """Tags that call for it."""


ENSEMBLES: Final = (
    Ensemble(
        name="piano and strings", melody=0, harmony=0, pad=48, bass=42, drums=None,
        pattern="arpeggio", place=(-0.4, -0.5),
        suits=frozenset({"piano", "strings", "cello", "violin", "classical", "sad"}),
    ),
    Ensemble(
        name="harp and flute", melody=73, harmony=46, pad=49, bass=43, drums=None,
        pattern="arpeggio", place=(0.5, -0.6),
        suits=frozenset({"harp", "flute", "ambient", "choir", "soft", "quiet"}),
    ),
    Ensemble(
        name="acoustic band", melody=24, harmony=25, pad=None, bass=32, drums="light",
        pattern="strum", place=(0.8, 0.3),
        suits=frozenset({"guitar", "folk", "country", "acoustic", "happy", "pop"}),
    ),
    Ensemble(
        name="orchestra", melody=60, harmony=48, pad=61, bass=43, drums="driving",
        pattern="pulse", place=(-0.2, 0.8),
        suits=frozenset({"loud", "fast", "drums", "power", "tension", "darkness", "aggression"}),
    ),
    Ensemble(
        name="synthesizers", melody=81, harmony=4, pad=89, bass=38, drums="driving",
        pattern="pulse", place=(0.3, 0.7),
        suits=frozenset({"synth", "electronic", "dance", "techno", "beat", "party"}),
    ),
)  # fmt: skip


class MusicPlan(msgspec.Struct, frozen=True, kw_only=True):
    """All that is decided before a note is written."""

    seed: int
    seconds: float
    tempo_bpm: float
    tonic: int
    """Semitones above C."""
    mode: str
    """`major` or `minor`."""
    ensemble: Ensemble
    density: float
    """0 to 1: how many notes the melody has."""
    chords: tuple[int, ...]
    """One root a bar, as a degree of the scale; the last bar's rings to the end."""
    form: Form
    """Where the bars lie in time."""
    intensity: tuple[float, ...]
    """One for each bar, 0 to 1: quiet and thin, to loud and full."""

    @property
    def scale(self) -> tuple[int, ...]:
        """Semitones above the tonic."""
        return MAJOR if self.mode == "major" else MINOR

    @property
    def key(self) -> str:
        """As catalogues write it, e.g. `E:major`."""
        from musiscene.audio.key import TONICS

        return f"{TONICS[self.tonic]}:{self.mode}"


def make_plan(
    wish: MusicWish, *, seconds: float, seed: int, hits: Sequence[HitPoint] = ()
) -> MusicPlan:
    """Decide on a piece of music.

    Args:
        wish: What it is to be.
        seconds: Exact length.
        seed: The same one gives the same plan.
        hits: Points of the picture to meet; without any, those that the wish names.

    Returns:
        The plan.
    """
    random = np.random.default_rng(seed)
    mode = wish.mode or ("major" if wish.valence >= 0.0 else "minor")
    tonic = wish.tonic if wish.tonic is not None else int(random.choice((0, 2, 4, 5, 7, 9, 10)))
    tempo = MIDDLE_BPM * 2 ** (OCTAVES_OF_TEMPO * wish.arousal) * random.uniform(0.95, 1.05)
    tempo = wish.tempo_bpm or float(round(tempo))
    form = make_form(
        seconds=seconds,
        tempo_bpm=tempo,
        beats_per_bar=BEATS_PER_BAR,
        hits=hits or wish.hits,
        is_tempo_fixed=wish.tempo_bpm is not None,
    )
    bars = len(form.bars)
    ensemble = _ensemble(wish)
    if "drums" in wish.denied or "percussion" in wish.denied:
        ensemble = msgspec.structs.replace(ensemble, drums=None)
    return MusicPlan(
        seed=seed,
        seconds=seconds,
        tempo_bpm=form.tempo_bpm,
        tonic=tonic,
        mode=mode,
        ensemble=ensemble,
        density=0.5 + 0.4 * wish.arousal,
        chords=_harmony(bars, mode, random),
        form=form,
        intensity=shaped(_arc(bars, wish.arousal), form),
    )


def _ensemble(wish: MusicWish) -> Ensemble:
    called_for = wish.tags | set(wish.moods[:1])

    def fits(ensemble: Ensemble) -> float:
        valence, arousal = ensemble.place
        apart = math.hypot(wish.valence - valence, wish.arousal - arousal)
        return len(ensemble.suits & called_for) - 1.5 * apart

    return max(ENSEMBLES, key=fits)


def _harmony(bars: int, mode: str, random: np.random.Generator) -> tuple[int, ...]:
    """Phrases of eight bars, the first of which comes again; the last bars close."""
    phrases = [
        (*OPENINGS[mode][first], *CLOSINGS[mode][second])
        for first, second in zip(
            random.permutation(len(OPENINGS[mode]))[:2],
            random.permutation(len(CLOSINGS[mode]))[:2],
            strict=True,
        )
    ]
    form = (0, 0, 1, 0)
    chords: list[int] = []
    while len(chords) < bars:
        chords += phrases[form[len(chords) // PHRASE_BARS % len(form)]]
    return (*chords[: max(0, bars - 3)], *(3, 4, 0)[-bars:])


def _arc(bars: int, arousal: float) -> tuple[float, ...]:
    """Rises to two thirds of the piece and falls to its end."""
    places = np.linspace(0.0, 1.0, bars)
    curve = np.interp(places, (0.0, 0.15, 0.66, 0.9, 1.0), (0.25, 0.5, 1.0, 0.8, 0.45))
    floor = 0.15 + 0.15 * (arousal + 1.0)
    return tuple((floor + (1.0 - floor) * curve).round(3).tolist())

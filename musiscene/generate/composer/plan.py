"""What the music is to be -> a plan: tempo, key, form, harmony, instruments and their entries.

Slow, minor and thin for sad and calm; fast, major and dense for happy and excited.

Source: Gabrielsson and Lindström 2010, The role of structure in the musical expression of emotions
(tempo, mode, loudness and density for the two axes); the tables are our own judgement.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import msgspec
import numpy as np

from musiscene.generate.aims import as_heard
from musiscene.generate.composer.casting import cast_ensemble
from musiscene.generate.composer.dynamics import shaped
from musiscene.generate.composer.ensembles import Ensemble
from musiscene.generate.composer.form import Form, make_form
from musiscene.generate.composer.harmony import SCALES, Chord, write_chords

if TYPE_CHECKING:
    from collections.abc import Sequence

    from musiscene.generate.protocol import HitPoint
    from musiscene.generate.reading import MusicWish

MIDDLE_BPM: Final = 96.0
OCTAVES_OF_TEMPO: Final = 0.66
"""From the middle to the end of arousal."""
HEARD_SLOPE: Final = 0.355
HEARD_IN_MODE: Final = {"major": -0.147, "minor": 0.0}
"""Heard arousal is `Ensemble.liveliness`, and this of the mode, and the slope times what is
planned; from `tools/calibrate_composer.py`, which leaves a deviation of 0.11."""
WALTZ_CHANCE: Final = 0.25
WALTZES: Final = (-0.3, 0.3)
"""Arousal between which the metre may be 3/4: slower ones are heard twice as fast."""
WALTZ_WORDS, JIG_WORDS = frozenset({"waltz", "3/4"}), frozenset({"jig", "6/8"})
CONTRASTS: Final = {"intro": -0.2, "A": 0.0, "B": 0.06, "C": 0.1, "rest": 0.0, "ending": 0.0}
"""Of a section's intensity."""


class Metre(msgspec.Struct, frozen=True):
    """How beats are counted."""

    name: str
    beats: int
    """Of a bar, as they are heard: two of 6/8."""
    division: int
    """Parts of a beat: 2, or 3 of 6/8."""


METRES: Final = {
    one.name: one for one in (Metre("4/4", 4, 2), Metre("3/4", 3, 2), Metre("6/8", 2, 3))
}


class MusicPlan(msgspec.Struct, frozen=True, kw_only=True):
    """All that is decided before a note is written."""

    seed: int
    seconds: float
    tempo_bpm: float
    tonic: int
    """Semitones above C."""
    mode: str
    """`major` or `minor`."""
    metre: Metre
    ensemble: Ensemble
    arousal: float
    """As it is expected to be heard, on the scale of `musiscene.affect`."""
    activity: float
    """0 to 1: how many notes are played."""
    chords: tuple[tuple[Chord, ...], ...]
    """One or two for each bar; the last bar's rings to the end."""
    form: Form
    """Where the bars lie in time."""
    intensity: tuple[float, ...]
    """One for each bar, 0 to 1: quiet and thin, to loud and full."""

    @property
    def scale(self) -> tuple[int, ...]:
        """Semitones above the tonic."""
        return SCALES[self.mode]

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
    ensemble = cast_ensemble(wish, random)
    level = ensemble.liveliness + HEARD_IN_MODE[mode]
    arousal = planned_arousal(wish, level)
    tempo = MIDDLE_BPM * 2 ** (OCTAVES_OF_TEMPO * arousal) * random.uniform(0.95, 1.05)
    metre = _metre(wish, ensemble, random)
    form = make_form(
        seconds=seconds,
        tempo_bpm=wish.tempo_bpm or float(round(tempo)),
        beats_per_bar=metre.beats,
        hits=hits or wish.hits,
        is_tempo_fixed=wish.tempo_bpm is not None,
    )
    return MusicPlan(
        seed=seed,
        seconds=seconds,
        tempo_bpm=form.tempo_bpm,
        tonic=tonic,
        mode=mode,
        metre=metre,
        ensemble=ensemble,
        arousal=level + HEARD_SLOPE * arousal,
        activity=float(np.clip(0.5 + 0.45 * arousal, 0.0, 1.0)),
        chords=write_chords(form, tonic=tonic, mode=mode, style=ensemble.style, random=random),
        form=form,
        intensity=shaped(_arc(form, arousal), form),
    )


def planned_arousal(wish: MusicWish, level: float) -> float:
    """The arousal to plan for, so that the wished one is heard.

    Args:
        wish: What the music is to be.
        level: Arousal that is heard if 0 is planned.

    Returns:
        -1 to 1: not every ensemble can be as calm, or as excited, as is wished.
    """
    _, aim = as_heard(wish.valence, wish.arousal)
    return float(np.clip((aim - level) / HEARD_SLOPE, -1.0, 1.0))


def _metre(wish: MusicWish, ensemble: Ensemble, random: np.random.Generator) -> Metre:
    """As the prompt says, or else the ensemble's first, at times another where it is calm."""
    for words, name in ((WALTZ_WORDS, "3/4"), (JIG_WORDS, "6/8")):
        if words & wish.words:
            return METRES[name]
    is_waltz = random.random() < WALTZ_CHANCE and WALTZES[0] < wish.arousal < WALTZES[1]
    if is_waltz and "3/4" in ensemble.metres:
        return METRES["3/4"]
    return METRES[ensemble.metres[0]]


def _arc(form: Form, arousal: float) -> tuple[float, ...]:
    """Section by section up to two thirds of the piece, and down to its end."""
    bars = len(form.bars)
    floor = 0.15 + 0.15 * (arousal + 1.0)
    top = float(np.clip(0.85 + 0.4 * arousal, 0.6, 1.0))
    levels = []
    for section in form.sections:
        middle = (section.first_bar + section.bars / 2) / bars
        for place in range(section.bars):
            here = (section.first_bar + place + 0.5) / bars
            at = 0.7 * middle + 0.3 * here
            curve = float(np.interp(at, (0.0, 0.15, 0.66, 0.9, 1.0), (0.3, 0.5, 1.0, 0.85, 0.45)))
            level = floor + (top - floor) * curve + CONTRASTS[section.name]
            levels.append(float(np.clip(level, 0.1, 1.0)))
    return tuple(round(level, 3) for level in levels)

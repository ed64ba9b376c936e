"""Whether a piece of music sounds like what it set out to be.

What is heard is measured by the same ears that listen to a library, so that a track which was made
is found by what it is, and not by what it was meant to be.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Final

import msgspec
import numpy as np

from musiscene.generate.aims import MusicAims
from musiscene.scene_reader import MOODS, mood_probabilities

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from musiscene.generate.protocol import HitPoint
    from musiscene.listen import Listening
    from musiscene.scene_reader import SceneReader

TEMPO_TOLERANCE: Final = 0.04
"""As a share; what MIREX calls the same tempo."""
AROUSAL_TOLERANCE: Final = 0.25
SCENE_TOLERANCE: Final = 0.5
"""Distance in the plane of valence and arousal, whose axes go from -1 to 1."""
SILENT_ENERGY: Final = 0.02
"""Of an energy curve, whose loudest second is 1."""
SILENT_SECONDS: Final = 3
SINGS: Final = 0.5
"""Probability of vocals from which a piece is taken to be sung."""
WEIGHTS: Final = {"tempo": 0.25, "mode": 0.2, "arousal": 0.3, "valence": 0.1, "scene": 0.15}
"""Of each part in a take's score; a part that nothing is known of is left out."""
OCTAVE_VALUE: Final = 0.5
"""Of a tempo that is heard twice as fast, or half as fast."""
FURTHEST: Final = 1.5
"""Distance of two scenes from which they have nothing in common."""

_PLACES: Final = np.array([(mood.valence, mood.arousal) for mood in MOODS])


class HeardTake(msgspec.Struct, frozen=True, kw_only=True):
    """What is heard in a piece."""

    tempo_bpm: float
    mode: str
    """`major` or `minor`."""
    valence: float
    """-1 to 1."""
    arousal: float
    """-1 to 1."""
    vocals: float
    """Probability that somebody sings."""
    silences: tuple[tuple[float, float], ...]
    """Starts and ends of stretches in which nothing sounds, in seconds, shortest
    `SILENT_SECONDS`."""
    scenes: tuple[str, ...] = ()
    """That MusiScene imagines for it; empty where it was not asked."""


class TakeCheck(msgspec.Struct, frozen=True, kw_only=True):
    """What is heard in a piece, beside what it set out to be."""

    heard: HeardTake
    agrees: dict[str, bool]
    """`tempo`, `mode`, `arousal` and `scene`, as far as the piece set out to have one."""
    score: float
    """0 to 1; takes are ranked by it."""
    defects: tuple[str, ...] = ()
    """Why it cannot be used; empty if it can."""


def heard_take(listening: Listening, scenes: Iterable[str] = ()) -> HeardTake:
    """What counts of what was heard.

    Args:
        listening: To a piece that was made.
        scenes: Imagined for it.

    Returns:
        The part of it that is checked.
    """
    return HeardTake(
        tempo_bpm=round(listening.tempo.bpm, 1),
        mode=listening.key.mode,
        valence=round(listening.affect.valence, 3),
        arousal=round(listening.affect.arousal, 3),
        vocals=round(listening.vocals.probability, 3),
        silences=_silences(listening.energy_curve),
        scenes=tuple(scenes),
    )


def check_take(
    heard: HeardTake,
    aims: MusicAims,
    *,
    brief: str,
    hits: Sequence[HitPoint] = (),
    denied: frozenset[str] = frozenset(),
    reader: SceneReader | None = None,
) -> TakeCheck:
    """Hold what is heard against what was wanted.

    Args:
        heard: In the piece.
        aims: Of what made it.
        brief: The scene, or the prompt, that it was made for.
        hits: That it should meet; behind a cut, silence is no defect.
        denied: What the music must not have, of `MusicWish`.
        reader: Says where scenes lie in the plane of valence and arousal; None to leave them out.

    Returns:
        The check.
    """
    values: dict[str, float] = {}
    agrees: dict[str, bool] = {}
    if aims.tempo_bpm is not None:
        agrees["tempo"] = _is_near(heard.tempo_bpm, aims.tempo_bpm)
        octave = any(_is_near(heard.tempo_bpm * factor, aims.tempo_bpm) for factor in (0.5, 2.0))
        values["tempo"] = 1.0 if agrees["tempo"] else OCTAVE_VALUE * octave
    if aims.mode is not None:
        agrees["mode"] = heard.mode == aims.mode
        values["mode"] = float(agrees["mode"])
    if aims.arousal is not None:
        away = abs(heard.arousal - aims.arousal)
        agrees["arousal"] = away <= AROUSAL_TOLERANCE
        values["arousal"] = max(0.0, 1.0 - away)
    if aims.valence is not None:
        values["valence"] = max(0.0, 1.0 - abs(heard.valence - aims.valence))
    if heard.scenes and reader is not None:
        away = scene_distance(brief, heard.scenes, reader)
        agrees["scene"] = away <= SCENE_TOLERANCE
        values["scene"] = max(0.0, 1.0 - away / FURTHEST)
    weight = sum(WEIGHTS[part] for part in values)
    score = sum(WEIGHTS[part] * value for part, value in values.items()) / weight if weight else 1.0
    return TakeCheck(
        heard=heard,
        agrees=agrees,
        score=round(score, 3),
        defects=tuple(_defects(heard, hits, denied)),
    )


def check_line(check: TakeCheck, aims: MusicAims | None) -> str:
    """A check in one line for people.

    Args:
        check: Of a piece.
        aims: Of what made it.

    Returns:
        Such as `Heard: 92 bpm (92 wanted), minor, arousal -0.3 (-0.2 wanted), suits the scene`.
    """
    heard, wanted = check.heard, aims or MusicAims()
    tempo, mode, arousal = f"{heard.tempo_bpm:g} bpm", heard.mode, f"arousal {heard.arousal:+.2f}"
    if wanted.tempo_bpm is not None:
        tempo += f" ({wanted.tempo_bpm:g} wanted)"
    if wanted.mode is not None and wanted.mode != heard.mode:
        mode += f" ({wanted.mode} wanted)"
    if wanted.arousal is not None:
        arousal += f" ({wanted.arousal:+.2f} wanted)"
    parts = [tempo, mode, arousal]
    if "scene" in check.agrees:
        parts.append("suits the scene" if check.agrees["scene"] else "suits another scene")
    return "Heard: " + ", ".join(parts)


def scene_distance(brief: str, scenes: Sequence[str], reader: SceneReader) -> float:
    """How far the nearest of some scenes is from a brief, in valence and arousal.

    Args:
        brief: What is seen.
        scenes: At least one.
        reader: Says which moods they call for.

    Returns:
        0 to about 2.8.
    """
    places = mood_probabilities(reader.read([brief, *scenes]).moods) @ _PLACES  # (texts, 2)
    return float(np.linalg.norm(places[1:] - places[0], axis=1).min())


def _is_near(heard_bpm: float, aimed_bpm: float) -> bool:
    return math.isclose(heard_bpm, aimed_bpm, rel_tol=TEMPO_TOLERANCE)


def _silences(energy_curve: Sequence[float]) -> tuple[tuple[float, float], ...]:
    """Runs of silent seconds."""
    is_silent = np.array([False, *(value < SILENT_ENERGY for value in energy_curve), False])
    edges = np.flatnonzero(np.diff(is_silent.astype(np.int8)))
    return tuple(
        (float(start), float(end))
        for start, end in zip(edges[::2], edges[1::2], strict=True)
        if end - start >= SILENT_SECONDS
    )


def _defects(heard: HeardTake, hits: Sequence[HitPoint], denied: frozenset[str]) -> Iterable[str]:
    cuts = [hit.seconds for hit in hits if hit.kind == "cut"]
    for start, end in heard.silences:
        if not any(start - 1.0 <= cut < end for cut in cuts):
            yield f"nothing sounds from {start:g} to {end:g} s"
    if heard.vocals >= SINGS and "vocals" in denied:
        yield "somebody sings"

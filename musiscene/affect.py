"""Where a piece of music lies between sad and happy, calm and excited, and words for that place.

A linear model of 23 cues of the sound, fitted to the ratings of game music by some thirty people a
piece (VGMIDI), heard in six timbres (`musiscene/weights/affect/README.md`). Which words lie where
is our own judgement.

Source: Russell 1980, A circumplex model of affect (the two axes); Ferreira and Whitehead 2019,
Learning to Generate Music with Sentiment (the ratings).
"""

from __future__ import annotations

import math
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING, Final

import msgspec

if TYPE_CHECKING:
    from collections.abc import Mapping

WEIGHTS = Path(__file__).with_name("weights") / "affect" / "affect.json"
NEUTRAL_BPM: Final = 105.0
LARGEST_CUE: Final = 3.0
"""Deviations from the mean beyond which a cue says no more: nothing was learnt there."""

MUSIC_MIDDLE: Final = (0.1, -0.1)
MUSIC_SPREAD: Final = (0.4, 0.35)
"""Mean and deviation of valence and arousal as they are measured, over 297 tracks of Debian's free
games."""

WORD_PLACES: Final[dict[str, tuple[float, float]]] = {
    "joyful": (0.85, 0.45), "cheerful": (0.8, 0.15), "triumphant": (0.6, 0.8),
    "energetic": (0.25, 0.85), "driving": (-0.1, 0.85), "tense": (-0.5, 0.6),
    "fierce": (-0.75, 0.85), "dark": (-0.75, 0.2), "gloomy": (-0.8, -0.25),
    "melancholic": (-0.5, -0.4), "mournful": (-0.7, -0.75), "wistful": (-0.15, -0.4),
    "dreamy": (0.05, -0.65), "still": (-0.1, -0.9), "calm": (0.35, -0.7),
    "peaceful": (0.65, -0.6), "tender": (0.4, -0.35), "warm": (0.7, -0.2),
    "light": (0.35, 0.1), "lively": (0.45, 0.5), "restless": (-0.25, 0.35), "pensive": (-0.2, -0.1),
}  # fmt: skip
"""Word -> (valence, arousal)."""


class Affect(msgspec.Struct, frozen=True, kw_only=True):
    """A place in Russell's circumplex."""

    valence: float
    """From unpleasant or sad (-1) to pleasant or happy (1)."""
    arousal: float
    """From calm (-1) to excited (1)."""


class CueWeights(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What one cue says."""

    mean: float
    """In the renders that were learnt from; a cue that is not known is taken to be there."""
    deviation: float
    """In the same renders."""
    valence: float
    """Change of valence, before it is bent into -1..1, for one deviation."""
    arousal: float
    """Change of arousal, likewise."""


class AffectWeights(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The whole model, as `tools/train_affect.py` writes it."""

    valence: float
    """Where all cues are at their means, before it is bent into -1..1."""
    arousal: float
    """Likewise."""
    cues: dict[str, CueWeights]
    """Those of `musiscene.audio.affect_cues`, `tempo` and `loudness`."""


def estimate_affect(
    cues: Mapping[str, float],
    *,
    tempo_bpm: float,
    tempo_confidence: float,
    loudness_lufs: float | None = None,
) -> Affect:
    """Estimate the affect of a track.

    Args:
        cues: From `musiscene.audio.affect_cues`; empty where no tone could be heard.
        tempo_bpm: Beats per minute; 0 where nothing could be heard.
        tempo_confidence: 0 to 1; scales what the tempo says.
        loudness_lufs: Integrated loudness, if measured.

    Returns:
        Valence and arousal, each in -1..1, among music of all sorts; the middle without cues.

    Raises:
        msgspec.ValidationError: If the file of weights is damaged.

    Example:
        >>> estimate_affect({}, tempo_bpm=0.0, tempo_confidence=0.0)
        Affect(valence=0.0, arousal=0.0)
    """
    if not cues:
        return Affect(valence=0.0, arousal=0.0)
    weights = load_weights()
    known = {**cues, "tempo": tempo_cue(tempo_bpm, tempo_confidence)}
    if loudness_lufs is not None:
        known["loudness"] = loudness_lufs
    valence, arousal = weights.valence, weights.arousal
    for name, cue in weights.cues.items():
        deviation = (known.get(name, cue.mean) - cue.mean) / cue.deviation
        deviation = min(LARGEST_CUE, max(-LARGEST_CUE, deviation))
        valence += cue.valence * deviation
        arousal += cue.arousal * deviation
    return Affect(valence=math.tanh(valence), arousal=math.tanh(arousal))


def tempo_cue(bpm: float, confidence: float) -> float:
    """Octaves above a neutral tempo, as far as the tempo is sure.

    Args:
        bpm: Beats per minute; 0 where nothing could be heard.
        confidence: 0 to 1.

    Returns:
        0 at 105 bpm and where there is no tempo.

    Example:
        >>> tempo_cue(210.0, 0.5)
        0.5
    """
    return confidence * math.log2(bpm / NEUTRAL_BPM) if bpm > 0 else 0.0


@lru_cache(maxsize=1)
def load_weights() -> AffectWeights:
    """Read the model that ships with the package."""
    return msgspec.json.decode(WEIGHTS.read_bytes(), type=AffectWeights)


def mood_words(affect: Affect) -> tuple[str, ...]:
    """The two words whose places lie nearest, the nearest first.

    Args:
        affect: The place.

    Returns:
        Two of `WORD_PLACES`; always the same two for the same place.

    Example:
        >>> mood_words(Affect(valence=0.4, arousal=-0.6))
        ('calm', 'peaceful')
    """
    here = (affect.valence, affect.arousal)
    nearest = sorted(WORD_PLACES, key=lambda word: (math.dist(here, WORD_PLACES[word]), word))
    return tuple(nearest[:2])

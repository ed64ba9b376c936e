"""Where a piece of music lies between sad and happy, calm and excited, and words for that place.

A rule, not a trained model: every cue is brought to -1..1, weighted, and added. A cue that is
missing or unsure adds nothing, so little evidence leaves the estimate near the middle.

Source: Russell 1980, A circumplex model of affect (the two axes); Gabrielsson and Lindström 2010,
The role of structure in the musical expression of emotions, and Eerola and Vuoskoski 2013, A review
of music and emotion studies (which cue moves which axis: tempo, loudness and note density move
arousal; mode, and less so tempo, move valence). The sizes of the weights and the places of the
words and tags are our own judgement.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Final

import msgspec

if TYPE_CHECKING:
    from collections.abc import Mapping

NEUTRAL_BPM: Final = 105.0
NEUTRAL_ONSET_RATE_HZ: Final = 4.0
NEUTRAL_LUFS: Final = -16.0
LUFS_SPAN: Final = 10.0
TAG_PRIOR: Final = 0.5
"""Sum of tag scores at which the tags are believed by half."""
SPREAD: Final = 2.0
"""Cues rarely all agree, so their weighted sum is stretched before it is bent into -1..1."""

TAG_PLACES: Final[dict[str, tuple[float, float]]] = {
    "happy": (0.9, 0.4), "party": (0.7, 0.8), "dance": (0.5, 0.7), "catchy": (0.5, 0.4),
    "funk": (0.6, 0.5), "House": (0.4, 0.7), "pop": (0.4, 0.3), "country": (0.4, 0.1),
    "soul": (0.3, 0.1), "rnb": (0.3, 0.1), "sexy": (0.4, 0.1), "jazz": (0.3, -0.1),
    "techno": (0.1, 0.8), "electro": (0.2, 0.6), "fast": (0.2, 0.7), "beat": (0.2, 0.4),
    "beats": (0.2, 0.4), "drums": (0.1, 0.4), "Hip-Hop": (0.0, 0.4), "rock": (0.0, 0.5),
    "loud": (-0.1, 0.7), "hard rock": (-0.1, 0.8), "punk": (0.0, 0.8), "metal": (-0.4, 0.9),
    "heavy metal": (-0.4, 0.9), "weird": (-0.4, 0.1), "experimental": (-0.3, 0.0),
    "sad": (-0.8, -0.4), "blues": (-0.3, -0.1), "slow": (-0.2, -0.6), "cello": (-0.3, -0.4),
    "quiet": (0.0, -0.8), "ambient": (0.0, -0.8), "piano": (0.0, -0.3), "soft": (0.2, -0.7),
    "Mellow": (0.3, -0.6), "chill": (0.4, -0.6), "chillout": (0.4, -0.6), "harp": (0.3, -0.6),
    "new age": (0.3, -0.7), "easy listening": (0.5, -0.5), "beautiful": (0.4, -0.3),
    "acoustic": (0.2, -0.4), "folk": (0.2, -0.3), "flute": (0.2, -0.4),
}  # fmt: skip
"""Tag -> (valence, arousal) of music that people tag so."""

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


def estimate_affect(
    *,
    tempo_bpm: float,
    tempo_confidence: float,
    mode: str,
    mode_confidence: float,
    tags: Mapping[str, float],
    onset_rate_hz: float | None = None,
    loudness_lufs: float | None = None,
) -> Affect:
    """Estimate the affect of a track or of one of its segments.

    Args:
        tempo_bpm: Beats per minute; 0 where nothing could be heard.
        tempo_confidence: 0 to 1; scales what the tempo says.
        mode: `major` or `minor`.
        mode_confidence: 0 to 1; scales what the mode says.
        tags: Tag as `musiscene.vocabularies` spells it -> score, 0 to 1; of a tag that stands in
            both vocabularies the higher score.
        onset_rate_hz: Notes and beats a second, if measured.
        loudness_lufs: Integrated loudness, if measured.

    Returns:
        Valence and arousal, each in -1..1.

    Example:
        >>> march = estimate_affect(
        ...     tempo_bpm=150,
        ...     tempo_confidence=1.0,
        ...     mode="major",
        ...     mode_confidence=1.0,
        ...     tags={"loud": 0.5},
        ... )
        >>> march.valence > 0.5, march.arousal > 0.3
        (True, True)
    """
    pace = _bounded(math.log2(tempo_bpm / NEUTRAL_BPM)) if tempo_bpm > 0 else 0.0
    pace *= tempo_confidence
    busy = math.log2(max(onset_rate_hz, 0.25) / NEUTRAL_ONSET_RATE_HZ) if onset_rate_hz else 0.0
    loud = (loudness_lufs - NEUTRAL_LUFS) / LUFS_SPAN if loudness_lufs is not None else 0.0
    brightness = {"major": 1.0, "minor": -1.0}.get(mode, 0.0) * mode_confidence
    tag_valence, tag_arousal = _tag_cues(tags)
    valence = 0.35 * brightness + 0.2 * pace + 0.45 * tag_valence
    arousal = 0.25 * pace + 0.2 * _bounded(busy) + 0.15 * _bounded(loud) + 0.4 * tag_arousal
    return Affect(valence=math.tanh(SPREAD * valence), arousal=math.tanh(SPREAD * arousal))


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


def _tag_cues(tags: Mapping[str, float]) -> tuple[float, float]:
    """Mean place of the tags weighted by score, drawn to the middle where scores are low."""
    placed = [(score, TAG_PLACES[name]) for name, score in tags.items() if name in TAG_PLACES]
    weight = sum(score for score, _ in placed) + TAG_PRIOR
    return (
        sum(score * valence for score, (valence, _) in placed) / weight,
        sum(score * arousal for score, (_, arousal) in placed) / weight,
    )


def _bounded(cue: float) -> float:
    return min(1.0, max(-1.0, cue))

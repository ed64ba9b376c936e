"""How alike tracks are, part by part: what is said of them, tempo, mode, affect and tags.

Each part is a number from 0 (nothing in common) to 1 (the same). The parts that come from an
estimate are drawn towards 0.5, which says nothing, as far as the estimate is doubtful.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Final, Literal, TypeAlias

import numpy as np

from indexer.sounds import KEYS, TAG_COLUMNS, UNKNOWN_KEY

if TYPE_CHECKING:
    from numpy.typing import NDArray

Part: TypeAlias = Literal["music", "scene", "tempo", "mode", "affect", "tags"]

CAPTION_PARTS: Final[tuple[Part, ...]] = ("music", "scene")

WEIGHTS: Final[dict[Part, float]] = {
    "music": 0.3, "scene": 0.1, "tempo": 0.15, "mode": 0.05, "affect": 0.2, "tags": 0.2,
}  # fmt: skip
"""Share of each part in the likeness of two tracks; docs/similar.md compares them."""

NEUTRAL: Final = 0.5
TEMPO_SIGMA_OCTAVES: Final = 0.1
"""Tempi 7 % apart are clearly less alike than equal ones; a mix can follow that much."""
OCTAVE_VALUE: Final = 0.85
"""Of a tempo that is half or double: the estimate may be off by that, the music may be too."""
MIDDLING: Final = 0.15
"""Valence and arousal nearer to 0 have no word."""
SHOWN_TAGS: Final = 3
AFFECT_SIGMA: Final = 0.35
"""In the plane of valence and arousal: the spread of either over music at large."""


def sound_likeness(
    seed: NDArray[np.void],
    sounds: NDArray[np.void],
    *,
    seed_tags: NDArray[np.float16],
    tags: NDArray[np.float16],
) -> dict[Part, NDArray[np.float32]]:
    """Hold what was measured in one track against others.

    Args:
        seed: Of `SOUND_DTYPE`, shape ().
        sounds: Of the others, shape (tracks,).
        seed_tags: Scores of every tag, shape (tags,).
        tags: Of the others, shape (tracks, tags).

    Returns:
        The parts that are measured, each of shape (tracks,).
    """
    return {
        "tempo": tempo_likeness(seed, sounds),
        "mode": mode_likeness(seed, sounds),
        "affect": affect_likeness(seed, sounds),
        "tags": tag_likeness(seed_tags, tags),
    }


def tempo_likeness(seed: NDArray[np.void], sounds: NDArray[np.void]) -> NDArray[np.float32]:
    """How near the tempi are on a logarithmic scale, where half and double are nearly the same.

    Args:
        seed: Of `SOUND_DTYPE`, shape ().
        sounds: Of the others, shape (tracks,).

    Returns:
        0 to 1, shape (tracks,).
    """
    is_known = (sounds["bpm"] > 0) & (seed["bpm"] > 0)
    octaves = np.log2(np.where(is_known, sounds["bpm"], 1) / np.where(is_known, seed["bpm"], 1))
    whole = np.round(octaves)
    near = np.exp(-(((octaves - whole) / TEMPO_SIGMA_OCTAVES) ** 2) / 2)
    value = near * OCTAVE_VALUE ** np.abs(whole)
    return _as_sure_as(value, np.where(is_known, _both(seed, sounds, "bpm_confidence"), 0.0))


def mode_likeness(seed: NDArray[np.void], sounds: NDArray[np.void]) -> NDArray[np.float32]:
    """Whether both are in major or both in minor; the tonic hardly matters to a listener.

    Args:
        seed: Of `SOUND_DTYPE`, shape ().
        sounds: Of the others, shape (tracks,).

    Returns:
        0 to 1, shape (tracks,).
    """
    is_known = (sounds["key"] != UNKNOWN_KEY) & (seed["key"] != UNKNOWN_KEY)
    tonics = len(KEYS) // 2  # major keys come first
    is_same = (sounds["key"] < tonics) == (seed["key"] < tonics)
    sure = np.where(is_known, _both(seed, sounds, "key_confidence"), 0.0)
    return _as_sure_as(is_same.astype(np.float64), sure)


def affect_likeness(seed: NDArray[np.void], sounds: NDArray[np.void]) -> NDArray[np.float32]:
    """How near two tracks lie in the plane of valence and arousal.

    Args:
        seed: Of `SOUND_DTYPE`, shape ().
        sounds: Of the others, shape (tracks,).

    Returns:
        0 to 1, shape (tracks,).
    """
    squares = sum((sounds[axis] - seed[axis]) ** 2 for axis in ("valence", "arousal"))
    near: NDArray[np.float32] = np.exp(-squares / (2 * AFFECT_SIGMA**2)).astype(np.float32)
    return near


def tag_likeness(seed_tags: NDArray[np.float16], tags: NDArray[np.float16]) -> NDArray[np.float32]:
    """How far the tags of two tracks overlap, taken as distributions over all tags.

    Source: Bhattacharyya 1943, Bulletin of the Calcutta Mathematical Society 35; his coefficient.

    Args:
        seed_tags: Scores of every tag, shape (tags,).
        tags: Of the others, shape (tracks, tags).

    Returns:
        0 to 1, shape (tracks,); 0 where either has no tag at all.
    """
    overlap: NDArray[np.float32] = np.sqrt(_shares(tags)) @ np.sqrt(_shares(seed_tags[None]))[0]
    return overlap


def caption_likeness(
    seed_vectors: NDArray[np.float32],
    vectors: NDArray[np.float32],
    track_of_vector: NDArray[np.intp],
    *,
    track_count: int,
) -> NDArray[np.float32]:
    """How near each of the seed's captions comes to some caption of a track, on the average.

    Args:
        seed_vectors: Unit vectors, shape (captions, dimension).
        vectors: Of the other tracks' captions, those of a track beside each other, shape
            (rows, dimension).
        track_of_vector: Which track each belongs to, rising, shape (rows,).
        track_count: How many tracks there are.

    Returns:
        0 to 1, shape (tracks,); 0 where either side has no caption.
    """
    folded = np.zeros((max(len(seed_vectors), 1), track_count), dtype=np.float32)
    if len(seed_vectors) and len(vectors):
        starts = np.flatnonzero(np.r_[True, np.diff(track_of_vector) > 0])
        nearest = np.maximum.reduceat(seed_vectors @ vectors.T, starts, axis=1)
        folded[:, track_of_vector[starts]] = nearest
    means: NDArray[np.float32] = folded.clip(0, 1).mean(axis=0)
    return means


def sound_texts(
    seed: NDArray[np.void],
    sound: NDArray[np.void],
    *,
    seed_tags: NDArray[np.float16],
    tags: NDArray[np.float16],
) -> dict[Part, str]:
    """What the measured parts go by, in words, the track before the seed.

    Args:
        seed: Of `SOUND_DTYPE`, shape ().
        sound: Of the track, likewise.
        seed_tags: Scores of every tag, shape (tags,).
        tags: Of the track, likewise.

    Returns:
        Part -> a short phrase.
    """
    octaves = round(math.log2(max(float(sound["bpm"]), 1) / max(float(seed["bpm"]), 1)))
    pace = {1: ", double its", -1: ", half its"}.get(octaves, " beside its")
    both = np.sqrt(_shares(tags[None])[0] * _shares(seed_tags[None])[0])
    moods = [_affect(one) for one in (sound, seed)]
    strength: dict[str, float] = {}
    for name, columns in TAG_COLUMNS.items():
        strength[name] = float(both[list(columns)].max())
    shared = sorted(strength, key=lambda name: (-strength[name], name))[:SHOWN_TAGS]
    named = [name for name in shared if strength[name] > 0]
    return {
        "tempo": f"{sound['bpm']:.0f} bpm{pace} {seed['bpm']:.0f}",
        "mode": _key_text(int(sound["key"]), int(seed["key"])),
        "affect": f"both are {moods[0]}" if moods[0] == moods[1] else " beside its ".join(moods),
        "tags": f"both are tagged {', '.join(named)}" if named else "no tag in common",
    }


def _key_text(key: int, seed_key: int) -> str:
    if UNKNOWN_KEY in {key, seed_key}:
        return "its key is not known" if key == UNKNOWN_KEY else "no key to compare with"
    tonic, mode = KEYS[key].split(":")
    seed_tonic, seed_mode = KEYS[seed_key].split(":")
    if mode != seed_mode:
        return f"{tonic} {mode} beside its {seed_tonic} {seed_mode}"
    return f"both are in {tonic} {mode}" if tonic == seed_tonic else f"both are in {mode} keys"


def _affect(sound: NDArray[np.void]) -> str:
    words = []
    for axis, low, high in (("valence", "dark", "bright"), ("arousal", "calm", "lively")):
        value = float(sound[axis])
        words.append(high if value > MIDDLING else low if value < -MIDDLING else "")
    return " and ".join(word for word in words if word) or "middling in mood"


def _both(seed: NDArray[np.void], sounds: NDArray[np.void], confidence: str) -> NDArray[np.float64]:
    """How sure both of two estimates are."""
    both: NDArray[np.float64] = np.sqrt(np.clip(sounds[confidence] * seed[confidence], 0, 1))
    return both


def _as_sure_as(value: NDArray[np.float64], sure: NDArray[np.float64]) -> NDArray[np.float32]:
    return (NEUTRAL + sure * (value - NEUTRAL)).astype(np.float32)


def _shares(tags: NDArray[np.float16]) -> NDArray[np.float32]:
    scores = tags.astype(np.float32)
    shares: NDArray[np.float32] = scores / np.maximum(scores.sum(axis=1, keepdims=True), 1e-6)
    return shares

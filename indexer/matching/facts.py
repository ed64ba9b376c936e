"""Whether what a text says of the music is true of tracks, by what was measured in them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final, TypeAlias

import numpy as np

from indexer.matching.results import Fact
from indexer.sounds import KEYS, TAG_COLUMNS, UNKNOWN_KEY, tag_scores
from musiscene.scene_reader import MOOD_NAMES, MOODS

if TYPE_CHECKING:
    from collections.abc import Callable

    from numpy.typing import NDArray

    from indexer.matching.candidates import Candidates
    from indexer.matching.wishes import Wish

Value: TypeAlias = "str | tuple[float, float]"
Values: TypeAlias = "NDArray[np.floating[Any]]"

SAME_TEMPO: Final = 0.04
"""Relative difference up to which two tempi are one (the usual tolerance of tempo estimation)."""
OTHER_TEMPO: Final = 0.25
"""And from which they have nothing to do with each other."""
OCTAVE_CREDIT: Final = 0.3
"""For half or double the tempo: an editor can cut to it, a dancer would not call it the same."""
TEMPO_AGREES: Final = 0.99
"""Value from which a tempo is the one that was asked for."""
SLOW_BPM: Final = 80.0
FAST_BPM: Final = 125.0
HEARD_FROM: Final = 0.13
"""Score of a tag where `TAG_CURVE` turns from not heard to heard."""
TAG_CURVE: Final = ((0.0, 0.08, 0.15, 0.4), (-1.0, -0.5, 0.2, 1.0))
"""Score of a tag -> how far it is heard; 0.15 is where a filter calls it heard."""
SHORT_CURVE: Final = ((20.0, 45.0, 90.0), (1.0, 0.0, -1.0))
"""Seconds of a track -> how short it is."""
MOOD_CURVE: Final = ((0.0, 1.0 / 14, 0.25), (1.0, 0.0, -1.0))
"""Probability of an unwanted mood -> agreement with its absence; 1/14 is chance."""


def fact_values(wish: Wish, candidates: Candidates) -> NDArray[np.float32]:
    """Hold a wish against tracks.

    Args:
        wish: What a text says of the music.
        candidates: The tracks.

    Returns:
        From -1 (it is surely not so) over 0 (nothing is known) to 1, float32, shape (tracks,).
    """
    values = _HOLD[wish.subject](wish.value, candidates)
    turned: NDArray[np.float32] = (values if wish.wanted else -values).astype(np.float32)
    return turned


def agrees(wish: Wish, candidates: Candidates) -> list[bool]:
    """Whether each track fulfils a wish, as people would say: a near tempo is not the same one."""
    floor = TEMPO_AGREES if wish.subject == "tempo" and wish.wanted else 0.0
    return [bool(value > floor) for value in fact_values(wish, candidates)]


def fact_of(wish: Wish, candidates: Candidates, position: int) -> Fact:
    """The same of one track, for a person."""
    return Fact(
        asked=wish.said,
        found=_found(wish, candidates, position),
        agrees=agrees(wish, candidates)[position],
    )


def _tempo(value: Value, candidates: Candidates) -> Values:
    low, high = value if isinstance(value, tuple) else (0.0, 0.0)
    bpm = np.maximum(candidates.sounds["bpm"], 1.0)

    def agreement(tempo: Values) -> Values:
        away = np.maximum(np.maximum(low / tempo, tempo / high) - 1.0, 0.0)
        return np.asarray(np.interp(away, (SAME_TEMPO, OTHER_TEMPO), (1.0, -1.0)))

    octaves = np.maximum(agreement(bpm * 2), agreement(bpm / 2))
    best = np.maximum(agreement(bpm), np.minimum(octaves, OCTAVE_CREDIT))
    return np.where(candidates.sounds["bpm"] > 0, best, 0.0)


def _pace(value: Value, candidates: Candidates) -> Values:
    bpm = candidates.sounds["bpm"]
    fast = np.asarray(np.interp(bpm, (SLOW_BPM, FAST_BPM), (-1.0, 1.0))) * (bpm > 0)
    return fast if value == "fast" else -fast


def _key(value: Value, candidates: Candidates) -> Values:
    keys = candidates.sounds["key"]
    same = np.where(keys == KEYS.index(str(value)), 1.0, -1.0)
    return np.where(keys == UNKNOWN_KEY, 0.0, same * candidates.sounds["key_confidence"])


def _mode(value: Value, candidates: Candidates) -> Values:
    keys = candidates.sounds["key"]
    same = np.where((keys >= len(KEYS) // 2) == (value == "minor"), 1.0, -1.0)
    return np.where(keys == UNKNOWN_KEY, 0.0, same * candidates.sounds["key_confidence"])


def _length(_value: Value, candidates: Candidates) -> Values:
    return np.asarray(np.interp(candidates.sounds["duration_seconds"], *SHORT_CURVE))


def _voices(_value: Value, candidates: Candidates) -> Values:
    return np.asarray(2.0 * candidates.sounds["vocal_probability"] - 1.0)


def _tag(value: Value, candidates: Candidates) -> Values:
    if value not in TAG_COLUMNS:
        return np.zeros(len(candidates))
    return np.asarray(np.interp(tag_scores(candidates.tags, str(value)), *TAG_CURVE))


def _mood(value: Value, candidates: Candidates) -> Values:
    chances = np.exp(candidates.mood_log_chances[:, MOOD_NAMES.index(str(value))])
    return -np.asarray(np.interp(chances, *MOOD_CURVE))


_HOLD: Final[dict[str, Callable[[Value, Candidates], Values]]] = {
    "tempo": _tempo, "pace": _pace, "key": _key, "mode": _mode, "voices": _voices, "tag": _tag,
    "mood": _mood, "length": _length,
}  # fmt: skip


def _found(wish: Wish, candidates: Candidates, position: int) -> str:
    sounds = candidates.sounds[position]
    key = int(sounds["key"])
    measured = {
        "tempo": f"{float(sounds['bpm']):.0f} bpm",
        "pace": f"{float(sounds['bpm']):.0f} bpm",
        "key": "no key was heard" if key == UNKNOWN_KEY else KEYS[key].replace(":", " "),
        "mode": "no key was heard" if key == UNKNOWN_KEY else KEYS[key].replace(":", " "),
        "length": f"{float(sounds['duration_seconds']):.0f} s",
        "voices": f"voices with probability {float(sounds['vocal_probability']):.2f}",
    }
    if wish.subject in measured:
        return measured[wish.subject]
    if wish.subject == "mood":
        number = MOOD_NAMES.index(str(wish.value))
        chance = float(np.exp(candidates.mood_log_chances[position, number]))
        return f"{wish.value} with probability {chance:.2f} (chance {1 / len(MOODS):.2f})"
    if wish.value not in TAG_COLUMNS:
        return "not a tag that is heard"
    score = float(tag_scores(candidates.tags[[position]], str(wish.value))[0])
    counted = f"heard at {score:.2f} (counts from {HEARD_FROM:.2f} on)" if score else "not heard"
    return f"{wish.value} {counted}"

"""A prompt -> what the music is to be: a place in the circumplex, and what is said of it.

Words of the prompt count most; the scene reader, where there is one, says the rest.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final, cast

import msgspec
import numpy as np

from musiscene.generate.protocol import MOST_HITS, HitKind, HitPoint
from musiscene.scene_reader import IMAGINED_TAGS, MOOD_OF_WORD, MOODS, mood_probabilities

if TYPE_CHECKING:
    from musiscene.scene_reader import SceneReader

WORDS_WEIGHT: Final = 0.75
"""Of moods that the prompt names, beside those that the scene reader finds in it."""
STANDS_OUT: Final = 1.2
"""Standard score from which an imagined tag is taken up."""
FASTEST_BPM: Final = 220
SLOWEST_BPM: Final = 40

_BPM: Final = re.compile(r"\b(\d{2,3})\s*bpm\b", re.IGNORECASE)
_KEY: Final = re.compile(r"\b([A-G])(#|b| sharp| flat)?[ -:]?(major|minor)\b", re.IGNORECASE)
_PITCH: Final = {"c": 0, "d": 2, "e": 4, "f": 5, "g": 7, "a": 9, "b": 11}
_HIT: Final = re.compile(
    r"\b(swell|hit|cut|quiet)s?\s+(?:at|to|on|from)\s+"
    r"(?:(\d{1,2}):(\d{2}(?:\.\d+)?)|(\d{1,3}(?:\.\d+)?)\s*s(?:ec(?:ond)?s?)?\b)",
    re.IGNORECASE,
)
_DENIED: Final = re.compile(r"\b(?:no|without)\s+([a-z-]+)", re.IGNORECASE)
_PLACE_OF_MOOD: Final = {mood.name: (mood.valence, mood.arousal) for mood in MOODS}
_PACE: Final = {"slow": -0.5, "fast": 0.5, "quiet": -0.4, "soft": -0.3, "loud": 0.4}


class MusicWish(msgspec.Struct, frozen=True, kw_only=True):
    """What the music is to be."""

    valence: float
    """-1 to 1."""
    arousal: float
    """-1 to 1."""
    moods: tuple[str, ...] = ()
    """Of `musiscene.scene_reader.MOODS`, strongest first."""
    tags: frozenset[str] = frozenset()
    """Of `musiscene.scene_reader.IMAGINED_TAGS`."""
    words: frozenset[str] = frozenset()
    """That the prompt says, lower case, without those that it denies."""
    denied: frozenset[str] = frozenset()
    """What it must not have."""
    tempo_bpm: float | None = None
    """As the prompt says."""
    tonic: int | None = None
    """As the prompt says: semitones above C."""
    mode: str | None = None
    """As the prompt says: `major` or `minor`."""
    hits: tuple[HitPoint, ...] = ()
    """Points of the picture that the prompt names, in the order of time."""


def read_prompt(prompt: str, reader: SceneReader | None) -> MusicWish:
    """Read a prompt.

    Args:
        prompt: Words for the music, or for a scene.
        reader: Says what a scene calls for; None to go by the words alone.

    Returns:
        What the music is to be.

    Example:
        >>> wish = read_prompt("slow and sad piano, 66 bpm, D minor, no drums", None)
        >>> wish.tempo_bpm, wish.tonic, wish.mode, sorted(wish.denied), sorted(wish.tags)
        (66.0, 2, 'minor', ['drums'], ['piano', 'sad', 'slow'])
    """
    denied = frozenset(word.lower() for word in _DENIED.findall(prompt))
    hits = read_hits(prompt)
    prompt = _HIT.sub(" ", prompt)
    said = _DENIED.sub(" ", prompt).lower()
    chances = np.zeros(len(MOODS))
    tags = {tag for tag in IMAGINED_TAGS if re.search(rf"\b{re.escape(tag)}\b", said)}
    if reader is not None:
        scores = reader.read([prompt])
        chances += mood_probabilities(scores.moods)[0]
        tags |= {
            tag
            for tag, score in zip(IMAGINED_TAGS, scores.tags[0], strict=True)
            if score > STANDS_OUT and tag not in denied
        }
    named = _named_moods(said)
    if named.any():
        chances = WORDS_WEIGHT * named / named.sum() + (1.0 - WORDS_WEIGHT) * chances
    places = np.array([_PLACE_OF_MOOD[mood.name] for mood in MOODS])
    valence, arousal = chances @ places
    arousal += sum(shift for word, shift in _PACE.items() if re.search(rf"\b{word}\b", said))
    tempo, key = _BPM.search(prompt), _KEY.search(prompt)
    order = np.argsort(-chances)[:2]
    return MusicWish(
        valence=float(np.clip(valence, -1, 1)),
        arousal=float(np.clip(arousal, -1, 1)),
        moods=tuple(MOODS[number].name for number in order if chances[number] > 0),
        tags=frozenset(tags - denied),
        words=frozenset(re.findall(r"[a-z0-9/-]+", said)),
        denied=denied,
        tempo_bpm=float(np.clip(int(tempo[1]), SLOWEST_BPM, FASTEST_BPM)) if tempo else None,
        tonic=_tonic(key[1], key[2] or "") if key else None,
        mode=key[3].lower() if key else None,
        hits=hits,
    )


def read_hits(prompt: str) -> tuple[HitPoint, ...]:
    """Read the points of the picture that a prompt names.

    Args:
        prompt: Words for the music.

    Returns:
        The points, in the order of time.

    Example:
        >>> [(hit.kind, hit.seconds) for hit in read_hits("cut at 0:24, swell at 12s")]
        [('swell', 12.0), ('cut', 24.0)]
    """
    hits = [
        HitPoint(
            kind=cast("HitKind", kind.lower()),
            seconds=float(short) if short else 60.0 * int(minutes) + float(rest),
        )
        for kind, minutes, rest, short in _HIT.findall(prompt)
    ]
    return tuple(sorted(hits, key=lambda hit: hit.seconds)[:MOST_HITS])


def _named_moods(text: str) -> np.ndarray:
    """How often each mood is named, shape (moods,)."""
    counts = np.zeros(len(MOODS))
    names = [mood.name for mood in MOODS]
    for word, mood in MOOD_OF_WORD.items():
        if re.search(rf"\b{re.escape(word)}\b", text):
            counts[names.index(mood)] += 1.0
    return counts


def _tonic(letter: str, accidental: str) -> int:
    shift = {"#": 1, " sharp": 1, "b": -1, " flat": -1}.get(accidental.lower(), 0)
    return (_PITCH[letter.lower()] + shift) % 12

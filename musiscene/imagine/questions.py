"""Free questions about a track, answered from what was measured in it.

A language model of the tiny profile's size contradicts the facts it is given (it calls 84 beats per
minute very fast), so it is not asked: the question decides which facts are told, and each sentence
says no more than its fact. A model with an ear answers in its own words instead.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final

from musiscene.affect import mood_words
from musiscene.describe import (
    MIN_KEY_CONFIDENCE,
    MIN_TEMPO_CONFIDENCE,
    MIN_VOCAL_CONFIDENCE,
    VOCAL_MIDDLE,
    describe_music,
    energy_change,
    genre_words,
    instruments_heard,
    joined,
    key_words,
    merged_scores,
    pace_word,
)
from musiscene.vocabularies import INSTRUMENT_TAGS

if TYPE_CHECKING:
    from collections.abc import Callable

    from musiscene.listen import Listening

QUIET_LUFS: Final = -23.0
"""The level that broadcasters bring programmes to (EBU R 128); music below it is quiet."""
LOUD_LUFS: Final = -14.0
"""The level that streaming services turn music down to; above it, it was made loud."""


def answer_from_facts(listening: Listening, question: str) -> str:
    """Tell the facts that a question is about.

    Args:
        listening: The track.
        question: In English.

    Returns:
        A sentence for each thing asked about; the whole description if none is recognised.
    """
    told = [tell(listening) for pattern, tell in _TOPICS if pattern.search(question)]
    return " ".join(filter(None, told)) or describe_music(listening)


def asks_for_scenes(question: str) -> bool:
    """Whether a question is about pictures that the music suits.

    Args:
        question: In English.

    Returns:
        True if a word of it is about pictures or use.

    Example:
        >>> asks_for_scenes("What type of videos are suitable with this music?")
        True
    """
    return _SCENES.search(question) is not None


def _tempo(listening: Listening) -> str:
    tempo = listening.tempo
    if tempo.bpm <= 0:
        return "No beat can be made out."
    sure = "" if tempo.confidence >= MIN_TEMPO_CONFIDENCE else ", though half or double is possible"
    return f"It is {pace_word(tempo.bpm)}, at about {tempo.bpm:.0f} beats per minute{sure}."


def _key(listening: Listening) -> str:
    sure = "" if listening.key.confidence >= MIN_KEY_CONFIDENCE else "probably "
    return f"It is {sure}in {key_words(listening.key)}."


def _length(listening: Listening) -> str:
    minutes, seconds = divmod(round(listening.info.duration_seconds), 60)
    parts = [f"{minutes} min"] * (minutes > 0) + [f"{seconds} s"] * (seconds > 0 or minutes == 0)
    return f"It lasts {' '.join(parts)}."


def _loudness(listening: Listening) -> str:
    lufs = listening.loudness_lufs
    if lufs is None:
        return "It is hardly audible."
    word = "quiet" if lufs < QUIET_LUFS else "moderately loud" if lufs < LOUD_LUFS else "loud"
    return f"It is {word} ({lufs:.1f} LUFS)."


def _vocals(listening: Listening) -> str:
    vocals = listening.vocals
    if vocals.confidence < MIN_VOCAL_CONFIDENCE:
        return "It is not clear whether anybody sings."
    return "Somebody sings." if vocals.probability >= VOCAL_MIDDLE else "Nobody sings."


def _instruments(listening: Listening) -> str:
    heard = instruments_heard(merged_scores(listening.tags))
    return f"{joined(heard).capitalize()} can be heard." if heard else "No instrument stands out."


def _genre(listening: Listening) -> str:
    genre = genre_words(merged_scores(listening.tags))
    return f"It sounds {genre}." if genre else "No genre stands out."


def _mood(listening: Listening) -> str:
    return f"It feels {' and '.join(mood_words(listening.affect))}."


def _course(listening: Listening) -> str:
    return energy_change(listening.energy_curve) or "Its energy stays about the same throughout."


def _words(pattern: str) -> re.Pattern[str]:
    return re.compile(rf"\b(?:{pattern})", re.IGNORECASE)


_SCENES: Final = _words(
    r"scenes?|videos?|films?|movies?|suit|fits?\b|imagine|advert|games?\b|context|soundtrack|used?\b"
)
_TOPICS: Final[tuple[tuple[re.Pattern[str], Callable[[Listening], str]], ...]] = (
    (_words(r"genre|style|(?:kind|type|sort) of (?:music|song|track|piece)"), _genre),
    (
        _words(
            r"mood|feel|emotion|atmosphere|happy|sad\b|calm|tense|energetic|dark\b|cheerful|relax"
        ),
        _mood,
    ),
    (_words(r"tempo|bpm|beats?\b|fast|slow|speed|pace|quick|rhythm"), _tempo),
    (_words(r"keys?\b|major|minor|tonality|scale"), _key),
    (
        _words("instrument(?!al)|played|playing|" + "|".join(map(re.escape, INSTRUMENT_TAGS))),
        _instruments,
    ),
    (_words(r"sing|sung|vocal|voice|lyrics|instrumental|words"), _vocals),
    (_words(r"loud|quiet|volume|lufs|soft"), _loudness),
    (_words(r"build|chang|develop|climax|dynamic|energy|progress"), _course),
    (_words(r"how long|length|duration|minutes|seconds"), _length),
)
"""What is asked about, and what is told then; told in this order."""

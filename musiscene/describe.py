"""One or two plain sentences about a piece of music, from what was measured in it.

Nothing is said that was not heard clearly enough: each kind of fact has a threshold. The words
depend on the facts alone, so the same music always gets the same description.
"""

from __future__ import annotations

from statistics import fmean
from typing import TYPE_CHECKING, Final

from musiscene.affect import Affect, mood_words
from musiscene.vocabularies import FEMALE_VOCAL_TAGS, GENRE_TAGS, INSTRUMENT_TAGS, MALE_VOCAL_TAGS

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from musiscene.audio.key import KeyEstimate
    from musiscene.audio.tempo import TempoEstimate
    from musiscene.listen import HeardSegment, Listening, TagScore, VocalEstimate

MIN_GENRE_SCORE: Final = 0.15
MIN_INSTRUMENT_SCORE: Final = 0.15
MIN_SINGER_SCORE: Final = 0.15
RELATIVE_SCORE: Final = 0.4
"""An instrument is named from this share of the strongest one's score."""
MAX_INSTRUMENTS: Final = 3
MIN_TEMPO_CONFIDENCE: Final = 0.5
MIN_KEY_CONFIDENCE: Final = 0.5
MIN_VOCAL_CONFIDENCE: Final = 0.3
VOCAL_MIDDLE: Final = 0.5
MIN_ENERGY_CHANGE: Final = 0.2
"""Difference of mean energy, of 0 to 1, that is worth a sentence."""
ENERGY_LIFT: Final = 0.8
"""How far a passage's energy, against the track's mean, moves its arousal."""

GENRE_WORDS: Final[dict[str, str]] = {
    "classic": "classical", "Hip-Hop": "hip-hop", "House": "house", "rnb": "R&B",
    "Progressive rock": "progressive rock", "electro": "electronic", "electronica": "electronic",
    "chillout": "chill-out", "indian": "Indian", "opera": "operatic", "oldies": "vintage pop",
}  # fmt: skip
"""Tag -> adjective, where the tag is none itself."""

ELECTRONIC_GENRES: Final = frozenset({"electronic", "techno", "house", "dance"})
TRACK_GENRES: Final = ELECTRONIC_GENRES | {"hip-hop", "rock", "pop", "funk"}
"""What is called a track rather than a piece where nobody sings."""

SINGERS: Final[dict[str, str]] = {
    **dict.fromkeys(FEMALE_VOCAL_TAGS, "a woman"),
    **dict.fromkeys(MALE_VOCAL_TAGS, "a man"),
    **dict.fromkeys(["choir", "choral"], "a choir"),
}
"""Tag -> who sings."""

KEY_NAMES: Final[dict[str, str]] = {
    "C#:major": "D flat major", "C#:minor": "C sharp minor", "D#:major": "E flat major",
    "D#:minor": "E flat minor", "F#:major": "F sharp major", "F#:minor": "F sharp minor",
    "G#:major": "A flat major", "G#:minor": "G sharp minor", "A#:major": "B flat major",
    "A#:minor": "B flat minor",
}  # fmt: skip
"""Key -> how it is usually written; the others are written as they are measured."""

PACES: Final = (
    (70.0, "very slow"), (92.0, "slow"), (112.0, "moderate"), (136.0, "brisk"), (400.0, "fast"),
)  # fmt: skip
"""Upper end in bpm, and the word."""


def describe_music(listening: Listening, segment: HeardSegment | None = None) -> str:
    """Describe a track, or one passage of it.

    Args:
        listening: What was measured.
        segment: One of the track's segments; its own tags and energy are used then.

    Returns:
        One sentence on character, instruments, voice, tempo and key, and a second one where the
        energy changes over the track or the passage stands out from it.
    """
    scores = merged_scores(listening.tags if segment is None else segment.tags)
    voice = _voice(listening.vocals, scores)
    genre = genre_words(scores)
    noun = _noun(genre, voice)
    subject = " ".join(filter(None, [_mood(listening, segment), genre, noun]))
    instruments = instruments_heard(scores)
    opening = f"{_article(subject)} {subject}"
    if instruments:
        opening += f" with {joined(instruments)}"
    facts = filter(None, [opening, voice, _tempo(listening.tempo), _key(listening.key)])
    if segment is None:
        change = energy_change(listening.energy_curve)
    else:
        change = _standing([other.energy for other in listening.segments], segment.energy)
    return f"{', '.join(facts)}. {change}".rstrip()


def joined(words: Sequence[str]) -> str:
    """Words as an English list.

    Args:
        words: At least one.

    Returns:
        The list with commas and a last `and`.

    Example:
        >>> joined(["piano", "harp", "flute"])
        'piano, harp and flute'
    """
    return " and ".join(filter(None, [", ".join(words[:-1]), words[-1]]))


def pace_word(bpm: float) -> str:
    """How a tempo is called.

    Args:
        bpm: Beats per minute.

    Returns:
        One of the words of `PACES`.

    Example:
        >>> pace_word(68.0)
        'very slow'
    """
    return next((word for end, word in PACES if bpm < end), PACES[-1][1])


def key_words(key: KeyEstimate) -> str:
    """A key as musicians write it, such as `B flat major`."""
    return KEY_NAMES.get(key.name, f"{key.tonic} {key.mode}")


def _mood(listening: Listening, segment: HeardSegment | None) -> str:
    affect = listening.affect
    if segment is not None and listening.segments:
        mean = fmean(other.energy for other in listening.segments)
        lift = ENERGY_LIFT * (segment.energy - mean)
        affect = Affect(valence=affect.valence, arousal=min(1.0, max(-1.0, affect.arousal + lift)))
    return " and ".join(mood_words(affect))


def merged_scores(tags: dict[str, tuple[TagScore, ...]]) -> dict[str, float]:
    """Tag -> its score in the vocabulary that hears it more strongly."""
    merged: dict[str, float] = {}
    for tag in (tag for vocabulary in tags.values() for tag in vocabulary):
        merged[tag.name] = max(merged.get(tag.name, 0.0), tag.score)
    return merged


def _strongest(scores: dict[str, float], names: Iterable[str], minimum: float) -> list[str]:
    """Those of `names` that score at least `minimum`, strongest first."""
    heard = [name for name in names if scores.get(name, 0.0) >= minimum]
    return sorted(heard, key=lambda name: (-scores[name], name))


def genre_words(scores: dict[str, float]) -> str:
    """The strongest genre, after `acoustic` where that is heard and does not contradict it."""
    strongest = _strongest(scores, GENRE_TAGS, MIN_GENRE_SCORE)[:1]
    words = [GENRE_WORDS.get(name, name) for name in strongest]
    is_electronic = any(word in ELECTRONIC_GENRES for word in words)
    if scores.get("acoustic", 0.0) >= MIN_GENRE_SCORE and not is_electronic:
        words.insert(0, "acoustic")
    return " ".join(words)


def _noun(genre: str, voice: str) -> str:
    if voice.startswith("sung"):
        return "song"
    return "track" if genre.rsplit(" ", maxsplit=1)[-1] in TRACK_GENRES else "piece"


def _article(following: str) -> str:
    return "An" if following[0] in "aeiou" else "A"


def instruments_heard(scores: dict[str, float]) -> list[str]:
    """The instruments that are clearly heard, strongest first."""
    heard = _strongest(scores, INSTRUMENT_TAGS, MIN_INSTRUMENT_SCORE)[:MAX_INSTRUMENTS]
    return [name for name in heard if scores[name] >= RELATIVE_SCORE * scores[heard[0]]]


def _voice(vocals: VocalEstimate, scores: dict[str, float]) -> str:
    """Who sings, or that nobody does; empty where the vocabularies do not agree."""
    if vocals.confidence < MIN_VOCAL_CONFIDENCE:
        return ""
    if vocals.probability < VOCAL_MIDDLE:
        return "instrumental"
    strongest = _strongest(scores, SINGERS, MIN_SINGER_SCORE)[:1]
    return " ".join(["sung", *(f"by {SINGERS[name]}" for name in strongest)])


def _tempo(tempo: TempoEstimate) -> str:
    if tempo.bpm <= 0 or tempo.confidence < MIN_TEMPO_CONFIDENCE:
        return ""
    return f"{pace_word(tempo.bpm)} at about {tempo.bpm:.0f} bpm"


def _key(key: KeyEstimate) -> str:
    if key.confidence < MIN_KEY_CONFIDENCE:
        return ""
    return f"in {key_words(key)}"


def energy_change(curve: Sequence[float]) -> str:
    """How the energy of the first, middle and last third of a track differ, if they do."""
    third = len(curve) // 3
    if third == 0:
        return ""
    first, middle, last = (
        fmean(part) for part in (curve[:third], curve[third:-third], curve[-third:])
    )
    if last - first >= MIN_ENERGY_CHANGE:
        return "It builds towards the end."
    if first - last >= MIN_ENERGY_CHANGE:
        return "It grows quieter towards the end."
    if middle - max(first, last) >= MIN_ENERGY_CHANGE:
        return "It swells in the middle and falls back."
    if min(first, last) - middle >= MIN_ENERGY_CHANGE:
        return "It falls quiet in the middle and returns."
    return ""


def _standing(energies: Sequence[float], own: float) -> str:
    """Whether a passage is clearly the strongest or the quietest of its track."""
    if len(set(energies)) == 1:
        return ""
    if own == max(energies) and own - fmean(energies) >= MIN_ENERGY_CHANGE / 2:
        return "This is its most intense passage."
    if own == min(energies) and fmean(energies) - own >= MIN_ENERGY_CHANGE / 2:
        return "This is its quietest passage."
    return ""

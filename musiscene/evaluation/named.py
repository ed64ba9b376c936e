"""What a text names of a piece of music: instruments, mood, genre, pace, voice and key.

Read by whole words and plain synonyms, so that texts of any system, measured facts in words and
labels written by people all go through the same eyes. What is denied ("no drums") is not named.
"""

from __future__ import annotations

import re
from functools import cache
from typing import Final, Literal, TypeAlias

from musiscene.describe import GENRE_WORDS, pace_word
from musiscene.imagine.moods import MOODS, OTHER_WORDS
from musiscene.vocabularies import GENRE_TAGS, INSTRUMENT_TAGS

Facet: TypeAlias = Literal["genre", "instrument", "key", "mood", "tempo", "voice"]
FACETS: Final[tuple[Facet, ...]] = ("instrument", "genre", "mood", "tempo", "voice", "key")

INSTRUMENTS: Final[dict[str, str]] = {
    **{name: name for name in INSTRUMENT_TAGS},
    "string": "strings", "string section": "strings", "fiddle": "violin", "percussion": "drums",
    "drum": "drums", "synthesizer": "synth", "synthesiser": "synth", "chorus": "choir",
    "choral": "choir", "bass": "bass", "organ": "organ", "trumpet": "trumpet", "horn": "horn",
    "brass": "brass", "saxophone": "saxophone", "sax": "saxophone", "clarinet": "clarinet",
    "accordion": "accordion", "bell": "bells", "banjo": "banjo", "ukulele": "ukulele",
    "mandolin": "mandolin", "harmonica": "harmonica",
}  # fmt: skip
"""Word -> instrument; those past the encoder's own vocabulary can be named wrongly too."""
GENRES: Final[dict[str, str]] = {
    **{name.lower(): GENRE_WORDS.get(name, name).lower() for name in GENRE_TAGS - {"choral"}},
    **dict.fromkeys(("classic rock", "indie rock", "hard rock", "alternative rock"), "rock"),
    "progressive rock": "rock", "alternative": "rock", "indie": "rock", "heavy metal": "metal",
    "indie pop": "pop", "oldies": "pop", "vintage pop": "pop",
    "classical": "classical",
    "orchestral": "classical", "symphonic": "classical", "electronic": "electronic",
    "edm": "electronic", "hip hop": "hip-hop", "rap": "hip-hop", "r&b": "r&b",
    "rhythm and blues": "r&b", "chill out": "chill-out", "operatic": "operatic",
    "acoustic": "acoustic", "reggae": "reggae", "disco": "disco", "latin": "latin",
    "gospel": "gospel",
}  # fmt: skip
"""Word -> genre; kinds of rock are rock."""
PACES: Final[dict[str, str]] = {
    "slow": "slow", "slowly": "slow", "very slow": "slow", "moderate": "moderate",
    "moderately": "moderate", "medium tempo": "moderate", "mid tempo": "moderate",
    "brisk": "fast", "fast": "fast", "quick": "fast", "uptempo": "fast", "up tempo": "fast",
}  # fmt: skip
"""Word -> slow (below 92 bpm), moderate or fast (from 112 bpm), as `describe.PACES` divides."""
SUNG: Final[tuple[str, ...]] = (
    "sung", "sing", "singing", "singer", "vocal", "vocalist", "voice", "somebody sings",
)  # fmt: skip
UNSUNG: Final[tuple[str, ...]] = ("instrumental", "nobody sings", "no one sings")
UNCLEAR: Final = "anybody sings"
PITCH_CLASSES: Final = {"c": 0, "d": 2, "e": 4, "f": 5, "g": 7, "a": 9, "b": 11}
ACCIDENTALS: Final = {"": 0, "#": 1, "sharp": 1, "b": -1, "flat": -1}

_BPM = re.compile(r"\b(\d{2,3}(?:\.\d+)?) ?(?:bpm|beats (?:per|a) minute)\b")
_KEY = re.compile(r"\b([a-g]) ?(#|sharp|b|flat)? ?:?(major|minor)\b")


def named_in(text: str) -> frozenset[str]:
    """The facts that a text names.

    Args:
        text: On music, in English.

    Returns:
        Facts as `FACET:VALUE`. A mood word that speaks of two moods names both.

    Example:
        >>> sorted(named_in("A slow folk song with guitars, sung by a woman, no drums."))
        ['genre:folk', 'instrument:guitar', 'tempo:slow', 'voice:sung']
    """
    plain = " ".join(text.lower().replace("-", " ").split())
    found = {f"tempo:{PACES[pace_word(float(bpm))]}" for bpm in _BPM.findall(plain)}
    for letter, accidental, mode in _KEY.findall(plain):
        found.add(f"key:{(PITCH_CLASSES[letter] + ACCIDENTALS[accidental]) % 12} {mode}")
    pattern, terms = _terms()
    for match in pattern.finditer(plain):
        facts = terms[match["term"]]
        if match["denied"]:
            facts = frozenset({"voice:none"} if "voice:sung" in facts else ())
        found |= facts
    return frozenset(found)


def facet_of(fact: str) -> str:
    """What kind of fact it is, as in `FACETS`."""
    return fact.partition(":")[0]


@cache
def _terms() -> tuple[re.Pattern[str], dict[str, frozenset[str]]]:
    """A pattern that finds terms, the longest first, and term -> its facts."""
    terms: dict[str, set[str]] = {}
    for facet, values in (("instrument", INSTRUMENTS), ("genre", GENRES), ("tempo", PACES)):
        for word, value in values.items():
            terms.setdefault(word.replace("-", " "), set()).add(f"{facet}:{value}")
    for words, value in ((SUNG, "sung"), (UNSUNG, "none")):
        terms.update({word: {f"voice:{value}"} for word in words})
    terms[UNCLEAR] = set()
    moods: dict[str, set[str]] = {}
    for mood, words in MOODS.items():
        for word in (*words, *OTHER_WORDS[mood].split()):
            moods.setdefault(word, set()).add(f"mood:{mood}")
    # "Metal" and "slow" are heard as themselves, though they speak of a mood too.
    terms = {**moods, **terms}
    longest_first = sorted(terms, key=len, reverse=True)
    pattern = re.compile(
        r"(?P<denied>\b(?:no|not|without)(?: any)? )?"
        rf"\b(?P<term>{'|'.join(map(re.escape, longest_first))})s?\b"
    )
    return pattern, {term: frozenset(facts) for term, facts in terms.items()}

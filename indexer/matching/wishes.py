"""What a text says of the music in so many words: tempo, key, voices, instruments, style, mood.

"A wedding in June, 120 bpm, acoustic guitar, no drums" names three facts. Such words are held
against what was measured in a track, since a text embedder hardly tells `with` from `without`.

Only words about the music count. `slow` alone says nothing (a film can be in slow motion), `slow
tempo` does; a rock in a scene is a thing that is seen, unless the text speaks of music at all.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final, Literal, TypeAlias

import msgspec

from indexer.filters.fields import FLATS
from musiscene.scene_reader import MOOD_OF_WORD

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

Subject: TypeAlias = Literal["tempo", "pace", "key", "mode", "voices", "tag", "mood", "length"]

NEUTRAL: Final = "A piece of music."
"""Stands for a text that only says what is not wanted."""
MAX_WISHES: Final = 40
"""Of one text; a longer list is no list of wishes."""

ENHARMONIC: Final = {**FLATS, "E#": "F", "B#": "C"}
"""Other names of tonics -> those of `indexer.sounds.KEYS`."""

_TAG_WORDS: Final[dict[str, str]] = {
    "piano": "piano", "pianos": "piano", "guitar": "guitar", "guitars": "guitar",
    "ukulele": "guitar", "strings": "strings", "string section": "strings",
    "string quartet": "strings", "orchestra": "classical", "orchestral": "classical",
    "violin": "violin", "violins": "violin", "fiddle": "violin", "cello": "cello",
    "cellos": "cello", "flute": "flute", "harp": "harp", "harpsichord": "harpsichord",
    "drums": "drums", "drum": "drums", "drumming": "drums", "percussion": "drums",
    "beat": "beat", "beats": "beat", "synth": "synth", "synths": "synth",
    "synthesizer": "synth", "synthesiser": "synth", "sitar": "sitar", "choir": "choir",
    "acoustic": "acoustic", "electronic": "electronic", "electronica": "electronica",
    "techno": "techno", "house music": "house", "dance music": "dance", "ambient": "ambient",
    "rock": "rock", "rock music": "rock", "hard rock": "hard rock", "metal": "metal",
    "heavy metal": "heavy metal", "punk": "punk", "jazz": "jazz", "blues": "blues",
    "folk": "folk", "folk music": "folk", "country music": "country",
    "classical music": "classical", "classical": "classical", "hip-hop": "hip-hop",
    "hip hop": "hip-hop", "pop music": "pop", "pop song": "pop", "soul music": "soul",
    "funk": "funk", "opera": "opera",
}  # fmt: skip
"""What people write -> the tag that the encoder hears."""

_NOT_MUSIC: Final = re.compile(
    r"\b(?:rock (?:face|wall|climb\w*|pool\w*|concert)|metal (?:door|gate|box|table|plate)|"
    r"heart ?beats?|drum of|beat(?:s|ing|en)? (?:the|him|her|them|a|an)|"
    r"beats per minute|birds? (?:are |is )?singing|singing (?:birds?|bowls?))\b"
)
_ABOUT_MUSIC: Final = re.compile(
    r"\b(?:music\w*|songs?|track|piece|tunes?|tempo|bpm|soundtrack|score|theme|melod\w+|"
    r"instrumental|fanfare|sting|ballad|groove|playlist|underscore|cue|genre|acoustic|orchestral)\b"
)
"""Without one of these, or a list of keywords, a rock or a beat is something that is seen."""
_AMBIGUOUS: Final = frozenset(
    {"rock", "metal", "beat", "beats", "drum", "acoustic", "ambient", "blues", "folk", "electronic"}
)
_KEYWORDS: Final = 4
_KEYWORD_WORDS: Final = 3
_DENYING: Final = (
    r"no(?! (?:one|longer|matter|doubt)\b)|not(?! sure\b)|nothing|never|without|avoid|minus|"
    r"free of|far from|instead of|less|hardly|barely|anything but|don'?t want|do not want|isn'?t|"
    r"aren'?t|neither|nor"
)
_NEGATION: Final = re.compile(rf"\b(?:{_DENYING})\b[\s\w'-]{{0,24}}$")
_NEGATION_REACH: Final = 64
"""Characters; more than the longest negation with what may stand between it and its word."""
_DENIALS: Final = re.compile(rf"\b(?:{_DENYING}|any)\b")
_WEIGHTLESS: Final = frozenset({
    "a", "an", "the", "too", "very", "so", "much", "or", "and", "nor", "please", "music", "piece",
    "song", "track", "sound", "sounds", "with", "in", "of", "anything", "something", "at", "all",
    "really", "quite",
})  # fmt: skip
_CLAUSE: Final = re.compile(r"[.,;:!?\n]|(?<!anything )\bbut\b|\bjust\b|\bonly\b")
"""Ends what a negation reaches: "no drums, piano please" wants a piano."""

_TEMPO: Final = re.compile(
    r"\b0*([1-9][0-9]{1,2})(?:\s*(?:-|\u2013|to|and|\.\.)\s*0*([1-9][0-9]{1,2}))?"
    r"\s*(?:bpm|beats per minute)\b"
)
_KEY: Final = re.compile(r"\b([a-g])(?:\s?-?(sharp|flat|#|b|♯|♭))?[ -](major|minor)\b")
_AFTER_KEY: Final = re.compile(r"\s*(?:$|[^\sa-z]|(?:and|with|at|or)\b)")
"""What follows a key, and not the noun of "a major storm"."""
_MODE: Final = re.compile(r"\b(?:in )?(?:a )?(major|minor)[ -](?:key|mode|chords?|scale)\b")
_SLOW: Final = re.compile(
    r"\b(?:slow(?:er)?[ -](?:tempo|music|song|track|piece|beat|paced music|ballad)|down-?tempo)\b"
)
_FAST: Final = re.compile(
    r"\b(?:fast(?:er)?[ -](?:tempo|music|song|track|piece|beat|paced music)|up-?tempo)\b"
)
_SHORT: Final = re.compile(
    r"\b(?:short (?:music|orchestral |triumphant |musical )?\s?(?:sting|stinger|fanfare|jingle|cue|"
    r"piece|track|logo|ident)|stingers?|jingles?|"
    r"short\b[\w\s,]{0,24}\b(?:sting|fanfare|cue|ident))\b"
)
_UNSUNG_WORDS: Final = ("instrumental", "instrumentals", "wordless")
_UNSUNG: Final = re.compile(r"\b(?:" + "|".join(_UNSUNG_WORDS) + r")\b")
_SUNG: Final = re.compile(
    r"\b(?:vocals?|vocalists?|singing|sung|singers?|lyrics|voices?(?! ?-?over)|choir)\b"
)
_TAGS: Final = re.compile(
    r"\b(?:" + "|".join(sorted(map(re.escape, _TAG_WORDS), key=len, reverse=True)) + r")\b"
)
_MOODS: Final = re.compile(
    r"\b(?:" + "|".join(sorted(map(re.escape, MOOD_OF_WORD), key=len, reverse=True)) + r")\b"
)

_NAMED: Final = "|".join(
    sorted(map(re.escape, {*_TAG_WORDS, *MOOD_OF_WORD, *_UNSUNG_WORDS}), key=len, reverse=True)
)
_DENIED: Final = re.compile(
    rf"(?:\s*,)?\s*\b(?:{_DENYING})\b[\w '-]{{0,16}}?"
    rf"\b(?:{_NAMED}|{_SUNG.pattern})(?:\s+(?:or|nor|and)\s+(?:{_NAMED}|{_SUNG.pattern}))*\b",
    re.IGNORECASE,
)

_PATTERNS: Final[tuple[tuple[Subject, re.Pattern[str], str, bool], ...]] = (
    ("mode", _MODE, "", True),
    ("pace", _SLOW, "slow", True),
    ("pace", _FAST, "fast", True),
    ("length", _SHORT, "short", True),
    ("voices", _UNSUNG, "sung", False),
    ("voices", _SUNG, "sung", True),
)
"""Subject, words, value (empty for the word itself), and whether the words want it."""


class Wish(msgspec.Struct, frozen=True, kw_only=True):
    """One thing that a text says of the music."""

    subject: Subject
    """What it speaks of."""
    value: str | tuple[float, float]
    """A tag, key (`E:major`), mode, mood, `slow`, `fast`, `short`, `sung`; or bpm from and to."""
    text: str
    """The words that say it."""
    wanted: bool = True
    """False for `no drums`."""

    @property
    def said(self) -> str:
        """In the brief's words, with `no` before what is not wanted."""
        is_asked_for = self.wanted != (self.text in _UNSUNG_WORDS)
        return self.text if is_asked_for else f"no {self.text}"


def wishes_in(text: str) -> tuple[Wish, ...]:
    """Find what a brief says of the music itself.

    Moods are left out: in a brief they belong to the scene, and `musiscene.scene_reader` reads the
    whole of it. Only a mood that is *not* wanted is a wish.

    Args:
        text: A brief, or one scene of it.

    Returns:
        Its wishes in the order of the text, each once.

    Example:
        >>> [(wish.value, wish.wanted) for wish in wishes_in("90 bpm, piano, no drums")]
        [((90.0, 90.0), True), ('piano', True), ('drums', False)]
    """
    lowered = _plain(text)
    is_about_music = bool(_ABOUT_MUSIC.search(lowered)) or _is_keywords(lowered)
    found = _found(lowered, is_about_music=is_about_music)
    return _settled([wish for _, wish in sorted(found, key=_place)])


def unwanted_in(text: str) -> tuple[Wish, ...]:
    """Find what a text given as *not wanted* speaks of: `drums`, `no drums`, `nothing sad`.

    Args:
        text: What a person does not want.

    Returns:
        Its wishes, all turned to unwanted; none where it names nothing that can be measured.

    Example:
        >>> [(wish.subject, wish.value) for wish in unwanted_in("nothing sad, no vocals")]
        [('mood', 'sadness'), ('voices', 'sung')]
    """
    lowered = _DENIALS.sub(" ", _plain(text))
    found = sorted([*_found(lowered, is_about_music=True), *_moods(lowered)], key=_place)
    return _settled([msgspec.structs.replace(wish, wanted=not wish.wanted) for _, wish in found])


def is_named_in_full(text: str, wishes: Sequence[Wish]) -> bool:
    """Whether nothing is left of a text besides the words of its wishes and words without weight.

    Args:
        text: What a person does not want.
        wishes: Found in it.

    Returns:
        False for "a dark forest", of which only `dark` can be measured.
    """
    rest = _DENIALS.sub(" ", _plain(text))
    for wish in wishes:
        rest = rest.replace(wish.text, " ")
    return not set(re.findall(r"[^\W_]+", rest)) - _WEIGHTLESS


def _plain(text: str) -> str:
    return text.lower().replace("\N{RIGHT SINGLE QUOTATION MARK}", "'")


def without_denials(text: str) -> str:
    """Leave out what a text says it does not want, which an embedder would read as wanted.

    Args:
        text: A brief, or one scene of it.

    Returns:
        The rest; `NEUTRAL` where nothing else is in it.

    Example:
        >>> without_denials("A lullaby, not sad, in E major, without drums or vocals")
        'A lullaby, in E major'
    """
    rest, found = _DENIED.subn("", text)
    return (rest.strip(" ,;.!") or NEUTRAL) if found else text


def _settled(wishes: Sequence[Wish]) -> tuple[Wish, ...]:
    once = {(wish.subject, wish.value, wish.wanted): wish for wish in wishes}
    return tuple(once.values())[:MAX_WISHES]


def _place(found: tuple[int, Wish]) -> int:
    return found[0]


def _found(text: str, *, is_about_music: bool) -> Iterator[tuple[int, Wish]]:
    """Wishes with their places."""
    for match in _TEMPO.finditer(text):
        low, high = float(match[1]), float(match[2] or match[1])
        yield match.start(), _wish("tempo", (min(low, high), max(low, high)), match, text)
    for match in filter(_is_key, _KEY.finditer(text)):
        accidental = {"sharp": "#", "♯": "#", "flat": "b", "♭": "b"}.get(match[2], match[2] or "")
        tonic = match[1].upper() + accidental
        yield match.start(), _wish("key", f"{ENHARMONIC.get(tonic, tonic)}:{match[3]}", match, text)
    heard = _NOT_MUSIC.sub(lambda seen: "_" * len(seen[0]), text)
    for subject, pattern, word, wanted in _PATTERNS:
        for match in pattern.finditer(heard):
            yield match.start(), _wish(subject, word or match[1], match, text, wanted=wanted)
    for match in _TAGS.finditer(heard):
        if is_about_music or match[0] not in _AMBIGUOUS:
            yield match.start(), _wish("tag", _TAG_WORDS[match[0]], match, text)
    yield from (one for one in _moods(text) if not one[1].wanted)


def _is_key(match: re.Match[str]) -> bool:
    """Whether `a minor` is a key, and not the article of "a minor accident"."""
    is_article = match[1] == "a" and match[2] is None and match[0].startswith("a ")
    before = match.string[: match.start()].endswith(("key of ", "key: "))
    return not is_article or before or bool(_AFTER_KEY.match(match.string, match.end()))


def _is_keywords(text: str) -> bool:
    """Whether a text is a list of keywords, such as `slow, strings, lament, loss`."""
    parts = [part.split() for part in text.split(",")]
    return len(parts) >= _KEYWORDS and all(len(part) <= _KEYWORD_WORDS for part in parts)


def _moods(text: str) -> Iterator[tuple[int, Wish]]:
    for match in _MOODS.finditer(text):
        yield match.start(), _wish("mood", MOOD_OF_WORD[match[0]], match, text)


def _wish(
    subject: Subject,
    value: str | tuple[float, float],
    match: re.Match[str],
    text: str,
    *,
    wanted: bool = True,
) -> Wish:
    """A wish, turned round where the words before it in its clause deny it."""
    before = text[max(0, match.start() - _NEGATION_REACH) : match.start()]
    is_denied = bool(_NEGATION.search(_CLAUSE.split(before)[-1]))
    return Wish(subject=subject, value=value, text=match[0], wanted=wanted != is_denied)

"""What a scene must not be: each guard is one reason to turn a candidate down.

A guard takes the candidate, the description it was imagined from, and the prompt: different models
must be told different things.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final

from musiscene.imagine.moods import mood_of
from musiscene.vocabularies import MOOD_WORDS

if TYPE_CHECKING:
    from collections.abc import Callable

    from musiscene.imagine.prompt import ScenePrompt

    Guard = Callable[[str, str, ScenePrompt], bool]

COPIED_WORDS: Final = 4
"""So many words in a row that also stand in the prompt are a copy."""
COPIED_SHARE: Final = 0.5
"""So large a share of the content words in one example scene is a copy with changes."""
LOOPED_WORDS: Final = 3
CONTENT_LETTERS: Final = 4
"""Words of at least so many letters carry content."""

_WORD = re.compile(r"[A-Za-z'-]+")
_FUNCTION = frozenset({
    "with", "from", "into", "onto", "over", "their", "they", "that", "this", "there", "while",
    "where",
})  # fmt: skip
_SENTENCE = re.compile(r".*?[a-z)][.!?](?=\s|$)")
_PLAIN = str.maketrans("\u2018\u2019\u201c\u201d\u2013\u2014", "''\"\"--")
_QUOTES = "\"'*_ "
_ODD = re.compile(r"[^A-Za-zÀ-ÿ0-9 ,.;!?'()-]")
_LIST = re.compile(r"^\s*(\d+[.)]|[-*•])|\d{3,}")
_MUSIC = re.compile(
    r"\b(music\w*|songs?|melod\w+|tunes?|tempo|bpm|rhythm\w*|soundtracks?|lyrics?|chords?|genres?"
    r"|instrumentals?|vocals?|sounds? of|(this|the) (track|piece|beat|video|clip|scene))\b",
    re.IGNORECASE,
)
_INSTRUMENT = re.compile(
    r"\b(guitars?|basses|bass|pianos?|keyboards?|drum\w*|percussion|synth\w*|brass|violins?"
    r"|cellos?|flutes?|harps?|trumpets?|sax\w*|ukuleles?|mandolins?|cymbals?|amplifiers?)\b",
    re.IGNORECASE,
)
_PERSON = re.compile(r"\b(I|I'm|we|you|your|my|our)\b", re.IGNORECASE)
_UNSAFE = re.compile(
    r"\b(nude|naked|sex\w*|porn\w*|rap(e|es|ed|ing|ist)|suicid\w*|corpses?|behead\w*|tortur\w*"
    r"|massacr\w*|nazi\w*|terroris\w*|genocid\w*|slaughter\w*|murder\w*)\b",
    re.IGNORECASE,
)
_MOOD_END = re.compile(
    rf",? (?:(?:{'|'.join(sorted(MOOD_WORDS))})(?:,? and |, )?)+(?=[.!?]$)", re.IGNORECASE
)
_BLAND = frozenset(
    "a an and are as at background big central collection concert concerts event "  # noqa: SIM905
    "events film films for game games in intro introduction is it live local main "
    "minor movie movies music musical of on opening or performance performances "
    "performing piece scene scenes sequence session show shows small some song "
    "songs sound soundtrack style that the theme themes to track tv type use "
    "video videos with".split()
)
"""A scene of these words alone says nothing of this music."""
_DOUBLED = re.compile(r"\b([a-z]+)(?:,? and|,| or) (?:an? |the )?\1\b", re.IGNORECASE)
_SINGING = re.compile(
    r"\b(sing|sings|singing|singers?|sang|sung|choirs?|chant\w*)\b", re.IGNORECASE
)
_DARK = re.compile(
    r"\b(dark\w*|dead|death|die[ds]?|dying|caskets?|coffins?|funerals?|graves?|graveyards?|blood\w*"
    r"|guns?|kill\w*|fights?|crying|cries|screams?|screaming|hospitals?|ghost\w*|alone|abandoned)\b",
    re.IGNORECASE,
)
_BRIGHT = re.compile(
    r"\b(part(y|ies)|weddings?|laugh\w*|celebrat\w*|cheer\w*|smil(e|es|ing)|happy|happily|joy\w*"
    r"|picnics?|sunny|clowns?)\b",
    re.IGNORECASE,
)


def first_sentences(text: str, count: int = 1) -> str:
    """The first full sentences of what a model wrote.

    Args:
        text: One line, perhaps in quotes, perhaps cut off in the middle of a sentence.
        count: How many at most.

    Returns:
        The sentences with a capital letter and without quotes; empty if none was finished.

    Example:
        >>> first_sentences(' "a boat leaves the harbour. The sun')
        'A boat leaves the harbour.'
    """
    stripped = " ".join(text.translate(_PLAIN).split()).strip(_QUOTES)
    found = [sentence.strip(_QUOTES) for sentence in _SENTENCE.findall(stripped)[:count]]
    sentences = " ".join(found)
    return sentences[:1].upper() + sentences[1:]


def without_mood(scene: str) -> str:
    """A scene without the mood words at its end, which stand in the description too.

    Args:
        scene: One or two sentences.

    Returns:
        What is seen.

    Example:
        >>> without_mood("A village fair, joyful and lively.")
        'A village fair.'
    """
    return _MOOD_END.sub("", scene)


def likeness(one: str, other: str) -> float:
    """Shared content words over all content words of two texts, 0 to 1."""
    ours, theirs = _content(one), _content(other)
    return len(ours & theirs) / max(1, len(ours | theirs))


def rejection(scene: str, description: str, prompt: ScenePrompt) -> str | None:
    """The name of the first guard that turns a scene down.

    Args:
        scene: As `first_sentences` returns it.
        description: Of the music it was imagined from.
        prompt: Its guards are asked.

    Returns:
        One of `GUARDS`, or None for a scene that may be shown.
    """
    return next((name for name in prompt.guards if GUARDS[name](scene, description, prompt)), None)


def _has_wrong_length(scene: str, _description: str, prompt: ScenePrompt) -> bool:
    fewest, most = prompt.words
    return not fewest <= len(scene.split()) <= most


def _has_odd_characters(scene: str, _description: str, _prompt: ScenePrompt) -> bool:
    return _ODD.search(scene) is not None


def _is_list(scene: str, _description: str, _prompt: ScenePrompt) -> bool:
    return _LIST.search(scene) is not None


def _talks_of_music(scene: str, _description: str, _prompt: ScenePrompt) -> bool:
    return _MUSIC.search(scene) is not None or _INSTRUMENT.search(scene) is not None


def _speaks_to_the_reader(scene: str, _description: str, _prompt: ScenePrompt) -> bool:
    return _PERSON.search(scene) is not None


def _is_unsafe(scene: str, _description: str, _prompt: ScenePrompt) -> bool:
    return _UNSAFE.search(scene) is not None


def _echoes_the_description(scene: str, description: str, _prompt: ScenePrompt) -> bool:
    return not _runs(scene, COPIED_WORDS - 1).isdisjoint(_runs(description, COPIED_WORDS - 1))


def _copies_an_example(scene: str, _description: str, prompt: ScenePrompt) -> bool:
    own_runs, own_words = _runs(scene, COPIED_WORDS), _content(scene)
    return any(
        not own_runs.isdisjoint(_runs(example, COPIED_WORDS))
        or len(own_words & _content(example)) >= COPIED_SHARE * max(1, len(own_words))
        for example in prompt.example_scenes
    )


def _loops(scene: str, _description: str, _prompt: ScenePrompt) -> bool:
    words = _words(scene)
    runs = [tuple(words[at : at + LOOPED_WORDS]) for at in range(len(words) - LOOPED_WORDS + 1)]
    return len(set(runs)) < len(runs)


def _doubles_a_word(scene: str, _description: str, _prompt: ScenePrompt) -> bool:
    return _DOUBLED.search(scene) is not None


def _is_bland(scene: str, _description: str, _prompt: ScenePrompt) -> bool:
    return _BLAND.issuperset(_words(without_mood(scene)))


def _repeats_a_word(scene: str, _description: str, _prompt: ScenePrompt) -> bool:
    words = _words(scene)
    content = [word for word in words if len(word) >= CONTENT_LETTERS and word not in _FUNCTION]
    return len(set(content)) < len(content)


def _sings_to_an_instrumental(scene: str, description: str, _prompt: ScenePrompt) -> bool:
    return "instrumental" in description.lower() and _SINGING.search(scene) is not None


def _is_of_the_opposite_mood(scene: str, description: str, _prompt: ScenePrompt) -> bool:
    mood = mood_of(description)
    if mood in {"sad", "tense"}:
        return _BRIGHT.search(scene) is not None
    return mood is not None and _DARK.search(scene) is not None


def _words(text: str) -> list[str]:
    return [word.lower() for word in _WORD.findall(text)]


def _content(text: str) -> set[str]:
    return {word for word in _words(text) if len(word) >= CONTENT_LETTERS}


def _runs(text: str, length: int) -> set[tuple[str, ...]]:
    words = _words(text)
    return {tuple(words[at : at + length]) for at in range(len(words) - length + 1)}


GUARDS: Final[dict[str, Guard]] = {
    "length": _has_wrong_length,
    "characters": _has_odd_characters,
    "list": _is_list,
    "music talk": _talks_of_music,
    "reader": _speaks_to_the_reader,
    "unsafe": _is_unsafe,
    "echo": _echoes_the_description,
    "copy": _copies_an_example,
    "loop": _loops,
    "doubled": _doubles_a_word,
    "bland": _is_bland,
    "repetition": _repeats_a_word,
    "singing": _sings_to_an_instrumental,
    "mood": _is_of_the_opposite_mood,
}
"""Name -> guard."""

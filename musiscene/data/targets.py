"""Rows -> what a model should learn to say: the scene itself, and what of it the music can tell.

People wrap scenes in the same few phrases ("This song may be playing in a club"), and fusions tell
what only the camera saw. A model learns both first, and then says them whatever the music is. So
here the wrapping is taken off, sentences that the music does not support are left out, what most
rows share is thinned, and rows that have no scene may borrow one from the rows nearest to them.
"""

from __future__ import annotations

import re
from collections import Counter
from typing import TYPE_CHECKING, Final

import msgspec
import numpy as np

from musiscene.data.rows import Provenance
from musiscene.prompts import SCENE_QUESTION, VIDEO_QUESTION
from musiscene.vocabularies import MOOD_WORDS

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from numpy.typing import NDArray

    from musiscene.data.rows import SceneExample
    from musiscene.embed import TextEmbedder

RULES: Final = "targets-1"
MAX_MOODS: Final = 2
MAX_FRAGMENTS: Final = 3
MAX_FRAGMENT_WORDS: Final = 30
MAX_VIDEO_WORDS: Final = 80
SUPPORTED_WORDS: Final = 2
"""So many content words of a sentence must stand in the music's description."""
LENDABLE_WORDS: Final = 3
"""Shorter scenes ("A club.") say too little to be lent."""

_SENTENCE_END = re.compile(r"(?<=[.!?])\s*(?=[A-Z])")
_ADVERB = (
    "also|very|easily|well|perfectly|probably|definitely|quite|still|as|often|live|best|most|more"
    "|a good|a great|good|nice|great|perfect"
)
_OPENINGS: Final = (
    # "something you would hear in ..."
    re.compile(
        r"\b(?:something|one|what|music|a song)?(?: that)? ?(?:you|we|one)(?: would|'d| might"
        r"| could| can|'ll)?(?: \w+)? (?:hear|listen to|find|expect)\b",
        re.IGNORECASE,
    ),
    # "This song may be playing in ...", "It could also be used in the soundtrack of ..."
    re.compile(
        r"^(?:and |so |overall,? |while |also,? )*(?:it|they|this|these|that|the|an?|such)\b"
        r"[^.]{0,70}?\b(?:may|might|can|could|would|will|should)\b"
        rf"(?: (?:{_ADVERB}))*"
        r"(?: (?:be|have been|make|fit|suit|work|go|sound|serve|accompany|belong|come|feature))?"
        rf"(?: (?:{_ADVERB}))*"
        r"(?: (?:playing|played|used|found|featured|performed|fit|fitting|suitable|suited|ideal"
        r"|choice|appropriate|recorded|taken|associated|danced|imagined|included|sung|adequate"
        r"|intended|enjoyed|sampled|background music|background))?\b",
        re.IGNORECASE,
    ),
    # "The music is perfect for ..."
    re.compile(
        r"\b(?:this|it|the (?:song|music|piece|clip|audio|track|excerpt|recording))(?: \w+)? "
        r"(?:is|seems to be|appears to be)"
        r"(?: (?:playing|played|being played|from|probably|perfect|suitable|ideal|good|great))+\b",
        re.IGNORECASE,
    ),
    # "It sounds like it is from ..."
    re.compile(
        r"\b(?:sounds?|sounding|feels?|seems?)(?: \w+)? like "
        r"(?:it(?:'s| is| was| has been| could be| might be)? )?(?:being |coming )?",
        re.IGNORECASE,
    ),
)
_FILLER = re.compile(
    r"^(?:[\s,;:-]+"
    r"|(?:live|well|perfectly|nicely|great|also|either|especially|mainly|possibly|perhaps|maybe"
    r"|likely|probably|easily|somewhere|often|suitably|too|it|very|fittingly|ideally|really|better"
    r"|best|like)\b"
    r"|(?:in|at|on|as|for|with|during|to|of|by|while|when|within|into|inside|over|from"
    r"|accompany(?:ing)?|along|alongside)\b"
    r"|(?:the )?(?:sound ?tracks?|background(?: music| score| song)?|sound effects?"
    r"|theme(?: song| music)?|opening(?: theme)?|score|accompaniment|use|part)\b"
    r"(?= (?:of|for|in|to|at|during|while|when|music|song|piece))"
    r"|(?:an?|the|some|any|kinds?|types?|sort|scenarios?|instances?|cases?|situations?|settings?"
    r"|such)\s+(?=(?:sound ?tracks?|background|theme song|score|kind of|type of|part of the|song"
    r"|piece) )"
    r"|(?:song|piece|music|track|tune)\b(?= (?:for|in|of|at|during))"
    r"|(?:being )?(?:played|playing|used|sung|performed)\b"
    r"|scenes? (?:where|in which|of|with)\b(?= \w+))",
    re.IGNORECASE,
)
_NO_SCENE = re.compile(
    r"^(?:heard|gathered)\b|\b(?:tempo|bpm|chords?|melod\w+|bass ?line|percussion\w*|snare"
    r"|hi-?hats?|kick|vocals?|singer|guitars?|drums?|drumming|synth\w*|strings|frequenc\w+|recording|quality"
    r"|noise|harmon\w+|instrument\w*)\b",
    re.IGNORECASE,
)
_WORD = re.compile(r"[a-z][a-z-]+")
_STOP_WORDS: Final = frozenset(
    "about also and appears are atmosphere audio been can caption captions clip could feel for "  # noqa: SIM905
    "from has have her highlights his into its likely may music overall person scene scenes sense "
    "she song soundtrack such suggests that the their them there these they this throughout track "
    "video viewer viewers visual visuals was which while who will with would".split()
)
_SAME_MOOD: Final = {
    "energy": "energetic", "happiness": "happy", "horror": "scary", "joy": "joyful",
    "meditation": "meditative", "melancholy": "melancholic", "nostalgia": "nostalgic",
    "passion": "passionate", "relaxation": "relaxing", "relaxed": "relaxing",
    "romance": "romantic", "sadness": "sad", "somber": "sombre", "suspense": "suspenseful",
}  # fmt: skip


def make_targets(
    examples: Sequence[SceneExample], *, at_most: int = 8, embedder: TextEmbedder | None = None
) -> list[SceneExample]:
    """What to learn from rows.

    Args:
        examples: Of any source; those without a scene are used only with an embedder.
        at_most: Rows that may share one scene, apart from the mood; the rest are left out.
        embedder: Finds a scene for rows that have none; None to leave them out.

    Returns:
        Rows with the question, and the scene as it should be answered; its provenance says which
        rule made it.
    """
    uses: Counter[str] = Counter()
    kept: list[SceneExample] = []
    lenders: list[tuple[SceneExample, str]] = []
    for example in examples:
        if example.source == "vacad":
            if told := supported_sentences(example.scene, example.music.values()):
                kept.append(_target(example, VIDEO_QUESTION, told))
        elif scene := scene_alone(example.scene):
            uses[scene] += 1
            lenders.append((example, scene))
            if uses[scene] <= at_most:
                kept.append(_target(example, SCENE_QUESTION, _with_mood(scene, example)))
    if embedder is not None:
        without = [example for example in examples if not example.scene.strip()]
        kept += _borrow(without, lenders, embedder, at_most=at_most)
    return kept


def scene_alone(text: str) -> str:
    """The scene of sentences that say where music belongs, without their wrapping.

    Args:
        text: As people write it.

    Returns:
        At most three short sentences; empty if none speaks of a scene.

    Example:
        >>> scene_alone("It could be used in the soundtrack of a movie about a lost dog.")
        'A movie about a lost dog.'
    """
    scenes: dict[str, None] = {}
    for sentence in _SENTENCE_END.split(" ".join(text.split())):
        fragment = _unwrap(sentence.strip(" .!?"))
        is_short = len(fragment.split()) <= MAX_FRAGMENT_WORDS
        if fragment and is_short and not _NO_SCENE.search(fragment):
            scenes[f"{fragment[0].upper()}{fragment[1:]}."] = None
    return " ".join(list(scenes)[:MAX_FRAGMENTS])


def supported_sentences(scene: str, music: Iterable[str]) -> str:
    """The sentences of a scene that speak of what the music's description speaks of.

    Args:
        scene: Fused from picture and music.
        music: What is said about the music.

    Returns:
        Whole sentences in their order, about `MAX_VIDEO_WORDS` words at most; empty if the music
        supports none.
    """
    known = {_stem(word) for text in music for word in _content(text)}
    told: list[str] = []
    count = 0
    for sentence in _SENTENCE_END.split(" ".join(scene.split())):
        words = {_stem(word) for word in _content(sentence)}
        length = len(sentence.split())
        if len(words & known) >= SUPPORTED_WORDS and count + length <= MAX_VIDEO_WORDS:
            told.append(sentence)
            count += length
    return " ".join(told)


def moods_in(texts: Iterable[str], *, but_not_in: str = "", at_most: int = MAX_MOODS) -> list[str]:
    """The first moods that descriptions name.

    Args:
        texts: About music, in English.
        but_not_in: Moods of this text are left out.
        at_most: How many.

    Returns:
        Some of `MOOD_WORDS`, in the order of the texts.
    """
    said = but_not_in.lower()
    words = (_SAME_MOOD.get(word, word) for text in texts for word in _WORD.findall(text.lower()))
    moods = dict.fromkeys(word for word in words if word in MOOD_WORDS and word not in said)
    return list(moods)[:at_most]


def _with_mood(scene: str, example: SceneExample) -> str:
    """A scene that ends with the music's mood: "A village fair, joyful and lively."."""
    moods = moods_in(example.music.values(), but_not_in=scene)
    return f"{scene.removesuffix('.')}, {' and '.join(moods)}." if moods else scene


def _borrow(
    without: Sequence[SceneExample],
    lenders: Sequence[tuple[SceneExample, str]],
    embedder: TextEmbedder,
    *,
    at_most: int,
) -> list[SceneExample]:
    """The scene of the nearest row for each row that has none, the nearest pairs first."""
    lendable = [(row, scene) for row, scene in lenders if len(scene.split()) >= LENDABLE_WORDS]
    if not without or not lendable:
        return []
    asking = _vectors(embedder, [row.music_text for row in without])
    likeness = asking @ _vectors(embedder, [row.music_text for row, _ in lendable]).T
    likeness += asking @ _vectors(embedder, [scene for _, scene in lendable]).T
    uses: Counter[str] = Counter(scene for _, scene in lendable)
    borrowed: dict[int, SceneExample] = {}
    for place in np.argsort(-likeness, axis=None, kind="stable"):
        row, lender = divmod(int(place), len(lendable))
        scene = lendable[lender][1]
        if row not in borrowed and uses[scene] < at_most:
            uses[scene] += 1
            example = without[row]
            borrowed[row] = _target(
                example,
                SCENE_QUESTION,
                _with_mood(scene, example),
                rule=f"{RULES}, borrowed from {lendable[lender][0].id} by {embedder.version}",
            )
    return [borrowed[row] for row in sorted(borrowed)]


def _vectors(embedder: TextEmbedder, texts: Sequence[str]) -> NDArray[np.float32]:
    return embedder.encode([" ".join(text.split()) for text in texts])


def _target(example: SceneExample, question: str, scene: str, *, rule: str = RULES) -> SceneExample:
    return msgspec.structs.replace(
        example,
        question=question,
        scene=scene,
        provenance=example.provenance | {"scene": Provenance(origin="model", name=rule)},
    )


def _unwrap(sentence: str) -> str:
    """What follows the opening of a sentence about where music belongs; empty if it has none."""
    for opening in _OPENINGS:
        found = opening.search(sentence)
        if found and found.end() < len(sentence):
            rest = sentence[found.end() :]
            while (filler := _FILLER.match(rest)) and filler.end():
                rest = rest[filler.end() :]
            return rest.strip(" ,;:-")
    return ""


def _content(text: str) -> list[str]:
    return [word for word in _WORD.findall(text.lower()) if word not in _STOP_WORDS]


def _stem(word: str) -> str:
    """A word without its commonest endings: enough to match "energy" with "energetic"."""
    return re.sub(r"(?:ing|ies|ed|es|s|y|etic|ly)$", "", word)[:6]

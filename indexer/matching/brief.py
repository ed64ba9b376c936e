"""A brief as people give it, checked and read: vectors, moods, and what it says of the music."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final
from uuid import UUID

import msgspec
import numpy as np
from numpy.typing import NDArray

from indexer.errors import BriefError
from indexer.language import LanguageGuess, foreign_language
from indexer.matching.wishes import (
    MAX_WISHES,
    Wish,
    is_named_in_full,
    unwanted_in,
    wishes_in,
    without_denials,
)
from musiscene.scene_reader import mood_probabilities

if TYPE_CHECKING:
    from collections.abc import Sequence

    from musiscene.embed import TextEmbedder
    from musiscene.scene_reader import SceneReader

MAX_CAPTIONS: Final = 50
MAX_CAPTION_CHARACTERS: Final = 100_000
MAX_WEIGHT: Final = 1_000.0
MAX_NEGATIVES: Final = 50

PASSAGE_WORDS: Final = 90
"""The embedder reads 128 word pieces and drops the rest, so longer captions are read in parts."""
MAX_PASSAGES: Final = 48
"""Of a brief, shared by its captions; of more, so many are read that are spread evenly."""
LEAST_PASSAGES: Final = 2
"""Of each caption, however many there are."""

_SENTENCE_END: Final = re.compile(r"(?<=[.!?;])\s+|\n+")


class ReadBrief(msgspec.Struct, frozen=True, kw_only=True):
    """A brief as the stages of the matcher see it."""

    captions: tuple[str, ...]
    """As given, without surrounding blanks."""
    weights: NDArray[np.float32]
    """Of each passage, shape (passages,); they sum to one."""
    vectors: NDArray[np.float32]
    """Of each passage, unit length, shape (passages, dimension)."""
    mood_scores: NDArray[np.float32]
    """How far each mood stands out in each passage, shape (passages, moods)."""
    strangeness: NDArray[np.float32]
    """How unlike a scene each passage is, shape (passages,)."""
    imagined: NDArray[np.float32]
    """How far each of `IMAGINED_TAGS` stands out in the music for each passage, shape (passages,
    tags)."""
    wishes: tuple[Wish, ...] = ()
    """What the captions say of the music in so many words."""
    unwanted: tuple[Wish, ...] = ()
    """What of that is not wanted."""
    unwanted_texts: tuple[str, ...] = ()
    """Negatives that say more than what can be measured."""
    unwanted_vectors: NDArray[np.float32]
    """Of those texts, shape (texts, dimension)."""
    unlike: tuple[UUID, ...] = ()
    """Tracks that the answer must not be like."""
    foreign: LanguageGuess | None = None
    """The language of the captions, where it is surely one that the embedder cannot read."""

    @property
    def weighted_vectors(self) -> NDArray[np.float32]:
        """Each passage's vector times its weight, shape (passages, dimension)."""
        return self.weights[:, None] * self.vectors

    @property
    def music(self) -> NDArray[np.float32]:
        """The music imagined for the whole brief: standard scores, float32, shape (tags,)."""
        mean: NDArray[np.float32] = self.weights @ self.imagined
        return mean

    @property
    def mood(self) -> NDArray[np.float32]:
        """What the whole brief calls for, float32, shape (moods,)."""
        mean: NDArray[np.float32] = self.weights @ mood_probabilities(self.mood_scores)
        return mean


def read_brief(
    captions: Sequence[str],
    *,
    embedder: TextEmbedder,
    scene_reader: SceneReader,
    weights: Sequence[float] | None = None,
    negatives: Sequence[str] = (),
    unlike: Sequence[UUID] = (),
) -> ReadBrief:
    """Check a brief and read it.

    Args:
        captions: What is seen; several captions describe one video together.
        embedder: Of the library.
        scene_reader: Says what a text calls for.
        weights: How much each caption counts, such as its seconds; None for alike.
        negatives: What is not wanted.
        unlike: Tracks that the answer must not be like.

    Returns:
        The brief.

    Raises:
        BriefError: If there is no caption, or too many or too long ones, or the weights do not fit.
    """
    texts, shares = check_captions(captions, weights)
    check_negatives(negatives)
    passages: list[str] = []
    passage_weights: list[float] = []
    most = max(LEAST_PASSAGES, MAX_PASSAGES // len(texts))
    for text, share in zip(texts, shares, strict=True):
        parts = split_passages(without_denials(text), most=most)
        passages += parts
        passage_weights += [share / len(parts)] * len(parts)
    vectors = embedder.encode(passages)
    called_for = scene_reader.read(passages)
    wishes = tuple(dict.fromkeys(wish for text in texts for wish in wishes_in(text)))
    named = {text: unwanted_in(text) for negative in negatives if (text := negative.strip())}
    others = tuple(text for text, found in named.items() if not is_named_in_full(text, found))
    return ReadBrief(
        captions=tuple(texts),
        weights=np.array(passage_weights, dtype=np.float32),
        vectors=vectors,
        mood_scores=called_for.moods,
        imagined=called_for.tags,
        strangeness=called_for.strangeness,
        wishes=wishes[:MAX_WISHES],
        unwanted=tuple(dict.fromkeys(wish for found in named.values() for wish in found)),
        unwanted_texts=others,
        unwanted_vectors=embedder.encode(list(others)),
        unlike=tuple(unlike),
        foreign=foreign_language(" ".join(texts)),
    )


def check_captions(
    captions: Sequence[str], weights: Sequence[float] | None = None
) -> tuple[list[str], list[float]]:
    """Check the captions of a brief and their weights.

    Args:
        captions: As a person gave them.
        weights: One for each of them; None for alike.

    Returns:
        The captions without surrounding blanks and without empty ones, and the shares of those,
        which sum to one.

    Raises:
        BriefError: If none is left, there are too many or too long ones, or the weights do not fit.
    """
    if weights is not None and len(weights) != len(captions):
        raise BriefError(f"{len(captions)} captions, but {len(weights)} weights; give each one")
    given = [1.0] * len(captions) if weights is None else list(weights)
    if any(not 0.0 < weight <= MAX_WEIGHT for weight in given):
        raise BriefError(f"a caption's weight is above 0 and at most {MAX_WEIGHT:g}")
    kept = [
        (text, weight)
        for caption, weight in zip(captions, given, strict=True)
        if (text := caption.strip())
    ]
    if not kept:
        raise BriefError("the brief is empty; say what is seen, in a sentence or two")
    if len(kept) > MAX_CAPTIONS:
        raise BriefError(f"a brief may have {MAX_CAPTIONS} captions, this one has {len(kept)}")
    longest = max(len(text) for text, _ in kept)
    if longest > MAX_CAPTION_CHARACTERS:
        raise BriefError(
            f"a caption may have {MAX_CAPTION_CHARACTERS:,} characters, one has {longest:,}"
        )
    total = sum(weight for _, weight in kept)
    return [text for text, _ in kept], [weight / total for _, weight in kept]


def check_negatives(negatives: Sequence[str]) -> None:
    """Check what is not wanted.

    Args:
        negatives: As a person gave them.

    Raises:
        BriefError: If there are too many or too long ones.
    """
    if len(negatives) > MAX_NEGATIVES:
        raise BriefError(f"{len(negatives)} things not wanted; at most {MAX_NEGATIVES} are read")
    if any(len(text) > MAX_CAPTION_CHARACTERS for text in negatives):
        raise BriefError(f"what is not wanted may have {MAX_CAPTION_CHARACTERS:,} characters")


def split_passages(text: str, *, most: int = MAX_PASSAGES) -> list[str]:
    """Cut a long caption into parts that the embedder reads whole, at ends of sentences.

    Args:
        text: Not empty.
        most: How many parts at most.

    Returns:
        Parts of at most `PASSAGE_WORDS` words, in order: all of them, or `most` spread evenly over
        the text.

    Example:
        >>> [len(part.split()) for part in split_passages("word " * 200)]
        [90, 90, 20]
    """
    if len(text.split()) <= PASSAGE_WORDS:
        return [text]
    parts: list[list[str]] = [[]]
    for sentence in _SENTENCE_END.split(text):
        words = sentence.split()
        if parts[-1] and len(parts[-1]) + len(words) > PASSAGE_WORDS:
            parts.append([])
        while len(words) > PASSAGE_WORDS:
            parts[-1] += words[:PASSAGE_WORDS]
            words = words[PASSAGE_WORDS:]
            parts.append([])
        parts[-1] += words
    passages = [" ".join(words) for words in parts if words]
    if len(passages) > most:
        chosen = np.linspace(0, len(passages) - 1, most).round().astype(int)
        passages = [passages[number] for number in chosen]
    return passages

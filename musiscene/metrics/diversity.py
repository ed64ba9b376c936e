"""Variety of a set of texts: whether they say different things, or one thing in turns.

Source: Li et al. 2016, arXiv:1510.03055, section 5 (distinct-n); Zhu et al. 2018, arXiv:1802.01886,
section 2.2 (self-BLEU).
"""

from __future__ import annotations

from collections import Counter
from itertools import chain, pairwise
from typing import TYPE_CHECKING, Final

import msgspec

if TYPE_CHECKING:
    from collections.abc import Sequence

OPENING_WORDS: Final = 4
SHOWN_OPENINGS: Final = 5
SELF_BLEU_TEXTS: Final = 100
"""Time grows with the square of their number."""


class Opening(msgspec.Struct, frozen=True, kw_only=True):
    """How some texts begin."""

    words: str
    """The first four, in lower case."""
    share: float
    """Of all texts."""


class Diversity(msgspec.Struct, frozen=True, kw_only=True):
    """Variety of a set of texts."""

    distinct_1: float
    """Share of words that are the first of their kind."""
    distinct_2: float
    """Share of pairs of words that are the first of their kind."""
    distinct_texts: float
    """Share of texts that no text before them equals, but for case and blanks."""
    self_bleu: float
    """Mean BLEU-4 of a text against all others, smoothed; 1 if all are the same."""
    openings: tuple[Opening, ...]
    """The most frequent ones, the commonest first."""


def diversity(texts: Sequence[str]) -> Diversity:
    """Measure the variety of texts.

    Args:
        texts: At least one.

    Returns:
        The figures; self-BLEU is that of at most `SELF_BLEU_TEXTS`, evenly spaced.

    Raises:
        ValueError: If there is no text.
    """
    from nltk.tokenize import wordpunct_tokenize

    if not texts:
        raise ValueError("there is no text")
    worded = [wordpunct_tokenize(text.lower()) for text in texts]
    openings = Counter(" ".join(text.lower().split()[:OPENING_WORDS]) for text in texts)
    return Diversity(
        distinct_1=_distinct(list(chain.from_iterable(worded))),
        distinct_2=_distinct(list(chain.from_iterable(pairwise(words) for words in worded))),
        distinct_texts=_distinct([" ".join(text.lower().split()) for text in texts]),
        self_bleu=_self_bleu(worded),
        openings=tuple(
            Opening(words=words, share=count / len(texts))
            for words, count in openings.most_common(SHOWN_OPENINGS)
        ),
    )


def _distinct(items: Sequence[object]) -> float:
    return len(set(items)) / len(items) if items else 0.0


def _self_bleu(worded: Sequence[list[str]]) -> float:
    from nltk.translate.bleu_score import SmoothingFunction, sentence_bleu

    step = -(-len(worded) // SELF_BLEU_TEXTS)
    chosen = worded[::step]
    if len(chosen) == 1:
        return 0.0
    smooth = SmoothingFunction().method1
    scores = [
        sentence_bleu([*chosen[:place], *chosen[place + 1 :]], words, smoothing_function=smooth)
        for place, words in enumerate(chosen)
    ]
    return float(sum(scores) / len(scores))

"""Likeness of texts to their references, in two named protocols.

`proper` is what the papers of the metrics say: BLEU of the corpus over tokens, ROUGE-L's F, METEOR,
BERTScore's F. `mu-llama` is what MU-LLaMA's evaluation script computes, so that its published
figures have something to stand beside: it hands strings to a function that wants lists of words, so
its BLEU counts characters, sentence by sentence, and it takes the recall of ROUGE-L and BERTScore.

Source: Papineni et al. 2002 (BLEU); Lin 2004 (ROUGE-L, stemmed in `mu-llama`); Lavie & Agarwal
2007 (METEOR), without its third stage, synonyms, whose WordNet data no package brings; Liu et al.
2023, arXiv:2308.11276, script `evaluate.py` (the form of `mu-llama`).
"""

from __future__ import annotations

import functools
import warnings
from typing import TYPE_CHECKING, Final

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

METEOR_FORM: Final = "exact and stem matching, no synonyms"
MAX_NGRAM: Final = 4


def corpus_bleu(estimated: Sequence[str], reference: Sequence[str]) -> tuple[float, ...]:
    """BLEU of all texts together, over lower-case words, in the form of sacrebleu.

    Args:
        estimated: Texts, at least one.
        reference: The one reference of each.

    Returns:
        BLEU-1 to BLEU-4, each from 0 to 1; orders without a match are smoothed exponentially.
    """
    from sacrebleu.metrics.bleu import BLEU

    _check_pairs(estimated, reference)
    return tuple(
        BLEU(lowercase=True, max_ngram_order=order)
        .corpus_score(list(estimated), [list(reference)])
        .score
        / 100.0
        for order in range(1, MAX_NGRAM + 1)
    )


def character_bleu(
    estimated: Sequence[str], reference: Sequence[str]
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """BLEU over the characters of each text, as MU-LLaMA's script computes it.

    Args:
        estimated: Texts.
        reference: The one reference of each.

    Returns:
        Two arrays, float64, shape (texts,), from 0 to 1: orders 1 to 4 with equal weights, and
        order 4 alone.
    """
    from nltk.translate.bleu_score import sentence_bleu

    _check_pairs(estimated, reference)
    weightings = ((0.25,) * MAX_NGRAM, (0.0, 0.0, 0.0, 1.0))
    with warnings.catch_warnings():
        # Texts without any common run of four characters score 0, and that is said once too often.
        warnings.filterwarnings("ignore", message=r"[\s\S]*0 counts of", category=UserWarning)
        all_orders, order_four = (
            np.array(
                [
                    sentence_bleu([target], text, weights=weights)
                    for text, target in zip(estimated, reference, strict=True)
                ],
                dtype=np.float64,
            )
            for weights in weightings
        )
    return all_orders, order_four


def rouge_l(
    estimated: Sequence[str], reference: Sequence[str], *, is_stemmed: bool = False
) -> NDArray[np.float64]:
    """ROUGE-L of each text: the longest common subsequence of words.

    Args:
        estimated: Texts.
        reference: The one reference of each.
        is_stemmed: Compare the stems of words of more than three letters.

    Returns:
        Precision, recall and F1 of each text, from 0 to 1, float64, shape (texts, 3).
    """
    from rouge_score.rouge_scorer import RougeScorer

    _check_pairs(estimated, reference)
    scorer = RougeScorer(["rougeL"], use_stemmer=is_stemmed)
    scores = [
        tuple(scorer.score(target, text)["rougeL"])
        for text, target in zip(estimated, reference, strict=True)
    ]
    return np.array(scores, dtype=np.float64).reshape(-1, 3)


def meteor(estimated: Sequence[str], reference: Sequence[str]) -> NDArray[np.float64]:
    """METEOR of each text, by equal words and equal stems (`METEOR_FORM`).

    Args:
        estimated: Texts.
        reference: The one reference of each.

    Returns:
        From 0 to nearly 1, float64, shape (texts,).
    """
    from nltk.tokenize import wordpunct_tokenize
    from nltk.translate.meteor_score import single_meteor_score

    _check_pairs(estimated, reference)
    stemmer, synonyms = _CachedStemmer(), _NoSynonyms()
    scores = [
        single_meteor_score(
            wordpunct_tokenize(target), wordpunct_tokenize(text), stemmer=stemmer, wordnet=synonyms
        )
        for text, target in zip(estimated, reference, strict=True)
    ]
    return np.array(scores, dtype=np.float64)


class _CachedStemmer:
    """Porter's stems, each found once."""

    def __init__(self) -> None:
        from nltk.stem.porter import PorterStemmer

        self.stem = functools.cache(PorterStemmer().stem)


class _NoSynonyms:
    """In WordNet's place, whose data may not be there."""

    def synsets(self, _word: str) -> list[object]:
        return []


def _check_pairs(estimated: Sequence[str], reference: Sequence[str]) -> None:
    if len(estimated) != len(reference) or not estimated:
        raise ValueError(f"{len(estimated)} texts for {len(reference)} references")

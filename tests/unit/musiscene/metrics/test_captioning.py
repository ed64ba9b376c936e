import math

import numpy as np
import pytest

from musiscene.metrics.captioning import character_bleu, corpus_bleu, meteor, rouge_l

REFERENCE = "The cat is on the mat"
TEXT = "the cat sat on the mat"


class TestCorpusBleu:
    def test_counts_runs_of_words(self):
        """5 of 6 words and 3 of 5 pairs are there; equal lengths, so nothing is taken off."""
        bleu = corpus_bleu([TEXT], [REFERENCE])
        assert bleu[0] == pytest.approx(5 / 6)
        assert bleu[1] == pytest.approx(math.sqrt(5 / 6 * 3 / 5))

    def test_a_short_text_is_punished(self):
        assert corpus_bleu(["the cat"], [REFERENCE])[0] == pytest.approx(math.exp(1 - 6 / 2))

    def test_the_reference_itself_is_best(self):
        assert corpus_bleu([REFERENCE, TEXT], [REFERENCE, TEXT]) == pytest.approx([1.0] * 4)

    def test_pools_counts_over_the_corpus(self):
        """9 of 10 words together, not the mean of 4 of 5 and 5 of 5."""
        pooled = corpus_bleu(["a b c d x", "f g h i j"], ["a b c d e", "f g h i j"])
        assert pooled[1] == pytest.approx(math.sqrt(9 / 10 * 7 / 8))

    def test_refuses_texts_without_references(self):
        with pytest.raises(ValueError, match="1 texts for 0 references"):
            corpus_bleu([TEXT], [])


class TestCharacterBleu:
    def test_counts_runs_of_characters(self):
        """Of `abcde` against `abcdf` 4 of 5, 3 of 4, 2 of 3, 1 of 2 runs are there."""
        all_orders, order_four = character_bleu(["abcde"], ["abcdf"])
        assert all_orders[0] == pytest.approx((4 / 5 * 3 / 4 * 2 / 3 * 1 / 2) ** 0.25)
        assert order_four[0] == pytest.approx(1 / 2)

    def test_nothing_in_common_is_nothing_and_no_warning(self):
        all_orders, order_four = character_bleu(["abc", ""], ["xyz", "xyz"])
        np.testing.assert_allclose([all_orders, order_four], 0.0, atol=1e-12)


class TestRougeL:
    def test_is_the_longest_common_subsequence(self):
        scores = rouge_l([TEXT, "cat mat", ""], [REFERENCE] * 3)
        expected = [[5 / 6, 5 / 6, 5 / 6], [1.0, 2 / 6, 0.5], [0.0, 0.0, 0.0]]
        np.testing.assert_allclose(scores, expected)

    def test_stems_only_when_asked(self):
        pair = (["playing guitars"], ["played guitar"])
        assert rouge_l(*pair)[0, 2] == 0.0
        assert rouge_l(*pair, is_stemmed=True)[0, 2] == 1.0


class TestMeteor:
    def test_weighs_recall_and_order(self):
        """Three words in one chunk: P = 1, R = 3/4, F = PR / (0.9 P + 0.1 R), less 0.5 (1/3)^3."""
        f_mean = 0.75 / (0.9 + 0.075)
        expected = f_mean * (1 - 0.5 / 27)
        assert meteor(["the cat sat"], ["the cat sat down"])[0] == pytest.approx(expected)

    def test_equal_stems_match_and_synonyms_do_not(self):
        stems, synonyms = meteor(["dog runs", "car"], ["dogs run", "automobile"])
        assert stems == pytest.approx(1 - 0.5 / 8)
        assert synonyms == 0.0

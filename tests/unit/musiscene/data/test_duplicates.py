import numpy as np
import pytest

from musiscene.data.duplicates import GRAM_BYTES, find_near_duplicates

WORDS = ["slow", "fast", "piano", "drum", "harp", "dark", "bright", "calm", "loud", "choir"]


def made_texts(count: int) -> list[str]:
    """Texts of 30 words, every third one a copy of an earlier one with some words changed."""
    drawn = np.random.default_rng(3)
    texts: list[str] = []
    for number in range(count):
        words = [WORDS[drawn.integers(10)] + str(drawn.integers(50)) for _ in range(30)]
        if number % 3 == 2:
            words = texts[drawn.integers(number)].split()
            for _ in range(drawn.integers(6)):
                words[drawn.integers(30)] = "changed"
        texts.append(" ".join(words))
    return texts


def resemblance(first: str, second: str) -> float:
    """Jaccard similarity of the sets of character runs, written independently."""
    one, other = (
        {text[place : place + GRAM_BYTES] for place in range(len(text) - GRAM_BYTES + 1)}
        for text in (first, second)
    )
    return len(one & other) / len(one | other)


class TestFindNearDuplicates:
    @pytest.mark.parametrize("threshold", [0.8, 0.95])
    def test_equals_the_comparison_of_all_with_all(self, threshold: float):
        texts = made_texts(150)
        expected = {
            (first, second)
            for first in range(len(texts))
            for second in range(first + 1, len(texts))
            if resemblance(texts[first], texts[second]) >= threshold
        }
        found = find_near_duplicates(texts, threshold=threshold)
        assert len(expected) >= 5
        assert {(pair.first, pair.second) for pair in found} == expected
        for pair in found:
            exact = resemblance(texts[pair.first], texts[pair.second])
            assert pair.resemblance == pytest.approx(exact, abs=5e-4)

    def test_empty_and_short_texts_resemble_only_their_like(self):
        found = find_near_duplicates(["", "?!", "a", "a.", "b"])
        assert [(pair.first, pair.second) for pair in found] == [(2, 3)]

    def test_a_threshold_that_the_bands_cannot_keep_is_refused(self):
        with pytest.raises(ValueError, match=r"0\.5 to 1"):
            find_near_duplicates([], threshold=0.3)

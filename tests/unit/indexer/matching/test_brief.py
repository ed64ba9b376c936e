from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from indexer.errors import BriefError
from indexer.matching.brief import (
    LEAST_PASSAGES,
    MAX_CAPTIONS,
    MAX_PASSAGES,
    MAX_WEIGHT,
    PASSAGE_WORDS,
    check_captions,
    split_passages,
)
from indexer.matching.wishes import MAX_WISHES
from tests.support.matching import made_brief


class TestSplitPassages:
    def test_a_short_text_stays_as_it_is(self):
        assert split_passages("Rain.\nThen sun.") == ["Rain.\nThen sun."]

    def test_a_book_is_read_from_its_beginning_to_its_end(self):
        words = [f"w{number}" for number in range(10_000)]
        passages = split_passages(" ".join(words))
        assert len(passages) == MAX_PASSAGES
        assert passages[0].startswith("w0 ")
        assert passages[-1].endswith(" w9999")

    @given(
        st.lists(st.sampled_from(["rain", "sun.", "wind;", "fog!\n"]), min_size=91, max_size=900)
    )
    def test_no_word_is_lost_and_no_passage_is_too_long(self, words: list[str]):
        text = " ".join(words)
        passages = split_passages(text)
        assert " ".join(passages).split() == text.split()
        assert max(len(passage.split()) for passage in passages) <= PASSAGE_WORDS


class TestReadBrief:
    @pytest.mark.parametrize(
        "captions",
        [
            pytest.param(["word " * 10_000], id="a book"),
            pytest.param(["a lake", "word. " * 300, "snow"], id="long and short"),
            pytest.param(["?!...", "\N{PARTY POPPER}"], id="marks and emoji"),
            pytest.param(["a\0b"], id="NUL"),
            pytest.param(["x"] * MAX_CAPTIONS, id="many"),
            pytest.param(["word " * 1_000] * MAX_CAPTIONS, id="many books"),
            pytest.param(["no drums"], id="nothing but a denial"),
        ],
    )
    def test_anything_that_is_a_text_is_read(self, captions: list[str]):
        brief = made_brief(*captions)
        assert brief.weights.sum() == pytest.approx(1.0, abs=1e-5)
        assert len(brief.weights) == len(brief.vectors) == len(brief.mood_scores)
        assert len(brief.weights) <= max(MAX_PASSAGES, LEAST_PASSAGES * len(captions))
        assert brief.mood.sum() == pytest.approx(1.0, abs=1e-4)

    def test_a_long_caption_weighs_no_more_than_a_short_one(self):
        brief = made_brief("rain. " * 400, "snow")
        assert brief.weights[-1] == pytest.approx(0.5)

    def test_weights_share_the_brief(self):
        brief = made_brief("rain", "snow", weights=[30.0, 10.0])
        assert brief.weights.tolist() == [0.75, 0.25]

    def test_another_language_is_noticed(self):
        brief = made_brief("Ein Mann geht allein durch die verschneiten Straßen der Stadt")
        assert brief.foreign is not None
        assert brief.foreign.name == "German"

    def test_wishes_of_many_captions_are_bounded(self):
        captions = [f"{tempo} bpm, {tempo + 1} bpm" for tempo in range(100, 200, 2)]
        assert len(made_brief(*captions).wishes) == MAX_WISHES

    def test_negatives_that_can_be_measured_are_told_from_texts(self):
        brief = made_brief("rain", negatives=["nothing sad", "a circus"])
        assert [wish.value for wish in brief.unwanted] == ["sadness"]
        assert brief.unwanted_texts == ("a circus",)
        assert len(brief.unwanted_vectors) == 1

    def test_refuses_too_many_negatives(self):
        with pytest.raises(BriefError, match="51 things not wanted"):
            made_brief("rain", negatives=["a"] * 51)


class TestCheckCaptions:
    @pytest.mark.parametrize(
        "weights",
        [[1.0], [1.0, 0.0], [1.0, -1.0], [1.0, float("nan")], [1.0, float("inf")],
         [1.0, MAX_WEIGHT + 1]],
    )  # fmt: skip
    def test_refuses_weights_that_mean_nothing(self, weights: list[float]):
        with pytest.raises(BriefError, match="weight"):
            check_captions(["a", "b"], weights)

    def test_an_empty_caption_goes_with_its_weight(self):
        assert check_captions(["a", "  ", "b"], [1.0, 5.0, 3.0]) == (["a", "b"], [0.25, 0.75])

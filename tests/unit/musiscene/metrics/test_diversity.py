import pytest

from musiscene.metrics.diversity import diversity


class TestDiversity:
    def test_figures_by_hand(self):
        """Words: a b a c (3 of 4 are new); pairs: a-b, a-c."""
        figures = diversity(["A b", "a c"])
        assert figures.distinct_1 == 0.75
        assert figures.distinct_2 == 1.0
        assert figures.distinct_texts == 1.0

    def test_the_same_text_again_is_no_variety(self):
        figures = diversity(["a man sits by the sea"] * 4 + ["A man  sits by the sea"])
        assert figures.distinct_texts == 0.2
        assert figures.self_bleu == pytest.approx(1.0)
        assert figures.openings[0].words == "a man sits by"
        assert figures.openings[0].share == 1.0

    def test_strangers_have_a_low_self_bleu(self):
        strangers = diversity(["one two three four", "five six seven eight"])
        assert strangers.self_bleu < 0.1

    def test_knows_empty_and_single_texts(self):
        figures = diversity([""])
        assert (figures.distinct_1, figures.distinct_2, figures.self_bleu) == (0.0, 0.0, 0.0)
        with pytest.raises(ValueError, match="no text"):
            diversity([])

    def test_many_texts_take_little_time_and_all_count_for_distinct(self):
        figures = diversity([f"scene number {number} of many" for number in range(350)])
        assert figures.distinct_texts == 1.0

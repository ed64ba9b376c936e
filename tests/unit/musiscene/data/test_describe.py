from musiscene.data.describe import card_page, describe_examples
from musiscene.data.rows import BadRow
from tests.support.data import example

EXAMPLES = [
    example("a", music="one two three", scene="Snow falls on a village.", split="train"),
    example("b", music="one", scene="snow falls, on a village", split="train"),
    example("c", music="a b c d e", scene="", split="train"),
    example("d", music="One, two, three!", scene="A chase at night.", split="test", group="a"),
]


class TestDescribeExamples:
    def test_counts_by_hand(self):
        card = describe_examples(EXAMPLES, bad=[BadRow(path="x", line=2, reason="is no row")])
        test, train = card.splits
        assert (train.split, train.rows, train.with_scene, train.groups) == ("train", 3, 2, 3)
        assert (train.distinct_scenes, train.scene_vocabulary) == (1, 5)
        assert (train.music_words.median, train.music_words.longest) == (3.0, 5)
        assert train.common_openings == (("snow falls on a village", 2),)
        assert train.common_words == (("falls", 2), ("snow", 2), ("village", 2))
        assert (test.rows, test.scene_words.median) == (1, 4.0)
        assert (card.near_duplicates_across, card.near_duplicates_within) == (1, 0)
        assert card.groups_across == 1
        assert card.licences == {"made": "CC0"}

    def test_nothing_has_an_empty_card(self):
        card = describe_examples([])
        assert card.splits == ()
        assert "# Data card" in card_page(card)


class TestCardPage:
    def test_shows_counts_licences_leaks_and_pictures(self):
        page = card_page(describe_examples(EXAMPLES), pictures=["words.png"])
        assert "| made | train | 3 | 2 | 3 | 3 (" in page
        assert "- made: CC0" in page
        assert "- near-duplicates across splits: 1" in page
        assert "![words](words.png)" in page
        table = [line for line in page.splitlines() if line.startswith("|")]
        assert len({line.count("|") for line in table}) == 1

import pytest

from musiscene.data.splits import SplitSettings, split_examples, split_of
from tests.support.data import example


class TestSplitOf:
    def test_shares_are_kept_about(self):
        settings = SplitSettings(validation_share=0.2, test_share=0.1)
        splits = [split_of(f"artist {number}", settings) for number in range(4000)]
        # Five standard deviations of a binomial count: a false alarm once in a million salts.
        assert splits.count("validation") / 4000 == pytest.approx(0.2, abs=0.032)
        assert splits.count("test") / 4000 == pytest.approx(0.1, abs=0.024)

    def test_is_the_same_on_every_machine_and_another_with_another_salt(self):
        names = [f"artist {number}" for number in range(12)]
        letters = "".join(split_of(name, SplitSettings())[:2] for name in names)
        assert letters == "trtrtetrtrtetrtrtrtrvava"
        assert letters != "".join(split_of(name, SplitSettings(salt="x"))[:2] for name in names)

    def test_more_than_all_is_refused(self):
        with pytest.raises(ValueError, match="more than all"):
            SplitSettings(validation_share=0.6, test_share=0.5)


class TestSplitExamples:
    def test_a_group_stays_together_and_does_not_depend_on_other_rows(self):
        rows = [example(f"{number} song", group=f"artist {number % 40}") for number in range(200)]
        together = split_examples(rows).examples
        by_group = {row.group: row.split for row in together}
        assert len(together) == 200
        assert all(row.split == by_group[row.group] for row in together)
        assert split_examples(rows[50:60]).examples == together[50:60]

    def test_rows_without_a_scene_stay_only_if_they_are_wanted(self):
        rows = [example("a", music="slow", scene=""), example("b", music="fast")]
        settings = SplitSettings(keep_without_scene=True)
        assert [row.id for row in split_examples(rows).examples] == ["b"]
        assert [row.id for row in split_examples(rows, settings).examples] == ["a", "b"]
        assert split_examples(rows, settings).without_scene == 1

    def test_near_duplicates_leave_the_earlier_split(self):
        music = "A slow and dark piano piece with a distant choir and a ticking clock"
        report = split_examples(
            [
                example("a", music=music, split="train"),
                example("b", music=music + ".", split="validation"),
                example("c", music=music.upper(), split="test"),
                example("d", music=music, split="test"),
                example("e", music="Something else entirely, with drums and a horn", split="train"),
            ]
        )
        assert [row.id for row in report.examples] == ["c", "d", "e"]
        assert report.near_duplicates == {"train": 1, "validation": 1, "test": 0}
        assert report.counts == {"train": 1, "validation": 0, "test": 2}
        assert (report.pairs_across, report.pairs_within) == (5, 1)

    def test_a_group_that_is_stated_in_two_splits_stays_in_the_later_one(self):
        report = split_examples(
            [
                example("a", group="x", split="validation"),
                example("b", group="x", split="train"),
                example("c", group="x"),
                example("d", group="y", split="train"),
            ]
        )
        kept = {row.id: row.split for row in report.examples}
        assert kept == {"a": "validation", "c": "validation", "d": "train"}
        assert report.shared_groups == 1

    def test_rows_without_scene_or_music_are_counted_and_dropped(self):
        report = split_examples([example("a"), example("b", scene=" "), example("c", music="")])
        assert [row.id for row in report.examples] == ["a"]
        assert (report.without_scene, report.without_music) == (1, 1)

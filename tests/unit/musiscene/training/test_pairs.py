import random

from musiscene.data.rows import SceneExample
from musiscene.training.pairs import drawn_batches, drawn_pair, paired, plain_pair


def example(number: int = 0, *, annotator: str = "", scene: str = "a club") -> SceneExample:
    return SceneExample(
        id=str(number),
        source="made",
        group=str(number),
        music={"aspects": "slow, sad, piano, strings, long", "description": "A slow piano plays."},
        scene=scene,
        annotator=annotator,
    )


class TestPaired:
    def test_leaves_out_rows_without_scene_or_music(self):
        silent = SceneExample(id="s", source="made", group="s", music={"aspects": ""}, scene="x")
        assert paired([example(1), example(2, scene=" "), silent]) == [example(1)]


class TestDrawnPair:
    def test_shows_a_row_in_several_views_that_all_are_true(self):
        chance = random.Random(0)  # noqa: S311
        seen = {drawn_pair(example(), chance, bare_scenes=0.0).music for _ in range(60)}
        assert "A slow piano plays" in seen
        assert "slow, sad, piano, strings, long. A slow piano plays" in seen
        assert len(seen) > 10
        words = {"slow", "sad", "piano", "strings", "long", "A", "plays"}
        assert all(set(text.replace(",", "").replace(".", "").split()) <= words for text in seen)

    def test_bare_scenes_are_as_many_as_wanted(self):
        row = example(scene="This song may be playing in a club.")
        views = [
            [drawn_pair(row, random.Random(n), bare_scenes=share).scene for n in range(50)]  # noqa: S311
            for share in (0.0, 0.5, 1.0)
        ]
        bare_counts = [scenes.count("A club.") for scenes in views]
        assert bare_counts[0] == 0
        assert 10 < bare_counts[1] < 40
        assert bare_counts[2] == 50


class TestPlainPair:
    def test_is_the_whole_row(self):
        assert plain_pair(example()) == (
            "a club",
            "slow, sad, piano, strings, long. A slow piano plays",
        )


class TestDrawnBatches:
    rows = tuple(example(n, annotator="ab"[n % 2]) for n in range(40))

    def batches(self, **changes: float) -> list[list[SceneExample]]:
        told = {"rows": 8, "one_annotator": 0.0, "seed": 0, "epoch": 0} | changes
        return drawn_batches(self.rows, **told)  # type: ignore[arg-type]

    def test_every_row_once(self):
        for share in (0.0, 0.5):
            ids = [row.id for batch in self.batches(one_annotator=share) for row in batch]
            assert sorted(ids) == sorted(row.id for row in self.rows)

    def test_batches_of_one_annotator_where_wanted(self):
        def pure(share: float) -> int:
            batches = self.batches(one_annotator=share)
            return sum(len({row.annotator for row in batch}) == 1 for batch in batches)

        assert (pure(0.0), pure(1.0)) == (0, 4)

    def test_an_epoch_depends_on_seed_and_number_alone(self):
        assert self.batches(epoch=1) == self.batches(epoch=1)
        assert self.batches(epoch=1) != self.batches(epoch=2)
        assert self.batches(epoch=1) != self.batches(epoch=1, seed=1)

    def test_few_rows_are_one_batch(self):
        assert [len(batch) for batch in self.batches(rows=100)] == [40]

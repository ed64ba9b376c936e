from collections import Counter
from itertools import chain

from musiscene.data.rows import SceneExample
from musiscene.prompts import SCENE_QUESTION
from musiscene.training.lessons import batch_rows, lessons_from

PROMPT = "Music: {music}\nScene: "


def row(identity: str, scene: str = "A boat.", **music: str) -> SceneExample:
    return SceneExample(id=identity, source="made", group=identity, music=music, scene=scene)


class TestLessonsFrom:
    def test_asks_mostly_with_all_and_at_times_with_the_first_field(self):
        [lesson] = lessons_from(
            [row("a", aspects="slow, piano", description="It is\nslow.")], PROMPT
        )
        whole = "Music: slow, piano. It is slow.\nScene: "
        assert lesson.questions == ("Music: slow, piano\nScene: ", whole, whole)
        assert lesson.answer == "A boat."

    def test_one_field_is_asked_with_alone(self):
        [lesson] = lessons_from([row("a", aspects="", description="It is slow.")], PROMPT)
        assert lesson.questions == ("Music: It is slow.\nScene: ",)

    def test_asks_what_the_row_answers(self):
        example = SceneExample(
            id="a", source="made", group="a", music={"m": "slow"}, scene="A boat.", question="Why?"
        )
        asked = [
            lesson.questions[0] for lesson in lessons_from([example, row("b", m="x")], "{question}")
        ]
        assert asked == ["Why?", SCENE_QUESTION]

    def test_leaves_out_rows_without_scene_or_music(self):
        rows = [row("a", scene="", aspects="slow"), row("b", aspects="")]
        assert lessons_from(rows, PROMPT) == []

    def test_braces_in_the_music_are_text(self):
        [lesson] = lessons_from([row("a", aspects="{music} {0}")], PROMPT)
        assert lesson.questions == ("Music: {music} {0}.\nScene: ",)


LENGTHS = [(7 * place) % 23 + 1 for place in range(101)]


class TestBatchRows:
    def test_every_row_is_in_one_batch(self):
        batches = batch_rows(LENGTHS, rows=8, seed=1, epoch=0)
        assert Counter(chain.from_iterable(batches)) == Counter(range(101))
        assert sorted(map(len, batches)) == [5, *[8] * 12]

    def test_rows_of_a_batch_are_about_equally_long(self):
        def padding(batches: list[list[int]]) -> int:
            return sum(
                max(LENGTHS[place] for place in batch) - LENGTHS[place]
                for batch in batches
                for place in batch
            )

        in_order = [list(range(first, min(first + 8, 101))) for first in range(0, 101, 8)]
        assert padding(batch_rows(LENGTHS, rows=8, seed=1, epoch=0)) < padding(in_order) / 4

    def test_seed_and_epoch_alone_decide_the_order(self):
        first = batch_rows(LENGTHS, rows=8, seed=1, epoch=0)
        assert batch_rows(LENGTHS, rows=8, seed=1, epoch=0) == first
        assert batch_rows(LENGTHS, rows=8, seed=1, epoch=1) != first
        assert batch_rows(LENGTHS, rows=8, seed=2, epoch=0) != first

    def test_nothing_makes_no_batches(self):
        assert batch_rows([], rows=8, seed=1, epoch=0) == []

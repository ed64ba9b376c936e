from collections.abc import Sequence
from typing import TYPE_CHECKING, cast

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray

from musiscene.data.rows import SceneExample
from musiscene.data.targets import make_targets, moods_in, scene_alone, supported_sentences
from musiscene.prompts import SCENE_QUESTION, VIDEO_QUESTION

if TYPE_CHECKING:
    from musiscene.embed import TextEmbedder


def row(identity: str, scene: str = "", source: str = "musiccaps", **music: str) -> SceneExample:
    return SceneExample(id=identity, source=source, group=identity, music=music, scene=scene)


class WordEmbedder:
    """Texts are near to each other when they share the word that stands for their topic."""

    version = "topics"
    topics = ("sea", "club", "war")

    def encode(self, texts: Sequence[str]) -> NDArray[np.float32]:
        return np.asarray(
            [[float(topic in text.lower()) for topic in self.topics] for text in texts],
            dtype=np.float32,
        )


EMBEDDER = cast("TextEmbedder", WordEmbedder())


class TestSceneAlone:
    @pytest.mark.parametrize(
        ("text", "scene"),
        [
            ("This song may be playing live at a festival.", "A festival."),
            ("It could be used in the soundtrack of a movie, during a scene of heartbreak.",
             "A movie, during a scene of heartbreak."),
            ("It sounds energetic, fun and joyful - like something you would hear at parties.",
             "Parties."),
            ("This piece could fit well as a jingle. It can also be played in clubs.",
             "A jingle. Clubs."),
            ("A guitar can be heard in the background. This may be playing during meditation.",
             "Meditation."),
            ("The tempo is fast and the drums are loud.", ""),
            ("", ""),
        ],
    )  # fmt: skip
    def test_takes_the_wrapping_off(self, text: str, scene: str):
        assert scene_alone(text) == scene

    def test_keeps_at_most_three_scenes_and_none_twice(self):
        text = " ".join(
            f"It can be played in a {place}." for place in ("bar", "bar", "club", "car", "church")
        )
        assert scene_alone(text) == "A bar. A club. A car."

    @given(st.text(max_size=200))
    def test_takes_any_text(self, text: str):
        scene = scene_alone(text)
        assert not scene or scene.endswith(".")


class TestSupportedSentences:
    MUSIC = ("Upbeat and energetic, with drums and a synth.",)

    def test_keeps_what_the_music_can_tell(self):
        scene = (
            "A man walks his dog. The energetic beat of drums drives him on. A synth adds energy."
        )
        assert supported_sentences(scene, self.MUSIC) == (
            "The energetic beat of drums drives him on. A synth adds energy."
        )

    def test_is_not_longer_than_a_paragraph(self):
        told = supported_sentences("Energetic drums play on and on. " * 40, self.MUSIC)
        assert 70 < len(told.split()) <= 80

    def test_is_empty_where_nothing_is_supported(self):
        assert not supported_sentences("A man walks his dog.", self.MUSIC)


class TestMoodsIn:
    def test_names_each_once_in_order(self):
        assert moods_in(["Sad, eerie melody", "eerie joy"], at_most=5) == ["sad", "eerie", "joyful"]

    def test_leaves_out_what_is_said_already(self):
        assert moods_in(["romantic, mellow"], but_not_in="A romantic movie.") == ["mellow"]


class TestMakeTargets:
    def test_scenes_end_with_the_mood_of_their_music(self):
        [target] = make_targets([row("a", "This song can be played in a bar.", aspects="groovy")])
        assert (target.scene, target.question) == ("A bar, groovy.", SCENE_QUESTION)
        assert target.provenance["scene"].name == "targets-1"

    def test_videos_keep_what_the_music_supports(self):
        scene = "A man walks. The slow and sad piano follows him."
        [target] = make_targets([row("v", scene, source="vacad", heard="A slow, sad piano.")])
        assert target.scene == "The slow and sad piano follows him."
        assert target.question == VIDEO_QUESTION

    def test_what_many_rows_share_is_thinned(self):
        rows = [row(str(n), "This can be played in a club.", aspects="slow") for n in range(9)]
        assert [target.id for target in make_targets(rows, at_most=3)] == ["0", "1", "2"]

    def test_rows_without_a_scene_are_left_out(self):
        assert (
            make_targets([row("a", "", aspects="sad"), row("b", "It is loud.", aspects="x")]) == []
        )

    def test_rows_without_a_scene_borrow_that_of_the_nearest(self):
        rows = [
            row("a", "It can be used in a movie about the sea.", aspects="a sea shanty"),
            row("b", "It can be used in a film about a war.", aspects="a war march"),
            row("c", aspects="a grim song of war"),
        ]
        borrowed = make_targets(rows, embedder=EMBEDDER)[-1]
        assert (borrowed.id, borrowed.scene) == ("c", "A film about a war, grim.")
        assert borrowed.provenance["scene"].name == "targets-1, borrowed from b by topics"

    def test_a_scene_is_not_lent_more_often_than_allowed(self):
        lender = row("a", "It can be used in a film about a war.", aspects="a war march")
        asking = [row(str(n), aspects="war") for n in range(5)]
        targets = make_targets([lender, *asking], at_most=3, embedder=EMBEDDER)
        assert [target.id for target in targets] == ["a", "0", "1"]

    def test_a_scene_that_says_little_is_not_lent(self):
        rows = [row("a", "It can be played in a club.", aspects="club"), row("b", aspects="club")]
        assert [target.id for target in make_targets(rows, embedder=EMBEDDER)] == ["a"]

    def test_nothing_to_lend(self):
        assert make_targets([row("b", aspects="club")], embedder=EMBEDDER) == []

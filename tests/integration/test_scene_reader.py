"""The shipped maps on the real embedder; skipped where it is absent."""

from __future__ import annotations

import pytest

from musiscene.checkpoints.store import ModelStore
from musiscene.errors import ModelUnavailableError
from musiscene.scene_reader import MOOD_NAMES, SCENE_READER_MODEL, SceneReader

pytestmark = pytest.mark.integration


@pytest.fixture(scope="module")
def reader() -> SceneReader:
    try:
        return SceneReader.load(ModelStore().folder(SCENE_READER_MODEL))
    except ModelUnavailableError as error:
        pytest.skip(str(error))


class TestPlainSentences:
    @pytest.mark.parametrize(
        ("text", "moods"),
        [
            ("a funeral in the rain", {"sadness"}),
            ("children chase bubbles at a birthday party", {"joy", "playfulness"}),
            ("a killer stands behind the door", {"darkness", "tension"}),
            ("two lovers kiss under the stars", {"tenderness"}),
            ("cars race through the city at full speed", {"energy"}),
            ("an old man looks at photographs of his youth", {"nostalgia"}),
        ],
    )
    def test_get_the_mood_that_anyone_would_give(
        self, reader: SceneReader, text: str, moods: set[str]
    ):
        scores = reader.read([text]).moods[0]
        strongest = {MOOD_NAMES[number] for number in (-scores).argsort()[:2]}
        assert strongest & moods, strongest

    def test_a_scene_is_less_strange_than_nonsense(self, reader: SceneReader):
        scene, nonsense = reader.read(["a woman walks home alone at night", "SELECT * FROM x;"])\
            .strangeness  # fmt: skip
        assert scene < nonsense

"""The real small language model imagines scenes; skipped where it has not been pulled."""

import pytest

from musiscene.checkpoints.store import ModelStore
from musiscene.errors import ModelUnavailableError
from musiscene.imagine import SceneImaginer
from musiscene.imagine.guards import rejection
from musiscene.imagine.prompt import LEARNT_SCENE
from musiscene.writer import load_writer

pytestmark = pytest.mark.integration

DESCRIPTIONS = [
    "A peaceful and calm acoustic folk piece with guitar, instrumental, very slow, in C major.",
    "A fierce and driving metal track with guitar and drums, fast at about 170 bpm, in E minor.",
    "A joyful and lively pop song with guitar, sung by a woman, brisk at about 124 bpm.",
]


@pytest.fixture(scope="module")
def imaginer() -> SceneImaginer:
    try:
        return load_writer(ModelStore()).imaginer()
    except ModelUnavailableError as error:
        pytest.skip(f"needs SmolLM2 and the scene embedder: {error}")


class TestImagine:
    def test_scenes_are_guarded_reproducible_and_independent_of_the_batch(
        self, imaginer: SceneImaginer
    ):
        together = imaginer.imagine(DESCRIPTIONS, seed=5)
        alone = imaginer.imagine(DESCRIPTIONS[1:2], seed=5)
        assert alone[0][0].text == together[1][0].text
        for description, (scene,) in zip(DESCRIPTIONS, together, strict=True):
            assert scene.origin == "model"
            assert rejection(scene.text, description, LEARNT_SCENE) is None
        assert len({scene.text for (scene,) in together}) == len(DESCRIPTIONS)

    def test_another_seed_imagines_something_else(self, imaginer: SceneImaginer):
        first, second = (imaginer.imagine(DESCRIPTIONS[:1], seed=seed)[0][0] for seed in (1, 2))
        assert first.text != second.text

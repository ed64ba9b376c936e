"""The released networks against the original graph; `tools/make_golden_musicnn.py` wrote it."""

from pathlib import Path

import numpy as np
import pytest
import torch

from musiscene.checkpoints.store import ModelStore
from musiscene.encoders.musicnn import load_musicnn
from musiscene.errors import ModelUnavailableError
from tests.support.golden_audio import chords_bursts_and_sweep

GOLDEN = Path(__file__).parent / "musicnn" / "ten_seconds.npz"


def converted_model() -> Path:
    try:
        return ModelStore().folder("musicnn")
    except ModelUnavailableError as unavailable:
        pytest.skip(str(unavailable))


@pytest.mark.golden
class TestReleasedNetworks:
    def test_hear_what_the_original_hears(self):
        tagger = load_musicnn(converted_model(), dtype=torch.float32)
        heard = tagger.listen(chords_bursts_and_sweep())
        with np.load(GOLDEN) as golden:
            np.testing.assert_allclose(heard.starts_seconds, golden["starts_seconds"])
            for name in ("mtt", "msd"):
                tags, penultimate = golden[f"{name}_tags"], golden[f"{name}_penultimate"]
                np.testing.assert_allclose(heard.tags[name], tags, rtol=0, atol=2e-5)
                np.testing.assert_allclose(heard.penultimate[name], penultimate, rtol=0, atol=2e-4)

    def test_bfloat16_hears_nearly_the_same(self):
        heard = load_musicnn(converted_model(), dtype=torch.bfloat16).listen(
            chords_bursts_and_sweep()
        )
        with np.load(GOLDEN) as golden:
            for name in ("mtt", "msd"):
                np.testing.assert_allclose(heard.tags[name], golden[f"{name}_tags"], atol=0.01)

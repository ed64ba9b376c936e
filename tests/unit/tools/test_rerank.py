from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pytest
import torch
from transformers import LlamaForCausalLM

from tests.support.language_model import write_tiny_language_model
from tools.rerank import Likelihoods

if TYPE_CHECKING:
    from pathlib import Path

CONTEXTS = ("Music: a harp. Scene: ", "none ")
TEXT = "snow falls"


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_tiny_language_model(tmp_path_factory.mktemp("model"))


class TestLikelihoods:
    def test_what_stands_in_the_other_rows_does_not_matter(self, folder: Path):
        likelihoods = Likelihoods(folder)
        alone = [likelihoods.after([context], TEXT)[0] for context in CONTEXTS]
        np.testing.assert_allclose(likelihoods.after(CONTEXTS, TEXT), alone, rtol=1e-4)

    def test_is_the_mean_of_the_tokens_own(self, folder: Path):
        likelihoods = Likelihoods(folder)
        before, own = (likelihoods.token_ids(text) for text in (CONTEXTS[0], TEXT))
        model = LlamaForCausalLM.from_pretrained(folder)
        with torch.inference_mode():
            logits = model(input_ids=torch.tensor([before + own])).logits[0]
        chances = torch.log_softmax(logits, dim=-1)
        expected = np.mean(
            [float(chances[len(before) + place - 1, one]) for place, one in enumerate(own)]
        )
        assert likelihoods.after([CONTEXTS[0]], TEXT)[0] == pytest.approx(expected, rel=1e-4)

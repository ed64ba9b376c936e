import pytest
import torch

from musiscene.language_model.sampling import draw_tokens


class TestDrawTokens:
    def test_draws_in_proportion(self):
        logits = torch.tensor([0.5, 0.3, 0.15, 0.05]).log().expand(10_000, 4)
        uniforms = (torch.arange(10_000) + 0.5) / 10_000
        counts = draw_tokens(logits, uniforms, 1.0, 1.0).bincount(minlength=4)
        assert counts.tolist() == pytest.approx([5000, 3000, 1500, 500], abs=2)

    def test_top_p_leaves_out_the_tail(self):
        logits = torch.tensor([0.5, 0.3, 0.15, 0.05]).log().expand(1000, 4)
        uniforms = torch.arange(1000) / 1000
        counts = draw_tokens(logits, uniforms, 1.0, 0.75).bincount(minlength=4)
        assert counts.tolist() == pytest.approx([625, 375, 0, 0], abs=2)

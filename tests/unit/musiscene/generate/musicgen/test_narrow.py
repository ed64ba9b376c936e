from __future__ import annotations

import pytest
import torch
from torch import nn

from musiscene.generate.musicgen.narrow import FEW_ROWS, NarrowLinear, narrow_products


@pytest.fixture
def layers() -> nn.Sequential:
    torch.manual_seed(1)
    return nn.Sequential(nn.Linear(24, 40, bias=False), nn.GELU(), nn.Linear(40, 8, bias=True))


class TestNarrowProducts:
    @pytest.mark.parametrize(
        "shape", [(24,), (1, 24), (2, 24), (2, 1, 24), (2, 2, 24), (FEW_ROWS + 1, 24), (2, 9, 24)]
    )
    def test_what_is_computed_stays_the_same(self, layers: nn.Sequential, shape: tuple[int, ...]):
        heard = torch.randn(shape)
        with torch.inference_mode():
            before = layers(heard)
            narrow_products(layers)
            after = layers(heard)
        assert after.shape == before.shape
        assert after.is_contiguous()
        torch.testing.assert_close(after, before)

    def test_layers_with_a_bias_and_all_weights_are_left_alone(self, layers: nn.Sequential):
        before = layers.state_dict()
        narrow_products(layers)
        assert [type(layer) for layer in layers] == [NarrowLinear, nn.GELU, nn.Linear]
        after = layers.state_dict()
        assert before.keys() == after.keys()
        assert all(before[name].data_ptr() == after[name].data_ptr() for name in before)

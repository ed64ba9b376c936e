"""Products of few rows, which a step of the decoder consists of, as fast as memory is read.

A step multiplies every weight by two rows: with the prompt, and without it. BLAS libraries lay
`rows x weights` out for many rows; the same product as `weights x columns` reads each weight once.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import torch
from torch import nn

if TYPE_CHECKING:
    from torch import Tensor

FEW_ROWS: Final = 4
"""From 6 on, both ways take about as long."""


class NarrowLinear(nn.Linear):
    """A linear layer without bias that is quick with few rows, without a GPU."""

    def forward(self, input: Tensor) -> Tensor:  # noqa: A002 - as the class above has it
        """Apply it.

        Args:
            input: Shape (..., features).

        Returns:
            Shape (..., features of the output).
        """
        rows = input.numel() // input.shape[-1]
        if not 1 < rows <= FEW_ROWS:
            return super().forward(input)
        product = torch.mm(self.weight, input.reshape(rows, -1).T)
        return product.T.contiguous().view(*input.shape[:-1], -1)


def narrow_products(decoder: nn.Module) -> None:
    """Make a decoder's linear layers quick with few rows; what they compute stays the same.

    Args:
        decoder: In float32, in the machine's memory.
    """
    for layer in decoder.modules():
        has_bias = getattr(layer, "bias", None) is not None
        if type(layer) is nn.Linear and not has_bias:
            layer.__class__ = NarrowLinear

"""AdamW as MU-LLaMA sets it.

Source: Liu et al. 2023, arXiv:2308.11276 (as its released recipes set it); Loshchilov and Hutter
2019, arXiv:1711.05101.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import torch

if TYPE_CHECKING:
    from collections.abc import Iterable

BETAS = (0.9, 0.95)
EPSILON = 1e-8


def decays(name: str, parameter: torch.nn.Parameter) -> bool:
    """Whether weight decay pulls on a parameter: matrices, not biases and not norms.

    Args:
        name: Of the parameter.
        parameter: Gates decay although ours are one row for each layer, since the original's have
            four axes.

    Returns:
        True if it decays.
    """
    return parameter.dim() > 1 and not name.endswith(".bias")


def make_optimiser(
    named: Iterable[tuple[str, torch.nn.Parameter]], *, weight_decay: float
) -> torch.optim.AdamW:
    """AdamW over some parameters; the learning rate is set at every step.

    Args:
        named: What is trained.
        weight_decay: Of what decays.

    Returns:
        The optimiser.
    """
    groups: dict[bool, list[torch.nn.Parameter]] = {True: [], False: []}
    for name, parameter in named:
        groups[decays(name, parameter)].append(parameter)
    return torch.optim.AdamW(
        [
            {"params": groups[True], "weight_decay": weight_decay},
            {"params": groups[False], "weight_decay": 0.0},
        ],
        lr=0.0,
        betas=BETAS,
        eps=EPSILON,
    )

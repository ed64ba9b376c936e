"""Several processes that train one model together, a GPU each, as `accelerate launch` starts them.

Every process holds all weights, reads all lessons and plans the same updates. Of an update's
batches each learns its own share; gradients are summed, each weighed by the tokens behind it, so
the update is the one that a single process makes of the same batches.
"""

from __future__ import annotations

import math
from datetime import timedelta
from typing import TYPE_CHECKING, TypeVar, cast

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    import torch
    from accelerate import PartialState

Row = TypeVar("Row")
PATIENCE = timedelta(days=1)
"""How long a process waits for another, which may have a library to hear first."""


def open_processes() -> PartialState:
    """The processes that train together; one unless a launcher says otherwise.

    Returns:
        Their number, this one's place, and its device.
    """
    from accelerate import PartialState

    return PartialState(timeout=PATIENCE)


def share_out(batches: Sequence[Sequence[Row]], processes: int) -> list[list[list[Row]]]:
    """Who learns which of an update's batches.

    Args:
        batches: Of the update.
        processes: How many share them.

    Returns:
        For each process its batches. Where there are fewer batches than processes, they are cut;
        some processes may still get none.

    Example:
        >>> share_out(["abc", "de"], 4)
        [[['a', 'c']], [['b']], [['d']], [['e']]]
    """
    cuts = math.ceil(processes / max(len(batches), 1))
    pieces = [list(batch[cut::cuts]) for batch in batches for cut in range(cuts)]
    pieces = [piece for piece in pieces if piece]
    return [pieces[place::processes] for place in range(processes)]


def add_up(tensor: torch.Tensor) -> torch.Tensor:
    """The sum of a tensor over all processes.

    Args:
        tensor: Of the same shape in each.

    Returns:
        The sum, the same everywhere.
    """
    from accelerate.utils import reduce

    return cast("torch.Tensor", reduce(tensor, reduction="sum"))


def add_up_gradients(parameters: Iterable[torch.nn.Parameter]) -> None:
    """Sum the gradients of all processes; one that has learnt nothing adds zero.

    Args:
        parameters: In the same order everywhere.
    """
    import torch

    for parameter in parameters:
        own = torch.zeros_like(parameter) if parameter.grad is None else parameter.grad
        parameter.grad = add_up(own)

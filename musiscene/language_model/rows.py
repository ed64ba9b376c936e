"""Rows of a batch while they are read and written."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from torch import Tensor
    from transformers import DynamicCache

TORN = "\ufffd"
"""What a decoder writes for a character of which it has seen only some bytes."""


@dataclass(frozen=True)
class Read:
    """The model after some tokens of some rows."""

    logits: Tensor
    """After the last token of each row, (rows, vocab)."""
    cache: DynamicCache
    """Keys and values of all columns."""
    visible: Tensor
    """Which columns of the cache hold a token of the row, bool, (rows, known)."""


@dataclass
class Row:
    """One completion while it is drawn."""

    place: int
    """Of its prompt."""
    uniforms: list[float]
    """What decides its draws, in [0, 1), one for each new token."""
    token_ids: list[int] = field(default_factory=list)
    """Drawn so far."""
    log_likelihood: float = 0.0
    """Of these, at temperature 1."""
    is_finished: bool = False
    """Whether a stop or the model's end token has come."""


def shared_length(prompts: Sequence[list[int]]) -> int:
    """How many tokens all prompts begin with, leaving each at least one of its own."""
    limit = min(len(prompt) for prompt in prompts) - 1
    first = prompts[0]
    for place in range(limit):
        if any(prompt[place] != first[place] for prompt in prompts):
            return place
    return limit


def unambiguous(text: str, stops: Sequence[str]) -> str:
    """Text without an end that more tokens may change: a torn character, a stop's beginning."""
    while text.endswith(TORN):
        text = text[: -len(TORN)]
    held = max(
        (size for stop in stops for size in range(1, len(stop)) if text.endswith(stop[:size])),
        default=0,
    )
    return text[: len(text) - held]


def batched(places: list[int], size: int) -> Iterator[list[int]]:
    """Places in groups of at most `size`."""
    for start in range(0, len(places), size):
        yield places[start : start + size]

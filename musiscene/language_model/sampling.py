"""How the next token is chosen: greedily, or drawn from the likeliest ones.

Source: Holtzman et al. 2020, arXiv:1904.09751, section 3.1 (top-p sampling).
"""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING, Annotated

import msgspec
import torch
from msgspec import Meta

if TYPE_CHECKING:
    from torch import Tensor

CANDIDATES = 256
"""The nucleus is looked for among so many of the likeliest tokens first: sorting all of them costs
more than the layer that makes them."""


class Sampling(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """How continuations are drawn."""

    max_new_tokens: Annotated[int, Meta(ge=1)] = 40
    """A row that has not stopped by then is cut and marked unfinished."""
    temperature: Annotated[float, Meta(ge=0.0)] = 0.8
    """Divides the logits; 0 always takes the likeliest token."""
    top_p: Annotated[float, Meta(gt=0.0, le=1.0)] = 0.95
    """Only the likeliest tokens that together hold this probability are drawn."""
    seed: int = 0
    """Together with a row's text and its number it decides every draw of that row."""
    stop: tuple[str, ...] = ("\n",)
    """A row ends at the first of these; it is not part of the text."""
    samples_per_prompt: Annotated[int, Meta(ge=1)] = 1
    """Completions of each continuation."""


class Completion(msgspec.Struct, frozen=True, kw_only=True):
    """What the model wrote after one continuation."""

    text: str
    """Without the stop that ended it."""
    token_ids: tuple[int, ...]
    """As drawn, the ending included."""
    log_likelihood: float
    """Natural log of the model's own probability of the tokens drawn, at temperature 1."""
    is_finished: bool
    """True if a stop or the model's end token came before `max_new_tokens`."""

    @property
    def token_count(self) -> int:
        """Tokens drawn, the ending included."""
        return len(self.token_ids)


def nucleus(logits: Tensor, temperature: float, top_p: float) -> tuple[Tensor, Tensor]:
    """The likeliest tokens that together hold a share of the probability.

    A token is left out if those before it hold more than `top_p`, so the likeliest always stays.

    Args:
        logits: Float, (rows, vocab).
        temperature: Divides the logits; above 0.
        top_p: The share, in (0, 1].

    Returns:
        Probabilities, float32, renormalised and 0 for what is left out, and token ids, int64: both
        (rows, candidates), the likeliest first.
    """
    scaled = logits.float() / temperature
    total = scaled.logsumexp(-1, keepdim=True)
    best, token_ids = scaled.topk(min(CANDIDATES, scaled.shape[-1]), dim=-1)
    probabilities = (best - total).exp()
    is_whole = best.shape[-1] == scaled.shape[-1]
    if not is_whole and bool((probabilities.sum(-1) <= top_p).any()):
        best, token_ids = scaled.sort(dim=-1, descending=True)
        probabilities = (best - total).exp()
    before = probabilities.cumsum(-1) - probabilities
    kept = probabilities * (before <= top_p)
    return kept / kept.sum(-1, keepdim=True), token_ids


def draw_tokens(logits: Tensor, uniforms: Tensor, temperature: float, top_p: float) -> Tensor:
    """One token a row, by inverting the cumulative distribution at a given number.

    Args:
        logits: Float, (rows, vocab).
        uniforms: In [0, 1), (rows,); the only source of chance.
        temperature: 0 takes the likeliest token whatever the numbers are.
        top_p: As `nucleus` takes it.

    Returns:
        Token ids, int64, (rows,).

    Example:
        >>> logits = torch.tensor([[0.0, 3.0, 2.0]])
        >>> draw_tokens(logits, torch.tensor([0.99]), 1.0, 0.95).item()
        2
        >>> draw_tokens(logits, torch.tensor([0.99]), 0.0, 0.95).item()
        1
    """
    if temperature == 0.0:
        return logits.argmax(-1)
    probabilities, token_ids = nucleus(logits, temperature, top_p)
    cumulative = probabilities.cumsum(-1)
    target = uniforms[:, None] * cumulative[:, -1:]
    place = (cumulative <= target).sum(-1, keepdim=True).clamp(max=token_ids.shape[-1] - 1)
    return token_ids.gather(1, place)[:, 0]


def draw_uniforms(text: str, sample: int, sampling: Sampling) -> Tensor:
    """The random numbers of one row: a function of the seed, its text and its number.

    Args:
        text: Of the row.
        sample: Which of its samples.
        sampling: Its seed and length.

    Returns:
        In [0, 1), float32, (max_new_tokens,).
    """
    key = f"{sampling.seed}\n{sample}\n{text}".encode()
    seed = int.from_bytes(hashlib.blake2b(key, digest_size=8).digest(), "big", signed=True)
    return torch.rand(sampling.max_new_tokens, generator=torch.Generator().manual_seed(seed))

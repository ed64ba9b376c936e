"""How the next token is chosen: greedily, or drawn from the likeliest ones.

Source: Holtzman et al. 2020, arXiv:1904.09751, section 3.1 (top-p sampling).
"""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING, Annotated, cast

import msgspec
import torch
from msgspec import Meta

if TYPE_CHECKING:
    from torch import Tensor

CANDIDATES = (64, 1024)
"""The nucleus is looked for among so many of the likeliest tokens first, row by row: sorting all of
them costs more than the layer that makes them."""
ROWS_AT_ONCE = 8
"""What so many rows need stays in the processor's cache."""


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
        (rows, vocab), the likeliest first.
    """
    scaled = logits.float() / temperature
    total = scaled.logsumexp(-1, keepdim=True)
    best, token_ids = scaled.sort(dim=-1, descending=True)
    return _kept((best - total).exp(), top_p), token_ids


def draw_tokens(
    logits: Tensor, uniforms: Tensor, temperature: float, top_p: float
) -> tuple[Tensor, Tensor]:
    """One token a row, by inverting the cumulative distribution at a given number.

    Args:
        logits: Float, (rows, vocab).
        uniforms: In [0, 1), (rows,); the only source of chance.
        temperature: 0 takes the likeliest token whatever the numbers are.
        top_p: As `nucleus` takes it.

    Returns:
        Token ids, int64, and the natural log of their probability at temperature 1, float32: both
        (rows,).

    Example:
        >>> logits = torch.tensor([[0.0, 3.0, 2.0]])
        >>> draw_tokens(logits, torch.tensor([0.99]), 1.0, 0.95)[0].item()
        2
        >>> draw_tokens(logits, torch.tensor([0.99]), 0.0, 0.95)[0].item()
        1
    """
    drawn = torch.zeros(len(logits), dtype=torch.long, device=logits.device)
    gains = torch.zeros(len(logits), device=logits.device)
    for start in range(0, len(logits), ROWS_AT_ONCE):
        rows = slice(start, start + ROWS_AT_ONCE)
        logs = logits[rows].float().log_softmax(-1)
        if temperature == 0.0:
            drawn[rows] = logs.argmax(-1)
        else:
            shares = (logs / temperature).softmax(-1)
            drawn[rows] = _draw(shares, uniforms[rows], top_p)
        gains[rows] = logs.gather(1, drawn[rows, None])[:, 0]
    return drawn, gains


def _draw(shares: Tensor, uniforms: Tensor, top_p: float) -> Tensor:
    """One token a row of the probabilities `shares`, (rows, vocab)."""
    drawn = torch.zeros(len(shares), dtype=torch.long, device=shares.device)
    rows = torch.arange(len(shares), device=shares.device)
    for count in (*CANDIDATES, shares.shape[-1]):
        best, token_ids = shares[rows].topk(min(count, shares.shape[-1]), dim=-1)
        holds = (best.sum(-1) > top_p) | (best.shape[-1] == shares.shape[-1])
        cumulative = _kept(best[holds], top_p).cumsum(-1)
        target = uniforms[rows[holds], None] * cumulative[:, -1:]
        place = (cumulative <= target).sum(-1, keepdim=True).clamp(max=best.shape[-1] - 1)
        drawn[rows[holds]] = token_ids[holds].gather(1, place)[:, 0]
        rows = rows[~holds]
        if len(rows) == 0:
            break
    return drawn


def _kept(probabilities: Tensor, top_p: float) -> Tensor:
    """Those of falling probabilities that belong to the nucleus, renormalised; the others 0."""
    before = probabilities.cumsum(-1) - probabilities
    kept = probabilities * (before <= top_p)
    return kept / kept.sum(-1, keepdim=True)


def draw_uniforms(text: str, sample: int, sampling: Sampling) -> list[float]:
    """The random numbers of one row: a function of the seed, its text and its number.

    Args:
        text: Of the row.
        sample: Which of its samples.
        sampling: Its seed and length.

    Returns:
        In [0, 1), `max_new_tokens` of them.
    """
    key = f"{sampling.seed}\n{sample}\n{text}".encode()
    seed = int.from_bytes(hashlib.blake2b(key, digest_size=8).digest(), "big", signed=True)
    chance = torch.Generator().manual_seed(seed)
    return cast("list[float]", torch.rand(sampling.max_new_tokens, generator=chance).tolist())

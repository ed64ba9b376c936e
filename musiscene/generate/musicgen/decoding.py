"""Conditions -> audio codes of any length, a window at a time.

A column of the decoder holds one token per codebook, each codebook one frame later than the one
before (the delay pattern); a stereo model has two codebooks per delay, left and right. Column 0 is
all padding, and column c holds the token of frame `c - 1 - delay` of a codebook.

The loop is our own, since `generate` of transformers draws all rows from one generator: here every
row has its own, so that a request gets the same music alone and among others.

Source: Copet et al. 2023, arXiv:2306.05284, section 2.2 (delay pattern) and 3.1 (sampling).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final, Protocol

import msgspec
import torch

from musiscene.generate.musicgen.cache import roomy_cache

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from torch import Tensor

WINDOW_SECONDS: Final = 30.0
"""The models were trained on so much."""
OVERLAP_SECONDS: Final = 10.0
"""So much of a window is the beginning of the next one."""


class Sampling(msgspec.Struct, frozen=True, kw_only=True):
    """How tokens are drawn; the defaults are MusicGen's own."""

    guidance: float = 3.0
    """Weight of the prompt (classifier-free guidance); 1 for none."""
    top_k: int = 250
    """Tokens that may be drawn; 1 always takes the likeliest."""
    temperature: float = 1.0
    """Below 1 plays safer."""


@dataclass(frozen=True, kw_only=True)
class Condition:
    """What the decoder is told in one window; with guidance, the rows without a prompt follow."""

    hidden: Tensor
    """Shape (rows, tokens, width)."""
    mask: Tensor | None = None
    """Shape (rows, tokens), 0 where a text is padded; None if none is."""


class Conditioner(Protocol):
    """Gives the conditions of a window."""

    def __call__(self, rows: Sequence[int], start_frame: int) -> Condition:
        """The conditions of some requests from a frame on."""


@dataclass(frozen=True, kw_only=True)
class Windows:
    """How long windows are, in frames."""

    window: int
    overlap: int

    @classmethod
    def at(cls, frame_rate: float) -> Windows:
        """The usual ones.

        Args:
            frame_rate: Frames per second.

        Returns:
            Windows that the models were trained on.
        """
        return cls(
            window=round(WINDOW_SECONDS * frame_rate), overlap=round(OVERLAP_SECONDS * frame_rate)
        )

    def starts(self, frames: int) -> list[int]:
        """Where windows begin.

        Args:
            frames: How many there are to be.

        Returns:
            First frames; each window begins with `overlap` frames of the one before.

        Example:
            >>> Windows(window=30, overlap=10).starts(70)
            [0, 20, 40]
        """
        stride = self.window - self.overlap
        return [0, *range(stride, frames - self.overlap, stride)] if frames > self.window else [0]


def sample_codes(
    decoder: Any,  # noqa: ANN401 - MusicgenForCausalLM or MusicgenMelodyForCausalLM
    conditioner: Conditioner,
    requests: Sequence[tuple[int, int]],
    *,
    windows: Windows,
    sampling: Sampling,
    after_frame: Callable[[], None],
) -> list[Tensor]:
    """Draw the codes of some pieces side by side.

    Args:
        decoder: The model's.
        conditioner: Says what is wanted.
        requests: Frames and seed of each.
        windows: How long they are.
        sampling: How to draw.
        after_frame: Is called once per column; what it raises ends the work.

    Returns:
        Codes of each, int64, shape (codebooks, frames).
    """
    codebooks = decoder.config.num_codebooks
    generators = [torch.Generator().manual_seed(seed) for _, seed in requests]
    codes = [torch.empty((codebooks, 0), dtype=torch.long) for _ in requests]
    longest = max(frames for frames, _ in requests)
    for start in windows.starts(longest):
        rows = [row for row, (frames, _) in enumerate(requests) if codes[row].shape[1] < frames]
        window = _Window(
            prompt=torch.stack([codes[row][:, start:] for row in rows]),
            frames=[min(requests[row][0] - start, windows.window) for row in rows],
            condition=conditioner(rows, start),
            generators=[generators[row] for row in rows],
        )
        drawn = sample_window(decoder, window, sampling=sampling, after_frame=after_frame)
        for row, fresh in zip(rows, drawn, strict=True):
            codes[row] = torch.cat([codes[row][:, :start], fresh], dim=1)
    return codes


@dataclass(frozen=True, kw_only=True)
class _Window:
    prompt: Tensor
    """Shape (rows, codebooks, frames that are kept)."""
    frames: Sequence[int]
    """Of each row, with those of the prompt."""
    condition: Condition
    generators: Sequence[torch.Generator]


@torch.inference_mode()
def sample_window(
    decoder: Any,  # noqa: ANN401
    window: _Window,
    *,
    sampling: Sampling,
    after_frame: Callable[[], None],
) -> list[Tensor]:
    """Draw the codes of one window; those of its prompt stay as they are.

    Args:
        decoder: The model's.
        window: What is wanted.
        sampling: How to draw.
        after_frame: Is called once per column.

    Returns:
        Codes of each row, shape (codebooks, frames), on the processor.
    """
    settings = decoder.config
    delays = torch.arange(settings.num_codebooks) // settings.audio_channels
    rows, codebooks, kept = window.prompt.shape
    frames = torch.tensor(window.frames)[:, None]
    codes = torch.full((rows, codebooks, max(window.frames)), settings.pad_token_id)
    codes[:, :, :kept] = window.prompt
    columns = codes.shape[2] + int(delays[-1]) + 1
    prefix = window.condition.hidden.shape[1]  # a melody model puts its conditions before them
    cache = roomy_cache(layers=settings.num_hidden_layers, room=prefix + columns)
    told = {
        "encoder_hidden_states": window.condition.hidden,
        "encoder_attention_mask": window.condition.mask,
    }
    is_prefix = not _has_cross_attention(decoder)
    seen = torch.cat([_column(codes, at - delays - 1, settings) for at in range(kept + 1)], dim=2)
    for at in range(kept + 1, columns):
        # Rows with a prompt, and the same again without one.
        both = seen.repeat(window.condition.hidden.shape[0] // rows, 1, 1)
        answer = decoder(
            input_ids=both.reshape(-1, seen.shape[2]).to(decoder.device),
            past_key_values=cache,
            use_cache=True,
            **told,
        )
        if is_prefix:
            told = {}
        logits = answer.logits[:, -1].float().cpu()
        drawn = _draw(logits.reshape(-1, rows, codebooks, logits.shape[-1]), window, sampling)
        index = at - delays - 1
        fresh = (index >= kept) & (index < frames)
        row, codebook = fresh.nonzero(as_tuple=True)
        codes[row, codebook, index[codebook]] = drawn[row, codebook]
        seen = _column(codes, index, settings)
        after_frame()
    return [one[:, :count] for one, count in zip(codes, window.frames, strict=True)]


def _has_cross_attention(decoder: Any) -> bool:  # noqa: ANN401
    return hasattr(decoder.model.decoder.layers[0], "encoder_attn")


def _column(codes: Tensor, index: Tensor, settings: Any) -> Tensor:  # noqa: ANN401
    """One column for the decoder, shape (rows, codebooks, 1)."""
    last = codes.shape[2] - 1
    column = codes[:, torch.arange(len(index)), index.clamp(0, last)]
    outside = (index < 0) | (index > last)
    return column.masked_fill(outside, settings.pad_token_id)[:, :, None]


def _draw(logits: Tensor, window: _Window, sampling: Sampling) -> Tensor:
    """Draw a token per row and codebook.

    Args:
        logits: Shape (1 or 2, rows, codebooks, tokens): with a prompt, and without one.
        window: Has the generators.
        sampling: How to draw.

    Returns:
        Tokens, shape (rows, codebooks).
    """
    scores = logits[0]
    if len(logits) > 1:
        scores = logits[1] + (logits[0] - logits[1]) * sampling.guidance
    best, tokens = (scores / sampling.temperature).topk(min(sampling.top_k, scores.shape[-1]))
    chances = best.softmax(-1)
    picked = torch.stack(
        [
            torch.multinomial(one, 1, generator=generator)
            for one, generator in zip(chances, window.generators, strict=True)
        ]
    )
    return tokens.gather(-1, picked)[..., 0]

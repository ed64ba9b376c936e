"""The attention that every language model here runs: over a shared prefix, own tokens, and music.

It is one function that transformers calls in each layer in place of its own. What it needs beyond
queries, keys and values travels as keyword arguments of the model's forward pass, so a model holds
no state of a request and its layers are not patched.

Source: Juravsky et al. 2024, Hydragen, arXiv:2402.05099, section 3 (attention split at a shared
prefix); Liu et al. 2023, MU-LLaMA, arXiv:2308.11276, section 3 (music in the attention).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, cast

import torch
from torch.nn import functional as F
from transformers import AttentionInterface

if TYPE_CHECKING:
    from collections.abc import Sequence

    from torch import Tensor, nn
    from transformers import PreTrainedModel

ATTENTION_NAME = "musiscene"

PrefixStates = list[tuple["Tensor", "Tensor"]]
"""Keys and values of every layer, each (kv_heads, prefix_tokens, head_width)."""


@dataclass(frozen=True)
class AudioStates:
    """What each row hears, ready for the attention of the last layers.

    With one audio token the softmax over it is 1 whatever the query is, so no key is needed, and
    every position of a row receives the same vector.
    """

    values: Tensor
    """Gated values, (rows, layers, heads, head_width); one row stands for all rows of a batch."""
    first_layer: int
    """Of the language model, that hears `values[:, 0]`."""

    @property
    def row_count(self) -> int:
        """How many different things are heard."""
        return self.values.shape[0]

    def of_layer(self, layer: int) -> Tensor | None:
        """What a layer adds to its attention, (rows, 1, heads, head_width); None if it is deaf."""
        place = layer - self.first_layer
        return self.values[:, None, place] if 0 <= place < self.values.shape[1] else None

    def rows(self, places: Sequence[int] | Tensor) -> AudioStates:
        """Some of the rows, in the order given, with repeats."""
        chosen = torch.as_tensor(places, device=self.values.device)
        return AudioStates(self.values[chosen], self.first_layer)


def use_attention(model: PreTrainedModel) -> None:
    """Make a model run `attend`, which takes `prefix_states` and `audio_states` in its forward."""
    AttentionInterface.register(ATTENTION_NAME, attend)
    model.set_attn_implementation(ATTENTION_NAME)


def attend(  # noqa: PLR0913  as transformers calls it
    module: nn.Module,
    query: Tensor,
    key: Tensor,
    value: Tensor,
    attention_mask: Tensor | None,
    *,
    scaling: float,
    prefix_states: PrefixStates | None = None,
    audio_states: AudioStates | None = None,
    **_: object,
) -> tuple[Tensor, None]:
    """Attention over a prefix that all rows share and over each row's own tokens, and the music.

    Args:
        module: The attention block; its `layer_idx` picks the layer.
        query: (rows, heads, new, head_width).
        key: Own tokens, (rows, kv_heads, known, head_width).
        value: As `key`.
        attention_mask: Which own tokens each new one sees, bool, (rows, 1, new, known), at least
            one each; None for those before it and itself.
        scaling: Of the scores.
        prefix_states: Keys and values of every layer; None or empty for no prefix.
        audio_states: What the rows hear; None for silence.

    Returns:
        (rows, new, heads, head_width), and None in place of the weights.
    """
    layer = cast("int", module.layer_idx)
    if prefix_states and attention_mask is not None:
        prefix_key, prefix_value = prefix_states[layer]
        out = _attend_split(query, key, value, attention_mask, prefix_key, prefix_value, scaling)
    else:
        out = F.scaled_dot_product_attention(
            query,
            key,
            value,
            attn_mask=attention_mask,
            is_causal=attention_mask is None and query.shape[2] > 1,
            scale=scaling,
            enable_gqa=query.shape[1] != key.shape[1],
        )
    out = out.transpose(1, 2)  # (rows, new, heads, head_width)
    heard = None if audio_states is None else audio_states.of_layer(layer)
    return (out if heard is None else out + heard).contiguous(), None


def _attend_split(
    query: Tensor,
    key: Tensor,
    value: Tensor,
    attention_mask: Tensor,
    prefix_key: Tensor,
    prefix_value: Tensor,
    scaling: float,
) -> Tensor:
    """Attention over prefix and own tokens, where the prefix is one product for all rows."""
    rows, heads, new, width = query.shape
    kv_heads, known = key.shape[1], key.shape[2]
    groups = heads // kv_heads
    grouped = query.reshape(rows, kv_heads, groups * new, width) * scaling
    own = (grouped @ key.transpose(2, 3)).view(rows, kv_heads, groups, new, known).float()
    own = own.masked_fill(~attention_mask[:, :, None], torch.finfo(own.dtype).min)
    own = own.view(rows, kv_heads, groups * new, known)
    folded = grouped.transpose(0, 1).reshape(kv_heads, rows * groups * new, width)
    shared = (folded @ prefix_key.transpose(1, 2)).float()
    shared = shared.view(kv_heads, rows, groups * new, -1).transpose(0, 1)
    weights = torch.cat([shared, own], dim=-1).softmax(-1).to(value.dtype)
    over_prefix, over_own = torch.split(weights, [shared.shape[-1], known], dim=-1)
    folded = over_prefix.transpose(0, 1).reshape(kv_heads, rows * groups * new, -1)
    out = (folded @ prefix_value).view(kv_heads, rows, groups * new, width).transpose(0, 1)
    return (out + over_own @ value).reshape(rows, heads, new, width)

"""A LLaMA without music in its attention, as a processor writes many rows with it fastest.

The same arithmetic as transformers' own layers, with what costs time beside the matrix products
taken away: projections of the same input are one product, keys and values of a batch lie in one
buffer that is written in place, padding is never multiplied, rows that have ended leave, and rows
that go on from one prompt ask its keys and values together.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, cast

import torch
from torch import nn
from torch.nn import functional as F

if TYPE_CHECKING:
    from collections.abc import Sequence

    from torch import Tensor
    from transformers import PreTrainedModel

ROOM_TOKENS = 16
"""The buffer grows by so many places at a time."""
LONGEST_TOKENS = 2048
"""Rows that could grow longer are left to the ordinary layers."""


@dataclass(frozen=True)
class _Layer:
    """Weights of one layer; the modules of the model are views of the joined ones."""

    before_attention: Tensor
    qkv: Tensor
    output: Tensor
    before_mlp: Tensor
    gate_up: Tensor
    down: Tensor


@dataclass
class PackedRows:
    """What rows have written after their prompts, all of them equally many tokens."""

    prompts: Tensor
    """Keys and values of the prompts, float32, (layers, 2, prompts, kv_heads, longest, width)."""
    padding: Tensor
    """Empty columns before each prompt's first token, int64, (prompts,)."""
    prompt_of: Tensor
    """Which prompt each row goes on from, int64, (rows,)."""
    states: Tensor
    """Keys and values of what is written, float32, (layers, 2, rows, kv_heads, room, width)."""
    written: int
    """Columns of `states` in use."""
    logits: Tensor
    """After the last token of each row, (rows, vocab)."""

    def __post_init__(self) -> None:
        """Lay the rows out as a grid: prompts by the most rows that one of them has."""
        is_of = self.prompt_of[:, None] == torch.arange(len(self.padding))  # (rows, prompts)
        place = is_of.cumsum(0).gather(1, self.prompt_of[:, None])[:, 0] - 1
        self.grid_width = int(place.max()) + 1
        self.cells = self.prompt_of * self.grid_width + place
        columns = torch.arange(self.prompts.shape[4])
        bias = torch.zeros(len(self.padding), len(columns), dtype=self.prompts.dtype)
        bias = bias.masked_fill(columns < self.padding[:, None], float("-inf"))
        self.bias = bias[:, None, None]


class PackedLlama:
    """The layers of a language model on the CPU.

    Args:
        model: One that `can_pack` accepts. Its projections become views of joined tensors, so
            that no weight is held twice.
    """

    def __init__(self, model: PreTrainedModel) -> None:
        self._model: Any = model
        config: Any = model.config
        self._heads = int(config.num_attention_heads)
        self._kv_heads = int(config.num_key_value_heads)
        self._width = int(self._model.model.layers[0].self_attn.head_dim)
        self._epsilon = float(config.rms_norm_eps)
        self._layers = [_pack(layer) for layer in self._model.model.layers]
        positions = torch.arange(LONGEST_TOKENS)[None]
        example = self._model.lm_head.weight[:1]
        cos, sin = self._model.model.rotary_emb(example, positions)
        self._cos, self._sin = cos[0, :, None], sin[0, :, None]  # (positions, 1, head_width)

    def is_of(self, model: PreTrainedModel) -> bool:
        """Whether the weights are still those of a model."""
        layers = cast("Any", model).model.layers
        return model is self._model and all(
            layer.self_attn.q_proj.weight.data_ptr() == packed.qkv.data_ptr()
            and layer.mlp.gate_proj.weight.data_ptr() == packed.gate_up.data_ptr()
            for layer, packed in zip(layers, self._layers, strict=True)
        )

    @torch.inference_mode()
    def read(self, prompts: Sequence[Sequence[int]], *, samples: int = 1) -> PackedRows:
        """Read prompts of unequal length.

        Args:
            prompts: At least one token each.
            samples: Rows that go on from each.

        Returns:
            `samples` rows for each prompt, next to each other.
        """
        longest = max(map(len, prompts))
        padding = torch.tensor([longest - len(prompt) for prompt in prompts])
        columns = torch.arange(longest)
        is_token = columns >= padding[:, None]  # (prompts, longest)
        places = is_token.flatten().nonzero()[:, 0]
        token_ids = torch.tensor([token for prompt in prompts for token in prompt])
        positions = (columns - padding[:, None]).flatten()[places]
        # Padding sees itself: a softmax over nothing is not a number.
        mask = (columns <= columns[:, None]) & is_token[:, None]
        mask = (mask | torch.eye(longest, dtype=torch.bool))[:, None]
        grouped = mask.repeat_interleave(self._heads // self._kv_heads, dim=2)
        hidden = self._model.model.embed_tokens.weight[token_ids]
        # Half precision would gain nothing here, and its kernels are made and kept for each shape.
        states = torch.zeros(
            len(self._layers), 2, len(prompts), self._kv_heads, longest, self._width
        )
        shape = (len(prompts), longest)
        for layer, own in zip(self._layers, states, strict=True):
            query, key, value = self._project(layer, hidden, positions)
            own[0] = _spread(key, places, shape).transpose(1, 2)
            own[1] = _spread(value, places, shape).transpose(1, 2)
            heard = self._attend(_spread(query.float(), places, shape), own[0], own[1], grouped)
            heard = heard.reshape(-1, heard.shape[-1])[places].to(hidden.dtype)
            hidden = self._rest(layer, hidden, heard)
        ends = torch.tensor([len(prompt) for prompt in prompts]).cumsum(0) - 1
        logits = self._logits(hidden[ends])
        rows = torch.arange(len(prompts)).repeat_interleave(samples)
        room = states.new_empty(*states.shape[:2], len(rows), self._kv_heads, 0, self._width)
        return PackedRows(states, padding, rows, room, 0, logits[rows])

    @torch.inference_mode()
    def step(self, rows: PackedRows, token_ids: Tensor) -> None:
        """Read one more token of each row, int64, (rows,)."""
        if rows.written == rows.states.shape[4]:
            rows.states = self._moved(rows, torch.arange(len(rows.prompt_of)))
        positions = rows.prompts.shape[4] - rows.padding[rows.prompt_of] + rows.written
        rows.written += 1
        hidden = self._model.model.embed_tokens.weight[token_ids]
        for layer, prompts, own in zip(self._layers, rows.prompts, rows.states, strict=True):
            query, key, value = self._project(layer, hidden, positions)
            own[0, :, :, rows.written - 1] = key
            own[1, :, :, rows.written - 1] = value
            heard = self._attend_shared(query.float(), prompts, own[:, :, :, : rows.written], rows)
            hidden = self._rest(layer, hidden, heard.to(hidden.dtype))
        rows.logits = self._logits(hidden)

    @torch.inference_mode()
    def keep(self, rows: PackedRows, kept: Tensor) -> PackedRows:
        """Some of the rows, int64, in the order given, with repeats."""
        used, prompt_of = torch.unique(rows.prompt_of[kept], return_inverse=True)
        prompts = rows.prompts
        if len(used) < len(rows.padding):
            prompts = prompts[:, :, used]
        return PackedRows(
            prompts,
            rows.padding[used],
            prompt_of,
            self._moved(rows, kept),
            rows.written,
            rows.logits[kept],
        )

    def _moved(self, rows: PackedRows, kept: Tensor) -> Tensor:
        old = rows.states
        room = rows.written + ROOM_TOKENS
        moved = old.new_empty(*old.shape[:2], len(kept), old.shape[3], room, old.shape[5])
        for target, source in zip(moved, old, strict=True):
            target[:, :, :, : rows.written] = source[:, kept, :, : rows.written]
        return moved

    def _project(
        self, layer: _Layer, hidden: Tensor, positions: Tensor
    ) -> tuple[Tensor, Tensor, Tensor]:
        """Queries (tokens, heads, head_width), keys and values (tokens, kv_heads, head_width)."""
        joined = F.linear(self._normed(hidden, layer.before_attention), layer.qkv)
        split = joined.view(len(hidden), -1, self._width)
        turning = self._heads + self._kv_heads
        turned = split[:, :turning]
        halves = turned.chunk(2, dim=-1)
        crossed = torch.cat((-halves[1], halves[0]), dim=-1)
        turned = turned * self._cos[positions] + crossed * self._sin[positions]
        return turned[:, : self._heads], turned[:, self._heads :], split[:, turning:]

    def _attend(self, query: Tensor, key: Tensor, value: Tensor, mask: Tensor | None) -> Tensor:
        """Attention of (rows, new, heads, head_width), returned as (rows, new, width).

        Heads that share keys are asked as if they were one head's tokens, `new` times as many:
        token by token, so a mask has each token's line once for each of them.
        """
        rows, new = query.shape[:2]
        groups = self._heads // self._kv_heads
        asked = query.reshape(rows, new, self._kv_heads, groups, self._width).permute(0, 2, 1, 3, 4)
        asked = asked.reshape(rows, self._kv_heads, new * groups, self._width)
        out = F.scaled_dot_product_attention(asked, key, value, attn_mask=mask)
        out = out.view(rows, self._kv_heads, new, groups, self._width).permute(0, 2, 1, 3, 4)
        return out.reshape(rows, new, -1)

    def _attend_shared(
        self, query: Tensor, prompts: Tensor, own: Tensor, rows: PackedRows
    ) -> Tensor:
        """Attention of one token a row, (rows, heads, head_width), returned as (rows, width).

        All rows of a prompt ask its keys in one product; their own are asked row by row. Cells of
        the grid without a row ask nothing and are not read.
        """
        groups, longest = self._heads // self._kv_heads, prompts.shape[3]
        grid = (len(rows.padding), rows.grid_width, self._kv_heads, groups)
        asked = (query * self._width**-0.5).view(len(query), self._kv_heads, groups, self._width)
        of_prompt = _by_prompt(asked, rows.cells, grid) @ prompts[0].transpose(2, 3) + rows.bias
        scores = (_by_row(of_prompt, rows.cells, grid), asked @ own[0].transpose(2, 3))
        weights = torch.cat(scores, dim=-1).softmax(-1)
        of_prompt = _by_prompt(weights[..., :longest], rows.cells, grid) @ prompts[1]
        heard = _by_row(of_prompt, rows.cells, grid) + weights[..., longest:] @ own[1]
        return heard.reshape(len(query), -1)

    def _rest(self, layer: _Layer, hidden: Tensor, heard: Tensor) -> Tensor:
        """What follows the attention in a layer, (tokens, width)."""
        hidden = hidden + F.linear(heard, layer.output)
        joined = F.linear(self._normed(hidden, layer.before_mlp), layer.gate_up)
        gate, up = joined.chunk(2, dim=-1)
        return hidden + F.linear(F.silu(gate) * up, layer.down)

    def _logits(self, hidden: Tensor) -> Tensor:
        model = self._model
        return F.linear(self._normed(hidden, model.model.norm.weight), model.lm_head.weight)

    def _normed(self, hidden: Tensor, weight: Tensor) -> Tensor:
        wide = hidden.float()
        scale = torch.rsqrt(wide.square().mean(-1, keepdim=True) + self._epsilon)
        return weight * (wide * scale).to(hidden.dtype)


def can_pack(model: PreTrainedModel) -> bool:
    """Whether a model is a plain LLaMA on the CPU, without biases or unmerged LoRA.

    Args:
        model: Any.

    Returns:
        Whether `PackedLlama` writes what it writes.
    """
    config: Any = model.config
    if config.model_type != "llama" or model.device.type != "cpu":
        return False
    if config.hidden_act != "silu" or "dynamic" in str(config.rope_parameters):
        return False
    projections = [
        projection
        for layer in cast("Any", model).model.layers
        for projection in (*_attention_inputs(layer), layer.self_attn.o_proj, *_mlp(layer))
    ]
    return all(type(one) is nn.Linear and one.bias is None for one in projections)


def _pack(layer: Any) -> _Layer:  # noqa: ANN401  transformers names no type for a layer
    gate, up, down = _mlp(layer)
    return _Layer(
        before_attention=layer.input_layernorm.weight.detach(),
        qkv=_joined(_attention_inputs(layer)),
        output=layer.self_attn.o_proj.weight.detach(),
        before_mlp=layer.post_attention_layernorm.weight.detach(),
        gate_up=_joined((gate, up)),
        down=down.weight.detach(),
    )


def _attention_inputs(layer: Any) -> tuple[Any, ...]:  # noqa: ANN401
    attention = layer.self_attn
    return attention.q_proj, attention.k_proj, attention.v_proj


def _mlp(layer: Any) -> tuple[Any, ...]:  # noqa: ANN401
    return layer.mlp.gate_proj, layer.mlp.up_proj, layer.mlp.down_proj


def _joined(modules: Sequence[nn.Linear]) -> Tensor:
    joined = torch.cat([module.weight.detach() for module in modules])
    parts = torch.split(joined, [module.out_features for module in modules])
    for module, part in zip(modules, parts, strict=True):
        module.weight.data = part
    return joined


def _spread(packed: Tensor, places: Tensor, shape: tuple[int, int]) -> Tensor:
    """Tokens (tokens, heads, head_width) at their places of (rows, columns, heads, head_width)."""
    spread = packed.new_zeros(shape[0] * shape[1], *packed.shape[1:])
    spread[places] = packed
    return spread.view(*shape, *packed.shape[1:])


def _by_prompt(rows: Tensor, cells: Tensor, grid: tuple[int, int, int, int]) -> Tensor:
    """Rows (rows, kv_heads, groups, n) as (prompts, kv_heads, grid_width * groups, n)."""
    prompts, width, kv_heads, groups = grid
    spread = rows.new_zeros(prompts * width, kv_heads, groups, rows.shape[-1])
    spread[cells] = rows
    ordered = spread.view(*grid, -1).transpose(1, 2)
    return ordered.reshape(prompts, kv_heads, width * groups, -1)


def _by_row(prompts: Tensor, cells: Tensor, grid: tuple[int, int, int, int]) -> Tensor:
    """What `_by_prompt` was given, from what it returned."""
    count, width, kv_heads, groups = grid
    ordered = prompts.view(count, kv_heads, width, groups, -1).transpose(1, 2)
    return ordered.reshape(count * width, kv_heads, groups, -1)[cells]

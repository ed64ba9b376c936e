"""Reads a LLaMA as Meta or the model hub publishes it, under the names that transformers uses.

Source: Touvron et al. 2023, arXiv:2307.09288; layouts as in `mu-llama`'s own checkpoints.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

import msgspec

from musiscene.checkpoints.lazy_tensors import HalfSplitRows, check_tensors
from musiscene.checkpoints.native import Count
from musiscene.checkpoints.tensor_sources import (
    open_hub_folder,
    open_meta_shards,
    read_json_object,
)
from musiscene.errors import ModelIntegrityError, ModelUnavailableError

if TYPE_CHECKING:
    from pathlib import Path

    import torch

    from musiscene.checkpoints.lazy_tensors import LazyTensor

MAX_POSITIONS = 4096
"""What LLaMA-2 was trained on."""

PROJECTION_OF = {
    "attention.wq": "self_attn.q_proj",
    "attention.wk": "self_attn.k_proj",
    "attention.wv": "self_attn.v_proj",
    "attention.wo": "self_attn.o_proj",
    "feed_forward.w1": "mlp.gate_proj",
    "feed_forward.w3": "mlp.up_proj",
    "feed_forward.w2": "mlp.down_proj",
}
"""A linear map of a layer: Meta's name -> transformers' name."""
NORM_OF = {"attention_norm": "input_layernorm", "ffn_norm": "post_attention_layernorm"}
ROTARY = ("attention.wq", "attention.wk")
EMBEDDING, HEAD, LAST_NORM = "model.embed_tokens.weight", "lm_head.weight", "model.norm.weight"
_TOP_LEVEL = {"tok_embeddings.weight": EMBEDDING, "output.weight": HEAD, "norm.weight": LAST_NORM}


class LlamaShape(msgspec.Struct, frozen=True, kw_only=True):
    """What decides the shape of every tensor of a LLaMA."""

    width: int
    """Of a token's vector."""
    heads: int
    """Of an attention layer."""
    kv_heads: int
    """Heads of keys and values."""
    layers: int
    """How many."""
    ffn_width: int
    """Inner width of a feed-forward block."""
    vocabulary: int
    """How many tokens."""

    @property
    def kv_width(self) -> int:
        """Of a token's keys, and of its values."""
        return self.width // self.heads * self.kv_heads

    def projection(self, meta_name: str) -> tuple[int, int]:
        """Shape (out, in) of a linear map of a layer, by Meta's name."""
        if meta_name in {"attention.wk", "attention.wv"}:
            return self.kv_width, self.width
        if meta_name in {"feed_forward.w1", "feed_forward.w3"}:
            return self.ffn_width, self.width
        if meta_name == "feed_forward.w2":
            return self.width, self.ffn_width
        return self.width, self.width

    def heads_of(self, meta_name: str) -> int:
        """Heads that a rotary projection's rows belong to."""
        return self.heads if meta_name == "attention.wq" else self.kv_heads

    def tensors(self) -> dict[str, tuple[int, ...]]:
        """Name -> shape of every tensor of a `LlamaForCausalLM` without biases."""
        shapes: dict[str, tuple[int, ...]] = {
            EMBEDDING: (self.vocabulary, self.width),
            HEAD: (self.vocabulary, self.width),
            LAST_NORM: (self.width,),
        }
        for layer in range(self.layers):
            for meta_name, name in PROJECTION_OF.items():
                shapes[f"model.layers.{layer}.{name}.weight"] = self.projection(meta_name)
            for name in NORM_OF.values():
                shapes[f"model.layers.{layer}.{name}.weight"] = (self.width,)
        return shapes


class PlannedBase(msgspec.Struct, frozen=True, kw_only=True):
    """A LLaMA that was checked and can be written."""

    shape: LlamaShape
    """Of its tensors."""
    config: Any
    """`LlamaConfig`."""
    tensors: dict[str, Any]
    """Name in `LlamaForCausalLM` -> lazy tensor, rotary rows in transformers' order."""


def native_name(meta_name: str) -> str:
    """The name in `LlamaForCausalLM` of a tensor of Meta's.

    Args:
        meta_name: For example `layers.3.attention.wq.weight`.

    Returns:
        For example `model.layers.3.self_attn.q_proj.weight`; unknown names come back unchanged.

    Example:
        >>> native_name("layers.3.ffn_norm.weight")
        'model.layers.3.post_attention_layernorm.weight'
    """
    if meta_name in _TOP_LEVEL:
        return _TOP_LEVEL[meta_name]
    match meta_name.split(".", 2):
        case ["layers", layer, rest]:
            module, _, kind = rest.rpartition(".")
            renamed = (PROJECTION_OF | NORM_OF).get(module, module)
            return f"model.layers.{layer}.{renamed}.{kind}"
    return meta_name


def plan_base(folder: Path) -> PlannedBase:
    """Read settings and headers of a LLaMA, and check every name and shape.

    Args:
        folder: Meta's (`params.json`, `consolidated.*.pth`) or the hub's (`config.json`, weights).

    Returns:
        What is needed to write it.

    Raises:
        ModelUnavailableError: If the folder holds neither.
        ModelIntegrityError: If it is damaged, of another model, or not complete.
    """
    if (folder / "params.json").is_file():
        return _plan_meta(folder)
    if (folder / "config.json").is_file():
        return _plan_hub(folder)
    raise ModelUnavailableError(
        str(folder),
        "holds no LLaMA: neither params.json with consolidated.*.pth, nor config.json with weights",
    )


def matrix_dtype(tensors: dict[str, LazyTensor]) -> torch.dtype:
    """The type of a LLaMA's matrices."""
    return tensors["model.layers.0.self_attn.q_proj.weight"].dtype


class _Params(msgspec.Struct, frozen=True):
    """What counts of Meta's `params.json`; n_kv_heads and vocab_size are ignored by MU-LLaMA."""

    dim: Count
    n_layers: Count
    n_heads: Count
    multiple_of: Count = 256
    ffn_dim_multiplier: float | None = None
    norm_eps: float = 1e-5

    @property
    def ffn_width(self) -> int:
        inner = int(8 * self.dim / 3)
        if self.ffn_dim_multiplier is not None:
            inner = int(self.ffn_dim_multiplier * inner)
        return self.multiple_of * math.ceil(inner / self.multiple_of)


def _plan_meta(folder: Path) -> PlannedBase:
    from transformers import LlamaConfig

    path = folder / "params.json"
    try:
        params = msgspec.json.decode(path.read_bytes(), type=_Params)
    except msgspec.DecodeError as error:
        raise ModelIntegrityError(str(path), f"is damaged: {error}") from error
    tensors = {native_name(name): tensor for name, tensor in open_meta_shards(folder).items()}
    shape = LlamaShape(
        width=params.dim,
        heads=params.n_heads,
        kv_heads=params.n_heads,
        layers=params.n_layers,
        ffn_width=params.ffn_width,
        vocabulary=tensors[EMBEDDING].shape[0] if EMBEDDING in tensors else 0,
    )
    check_tensors(tensors, shape.tensors(), where=str(folder))
    for layer in range(shape.layers):
        for meta_name in ROTARY:
            name = f"model.layers.{layer}.{PROJECTION_OF[meta_name]}.weight"
            tensors[name] = HalfSplitRows(tensors[name], shape.heads)
    config = LlamaConfig(
        vocab_size=shape.vocabulary,
        hidden_size=shape.width,
        intermediate_size=shape.ffn_width,
        num_hidden_layers=shape.layers,
        num_attention_heads=shape.heads,
        num_key_value_heads=shape.heads,
        max_position_embeddings=MAX_POSITIONS,
        rms_norm_eps=params.norm_eps,
    )
    return PlannedBase(shape=shape, config=config, tensors=tensors)


def _plan_hub(folder: Path) -> PlannedBase:
    from huggingface_hub.errors import StrictDataclassError
    from transformers import LlamaConfig

    path = folder / "config.json"
    found = read_json_object(path)
    if found.get("model_type") != "llama":
        raise ModelIntegrityError(str(path), f"is of a {found.get('model_type')}, not of a LLaMA")
    untyped: Any = LlamaConfig
    try:
        config = untyped.from_pretrained(folder)
    except (StrictDataclassError, ArithmeticError, LookupError, TypeError, ValueError) as error:
        raise ModelIntegrityError(str(path), f"is damaged: {error}") from error
    tensors = {
        name: tensor
        for name, tensor in open_hub_folder(folder).items()
        if not name.endswith("rotary_emb.inv_freq")
    }
    if config.tie_word_embeddings and EMBEDDING in tensors:
        tensors.setdefault(HEAD, tensors[EMBEDDING])
    shape = LlamaShape(
        width=config.hidden_size,
        heads=config.num_attention_heads,
        kv_heads=config.num_key_value_heads,
        layers=config.num_hidden_layers,
        ffn_width=config.intermediate_size,
        vocabulary=config.vocab_size,
    )
    check_tensors(tensors, shape.tensors(), where=str(folder))
    return PlannedBase(shape=shape, config=config, tensors=tensors)

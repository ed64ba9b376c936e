"""What the tensors of a MU-LLaMA checkpoint are called, and what they become here.

Source: Liu et al. 2023, arXiv:2308.11276; names and shapes as in its published checkpoints. The
audio adapter and one gate per head are always there; LoRA, biases and norms after fine-tuning.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any, NamedTuple

import msgspec

from musiscene.checkpoints.lazy_tensors import HalfSplitRows, Held, check_tensors
from musiscene.checkpoints.llama_base import NORM_OF, PROJECTION_OF, ROTARY, native_name
from musiscene.errors import ModelIntegrityError

if TYPE_CHECKING:
    from collections.abc import Mapping

    from musiscene.checkpoints.lazy_tensors import LazyTensor
    from musiscene.checkpoints.llama_base import LlamaShape

BRIDGE_BLOCKS = 3
_BIASED = ("attention.wq", "attention.wo", "feed_forward.w1", "feed_forward.w2", "feed_forward.w3")
_ENCODER_PREFIX = "mert_model."
_LORA_PREFIX = "base_model.model.model.layers"
_GATE = re.compile(r"llama\.layers\.(\d+)\.attention\.gate")


class _Slot(NamedTuple):
    """One expected tensor."""

    shape: tuple[int, ...]
    name: str
    """What it is called here."""
    heads: int = 0
    """Of rotary rows that must be put in transformers' order; else 0."""


class MappedCheckpoint(msgspec.Struct, frozen=True, kw_only=True):
    """A checkpoint's tensors under their names here."""

    adapter: dict[str, Any]
    """Name in `adapter.safetensors` -> lazy tensor."""
    lora: dict[str, Any]
    """Name in PEFT's file -> lazy tensor; empty if there is no LoRA."""
    lora_rank: int
    """0 if there is no LoRA."""
    biases: dict[str, Any]
    """Name in `LlamaForCausalLM` -> lazy tensor; empty, or every bias but those of k and v."""
    norms: dict[str, Any]
    """Name in `LlamaForCausalLM` -> lazy tensor that replaces the base's; empty, or all."""
    encoder_layers: int
    """Hidden states of the encoder that it was trained with."""
    encoder_width: int
    """Of one of them."""
    adapter_layers: int
    """How many of the last layers hear the audio."""
    bridge_width: int
    """Inner width of the adapter's gated blocks."""
    notices: tuple[str, ...]
    """What a person should know."""


def map_checkpoint(
    found: Mapping[str, LazyTensor], base: LlamaShape, *, where: str
) -> MappedCheckpoint:
    """Give a checkpoint's tensors their names here, and check that none is missing or unknown.

    Args:
        found: As in the file. The encoder and the frozen base weights are not used.
        base: Of the LLaMA that it is put on.
        where: The file, for messages.

    Returns:
        The tensors, planned but not read, except for the gates.

    Raises:
        ModelIntegrityError: If a tensor is missing, unknown, or of another shape.
    """
    tensors = {_current_name(name): tensor for name, tensor in found.items()}
    tensors = {
        name: tensor for name, tensor in tensors.items() if not _is_frozen(name, base.tensors())
    }
    slots, sizes = _adapter_slots(tensors, base, where)
    lora_rank = _lora_rank(tensors)
    groups = {
        "adapter": slots,
        "lora": _lora_slots(base, lora_rank) if lora_rank else {},
        "biases": _bias_slots(base) if _holds(tensors, _bias_slots(base)) else {},
        "norms": _norm_slots(base) if _holds(tensors, _norm_slots(base)) else {},
    }
    gates = {name: tensor for name, tensor in tensors.items() if _GATE.fullmatch(name)}
    adapted = range(base.layers - sizes["adapter_layers"], base.layers)
    expected = {name: slot.shape for group in groups.values() for name, slot in group.items()}
    for name in {*(f"llama.layers.{layer}.attention.gate" for layer in adapted), *gates}:
        expected[name] = (1, base.heads, 1, 1)
    _check_gates_layers(gates, base, where)
    check_tensors(tensors, expected, where=where)
    mapped = {
        group: {slot.name: _mapped(tensors[name], slot) for name, slot in members.items()}
        for group, members in groups.items()
    }
    return MappedCheckpoint(
        adapter=mapped["adapter"] | {"gates": _gate_rows(gates, adapted)},
        lora=mapped["lora"],
        biases=mapped["biases"],
        norms=mapped["norms"],
        encoder_layers=sizes["encoder_layers"],
        encoder_width=sizes["encoder_width"],
        adapter_layers=sizes["adapter_layers"],
        bridge_width=sizes["bridge_width"],
        lora_rank=lora_rank,
        notices=_gate_notices(gates, adapted, where),
    )


def _current_name(name: str) -> str:
    """Early checkpoints spell the language model `llma`."""
    return name.replace("llma.", "llama.", 1) if name.startswith("llma.") else name


def _is_frozen(name: str, base: Mapping[str, tuple[int, ...]]) -> bool:
    """Whether a tensor is of the encoder, or a base weight that never trains."""
    if name.startswith(_ENCODER_PREFIX) or name == "llama.rope.freqs":
        return True
    native = native_name(name.removeprefix("llama."))
    return name.startswith("llama.") and native in base and "norm" not in native


def _adapter_slots(
    tensors: Mapping[str, LazyTensor], base: LlamaShape, where: str
) -> tuple[dict[str, _Slot], dict[str, int]]:
    sizes = {
        "encoder_layers": _size(tensors, "mu_mert_agg.weight", 1, where),
        "encoder_width": _size(tensors, "mu_mert_proj.weight", 1, where),
        "adapter_layers": _size(tensors, "prefix_query.weight", 0, where),
        "bridge_width": _size(tensors, "mu_mert_f1_1.weight", 0, where),
    }
    if sizes["adapter_layers"] > base.layers:
        raise ModelIntegrityError(
            where, f"adapts {sizes['adapter_layers']} layers, the LLaMA has {base.layers}"
        )
    inner = sizes["bridge_width"]
    slots = {
        "mu_mert_agg.weight": _Slot((1, sizes["encoder_layers"], 1), "layer_mix.weight"),
        "mu_mert_agg.bias": _Slot((1,), "layer_mix.bias"),
        "mu_mert_proj.weight": _Slot((base.width, sizes["encoder_width"]), "projection.weight"),
        "mu_mert_proj.bias": _Slot((base.width,), "projection.bias"),
        "prefix_query.weight": _Slot((sizes["adapter_layers"], base.width), "layer_queries"),
    }
    for block in range(BRIDGE_BLOCKS):
        old, new = f"mu_mert_{{}}_{block + 1}.weight", f"bridge.{block}.{{}}.weight"
        slots[old.format("norm")] = _Slot((base.width,), new.format("norm"))
        slots[old.format("f1")] = _Slot((inner, base.width), new.format("gate_proj"))
        slots[old.format("f3")] = _Slot((inner, base.width), new.format("up_proj"))
        slots[old.format("f2")] = _Slot((base.width, inner), new.format("down_proj"))
    return slots, sizes


def _size(tensors: Mapping[str, LazyTensor], name: str, axis: int, where: str) -> int:
    try:
        return tensors[name].shape[axis]
    except (KeyError, IndexError) as error:
        raise ModelIntegrityError(where, f"is no MU-LLaMA checkpoint: no usable {name}") from error


def _lora_rank(tensors: Mapping[str, LazyTensor]) -> int:
    ranks = [
        tensor.shape[0]
        for name, tensor in tensors.items()
        if ".lora_" in name and name.endswith("_l1.weight") and tensor.shape
    ]
    return ranks[0] if ranks else 0


def _lora_slots(base: LlamaShape, rank: int) -> dict[str, _Slot]:
    slots = {}
    for layer in range(base.layers):
        for meta_name, native in PROJECTION_OF.items():
            block, _, matrix = meta_name.rpartition(".")
            wide, deep = base.projection(meta_name)
            old = f"llama.layers.{layer}.{block}.lora_{matrix}"
            new = f"{_LORA_PREFIX}.{layer}.{native}"
            slots[f"{old}_l1.weight"] = _Slot((rank, deep), f"{new}.lora_A.weight")
            slots[f"{old}_l2.weight"] = _Slot(
                (wide, rank), f"{new}.lora_B.weight", _rotary_heads(base, meta_name)
            )
    return slots


def _bias_slots(base: LlamaShape) -> dict[str, _Slot]:
    return {
        f"llama.layers.{layer}.{meta_name}.bias": _Slot(
            base.projection(meta_name)[:1],
            f"model.layers.{layer}.{PROJECTION_OF[meta_name]}.bias",
            _rotary_heads(base, meta_name),
        )
        for layer in range(base.layers)
        for meta_name in _BIASED
    }


def _norm_slots(base: LlamaShape) -> dict[str, _Slot]:
    names = [f"layers.{layer}.{norm}.weight" for layer in range(base.layers) for norm in NORM_OF]
    return {
        f"llama.{name}": _Slot((base.width,), native_name(name)) for name in [*names, "norm.weight"]
    }


def _rotary_heads(base: LlamaShape, meta_name: str) -> int:
    return base.heads_of(meta_name) if meta_name in ROTARY else 0


def _holds(tensors: Mapping[str, LazyTensor], slots: Mapping[str, _Slot]) -> bool:
    return not tensors.keys().isdisjoint(slots)


def _mapped(tensor: LazyTensor, slot: _Slot) -> LazyTensor:
    return HalfSplitRows(tensor, slot.heads) if slot.heads else tensor


def _check_gates_layers(gates: Mapping[str, LazyTensor], base: LlamaShape, where: str) -> None:
    beyond = max((_layer_of(name) for name in gates), default=0)
    if beyond >= base.layers:
        raise ModelIntegrityError(
            where, f"has a gate in layer {beyond}, the LLaMA has {base.layers} layers"
        )


def _layer_of(name: str) -> int:
    match = _GATE.fullmatch(name)
    return int(match[1]) if match else -1


def _gate_rows(gates: Mapping[str, LazyTensor], adapted: range) -> Held:
    """The gates of the adapted layers, shape (Q, H)."""
    import torch

    return Held(
        torch.stack(
            [
                gates[f"llama.layers.{layer}.attention.gate"].rows(0, 1).flatten()
                for layer in adapted
            ]
        )
    )


def _gate_notices(gates: Mapping[str, LazyTensor], adapted: range, where: str) -> tuple[str, ...]:
    lost = [
        _layer_of(name)
        for name, tensor in gates.items()
        if _layer_of(name) not in adapted and bool(tensor.rows(0, 1).any())
    ]
    if not lost:
        return ()
    layers = ", ".join(map(str, sorted(lost)))
    return (f"{where}: dropped gates that are not 0 but that no audio reaches: layers {layers}",)

"""What a training of the paper profile takes of a GPU's memory, counted from its sizes.

    python tools/training_memory.py

Weights, gradients and AdamW's moments are counted exactly from `musiscene.architecture`; what a
forward pass keeps is counted from the shapes of a layer. CUDA's own memory (half a GiB to one) and
the allocator's waste come on top. No GPU is needed, and none was used.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from musiscene.architecture import HEARING_LAYERS, LLAMA_2_7B, build_paper, count_parameters

GIB = 1 << 30
BYTES_PER_TRAINED = 20
"""Float32: weight, gradient, two moments, and what AdamW holds in between."""
NF4_BITS = 4.127
"""Of a weight with double quantisation (Dettmers et al. 2023, arXiv:2305.14314, section 3)."""
KEPT_WIDTHS, KEPT_FFN_WIDTHS = 12, 4
"""What a layer keeps of a token, in widths of the model and of its feed-forward."""
LOGIT_BYTES = 10
"""Bfloat16, its float32 copy and the gradient."""


@dataclass(frozen=True)
class Counts:
    """Numbers of weights."""

    matrices: int
    """Of the layers: what nf4 quantises."""
    others: int
    """Embeddings, output and norms."""
    adapter: int
    """Of the audio adapter."""
    lora: int
    """LoRA alone."""
    lora_norms_biases: int
    """All that the lora phase may train."""


@dataclass(frozen=True)
class Training:
    """One row of the table."""

    name: str
    """Of the recipe, with what was changed."""
    frozen_weights: str
    """`bfloat16` or `nf4`."""
    trained: int
    """Weights."""
    is_adapter_frozen: bool = False
    """Whether the adapter is there without being trained."""
    tokens: int = 512
    """Of a forward pass."""
    is_computed_twice: bool = True
    """Gradient checkpointing."""


def count_weights() -> Counts:
    """The paper profile's weights, on torch's `meta` device."""

    class Tokenizer:
        eos_token_id = 2

    untyped: Any = Tokenizer()
    encoder, model = build_paper(untyped)
    sizes = count_parameters(encoder, model)
    named = dict(model.backbone.named_parameters())
    matrices = sum(
        weight.numel()
        for name, weight in named.items()
        if ".layers." in name and weight.dim() == 2 and "lora_" not in name
    )
    return Counts(
        matrices=matrices,
        others=sizes.language_model - matrices,
        adapter=sizes.adapter,
        lora=sum(weight.numel() for name, weight in named.items() if "lora_" in name),
        lora_norms_biases=sizes.lora,
    )


def memory_gib(training: Training, counts: Counts) -> float:
    """GiB that a training takes, at its peak."""
    names = ("hidden_size", "intermediate_size", "num_hidden_layers", "vocab_size")
    width, ffn, layers, vocabulary = (int(LLAMA_2_7B[name]) for name in names)
    frozen = counts.others * 2.0
    if training.frozen_weights == "nf4":
        # The audio's own value projections are kept exact, and one matrix is unpacked at a time.
        frozen += counts.matrices * NF4_BITS / 8 + 2.0 * (HEARING_LAYERS * width**2 + width * ffn)
    else:
        frozen += counts.matrices * 2.0
    if training.is_adapter_frozen:
        frozen += counts.adapter * 4.0
    layer = 2.0 * training.tokens * (KEPT_WIDTHS * width + KEPT_FFN_WIDTHS * ffn)
    kept = layers * layer
    if training.is_computed_twice:
        kept = layer + layers * 2.0 * training.tokens * width
    logits = training.tokens * vocabulary * LOGIT_BYTES
    return (frozen + BYTES_PER_TRAINED * training.trained + kept + logits) / GIB


def table() -> str:
    """The trainings that our recipes describe, as Markdown."""
    counts = count_weights()
    all_trained = counts.lora_norms_biases
    rows = [
        Training("paper-adapter", "bfloat16", counts.adapter, tokens=96, is_computed_twice=False),
        Training("paper-adapter", "nf4", counts.adapter, tokens=96, is_computed_twice=False),
        Training("paper-lora", "bfloat16", all_trained, is_adapter_frozen=True),
        Training(
            "paper-lora, layers computed once",
            "bfloat16",
            all_trained,
            is_adapter_frozen=True,
            is_computed_twice=False,
        ),
        Training("paper-lora, LoRA alone", "nf4", counts.lora, is_adapter_frozen=True),
        Training("paper", "bfloat16", all_trained),
        Training("paper, LoRA alone", "nf4", counts.lora),
    ]
    lines = [
        "| recipe | frozen weights | GiB | 24 GiB card | 80 GiB card |",
        "|---|---|---|---|---|",
    ]
    for row in rows:
        needed = memory_gib(row, counts)
        fits = " | ".join("yes" if needed + 1.0 <= card else "no" for card in (24, 80))
        lines.append(f"| {row.name} | {row.frozen_weights} | {needed:.1f} | {fits} |")
    return "\n".join(lines)


if __name__ == "__main__":
    print(table())

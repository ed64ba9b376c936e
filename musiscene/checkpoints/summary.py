"""What a checkpoint folder holds, read from its settings and headers alone."""

from __future__ import annotations

import math
from pathlib import Path
from typing import TYPE_CHECKING, Any

import msgspec

from musiscene.checkpoints.native import (
    ADAPTER_NAME,
    ENCODER_FOLDER,
    LORA_FOLDER,
    CheckpointSettings,
    own_language_model,
    read_settings,
)
from musiscene.errors import ModelIntegrityError, ModelUnavailableError

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

Shapes = dict[str, tuple[int, ...]]
_ALWAYS_ZERO = ("k_proj.bias", "v_proj.bias")


class ParameterCounts(msgspec.Struct, frozen=True, kw_only=True):
    """How many numbers each part has."""

    encoder: int
    """Of the audio encoder."""
    adapter: int
    """Between encoder and language model."""
    base: int
    """Matrices of the language model."""
    norms: int
    """Of the language model."""
    biases: int
    """Of the language model, without those of keys and values, which are always 0."""
    lora: int
    """0 if there is none, or if it is merged."""


class LanguageModelShape(msgspec.Struct, frozen=True, kw_only=True):
    """Of the language model."""

    layers: int
    """How many."""
    width: int
    """Of a token's vector."""
    heads: int
    """Of an attention layer."""
    ffn_width: int
    """Inner width of a feed-forward block."""
    vocabulary: int
    """How many tokens."""
    dtype: str
    """Of its matrices."""
    lora_rank: int
    """0 if there is no LoRA."""


class CheckpointSummary(msgspec.Struct, frozen=True, kw_only=True):
    """What a checkpoint folder holds."""

    folder: Path
    """As given."""
    settings: CheckpointSettings
    """Its `musiscene.json`."""
    language_model: LanguageModelShape
    """Of the language model."""
    parameters: ParameterCounts
    """How many numbers each part has."""
    size_bytes: int
    """Of all files."""


class _LlamaConfig(msgspec.Struct, frozen=True):
    """What is shown of the language model's `config.json`."""

    num_hidden_layers: int
    hidden_size: int
    num_attention_heads: int
    intermediate_size: int
    vocab_size: int
    dtype: str = "float32"


def summarise_checkpoint(folder: Path) -> CheckpointSummary:
    """Look at a checkpoint folder; no weights are read.

    Args:
        folder: The checkpoint.

    Returns:
        Settings, shapes and counts.

    Raises:
        ModelError: If it has no language model of its own.
        ModelUnavailableError: If the folder is no checkpoint, or a file of it is missing.
        ModelIntegrityError: If a file is damaged.
    """
    settings = read_settings(folder)
    own = own_language_model(folder, settings)
    config = _read_config(own / "config.json")
    language_model = _shapes_in(own.glob("*.safetensors"))
    lora = _shapes_in((folder / LORA_FOLDER).glob("*.safetensors"))
    norms = {name: shape for name, shape in language_model.items() if "norm" in name}
    biases = {name: shape for name, shape in language_model.items() if name.endswith(".bias")}
    base = {
        name: shape
        for name, shape in language_model.items()
        if name not in norms and name not in biases
    }
    trained = {name: biases[name] for name in biases if not name.endswith(_ALWAYS_ZERO)}
    ranks = [shape[0] for name, shape in lora.items() if name.endswith("lora_A.weight")]
    return CheckpointSummary(
        folder=folder,
        settings=settings,
        language_model=LanguageModelShape(
            layers=config.num_hidden_layers,
            width=config.hidden_size,
            heads=config.num_attention_heads,
            ffn_width=config.intermediate_size,
            vocabulary=config.vocab_size,
            dtype=config.dtype,
            lora_rank=max(ranks, default=0),
        ),
        parameters=ParameterCounts(
            encoder=_count(_shapes_in((folder / ENCODER_FOLDER).glob("*.safetensors"))),
            adapter=_count(_shapes_in([folder / ADAPTER_NAME])),
            base=_count(base),
            norms=_count(norms),
            biases=_count(trained),
            lora=_count(lora),
        ),
        size_bytes=sum(path.stat().st_size for path in folder.rglob("*") if path.is_file()),
    )


def _read_config(path: Path) -> _LlamaConfig:
    try:
        return msgspec.json.decode(path.read_bytes(), type=_LlamaConfig)
    except OSError as error:
        raise ModelUnavailableError(str(path), f"cannot be read: {error.strerror}") from error
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise ModelIntegrityError(str(path), f"is damaged: {error}") from error


def _shapes_in(paths: Iterable[Path]) -> Shapes:
    from safetensors import SafetensorError, safe_open

    shapes: Shapes = {}
    for path in paths:
        try:
            opened: Any = safe_open(path, framework="numpy")
        except OSError as error:
            raise ModelUnavailableError(str(path), f"cannot be read: {error}") from error
        except SafetensorError as error:
            raise ModelIntegrityError(str(path), f"is damaged: {error}") from error
        with opened as file:
            for name in file.keys():  # noqa: SIM118 - it is no mapping
                shapes[name] = tuple(file.get_slice(name).get_shape())
    return shapes


def _count(shapes: Mapping[str, tuple[int, ...]]) -> int:
    return sum(math.prod(shape) for shape in shapes.values())

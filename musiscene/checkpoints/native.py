"""The folder that a MusiScene language model with an ear is kept in.

    musiscene.json        `CheckpointSettings`
    adapter.safetensors   the audio adapter
    encoder/              a HuBERT of transformers: config, weights, preprocessor settings
    language_model/       a LLaMA of transformers: config, weights, tokenizer; absent where
                          `musiscene.json` names one of the model store
    lora/                 PEFT weights; absent where there are none, or where they are merged
    manifest.json         every file with size and SHA-256; written last

Tensors of the adapter, with N encoder layers, M encoder width, D language model width, H heads,
Q adapted layers and bridge width W:

    layer_mix.weight (1, N, 1), layer_mix.bias (1)
    projection.weight (D, M), projection.bias (D)
    bridge.{0,1,2}.norm.weight (D), .gate_proj.weight (W, D), .up_proj.weight (W, D),
        .down_proj.weight (D, W)
    layer_queries (Q, D), gates (Q, H)       of the last Q layers of the language model
    value_projections (Q, kv width, D)       v_proj before its LoRA was merged; only if merged
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Literal

import msgspec

from musiscene.errors import ModelError, ModelIntegrityError, ModelUnavailableError
from musiscene.prompts import PromptStyle

if TYPE_CHECKING:
    from pathlib import Path

SETTINGS_NAME = "musiscene.json"
ADAPTER_NAME = "adapter.safetensors"
ENCODER_FOLDER = "encoder"
LANGUAGE_MODEL_FOLDER = "language_model"
LORA_FOLDER = "lora"
WEIGHTS_NAME = "model.safetensors"
LORA_WEIGHTS_NAME = "adapter_model.safetensors"
FORMAT_VERSION = 1

Count = Annotated[int, msgspec.Meta(ge=1)]


class LicencedPart(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One of the models that a checkpoint was made of, and what its licence allows."""

    name: str
    """As `musiscene models list` spells it."""
    licence: str
    """Of the weights."""
    commercial_use: Literal["yes", "no", "unknown"]
    """Whether the licence lets the weights be used commercially."""
    source: str
    """The file or folder that it was read from."""


class CheckpointSettings(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """`musiscene.json`: what must be known besides the configs of the parts."""

    format_version: int = FORMAT_VERSION
    """Of the folder."""
    encoder: Literal["mert", "musicnn"]
    """Kind of the audio encoder."""
    encoder_layers: Count
    """Hidden states that the adapter mixes."""
    encoder_width: Count
    """Of one hidden state."""
    adapter_layers: Count
    """How many of the language model's last layers hear the audio."""
    bridge_width: Count
    """Inner width of the adapter's gated blocks."""
    prompt: PromptStyle = "clean"
    """How questions are put, unless asked otherwise; a model that learnt scenes by our own recipe
    is asked as its `lesson` did, and then needs no examples."""
    merged: bool
    """Whether the LoRA is folded into the language model's weights."""
    parts: tuple[LicencedPart, ...]
    """What the checkpoint was made of."""
    base: str = ""
    """Model of the store that LoRA and adapter belong to; empty if the folder brings its own."""


def own_language_model(folder: Path, settings: CheckpointSettings) -> Path:
    """Where a checkpoint keeps its language model.

    Args:
        folder: Of the checkpoint.
        settings: Its `musiscene.json`.

    Returns:
        The folder.

    Raises:
        ModelError: If it has none of its own.
    """
    if settings.base:
        raise ModelError(
            str(folder), f"holds no language model of its own: it belongs to {settings.base}"
        )
    return folder / LANGUAGE_MODEL_FOLDER


def write_settings(folder: Path, settings: CheckpointSettings) -> None:
    """Write `musiscene.json`.

    Args:
        folder: Of the checkpoint.
        settings: What it holds.
    """
    encoded = msgspec.json.format(msgspec.json.encode(settings), indent=2)
    (folder / SETTINGS_NAME).write_bytes(encoded + b"\n")


def read_settings(folder: Path) -> CheckpointSettings:
    """Read `musiscene.json`.

    Args:
        folder: Of the checkpoint.

    Returns:
        What it holds.

    Raises:
        ModelUnavailableError: If the folder is no checkpoint.
        ModelIntegrityError: If the file is damaged, or of a version that is not known here.
    """
    path = folder / SETTINGS_NAME
    try:
        encoded = path.read_bytes()
    except OSError as error:
        raise ModelUnavailableError(
            str(folder),
            f"is no checkpoint: {SETTINGS_NAME}: {error.strerror}. Make one with:"
            " musiscene checkpoint import-mu-llama",
        ) from error
    try:
        settings = msgspec.json.decode(encoded, type=CheckpointSettings)
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise ModelIntegrityError(str(path), f"is damaged: {error}") from error
    if settings.format_version != FORMAT_VERSION:
        raise ModelIntegrityError(
            str(path),
            f"is of format {settings.format_version}, this MusiScene reads {FORMAT_VERSION}",
        )
    return settings

"""Imports a MU-LLaMA checkpoint: with a LLaMA and a MERT it becomes one folder of our own.

Nothing is written before every name and shape has been checked, and weights pass through memory
piece by piece.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import msgspec
import torch

from musiscene.checkpoints.lazy_tensors import Held, bytes_of
from musiscene.checkpoints.llama_base import PROJECTION_OF, matrix_dtype, native_name, plan_base
from musiscene.checkpoints.making import making, refuse_existing
from musiscene.checkpoints.manifest import write_manifest
from musiscene.checkpoints.mert import plan_mert, write_encoder
from musiscene.checkpoints.mu_llama_tensors import map_checkpoint
from musiscene.checkpoints.native import (
    ADAPTER_NAME,
    ENCODER_FOLDER,
    LANGUAGE_MODEL_FOLDER,
    LORA_FOLDER,
    LORA_WEIGHTS_NAME,
    WEIGHTS_NAME,
    CheckpointSettings,
    LicencedPart,
    write_settings,
)
from musiscene.checkpoints.registry import find_model
from musiscene.checkpoints.safetensors_stream import write_safetensors
from musiscene.checkpoints.sentencepiece_tokenizer import END_ID, START_ID, convert_tokenizer
from musiscene.checkpoints.torch_files import open_torch_file
from musiscene.errors import ModelIntegrityError

if TYPE_CHECKING:
    from collections.abc import Mapping

    from musiscene.checkpoints.lazy_tensors import LazyTensor
    from musiscene.checkpoints.llama_base import PlannedBase
    from musiscene.checkpoints.mert import PlannedEncoder
    from musiscene.checkpoints.mu_llama_tensors import MappedCheckpoint
    from musiscene.checkpoints.progress import PullProgress
    from musiscene.prompts import PromptStyle

MODEL_NAME = "mu-llama"
ENCODER_NAME = "mert-v1-330m"
BASE_NAME = "llama-2-7b-chat"
_COMPARED_ROWS = 64
_ROUNDING = 2**-7  # bfloat16 keeps 8 bits
_SMALL_FILES_BYTES = 16_000_000  # configs and tokenizer


class ImportedCheckpoint(msgspec.Struct, frozen=True, kw_only=True):
    """What an import has made."""

    folder: Path
    """Of the checkpoint."""
    settings: CheckpointSettings
    """Its `musiscene.json`."""
    notices: tuple[str, ...]
    """What was dropped or assumed."""


def import_mu_llama(
    *,
    checkpoint: Path,
    llama: Path,
    tokenizer: Path,
    mert: Path,
    out: Path,
    prompt: PromptStyle = "clean",
    progress: PullProgress,
) -> ImportedCheckpoint:
    """Make a checkpoint folder out of MU-LLaMA's parts.

    Args:
        checkpoint: MU-LLaMA's `.pth`: its adapter alone, or the whole file of a training.
        llama: Folder of the LLaMA it was trained on: Meta's shards, or the hub's files.
        tokenizer: `tokenizer.model`, or a `tokenizer.json`.
        mert: Folder of the MERT it was trained on, as the hub has it.
        out: The folder to make.
        prompt: How questions are put to this checkpoint by default.
        progress: Told about the bytes so far.

    Returns:
        What was made.

    Raises:
        ModelError: If `out` exists.
        ModelUnavailableError: If a part is missing, or the disk is full or cannot be written.
        ModelIntegrityError: If a part is damaged, unsafe, or does not fit the others.
    """
    refuse_existing(out)
    progress("check names and shapes", 0, None)
    base = plan_base(llama)
    found = open_torch_file(checkpoint)
    mapped = map_checkpoint(found, base.shape, where=str(checkpoint))
    doubts = _doubts_about_base(found, base, llama)
    encoder = plan_mert(mert)
    _check_encoder(mapped, encoder, mert)
    settings = CheckpointSettings(
        encoder="mert",
        encoder_layers=mapped.encoder_layers,
        encoder_width=mapped.encoder_width,
        adapter_layers=mapped.adapter_layers,
        bridge_width=mapped.bridge_width,
        prompt=prompt,
        merged=False,
        parts=licenced_parts(checkpoint=checkpoint, llama=llama, mert=mert),
    )
    weights = _language_model_tensors(base, mapped)
    groups = (weights, mapped.adapter, mapped.lora, encoder.tensors)
    needed_bytes = _SMALL_FILES_BYTES + sum(bytes_of(group.values()) for group in groups)
    with making(out, needed_bytes=needed_bytes, progress=progress) as folder:
        write_settings(folder, settings)
        _write_language_model(folder / LANGUAGE_MODEL_FOLDER, base, weights, tokenizer, progress)
        _write_adapter(folder, mapped, progress)
        write_encoder(encoder, folder / ENCODER_FOLDER, progress=progress)
        progress("check and seal", 0, None)
        write_manifest(folder, find_model(MODEL_NAME), f"imported from {checkpoint}")
    return ImportedCheckpoint(
        folder=out, settings=settings, notices=(*mapped.notices, *encoder.notices, *doubts)
    )


def licenced_parts(*, checkpoint: Path, llama: Path, mert: Path) -> tuple[LicencedPart, ...]:
    """What an import is made of, with the licences that the registry knows.

    Args:
        checkpoint: MU-LLaMA's file.
        llama: Folder of the LLaMA.
        mert: Folder of the MERT.

    Returns:
        One entry each.
    """
    sources = {ENCODER_NAME: mert, BASE_NAME: llama, MODEL_NAME: checkpoint}
    return tuple(
        LicencedPart(
            name=name,
            licence=find_model(name).licence,
            commercial_use=find_model(name).commercial_use,
            source=str(source),
        )
        for name, source in sources.items()
    )


def _doubts_about_base(
    found: Mapping[str, LazyTensor], base: PlannedBase, llama: Path
) -> tuple[str, ...]:
    """Compare one matrix of the frozen weights that the file of a training holds too.

    Args:
        found: The checkpoint's tensors, as in the file.
        base: The LLaMA that it is put on.
        llama: Its folder.

    Returns:
        A notice if they differ by more than rounding to 16 bits.
    """
    name = "layers.0.attention.wv.weight"
    frozen = found.get(f"llama.{name}")
    given = base.tensors[native_name(name)]
    if frozen is None or frozen.shape != given.shape:
        return ()
    rows = min(_COMPARED_ROWS, given.shape[0])
    difference = (frozen.rows(0, rows).float() - given.rows(0, rows).float()).abs().max()
    if difference <= _ROUNDING * given.rows(0, rows).float().abs().max():
        return ()
    return (f"{llama}: other weights than the checkpoint was trained on; is it the right LLaMA?",)


def _check_encoder(mapped: MappedCheckpoint, encoder: PlannedEncoder, mert: Path) -> None:
    trained = (mapped.encoder_layers, mapped.encoder_width)
    given = (encoder.hidden_states, encoder.width)
    if trained != given:
        raise ModelIntegrityError(
            str(mert),
            f"has {given[0]} hidden states of {given[1]}, the checkpoint was trained on"
            f" {trained[0]} of {trained[1]} (MERT-v1-330M has 25 of 1024)",
        )


def _language_model_tensors(base: PlannedBase, mapped: MappedCheckpoint) -> dict[str, LazyTensor]:
    tensors: dict[str, LazyTensor] = base.tensors | mapped.norms | mapped.biases
    if not mapped.biases:
        return tensors
    dtype = next(iter(mapped.biases.values())).dtype
    for layer in range(base.shape.layers):
        # transformers gives these a bias wherever q and o have one; MU-LLaMA does not.
        for meta_name in ("attention.wk", "attention.wv"):
            zeros = torch.zeros(base.shape.kv_width, dtype=dtype)
            tensors[f"model.layers.{layer}.{PROJECTION_OF[meta_name]}.bias"] = Held(zeros)
    return tensors


def _write_language_model(
    target: Path,
    base: PlannedBase,
    tensors: dict[str, LazyTensor],
    tokenizer: Path,
    progress: PullProgress,
) -> None:
    from transformers import GenerationConfig

    target.mkdir()
    tokens = convert_tokenizer(tokenizer, target)
    if tokens > base.shape.vocabulary:
        raise ModelIntegrityError(
            str(tokenizer), f"has {tokens} tokens, the LLaMA has {base.shape.vocabulary}"
        )
    config = base.config
    config.architectures = ["LlamaForCausalLM"]
    has_biases = "model.layers.0.self_attn.q_proj.bias" in tensors
    config.attention_bias = config.mlp_bias = has_biases
    config.tie_word_embeddings = False
    config.bos_token_id, config.eos_token_id, config.pad_token_id = START_ID, END_ID, None
    config.dtype = matrix_dtype(tensors)
    config.save_pretrained(target)
    untyped: Any = GenerationConfig
    untyped(bos_token_id=START_ID, eos_token_id=END_ID).save_pretrained(target)
    write_safetensors(
        target / WEIGHTS_NAME, tensors, step="write the language model", progress=progress
    )


def _write_adapter(folder: Path, mapped: MappedCheckpoint, progress: PullProgress) -> None:
    step = "write the audio adapter"
    write_safetensors(folder / ADAPTER_NAME, mapped.adapter, step=step, progress=progress)
    if not mapped.lora_rank:
        return
    from peft import LoraConfig

    target = folder / LORA_FOLDER
    target.mkdir()
    LoraConfig(
        r=mapped.lora_rank,
        lora_alpha=mapped.lora_rank,
        lora_dropout=0.0,
        target_modules=[name.rpartition(".")[2] for name in PROJECTION_OF.values()],
        task_type="CAUSAL_LM",
        inference_mode=True,
    ).save_pretrained(str(target))
    step = "write the LoRA"
    write_safetensors(target / LORA_WEIGHTS_NAME, mapped.lora, step=step, progress=progress)

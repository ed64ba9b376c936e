"""Trained weights -> folders that others read: PEFT's, and MusiScene's own checkpoints."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Literal

import torch

from musiscene.checkpoints.making import making
from musiscene.checkpoints.manifest import write_manifest
from musiscene.checkpoints.native import (
    ADAPTER_NAME,
    ENCODER_FOLDER,
    LANGUAGE_MODEL_FOLDER,
    LORA_FOLDER,
    LORA_WEIGHTS_NAME,
    CheckpointSettings,
    LicencedPart,
    read_settings,
    write_settings,
)
from musiscene.checkpoints.registry import find_model
from musiscene.errors import RecipeError
from musiscene.training.build import add_biases, shape_in
from musiscene.training.features import MERT, MUSICNN
from musiscene.training.parts import find_parts, recipe_of
from musiscene.training.run_folder import BEST_NAME

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from peft import LoraConfig

    from musiscene.adapter import AdapterShape
    from musiscene.checkpoints.progress import PullProgress
    from musiscene.checkpoints.store import ModelStore
    from musiscene.training.parts import Parts
    from musiscene.training.recipe import Recipe

_PEFT_PREFIX = "base_model.model."


def export_lora(run: Path, config: LoraConfig) -> Path:
    """Write the best weights of a run as a PEFT folder.

    Args:
        run: The run's folder.
        config: Of its LoRA.

    Returns:
        `RUN/lora`; norms and biases that were trained stay in `best.safetensors`.
    """
    from safetensors.torch import load_file, save_file

    target = run / LORA_FOLDER
    target.mkdir(exist_ok=True)
    tensors = {
        _PEFT_PREFIX + name.removeprefix("backbone.").replace(".default.", "."): tensor
        for name, tensor in load_file(run / BEST_NAME).items()
        if "lora_" in name
    }
    save_file(tensors, target / LORA_WEIGHTS_NAME, metadata={"format": "pt"})
    config.save_pretrained(str(target))
    return target


def export_checkpoint(
    runs: Sequence[Path],
    out: Path,
    store: ModelStore,
    progress: PullProgress,
    *,
    licence: str = "not stated",
    commercial_use: Literal["yes", "no", "unknown"] = "unknown",
    with_base: bool = True,
) -> CheckpointSettings:
    """Make a checkpoint folder out of trained runs, for `--checkpoint`.

    Args:
        runs: Finished runs; each brings what it was begun with, and of two that trained the same
            part the later counts. PEFT and checkpoint folders may stand among them.
        out: The folder to make.
        store: Holds the language model and the encoder.
        progress: Told what is done.
        licence: Of the trained weights, as their data allow.
        commercial_use: Whether it lets them be used commercially.
        with_base: Whether the language model is copied into the folder; without it the folder is
            small, names the model, and is of use only where the model store has it.

    Returns:
        The settings of the checkpoint. Adapter and LoRA are written in float16.

    Raises:
        ModelError: If `out` exists.
        ModelUnavailableError: If a model is not on this machine, or the disk is full.
        RecipeError: If no adapter was trained, or a part does not fit.
    """
    parts = find_parts(runs)
    if parts.adapter is None:
        raise RecipeError(runs[-1], "holds no adapter, nor does what it was begun with")
    recipe = _recipe_among(runs)
    base = parts.language_model() or store.folder(recipe.language_model)
    if not with_base and (parts.language_model() or parts.backbone):
        raise RecipeError(runs[-1], "changed the language model itself, so it must be copied too")
    names = ", ".join(run.resolve().name for run in runs)
    copied = [*parts.files(), *(base.iterdir() if with_base else ())]
    needed_bytes = sum(path.stat().st_size for path in copied)
    with making(out, needed_bytes=needed_bytes, progress=progress) as folder:
        shape = _adapter_shape(base, parts)
        if with_base:
            progress("write the language model", 0, None)
            _write_language_model(base, parts, folder / LANGUAGE_MODEL_FOLDER)
        _write_halved(parts.adapter_tensors(), folder / ADAPTER_NAME)
        if parts.lora is not None:
            _copy_lora(parts.lora, folder / LORA_FOLDER)
        if recipe.encoder == "mert":
            _write_mert(folder / ENCODER_FOLDER, parts, store, progress)
        settings = CheckpointSettings(
            encoder=recipe.encoder,
            encoder_layers=shape.encoder_layers,
            encoder_width=shape.encoder_width,
            adapter_layers=shape.layers,
            bridge_width=shape.bridge_width,
            prompt=recipe.question_style,
            merged=False,
            base="" if with_base else recipe.language_model,
            parts=(
                *_licenced_parts(recipe, parts),
                LicencedPart(
                    name="trained weights",
                    licence=licence,
                    commercial_use=commercial_use,
                    source=names,
                ),
            ),
        )
        write_settings(folder, settings)
        progress("check and seal", 0, None)
        write_manifest(folder, find_model(recipe.language_model), f"trained in {names}")
    return settings


def _recipe_among(runs: Sequence[Path]) -> Recipe:
    # Of the last run that trained an adapter, else of the last run.
    recipes = [recipe_of(run) for run in runs if (run / BEST_NAME).exists()]
    if not recipes:
        raise RecipeError(runs[-1], "is no run")
    return next((each for each in reversed(recipes) if each.phase == "adapter"), recipes[-1])


def _adapter_shape(base: Path, parts: Parts) -> AdapterShape:
    from transformers import AutoConfig

    try:
        return shape_in(parts.adapter_tensors(), AutoConfig.from_pretrained(str(base)))
    except (ValueError, KeyError) as error:
        raise RecipeError(parts.adapter or base, f"the adapter does not fit: {error}") from error


def _write_language_model(base: Path, parts: Parts, target: Path) -> None:
    # With the norms and biases that were trained.
    from transformers import AutoModelForCausalLM, AutoTokenizer

    model: Any = AutoModelForCausalLM.from_pretrained(
        str(base), local_files_only=True, use_safetensors=True, dtype="auto"
    )
    trained = parts.backbone_tensors()
    if trained:
        add_biases(model, only=trained)
        model.load_state_dict(trained, strict=False)
    model.save_pretrained(target)
    AutoTokenizer.from_pretrained(str(base), local_files_only=True).save_pretrained(target)


def _write_halved(tensors: dict[str, torch.Tensor], target: Path) -> None:
    from safetensors.torch import save_file

    halved = {name: tensor.to(torch.float16) for name, tensor in tensors.items()}
    save_file(halved, target, metadata={"format": "pt"})


def _copy_lora(source: Path, target: Path) -> None:
    from peft import LoraConfig
    from safetensors.torch import load_file

    LoraConfig.from_pretrained(str(source)).save_pretrained(str(target))
    _write_halved(load_file(source / LORA_WEIGHTS_NAME), target / LORA_WEIGHTS_NAME)


def _write_mert(target: Path, parts: Parts, store: ModelStore, progress: PullProgress) -> None:
    import shutil

    from musiscene.checkpoints.mert import plan_mert, write_encoder

    if parts.checkpoint is not None:
        shutil.copytree(parts.checkpoint / ENCODER_FOLDER, target)
        return
    write_encoder(plan_mert(store.folder(MERT)), target, progress=progress)


def _licenced_parts(recipe: Recipe, parts: Parts) -> tuple[LicencedPart, ...]:
    if parts.checkpoint is not None:
        return read_settings(parts.checkpoint).parts
    encoder = MERT if recipe.encoder == "mert" else MUSICNN
    return tuple(
        LicencedPart(
            name=name,
            licence=find_model(name).licence,
            commercial_use=find_model(name).commercial_use,
            source="the model store",
        )
        for name in (encoder, recipe.language_model)
    )

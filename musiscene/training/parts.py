"""The trained parts that a training begins with, and that a checkpoint is made of.

They are found in the folders of runs, in checkpoint folders and in those of PEFT. A run brings what
it was itself begun with; of two folders that hold the same part the later counts.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Final

import msgspec

from musiscene.checkpoints.native import (
    ADAPTER_NAME,
    LANGUAGE_MODEL_FOLDER,
    LORA_FOLDER,
    LORA_WEIGHTS_NAME,
    SETTINGS_NAME,
    read_settings,
)
from musiscene.errors import RecipeError
from musiscene.training.recipe import Recipe
from musiscene.training.run_folder import BEST_NAME, RECIPE_NAME

if TYPE_CHECKING:
    from collections.abc import Sequence

    from torch import Tensor

_ADAPTER: Final = "adapter."
_BACKBONE: Final = "backbone."


class Parts(msgspec.Struct, frozen=True, kw_only=True, eq=False):
    """Trained parts; empty where there are none."""

    adapter: Path | None = None
    """The file with the adapter's tensors."""
    lora: Path | None = None
    """PEFT's folder."""
    backbone: Path | None = None
    """The file with norms and biases of the language model."""
    checkpoint: Path | None = None
    """The checkpoint folder that gives the language model and the encoder."""

    def files(self) -> list[Path]:
        """The files that hold trained weights."""
        lora = None if self.lora is None else self.lora / LORA_WEIGHTS_NAME
        found = [self.adapter, lora, self.backbone]
        return [path for path in found if path is not None]

    def language_model(self) -> Path | None:
        """The folder of the language model, if a checkpoint gives it."""
        if self.checkpoint is None or read_settings(self.checkpoint).base:
            return None
        return self.checkpoint / LANGUAGE_MODEL_FOLDER

    def adapter_tensors(self) -> dict[str, Tensor]:
        """Tensors of the adapter by their names there, float32; empty without one."""
        tensors = _load(self.adapter, _ADAPTER)
        return {name: tensor.float() for name, tensor in tensors.items()}

    def backbone_tensors(self) -> dict[str, Tensor]:
        """Norms and biases by their names in a language model without LoRA."""
        tensors = _load(self.backbone, _BACKBONE)
        return {
            name.replace(".base_layer.", "."): tensor
            for name, tensor in tensors.items()
            if "lora_" not in name
        }


def find_parts(folders: Sequence[str | Path]) -> Parts:
    """Look for trained parts.

    Args:
        folders: Of runs, checkpoints or PEFT.

    Returns:
        The parts.

    Raises:
        RecipeError: If a folder is none of these, of a run that has not finished, or of a merged
            checkpoint.
    """
    parts = Parts()
    for name in folders:
        folder = Path(name)
        if (folder / SETTINGS_NAME).exists():
            if read_settings(folder).merged:
                raise RecipeError(folder, "has its LoRA merged: begin with it as it was before")
            lora = folder / LORA_FOLDER
            found = Parts(
                checkpoint=folder,
                adapter=folder / ADAPTER_NAME,
                lora=lora if lora.is_dir() else None,
            )
        elif (folder / RECIPE_NAME).exists():
            found = _parts_of_run(folder)
        elif (folder / LORA_WEIGHTS_NAME).exists():
            found = Parts(lora=folder)
        else:
            raise RecipeError(folder, "holds no run, no checkpoint and no LoRA to begin with")
        parts = _joined(parts, found)
    return parts


def recipe_of(run: Path) -> Recipe:
    """The recipe of a run.

    Args:
        run: Its folder.

    Returns:
        The recipe.

    Raises:
        RecipeError: If it cannot be read.
    """
    file = run / RECIPE_NAME
    try:
        return msgspec.convert(json.loads(file.read_bytes())["recipe"], Recipe)
    except (OSError, ValueError, KeyError, msgspec.ValidationError) as error:
        raise RecipeError(file, f"cannot be read: {error}") from error


def _parts_of_run(run: Path) -> Parts:
    recipe = recipe_of(run)
    best, lora = run / BEST_NAME, run / LORA_FOLDER
    if not best.exists() or (recipe.phase == "lora" and not lora.is_dir()):
        raise RecipeError(run, "is a run that has not finished: start it again to go on")
    own = Parts(adapter=best)
    if recipe.phase == "lora":
        own = Parts(lora=lora, backbone=best if recipe.norms_and_biases else None)
    return _joined(find_parts(recipe.start_from), own)


def _joined(first: Parts, second: Parts) -> Parts:
    return Parts(
        adapter=second.adapter or first.adapter,
        lora=second.lora or first.lora,
        backbone=second.backbone or first.backbone,
        checkpoint=second.checkpoint or first.checkpoint,
    )


def _load(file: Path | None, prefix: str) -> dict[str, Tensor]:
    from safetensors import SafetensorError
    from safetensors.torch import load_file

    if file is None:
        return {}
    try:
        tensors = load_file(file)
    except (OSError, SafetensorError) as error:
        raise RecipeError(file, f"cannot be read: {error}") from error
    return {name.removeprefix(prefix): tensor for name, tensor in tensors.items()}

"""From a recipe and files to a trained folder: what `musiscene train` does."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import torch

from musiscene.data.rows import read_examples
from musiscene.errors import RecipeError
from musiscene.language_model import LanguageModel
from musiscene.music_language_model import MusicLanguageModel
from musiscene.training.finetune import TrainingResult, finetune
from musiscene.training.lessons import lessons_from
from musiscene.training.run_folder import BEST_NAME, RunFolder

if TYPE_CHECKING:
    from pathlib import Path

    from peft import LoraConfig

    from musiscene.checkpoints.store import ModelStore
    from musiscene.console import Console
    from musiscene.training.lessons import Lesson
    from musiscene.training.recipe import LoraRecipe, Recipe

LORA_FOLDER = "lora"
ENCODER_LAYERS, ENCODER_WIDTH = 2, 200
"""Of MusiCNN's features."""
_PEFT_PREFIX = "base_model.model."


def train(
    recipe: Recipe,
    *,
    data: Path,
    validation: Path,
    out: Path,
    store: ModelStore,
    console: Console,
) -> TrainingResult:
    """Train by a recipe, and write the best weights as PEFT has them.

    Args:
        recipe: What to do.
        data: Rows to learn.
        validation: Rows to look at.
        out: The run's folder; a run that was begun there goes on.
        store: Holds the language model.
        console: Is told.

    Returns:
        How it went.

    Raises:
        RecipeError: If nothing can be learnt from the data, or the folder holds another run.
        ModelUnavailableError: If the language model is not on this machine.
    """
    lessons = _read_lessons(data, recipe, console)
    looked_at = _read_lessons(validation, recipe, console)
    run = RunFolder(out)
    run.begin(recipe, [data, validation])
    model = build_model(recipe, store)
    with console.progress("items") as report:
        result = finetune(recipe, model, lessons, looked_at, run, report)
    if recipe.phase == "lora":
        export_lora(out, recipe.lora, model.backbone.config.num_hidden_layers)
    return result


def build_model(recipe: Recipe, store: ModelStore) -> MusicLanguageModel:
    """The language model of a recipe, with a fresh adapter and, in the lora phase, fresh LoRA.

    Args:
        recipe: Its model, LoRA and seed.
        store: Holds the model.

    Returns:
        The model in float32, on the GPU if there is one.
    """
    from peft import inject_adapter_in_model

    device = "cuda" if torch.cuda.is_available() else "cpu"
    writer = LanguageModel.load(store.folder(recipe.language_model), device=device)
    torch.manual_seed(recipe.seed)
    if recipe.phase == "lora":
        model: Any = writer.model
        inject_adapter_in_model(lora_config(recipe.lora, model.config.num_hidden_layers), model)
    return MusicLanguageModel.fresh(
        writer, encoder_layers=ENCODER_LAYERS, encoder_width=ENCODER_WIDTH, layers=1
    )


def lora_config(lora: LoraRecipe, layer_count: int) -> LoraConfig:
    """What PEFT must know of a recipe's LoRA.

    Args:
        lora: The recipe's.
        layer_count: Of the language model.

    Returns:
        The config; the update's scale is 1.
    """
    from peft import LoraConfig

    first = layer_count - min(lora.layers or layer_count, layer_count)
    return LoraConfig(
        r=lora.rank,
        lora_alpha=lora.rank,
        lora_dropout=lora.dropout,
        target_modules=sorted(lora.targets),
        layers_to_transform=list(range(first, layer_count)),
        task_type="CAUSAL_LM",
    )


def export_lora(run: Path, lora: LoraRecipe, layer_count: int) -> Path:
    """Write the best weights of a run as a PEFT folder.

    Args:
        run: The run's folder.
        lora: How the weights were made.
        layer_count: Of the language model.

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
    save_file(tensors, target / "adapter_model.safetensors", metadata={"format": "pt"})
    lora_config(lora, layer_count).save_pretrained(str(target))
    return target


def _read_lessons(path: Path, recipe: Recipe, console: Console) -> list[Lesson]:
    rows = read_examples(path)
    for bad in rows.bad:
        console.fail_item(bad.place, bad.reason)
    lessons = lessons_from(rows.good, recipe.prompt)
    console.note(f"{path}: {len(lessons)} lessons of {len(rows.good)} rows")
    if not lessons:
        raise RecipeError(path, "holds no row with a scene and words about its music")
    return lessons

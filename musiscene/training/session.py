"""From a recipe and files to a trained folder: what `musiscene train` does."""

from __future__ import annotations

import functools
from typing import TYPE_CHECKING

from musiscene.checkpoints.native import ENCODER_FOLDER
from musiscene.data.pseudo_captions import AudioLesson
from musiscene.data.rows import read_examples, read_rows
from musiscene.errors import RecipeError
from musiscene.training.audio_lessons import hear_lessons
from musiscene.training.build import build_model
from musiscene.training.export import export_lora
from musiscene.training.features import open_features
from musiscene.training.finetune import TrainingResult, finetune
from musiscene.training.lessons import lessons_from
from musiscene.training.parts import find_parts
from musiscene.training.processes import open_processes
from musiscene.training.run_folder import RunFolder

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from pathlib import Path

    from musiscene.checkpoints.store import ModelStore
    from musiscene.console import Console
    from musiscene.training.features import FeatureStore
    from musiscene.training.lessons import Lesson
    from musiscene.training.parts import Parts
    from musiscene.training.recipe import Recipe


def train(
    recipe: Recipe,
    *,
    data: Sequence[Path],
    validation: Sequence[Path],
    out: Path,
    features: Path,
    store: ModelStore,
    console: Console,
) -> TrainingResult:
    """Train by a recipe, and write the best weights as PEFT has them.

    Args:
        recipe: What to do.
        data: Files of rows to learn, with or without audio.
        validation: Files of rows to look at.
        out: The run's folder; a run that was begun there goes on.
        features: Folder where what is heard in tracks is kept.
        store: Holds the language model and the encoder.
        console: Is told.

    Returns:
        How it went.

    Raises:
        RecipeError: If nothing can be learnt from the data, or the folder holds another run.
        ModelUnavailableError: If a model is not on this machine.
    """
    processes = open_processes()
    parts = find_parts(recipe.start_from)
    heard = functools.cache(lambda: _open_features(recipe, parts, features, store, console))
    with processes.main_process_first():  # the others find what it has heard
        lessons, looked_at = (
            [each for path in paths for each in _read_lessons(path, recipe, heard, console)]
            for paths in (data, validation)
        )
    if recipe.phase == "adapter":  # which rows without audio do not reach
        lessons, looked_at = (
            [lesson for lesson in some if lesson.features is not None]
            for some in (lessons, looked_at)
        )
    shapes = {lesson.features.shape for lesson in lessons if lesson.features is not None}
    if recipe.phase == "adapter" and not shapes:
        raise RecipeError(
            data[0], "holds no lesson with audio, and an adapter learns from no other"
        )
    if recipe.phase == "lora" and shapes and parts.adapter is None:
        raise RecipeError(
            data[0], "holds lessons with audio, which need an adapter to begin with: --start-from"
        )
    run = RunFolder(out, is_written=processes.is_main_process)
    with processes.main_process_first():
        run.begin(recipe, [*data, *validation, *parts.files()], len(lessons))
    model = build_model(recipe, store, parts, features_shape=next(iter(shapes), None))
    with console.progress("items") as report:
        result = finetune(recipe, model, lessons, looked_at, run, report)
    if recipe.phase == "lora" and processes.is_main_process:
        export_lora(out, model.backbone.peft_config["default"])
    return result


def _open_features(
    recipe: Recipe, parts: Parts, folder: Path, store: ModelStore, console: Console
) -> FeatureStore:
    mert = None if parts.checkpoint is None else parts.checkpoint / ENCODER_FOLDER
    with console.progress("bytes") as report:
        return open_features(folder, recipe.encoder, store, report, mert=mert)


def _read_lessons(
    path: Path, recipe: Recipe, heard: Callable[[], FeatureStore], console: Console
) -> list[Lesson]:
    about_audio = read_rows(path, AudioLesson)
    examples = read_examples(path)
    rows = about_audio if about_audio.good else examples
    for bad in rows.bad:
        console.fail_item(bad.place, bad.reason)
    lessons = (
        hear_lessons(about_audio.good, heard(), style=recipe.question_style, console=console)
        if about_audio.good
        else lessons_from(examples.good, recipe.prompt)
    )
    console.note(f"{path}: {len(lessons)} lessons of {len(rows.good)} rows")
    if not lessons:
        raise RecipeError(
            path, "holds no row with a scene and words about its music, and no answer about audio"
        )
    return lessons

"""Trains a tiny model as one of several processes: `RUN TINY_MODEL`, started by a launcher."""

from __future__ import annotations

import sys
from pathlib import Path

import msgspec
import torch

from musiscene.language_model import LanguageModel
from musiscene.music_language_model import MusicLanguageModel
from musiscene.progress import ProgressReport
from musiscene.training.finetune import finetune
from musiscene.training.processes import open_processes
from musiscene.training.recipe import Recipe
from musiscene.training.run_folder import RunFolder
from tests.support.lessons import SHAPE, made_lessons

RECIPE = Recipe(
    language_model="tiny",
    phase="adapter",
    prompt="{music}",
    rows_per_batch=3,
    accumulate=2,
    epochs=3.0,
    warmup_epochs=0.5,
    base_learning_rate=2.0,
    validate_every=3,
)


def train_together(out: Path, folder: Path, *, accumulate: int = 2) -> None:
    """Train an adapter on made audio, as one process or as one of several."""
    processes = open_processes()
    recipe = msgspec.structs.replace(RECIPE, accumulate=accumulate)
    run = RunFolder(out, is_written=processes.is_main_process)
    with processes.main_process_first():
        run.begin(recipe, [], 13)
    torch.manual_seed(0)
    model = MusicLanguageModel.fresh(
        LanguageModel.load(folder), encoder_layers=SHAPE[0], encoder_width=SHAPE[1], layers=2
    )
    taught = made_lessons(13)
    finetune(recipe, model, taught, taught, run, ProgressReport())
    processes.wait_for_everyone()


if __name__ == "__main__":
    train_together(Path(sys.argv[1]), Path(sys.argv[2]), accumulate=int(sys.argv[3]))

"""`musiscene train`: teach the language model by a recipe."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from musiscene.console import shared_options

if TYPE_CHECKING:
    from musiscene.console import Console

_FILE = click.Path(exists=True, dir_okay=False, path_type=Path)


@click.command(
    epilog="Example: musiscene train musiscene/recipes/tiny.toml --data train.jsonl"
    " --validation validation.jsonl --out runs/tiny"
)
@click.argument("recipe", type=_FILE)
@click.option(
    "--data",
    required=True,
    multiple=True,
    type=_FILE,
    help="Rows to learn, JSON Lines: scenes, or questions about audio. May be given several times.",
)
@click.option(
    "--validation",
    required=True,
    multiple=True,
    type=_FILE,
    help="Rows to look at, never learnt. May be given several times.",
)
@click.option(
    "--out",
    required=True,
    type=click.Path(file_okay=False, path_type=Path),
    help="Folder of the run; one that was begun there goes on where it stopped.",
)
@click.option(
    "--start-from",
    multiple=True,
    type=click.Path(exists=True, file_okay=False, path_type=Path),
    help="Folder of a run, a checkpoint or PEFT whose weights come first, in place of the recipe's."
    " May be given several times.",
)
@click.option(
    "--features",
    type=click.Path(file_okay=False, path_type=Path),
    help="Folder where what is heard in tracks is kept. [default: `features` beside the models]",
)
@shared_options
def train(
    console: Console,
    recipe: Path,
    *,
    data: tuple[Path, ...],
    validation: tuple[Path, ...],
    out: Path,
    start_from: tuple[Path, ...],
    features: Path | None,
) -> None:
    """Teach the language model to imagine scenes, or the text embedder, by a recipe.

    A run that is interrupted, even killed, goes on with the same command and ends with the same
    weights. RUN/metrics.jsonl and RUN/curves.png show how it goes.
    """
    import msgspec

    from musiscene.checkpoints.first_use import store_with
    from musiscene.profiles import LISTENING_MODEL
    from musiscene.training.embedder_recipe import is_embedder_recipe
    from musiscene.training.parts import find_parts
    from musiscene.training.processes import open_processes
    from musiscene.training.recipe import read_recipe
    from musiscene.training.session import train as run_training

    if is_embedder_recipe(recipe):
        _tune_embedder(console, recipe, data, validation, out)
        return
    told = read_recipe(recipe)
    if start_from:
        folders = tuple(str(folder.resolve()) for folder in start_from)
        told = msgspec.structs.replace(told, start_from=folders)
    processes = open_processes()
    console.quiet = console.quiet or not processes.is_main_process  # one of them is enough to tell
    is_given = find_parts(told.start_from).checkpoint is not None
    needed = [LISTENING_MODEL] if is_given else [LISTENING_MODEL, told.language_model]
    store = store_with(needed, console)
    result = run_training(
        told,
        data=data,
        validation=validation,
        out=out,
        features=features or store.root.parent / "features",
        store=store,
        console=console,
    )
    if not processes.is_main_process:
        return
    console.emit({"folder": out, "result": result})
    loss = "none" if result.best_loss is None else f"{result.best_loss:.4f}"
    console.say(
        f"{result.updates} updates, best validation loss {loss}, "
        f"{result.seconds:.0f} s, {result.tokens_per_second:.0f} tokens/s\nready in {out}"
    )


def _tune_embedder(
    console: Console,
    recipe: Path,
    data: tuple[Path, ...],
    validation: tuple[Path, ...],
    out: Path,
) -> None:
    from musiscene.checkpoints.first_use import store_with
    from musiscene.training.embedder_recipe import read_embedder_recipe
    from musiscene.training.embedder_session import train_embedder

    told = read_embedder_recipe(recipe)
    store = store_with([told.embedder], console)
    result = train_embedder(
        told, data=data, validation=validation, out=out, store=store, console=console
    )
    console.emit({"folder": out, "result": result})
    console.say(
        f"{result.updates} updates, validation R@10 {result.recall_at_10:.3f}, within annotators "
        f"{result.within_annotator:.3f}, {result.seconds:.0f} s\nready in {out}"
    )

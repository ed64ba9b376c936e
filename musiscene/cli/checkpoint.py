"""`musiscene checkpoint`: import, export, look at and merge language models that hear."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Literal

import click

from musiscene.checkpoints.registry import COMMERCIAL_USE_SHOWN
from musiscene.checkpoints.store import ModelStore
from musiscene.console import shared_options
from musiscene.errors import ModelUnavailableError

if TYPE_CHECKING:
    from musiscene.checkpoints.native import LicencedPart
    from musiscene.checkpoints.summary import CheckpointSummary
    from musiscene.console import Console
    from musiscene.prompts import PromptStyle

LLAMA, MERT, MU_LLAMA = "llama-2-7b-chat", "mert-v1-330m", "mu-llama"
TOKENIZER_NAMES = ("tokenizer.model", "tokenizer.json")
MB = 1_000_000

_FOLDER = click.Path(exists=True, file_okay=False, path_type=Path)
_FILE = click.Path(exists=True, dir_okay=False, path_type=Path)
_NEW_FOLDER = click.Path(path_type=Path)


@click.group()
def checkpoint() -> None:
    """Import, look at and merge language models that hear music."""


@checkpoint.command(
    "import-mu-llama",
    epilog="Example: musiscene checkpoint import-mu-llama --checkpoint checkpoint.pth"
    " --llama llama-2/llama-2-7b-chat --mert MERT-v1-330M",
)
@click.option(
    "--checkpoint",
    "checkpoint_file",
    required=True,
    type=_FILE,
    help="MU-LLaMA's .pth: its adapter alone, or the whole file of a training.",
)
@click.option(
    "--llama",
    type=_FOLDER,
    help="The LLaMA it was trained on: consolidated.*.pth and params.json, or the hub's files."
    f" [default: the model {LLAMA}]",
)
@click.option(
    "--tokenizer",
    type=_FILE,
    help="tokenizer.model or tokenizer.json. [default: in the LLaMA's folder or the one above]",
)
@click.option("--mert", type=_FOLDER, help=f"The hub's files of MERT. [default: the model {MERT}]")
@click.option("--out", type=_NEW_FOLDER, help="Folder to make. [default: where models are kept]")
@click.option(
    "--prompt",
    type=click.Choice(["clean", "mu-llama"]),
    default="clean",
    show_default=True,
    help="How this checkpoint is asked by default; mu-llama repeats a slip of its training text.",
)
@shared_options
def import_mu_llama(
    console: Console,
    *,
    checkpoint_file: Path,
    llama: Path | None,
    tokenizer: Path | None,
    mert: Path | None,
    out: Path | None,
    prompt: PromptStyle,
) -> None:
    """Make one folder out of a MU-LLaMA checkpoint, its LLaMA and its MERT.

    No code inside the files is ever run, and weights pass through memory in small pieces.
    """
    from musiscene.checkpoints import mu_llama

    store = ModelStore(local_folder=console.models_dir)
    llama = llama or store.folder(LLAMA)
    mert = mert or store.folder(MERT)
    tokenizer = tokenizer or _find_tokenizer(llama)
    for part in mu_llama.licenced_parts(checkpoint=checkpoint_file, llama=llama, mert=mert):
        console.note(_licence_line(part))
    with console.progress("bytes") as report:
        imported = mu_llama.import_mu_llama(
            checkpoint=checkpoint_file,
            llama=llama,
            tokenizer=tokenizer,
            mert=mert,
            out=out or store.root / MU_LLAMA,
            prompt=prompt,
            progress=report,
        )
    for notice in imported.notices:
        console.note(notice)
    console.emit(imported)
    console.say(f"ready in {imported.folder}")


@checkpoint.command(epilog="Example: musiscene checkpoint show ~/models/mu-llama")
@click.argument("folder", type=_FOLDER)
@shared_options
def show(console: Console, folder: Path) -> None:
    """Show what a checkpoint is made of: parts, licences, shapes, numbers of weights."""
    from musiscene.checkpoints.summary import summarise_checkpoint

    summary = summarise_checkpoint(folder)
    console.emit(summary)
    _say_parts(console, summary)
    _say_weights(console, summary)
    console.say(f"\n{summary.size_bytes / MB:,.0f} MB, prompt: {summary.settings.prompt}")


@checkpoint.command(epilog="Example: musiscene checkpoint merge mu-llama --out mu-llama-merged")
@click.argument("folder", type=_FOLDER)
@click.option("--out", required=True, type=_NEW_FOLDER, help="Folder to make.")
@click.option(
    "--track",
    type=_FILE,
    help="Fold this track in too: the result is a plain LLaMA that hears it in all it writes.",
)
@shared_options
def merge(console: Console, folder: Path, out: Path, track: Path | None) -> None:
    """Fold a checkpoint's LoRA into its language model; the result runs faster."""
    from musiscene.checkpoints.merge import merge_lora
    from musiscene.checkpoints.native import read_settings

    with console.progress("bytes") as report:
        if track is None:
            settings = merge_lora(folder, out, progress=report)
        else:
            from musiscene.track_model import write_track_model

            settings = read_settings(folder)
            write_track_model(folder, track, out, progress=report)
    console.emit({"folder": out, "track": track, "settings": settings})
    console.say(f"ready in {out}")


@checkpoint.command(
    epilog="Example: musiscene checkpoint export runs/adapter --out my-model;"
    " musiscene imagine song.flac --checkpoint my-model"
)
@click.argument("runs", nargs=-1, required=True, type=_FOLDER)
@click.option("--out", required=True, type=_NEW_FOLDER, help="Folder to make.")
@click.option("--licence", default="not stated", help="Of the trained weights.")
@click.option(
    "--commercial-use",
    type=click.Choice(["yes", "no", "unknown"]),
    default="unknown",
    show_default=True,
    help="Whether that licence allows it.",
)
@click.option(
    "--with-base/--without-base",
    default=True,
    show_default=True,
    help="Copy the language model into the folder, or name that of the model store.",
)
@shared_options
def export(
    console: Console,
    runs: tuple[Path, ...],
    *,
    out: Path,
    with_base: bool,
    licence: str,
    commercial_use: Literal["yes", "no", "unknown"],
) -> None:
    """Make a checkpoint folder out of the runs that `musiscene train` has finished.

    Each run brings what it was begun with, so the last one is often enough.
    """
    from musiscene.training.export import export_checkpoint

    store = ModelStore(local_folder=console.models_dir)
    with console.progress("bytes") as report:
        settings = export_checkpoint(
            runs,
            out,
            store,
            report,
            licence=licence,
            commercial_use=commercial_use,
            with_base=with_base,
        )
    console.emit({"folder": out, "settings": settings})
    console.say(f"ready in {out}")


def _say_parts(console: Console, summary: CheckpointSummary) -> None:
    console.table(
        ("PART", "LICENCE", "COMMERCIAL", "FROM"),
        [
            (part.name, part.licence, COMMERCIAL_USE_SHOWN[part.commercial_use], part.source)
            for part in summary.settings.parts
        ],
    )
    console.say("")


def _say_weights(console: Console, summary: CheckpointSummary) -> None:
    counts, settings, shape = summary.parameters, summary.settings, summary.language_model
    states = f"{settings.encoder_layers} hidden states of {settings.encoder_width}"
    layers = f"{shape.layers} layers of {shape.width}, {shape.heads} heads"
    inner = f"feed-forward of {shape.ffn_width}, {shape.vocabulary} tokens"
    lora = "merged" if settings.merged else f"rank {shape.lora_rank}" if counts.lora else "none"
    rows = [
        ("encoder", counts.encoder, f"{settings.encoder}: {states}"),
        (
            "adapter",
            counts.adapter,
            f"last {settings.adapter_layers} layers, bridge of {settings.bridge_width}",
        ),
        ("base", counts.base, f"{layers}, {inner}, {shape.dtype}"),
        ("norms", counts.norms, ""),
        ("biases", counts.biases, "without those of keys and values, which are 0"),
        ("LoRA", counts.lora, lora),
    ]
    console.table(
        ("WEIGHTS", "NUMBER", "SHAPE"),
        [(name, f"{number:,}", described) for name, number, described in rows],
    )


def _find_tokenizer(llama: Path) -> Path:
    places = [folder / name for folder in (llama, llama.parent) for name in TOKENIZER_NAMES]
    for path in places:
        if path.is_file():
            return path
    raise ModelUnavailableError(
        str(llama), "holds no tokenizer.model, nor does the folder above. Name it with --tokenizer"
    )


def _licence_line(part: LicencedPart) -> str:
    commercial = COMMERCIAL_USE_SHOWN[part.commercial_use]
    return f"{part.name}: licence {part.licence}, commercial use: {commercial} ({part.source})"

"""`musiscene generate`: music for a prompt, into a file."""

from __future__ import annotations

import secrets
from pathlib import Path
from threading import Event

import click

from musiscene.console import Console, shared_options


@click.command(
    epilog='Example: musiscene generate "folk, joyful, acoustic guitar, 110 bpm" --seconds 30 '
    "--out party.flac"
)
@click.argument("prompt")
@click.option("--seconds", type=float, default=30.0, show_default=True, help="Exact length.")
@click.option(
    "--out",
    type=click.Path(dir_okay=False, path_type=Path),
    required=True,
    help="File to write: .flac, .wav or .mp3. Its provenance goes into FILE.json beside it.",
)
@click.option("--seed", type=int, help="The same one gives the same music. [default: any]")
@click.option(
    "--backend",
    type=click.Choice(["auto", "composer"]),
    default="auto",
    show_default=True,
    help="What makes the music.",
)
@shared_options
def generate(
    console: Console,
    *,
    prompt: str,
    seconds: float,
    out: Path,
    seed: int | None,
    backend: str,
) -> None:
    """Make music for a prompt: a genre, a mood, instruments, a tempo.

    Short prompts make better music than long ones.
    """
    from musiscene.checkpoints.store import ModelStore
    from musiscene.generate.backends import load_backend
    from musiscene.generate.files import check_suffix, write_music, write_sidecar
    from musiscene.generate.protocol import MAX_SEED, MusicRequest, check_request

    chosen = secrets.randbelow(MAX_SEED + 1) if seed is None else seed
    request = MusicRequest(prompt=prompt, seconds=seconds, seed=chosen)
    check_request(request)
    check_suffix(out)
    generator = load_backend(backend, ModelStore(local_folder=console.models_dir))
    with console.progress() as report:
        music = generator.generate(
            request,
            progress=lambda stage, share: report(stage, round(100 * share), 100),
            stop=Event(),
        )
    write_music(music, out, title=prompt)
    sidecar = write_sidecar(music, out)
    made = music.provenance
    console.emit({"path": str(out), "sidecar": str(sidecar), "provenance": made})
    console.say(f"{out}: {seconds:g} s by {made.model}, seed {made.seed}")
    console.say(f"{made.weights_licence}; commercial use: {made.commercial_use}")

"""`musiscene generate`: music for a prompt, into a file."""

from __future__ import annotations

import secrets
from pathlib import Path
from threading import Event

import click

from musiscene.cli.backend_options import ChosenBackend, backend_options
from musiscene.cli.model_options import ChosenModel, model_options
from musiscene.console import Console, shared_options
from musiscene.generate.takes import DEFAULT_TAKES, MOST_TAKES


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
    "--brief", help="The scene that the music is for, if the prompt is not one. [default: PROMPT]"
)
@click.option(
    "--takes",
    type=click.IntRange(0, MOST_TAKES),
    default=DEFAULT_TAKES,
    show_default=True,
    help="How many are made and heard; the best is kept. 0 makes one and hears none.",
)
@click.option(
    "--midi",
    type=click.Path(dir_okay=False, path_type=Path),
    help="File to write the notes of the take that is kept into; by the composer alone.",
)
@shared_options
@model_options
@backend_options
def generate(  # noqa: PLR0913  one for each option
    console: Console,
    making: ChosenBackend,
    chosen: ChosenModel,
    *,
    prompt: str,
    seconds: float,
    out: Path,
    seed: int | None,
    brief: str | None,
    takes: int,
    midi: Path | None,
) -> None:
    """Make music for a prompt: a genre, a mood, instruments, a tempo.

    Short prompts make better music than long ones. MusiScene hears what was made, and says whether
    it has the tempo, mode and arousal that were wanted and whether it suits the scene.
    """
    from musiscene.data.rows import write_whole
    from musiscene.errors import GenerationError
    from musiscene.generate.check import check_line
    from musiscene.generate.composer.composer import Composer
    from musiscene.generate.files import check_suffix, write_music, write_sidecar
    from musiscene.generate.protocol import MAX_SEED, MusicRequest, check_request
    from musiscene.generate.takes import Takes
    from musiscene.scene_reader import SCENE_READER_MODEL, SceneReader

    first_seed = secrets.randbelow(MAX_SEED + 1) if seed is None else seed
    request = MusicRequest(prompt=prompt, seconds=seconds, seed=first_seed)
    check_request(request)
    check_suffix(out)
    store = chosen.store(console, also=[SCENE_READER_MODEL])
    reader = SceneReader.load(store.folder(SCENE_READER_MODEL))
    generator = making.load(store, console, reader)
    if midi is not None and not isinstance(generator, Composer):
        raise GenerationError(
            f"{midi}: {generator.name} makes sound and no notes; --midi needs --backend composer"
        )
    listener = chosen.load(store, console) if takes else None
    with console.progress("%") as report:

        def progress(stage: str, share: float) -> None:
            report(stage, round(100 * share), 100)

        if listener is None:
            music = generator.generate(request, progress=progress, stop=Event())
        else:
            music = Takes(generator, listener.hear_takes, reader).best(
                request, brief=brief, count=takes, progress=progress, stop=Event()
            )
    write_music(music, out, title=prompt)
    sidecar = write_sidecar(music, out)
    made = music.provenance
    answer: dict[str, object] = {"path": str(out), "sidecar": str(sidecar), "provenance": made}
    if midi is not None and isinstance(generator, Composer):
        kept = MusicRequest(prompt=prompt, seconds=seconds, seed=made.seed)
        write_whole(midi, [generator.midi(kept)])
        answer["midi"] = str(midi)
    console.emit(answer)
    console.say(f"{out}: {seconds:g} s by {made.model}, seed {made.seed}")
    if made.check is not None:
        console.say(check_line(made.check, made.aims))
        for scene in made.check.heard.scenes[:1]:
            console.say(f"It makes MusiScene think of: {scene}")
    console.say(f"{made.weights_licence}; commercial use: {made.commercial_use}")

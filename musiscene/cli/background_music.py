"""`musiscene evaluate background-music`: which caption of a clip makes the best music for it?"""

from __future__ import annotations

import functools
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

import click

from musiscene.cli.measuring import JUDGING_EMBEDDER, require_libraries, seed_option
from musiscene.cli.model_options import model_options
from musiscene.console import shared_options
from musiscene.generate.backends import BACKENDS

if TYPE_CHECKING:
    from collections.abc import Callable

    from musiscene.checkpoints.store import ModelStore
    from musiscene.cli.model_options import ChosenModel
    from musiscene.console import Console
    from musiscene.data.fusion import Fuser
    from musiscene.evaluation.background_music.embeddings import PatchEmbedder
    from musiscene.evaluation.background_music.music import Studio
    from musiscene.evaluation.background_music.report import BackgroundMusicReport
    from musiscene.evaluation.background_music.run import Crew

FEWEST_CLIPS = 2
LANGUAGE_MODEL = "smollm2-135m-instruct"
"""Fuses where no server is named."""


@click.command(
    "background-music",
    epilog="Example: musiscene evaluate background-music clips.jsonl --real ~/Music "
    "--prompts both --out runs/background",
)
@click.argument("clips_path", metavar="CLIPS", type=click.Path(exists=True, path_type=Path))
@click.option(
    "--out",
    required=True,
    type=click.Path(file_okay=False, path_type=Path),
    help="Folder of the music, the report and its pictures; a run that was stopped goes on there.",
)
@click.option(
    "--real",
    "real_folders",
    multiple=True,
    type=click.Path(exists=True, file_okay=False, path_type=Path),
    help="Folder of real music: the reference, and `real` and `random` where clips have no "
    "`audio`; may be repeated.",
)
@click.option(
    "--backend",
    type=click.Choice(BACKENDS),
    default="auto",
    show_default=True,
    help="What makes the music.",
)
@click.option(
    "--generator-model",
    help="For the backends musicgen and audiocraft: small, medium, large, melody, or a folder.",
)
@click.option(
    "--audiocraft-python",
    type=click.Path(exists=True, dir_okay=False, path_type=Path),
    help="Interpreter of the environment that has audiocraft.",
)
@click.option(
    "--prompts",
    type=click.Choice(["short", "long", "both"]),
    default="short",
    show_default=True,
    help="A few words read from each caption, the caption itself, or both compared.",
)
@click.option("--seconds", type=click.FloatRange(5, 600), default=30.0, show_default=True)
@click.option(
    "--takes", type=click.IntRange(1, 20), default=1, show_default=True, help="Of each prompt."
)
@click.option("--limit", type=click.IntRange(FEWEST_CLIPS), help="Only the first clips.")
@click.option("--split", default="not stated", help="Of the clips, as the report shall say.")
@click.option(
    "--fuser-url", help="Server with OpenAI's chat API that fuses captions, up to and with /v1."
)
@click.option(
    "--fuser-model",
    default="mistralai/Mixtral-8x7B-Instruct-v0.1",
    show_default=True,
    help="Model that the server is asked for.",
)
@click.option(
    "--mert",
    type=click.Path(exists=True, file_okay=False, path_type=Path),
    help="Folder of MERT, for distances by it instead of MusiCNN.",
)
@seed_option
@shared_options
@model_options
def background_music(  # noqa: PLR0913  one for each option
    console: Console,
    chosen: ChosenModel,
    clips_path: Path,
    *,
    out: Path,
    real_folders: tuple[Path, ...],
    backend: str,
    generator_model: str | None,
    audiocraft_python: Path | None,
    prompts: str,
    seconds: float,
    takes: int,
    limit: int | None,
    split: str,
    fuser_url: str | None,
    fuser_model: str,
    mert: Path | None,
    seed: int,
) -> None:
    """Make music for clips from four kinds of caption, and judge it.

    CLIPS is JSON Lines of `clip_id`, `video_caption`, and `music_caption` (or VACAD's `music_*`
    fields) or `audio`; `fused` and `msi` where they were made before. Music is made from the video
    caption, the music caption, both fused, and the scene that MusiScene imagines.
    """
    from musiscene.data.pseudo_captions import find_audio
    from musiscene.evaluation.background_music.clips import read_clips
    from musiscene.evaluation.background_music.music import Backend, Studio
    from musiscene.evaluation.background_music.prompting import forms_of
    from musiscene.evaluation.background_music.run import Plan, run_experiment
    from musiscene.generate.backends import BackendOptions, load_backend

    require_libraries()
    read = read_clips(clips_path)
    for bad in read.bad:
        console.fail_item(bad.place, bad.reason)
    clips = read.good[:limit]
    if len(clips) < FEWEST_CLIPS:
        raise click.BadParameter(f"{len(clips)} clips, two are needed", param_hint="CLIPS")
    tracks = [Path(path) for folder in real_folders for path in find_audio(folder)]
    store = chosen.store(console, also=[JUDGING_EMBEDDER])
    options = BackendOptions(model=generator_model, audiocraft_python=audiocraft_python)
    source = Backend(load_backend(backend, store, options), backend, generator_model or "")
    studio = Studio(source, out / "music", seconds=seconds, seed=seed)
    console.note("Loading the models ...")
    fuser = functools.partial(_fuser, fuser_url, fuser_model, store)
    fuser_name = fuser_model if fuser_url else LANGUAGE_MODEL
    crew = _crew(chosen, store, studio, _Choices(out, mert, fuser, fuser_name, seed))
    plan = Plan(
        clips_file=clips_path.name,
        split=split,
        forms=forms_of(prompts),
        seconds=seconds,
        takes=takes,
        seed=seed,
    )
    with console.progress() as progress:
        report = run_experiment(clips, tracks, plan, crew, out, progress, console.fail_item)
    console.emit({"out": out, "report": report})
    _say(console, report, out)


class _Choices(NamedTuple):
    out: Path
    mert: Path | None
    load_fuser: Callable[[], Fuser]
    fuser_name: str
    seed: int


def _crew(chosen: ChosenModel, store: ModelStore, studio: Studio, choices: _Choices) -> Crew:
    from musiscene.embed import TextEmbedder
    from musiscene.encoders.musicnn import load_musicnn
    from musiscene.evaluation.background_music.captions import MusiSceneCaptioner
    from musiscene.evaluation.background_music.ear import Ear
    from musiscene.evaluation.background_music.run import Crew
    from musiscene.model import MusiScene, load_listener
    from musiscene.profiles import LISTENING_MODEL
    from musiscene.scene_reader import SCENE_READER_MODEL, SceneReader
    from musiscene.writer import load_writer

    writer = load_writer(
        store, profile=chosen.profile, checkpoint=chosen.checkpoint, hear=chosen.hear
    )
    listener = load_listener(
        store, profile=chosen.profile, checkpoint=chosen.checkpoint, hear=chosen.hear
    )
    model = MusiScene(listener, writer)
    return Crew(
        captioner=MusiSceneCaptioner(
            model, writer, choices.load_fuser, fuser_name=choices.fuser_name, seed=choices.seed
        ),
        studio=studio,
        ear=Ear(
            model,
            load_musicnn(store.folder(LISTENING_MODEL)),
            _patch_embedder(choices.mert),
            choices.out / "heard.jsonl",
            seed=choices.seed,
        ),
        reader=SceneReader.load(store.folder(SCENE_READER_MODEL)),
        embedder=TextEmbedder.load(store.folder(JUDGING_EMBEDDER)),
        listening=model.versions.listening,
        writing=model.versions.writing,
    )


def _patch_embedder(mert: Path | None) -> PatchEmbedder:
    from musiscene.evaluation.background_music.embeddings import MertEmbedder, MusicnnEmbedder

    if mert is None:
        return MusicnnEmbedder()
    from musiscene.encoders.mert import MertEncoder

    return MertEmbedder(MertEncoder.load(mert))


def _fuser(url: str | None, model: str, store: ModelStore) -> Fuser:
    from musiscene.data.fusers import ChatFuser, ServerFuser

    if url is not None:
        return ServerFuser(url, model)
    return ChatFuser.load(store.folder(LANGUAGE_MODEL), name=f"{LANGUAGE_MODEL} (embedded)")


def _say(console: Console, report: BackgroundMusicReport, out: Path) -> None:
    from musiscene.evaluation.background_music.tables import BRIEF, brief_rows, in_words

    setting = report.setting
    console.say(f"{setting.clips} clips, {setting.split}; music by {setting.generator}.")
    console.table(BRIEF, brief_rows(report))
    for sentence in in_words(report):
        console.say(sentence)
    console.say(f"{out / 'report.md'}: with pictures; {setting.weights_licence}.")

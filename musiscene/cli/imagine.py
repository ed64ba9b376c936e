"""`musiscene imagine`: what files sound like and the scenes they suit, without a library."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import click

from musiscene.cli.model_options import model_options
from musiscene.console import shared_options
from musiscene.errors import AudioError

if TYPE_CHECKING:
    from musiscene.cli.model_options import ChosenModel
    from musiscene.console import Console
    from musiscene.listen import Listening, TagScore
    from musiscene.model import MusiScene
    from musiscene.prompts import PromptStyle
    from musiscene.track_imaginer import ImaginedSegment

SHOWN_TAGS = 6
ANSWER_TEMPERATURE = 0.6
ANSWER_TOP_P = 0.8
"""As MU-LLaMA's authors sample their answers."""


@click.command(
    epilog="Examples: musiscene imagine song.flac --seed 7; "
    'musiscene imagine song.flac --question "Which instruments do you hear?"'
)
@click.argument("paths", nargs=-1, required=True, metavar="AUDIO...", type=click.Path())
@click.option(
    "--kind",
    type=click.Choice(["scene", "music"]),
    default="scene",
    show_default=True,
    help="Scenes, or only what is heard.",
)
@click.option("--question", help="Ask this about each track instead.")
@click.option(
    "--captions",
    type=click.IntRange(1, 5),
    default=2,
    show_default=True,
    help="Scenes for each segment.",
)
@click.option(
    "--max-tokens",
    type=click.IntRange(1, 2048),
    default=128,
    show_default=True,
    help="Longest answer to a question.",
)
@click.option(
    "--seed", type=int, default=0, show_default=True, help="The same seed imagines the same scenes."
)
@click.option("--greedy", is_flag=True, help="Take the likeliest words instead of sampling.")
@click.option(
    "--prompt",
    type=click.Choice(["clean", "mu-llama"]),
    help="How a question is put to a model with an ear: `mu-llama` as its authors' code does, with "
    "a stray text in every prompt. [default: as the checkpoint says]",
)
@shared_options
@model_options
def imagine(  # noqa: PLR0913  one for each option
    console: Console,
    chosen: ChosenModel,
    paths: tuple[str, ...],
    *,
    kind: str,
    question: str | None,
    captions: int,
    max_tokens: int,
    seed: int,
    greedy: bool,
    prompt: PromptStyle | None,
) -> None:
    """Say what audio files sound like, and imagine the scenes they suit.

    With --question, answer it about each track: a model with an ear from what it hears, the tiny
    profile from what was measured.
    """
    from musiscene.language_model import Sampling

    if question is not None and not question.strip():
        raise click.BadParameter("is empty", param_hint="--question")
    model = chosen.load(chosen.store(console), console)
    sampling = Sampling(
        max_new_tokens=max_tokens,
        temperature=0.0 if greedy else ANSWER_TEMPERATURE,
        top_p=ANSWER_TOP_P,
        seed=seed,
        stop=(),
    )
    with console.progress("tracks") as report:
        for number, path in enumerate(paths):
            report("Listening" if question else "Imagining", number, len(paths))
            try:
                listening = model.listen(path)
            except AudioError as error:
                console.fail_item(path, error.reason)
                continue
            if question is not None:
                pieces = model.answer(listening, question, sampling, prompt=prompt)
                answer = console.say_piecewise(f"{path}\n  ", pieces)
                console.emit(_answer(path, question, answer, model))
                continue
            [segments] = model.imagine(
                [listening],
                captions_per_segment=captions if kind == "scene" else 0,
                seed=seed,
                greedy=greedy,
            )
            console.emit(_document(path, listening, segments, model))
            _say(console, path, listening, segments)
        report("Listening" if question else "Imagining", len(paths), len(paths))


def _answer(path: str, question: str, answer: str, model: MusiScene) -> dict[str, Any]:
    return {"path": path, "question": question, "answer": answer, "model": _model(model)}


def _model(model: MusiScene) -> dict[str, Any]:
    """Which models speak, and what their licences allow."""
    return {"version": model.version, "licences": model.licences}


def _document(
    path: str, listening: Listening, segments: tuple[ImaginedSegment, ...], model: MusiScene
) -> dict[str, Any]:
    info = listening.info
    return {
        "path": path,
        "segments": [
            {
                "start": segment.start_seconds,
                "end": segment.end_seconds,
                "music_caption": segment.music_caption,
                "scene_captions": [caption.text for caption in segment.scene_captions],
            }
            for segment in segments
        ],
        "tags": listening.tags,
        "descriptors": {
            "duration_seconds": info.duration_seconds,
            "bpm": listening.tempo.bpm,
            "bpm_confidence": listening.tempo.confidence,
            "key": listening.key.name,
            "key_confidence": listening.key.confidence,
            "loudness_lufs": listening.loudness_lufs,
            "vocal_probability": listening.vocals.probability,
            "vocal_confidence": listening.vocals.confidence,
            "energy_curve": listening.energy_curve,
        },
        "affect": listening.affect,
        "model": _model(model),
    }


def _say(
    console: Console, path: str, listening: Listening, segments: tuple[ImaginedSegment, ...]
) -> None:
    console.say(f"{path}")
    console.say(
        f"  {listening.tempo.bpm:.0f} bpm, {listening.key.name.replace(':', ' ')}, "
        + ", ".join(tag.name for tag in _strongest(listening))
    )
    for segment in segments:
        console.say(
            f"  {segment.start_seconds:.0f}-{segment.end_seconds:.0f} s: {segment.music_caption}"
        )
        for caption in segment.scene_captions:
            console.say(f"      {caption.text}")


def _strongest(listening: Listening) -> list[TagScore]:
    tags = [tag for named in listening.tags.values() for tag in named]
    return sorted(tags, key=lambda tag: -tag.score)[:SHOWN_TAGS]

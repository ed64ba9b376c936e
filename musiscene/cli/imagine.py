"""`musiscene imagine`: what files sound like and the scenes they suit, without a library."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import click

from musiscene.console import shared_options
from musiscene.errors import AudioError

if TYPE_CHECKING:
    from musiscene.console import Console
    from musiscene.listen import Listening, TagScore
    from musiscene.model import ImaginedSegment

SHOWN_TAGS = 6


@click.command(epilog="Example: musiscene imagine song.flac --seed 7")
@click.argument("paths", nargs=-1, required=True, metavar="AUDIO...", type=click.Path())
@click.option(
    "--kind",
    type=click.Choice(["scene", "music"]),
    default="scene",
    show_default=True,
    help="Scenes, or only what is heard.",
)
@click.option(
    "--captions",
    type=click.IntRange(1, 5),
    default=2,
    show_default=True,
    help="Scenes for each segment.",
)
@click.option(
    "--seed", type=int, default=0, show_default=True, help="The same seed imagines the same scenes."
)
@click.option("--greedy", is_flag=True, help="Take the likeliest words instead of sampling.")
@shared_options
def imagine(
    console: Console, paths: tuple[str, ...], *, kind: str, captions: int, seed: int, greedy: bool
) -> None:
    """Say what audio files sound like, and imagine the scenes they suit."""
    from musiscene.checkpoints.first_use import store_with
    from musiscene.model import MODEL_NAMES, MusiScene

    store = store_with(MODEL_NAMES, console)
    console.note("Loading the models ...")
    model = MusiScene.load(store)
    with console.progress("tracks") as report:
        for number, path in enumerate(paths):
            report("Imagining", number, len(paths))
            try:
                listening = model.listen(path)
            except AudioError as error:
                console.fail_item(path, error.reason)
                continue
            [segments] = model.imagine(
                [listening],
                captions_per_segment=captions if kind == "scene" else 0,
                seed=seed,
                greedy=greedy,
            )
            console.emit(_document(path, listening, segments))
            _say(console, path, listening, segments)
        report("Imagining", len(paths), len(paths))


def _document(
    path: str, listening: Listening, segments: tuple[ImaginedSegment, ...]
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

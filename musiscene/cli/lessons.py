"""`musiscene data targets` and `musiscene data pseudo-captions`: what there is to learn."""

from __future__ import annotations

from collections import Counter
from pathlib import Path
from typing import TYPE_CHECKING

import click

from musiscene.cli.row_files import existing_file, out_file, read_files
from musiscene.console import shared_options

if TYPE_CHECKING:
    from musiscene.console import Console


@click.command(
    epilog="Example: musiscene data targets rows/train.jsonl --borrow --out targets/train.jsonl"
)
@click.argument("files", metavar="ROWS...", nargs=-1, required=True, type=existing_file)
@click.option("--out", type=click.Path(dir_okay=False, path_type=Path), required=True)
@click.option(
    "--at-most",
    type=click.IntRange(min=1),
    default=8,
    show_default=True,
    help="Rows that may share one scene.",
)
@click.option(
    "--borrow", is_flag=True, help="Rows without a scene get that of the nearest row that has one."
)
@shared_options
def targets(
    console: Console, *, files: tuple[Path, ...], out: Path, at_most: int, borrow: bool
) -> None:
    """Write what a model should learn from rows: scenes without their wrapping, true to the music.

    "This song may be playing in a club" becomes "A club, groovy and happy."; of VACAD's fusions the
    sentences stay that the music supports; a scene that many rows share is thinned.
    """
    from musiscene.checkpoints.first_use import store_with
    from musiscene.data.rows import write_rows
    from musiscene.data.targets import make_targets
    from musiscene.embed import TextEmbedder
    from musiscene.profiles import SCENE_EMBEDDER

    examples = read_files(console, files, by_file_name=False)
    embedder = None
    if borrow:
        store = store_with([SCENE_EMBEDDER], console)
        embedder = TextEmbedder.load(store.folder(SCENE_EMBEDDER))
        console.note("Looking for scenes to borrow ...")
    made = make_targets(examples, at_most=at_most, embedder=embedder)
    write_rows(out, made)
    own = Counter(example.source for example in examples if example.scene.strip())
    kept = Counter(example.source for example in made)
    console.emit({"rows": len(examples), "with_scene": own, "targets": kept, "out": out})
    for source, count in kept.items():
        console.say(f"{source}: {count} targets from {own[source]} rows with a scene")


@click.command(
    "pseudo-captions", epilog="Example: musiscene data pseudo-captions ~/Music --out lessons.jsonl"
)
@click.argument("folder", type=click.Path(exists=True, file_okay=False, path_type=Path))
@out_file
@shared_options
def pseudo_captions(console: Console, *, folder: Path, out: Path) -> None:
    """Write questions and answers about real audio, from what is measured in it."""
    from musiscene.checkpoints.first_use import store_with
    from musiscene.data.manifest import Manifest
    from musiscene.data.pseudo_captions import AudioLesson, find_audio, write_lessons
    from musiscene.encoders.musicnn import load_musicnn
    from musiscene.listen import Listener
    from musiscene.profiles import LISTENING_MODEL

    store = store_with([LISTENING_MODEL], console)
    listener = Listener(load_musicnn(store.folder(LISTENING_MODEL)))
    paths = find_audio(folder)
    counts: Counter[str] = Counter()
    answers = 0
    with (
        Manifest(out, AudioLesson, key=lambda lesson: lesson.audio) as manifest,
        console.progress("tracks") as report,
    ):
        report("Listening", 0, len(paths))
        lessons = write_lessons(paths, lambda path: listener.hear(listener.read(path)), manifest)
        for number, lesson in enumerate(lessons, 1):
            counts[lesson.status] += 1
            answers += len(lesson.answers)
            report("Listening", number, len(paths))
            if lesson.status == "failed":
                console.fail_item(lesson.audio, lesson.problem)
    console.emit(
        {"out": out, "done": counts["done"], "failed": counts["failed"], "answers": answers}
    )
    console.say(f"{counts['done']} tracks, {answers} answers, {counts['failed']} failed: {out}")

"""`musiscene data`: make, import, split and describe the rows that MusiScene learns from."""

from __future__ import annotations

from collections import Counter
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from musiscene.cli.fuser_options import fuser_options
from musiscene.cli.lessons import pseudo_captions, targets
from musiscene.cli.model_options import model_options
from musiscene.cli.row_files import existing_file, out_file, read_files, split_named
from musiscene.console import shared_options

if TYPE_CHECKING:
    from collections.abc import Sequence

    from musiscene.cli.fuser_options import ChosenFuser
    from musiscene.cli.model_options import ChosenModel
    from musiscene.console import Console
    from musiscene.data.captions import Clip, MusicCaptioner
    from musiscene.data.vacad import VacadBuilder

ANSWER_TOKENS = 512
ANSWER_TEMPERATURE = 0.6
ANSWER_TOP_P = 0.8
"""As VACAD's authors sampled MU-LLaMA's answers."""


@click.group()
def data() -> None:
    """Make, import, split and describe the rows that MusiScene learns from."""


data.add_command(targets)
data.add_command(pseudo_captions)


@data.command(
    "build-vacad",
    epilog="Examples: musiscene data build-vacad clips/ --video-captions seen.jsonl --fuser-url "
    "http://localhost:8000/v1 --out vacad.jsonl; "
    "musiscene data build-vacad --released train.jsonl --out vacad.jsonl",
)
@click.argument(
    "clips", required=False, metavar="[CLIPS]", type=click.Path(exists=True, path_type=Path)
)
@click.option(
    "--video-captions", type=existing_file, help="What is seen: rows of clip_id, video_caption."
)
@click.option(
    "--music-captions",
    type=existing_file,
    help="What is heard: rows of clip_id, music_elements and more. [default: a model listens]",
)
@click.option(
    "--released", type=existing_file, help="Rows of VACAD that are taken as they are, by clip id."
)
@out_file
@shared_options
@model_options
@fuser_options
def build_vacad(  # noqa: PLR0913  one for each option
    console: Console,
    fuser: ChosenFuser,
    model: ChosenModel,
    *,
    clips: Path | None,
    video_captions: Path | None,
    music_captions: Path | None,
    released: Path | None,
    out: Path,
) -> None:
    """Make questions and scenes for video clips, the way VACAD was made.

    CLIPS is a folder of videos named by their clip ids, or rows of clip_id and path; without it the
    released rows are imported. VACAD's released rows state no licence: they are for research and
    are not to be passed on.
    """
    from musiscene.data.captions import Clip, ImportedCaptions
    from musiscene.data.rows import VacadRow, read_rows
    from musiscene.data.vacad import VacadBuilder, find_clips

    if clips is None and released is None:
        raise click.UsageError("name CLIPS, or rows to import with --released")
    known = {}
    if released is not None:
        rows = read_rows(released, VacadRow)
        for bad in rows.bad:
            console.fail_item(bad.place, bad.reason)
        known = {row.clip_id: row for row in rows.good}
    wanted = [Clip(clip_id=name) for name in known] if clips is None else find_clips(clips)
    if all(clip.clip_id in known for clip in wanted):
        _build(console, VacadBuilder(released=known, seed=fuser.seed), wanted, out)
        return
    if video_captions is None:
        raise click.UsageError(
            "--video-captions is needed for clips that are not among the released rows"
        )
    builder = VacadBuilder(
        fuser=fuser.load(console),
        video_captioner=ImportedCaptions(video_captions),
        music_captioner=ImportedCaptions(music_captions, field="music_elements")
        if music_captions is not None
        else _listener(console, model, seed=fuser.seed),
        released=known,
        sampling=fuser.sampling,
        seed=fuser.seed,
    )
    _build(console, builder, wanted, out)


@data.command(
    epilog="Example: musiscene data fuse captions.jsonl --fuser-url http://localhost:8000/v1 "
    "--out fused.jsonl"
)
@click.argument("rows", metavar="ROWS", type=existing_file)
@out_file
@shared_options
@fuser_options
def fuse(console: Console, fuser: ChosenFuser, *, rows: Path, out: Path) -> None:
    """Fuse the captions of rows of clip_id, video_caption and music_elements."""
    from musiscene.data.captions import Clip, ImportedCaptions
    from musiscene.data.vacad import VacadBuilder

    captions = ImportedCaptions(rows)
    builder = VacadBuilder(
        fuser=fuser.load(console),
        video_captioner=captions,
        music_captioner=captions,
        sampling=fuser.sampling,
        seed=fuser.seed,
    )
    _build(console, builder, [Clip(clip_id=name) for name in captions.clip_ids], out)


@data.command(
    epilog="Example: musiscene data split vacad.jsonl musiccaps.jsonl --out rows/ --test-share 0"
)
@click.argument("files", metavar="ROWS...", nargs=-1, required=True, type=existing_file)
@click.option(
    "--out",
    type=click.Path(file_okay=False, path_type=Path),
    required=True,
    help="Folder for train.jsonl, validation.jsonl and test.jsonl.",
)
@click.option(
    "--by-file-name",
    is_flag=True,
    help="Rows of train.jsonl, validation.jsonl and test.jsonl stay there, unless they leak.",
)
@click.option(
    "--keep-without-scene", is_flag=True, help="Keep rows without a scene: they can borrow one."
)
@click.option("--validation-share", type=click.FloatRange(0, 1), default=0.1, show_default=True)
@click.option("--test-share", type=click.FloatRange(0, 1), default=0.1, show_default=True)
@click.option(
    "--salt", default="musiscene", show_default=True, help="Another one splits otherwise."
)
@click.option(
    "--threshold",
    type=click.FloatRange(0.5, 1),
    default=0.8,
    show_default=True,
    help="Share of common runs of letters from which music texts are near-duplicates.",
)
@shared_options
def split(  # noqa: PLR0913  one for each option
    console: Console,
    *,
    files: tuple[Path, ...],
    out: Path,
    by_file_name: bool,
    keep_without_scene: bool,
    validation_share: float,
    test_share: float,
    salt: str,
    threshold: float,
) -> None:
    """Split rows by artist or clip, and take near-duplicates of later splits out of earlier ones.

    Rows of VACAD, MusicCaps and earlier splits are read; those without a scene or music are counted
    and left out. Each row keeps its licence.
    """
    import msgspec

    from musiscene.data.rows import write_rows
    from musiscene.data.splits import SPLITS, SplitSettings, split_examples

    if validation_share + test_share > 1:
        raise click.UsageError("--validation-share and --test-share take more than all rows")
    settings = SplitSettings(
        validation_share=validation_share,
        test_share=test_share,
        salt=salt,
        threshold=threshold,
        keep_without_scene=keep_without_scene,
    )
    console.note("Looking for near-duplicates ...")
    report = split_examples(read_files(console, files, by_file_name=by_file_name), settings)
    for name in SPLITS:
        rows = [example for example in report.examples if example.split == name]
        write_rows(out / f"{name}.jsonl", rows)
    facts = {
        field: value
        for field, value in msgspec.structs.asdict(report).items()
        if field != "examples"
    }
    console.emit(facts | {"out": out, "settings": settings})
    console.say(", ".join(f"{name}: {count}" for name, count in report.counts.items()))
    for field, value in facts.items():
        if field != "counts":
            told = value if isinstance(value, int) else sum(value.values())
            console.say(f"{field.replace('_', ' ')}: {told}")


@data.command(
    epilog="Example: musiscene data describe rows/train.jsonl rows/validation.jsonl --out card/"
)
@click.argument("files", metavar="ROWS...", nargs=-1, required=True, type=existing_file)
@click.option(
    "--out",
    type=click.Path(file_okay=False, path_type=Path),
    required=True,
    help="Folder for card.md, card.json and the pictures.",
)
@click.option("--pictures/--no-pictures", default=True, show_default=True)
@shared_options
def describe(console: Console, *, files: tuple[Path, ...], out: Path, pictures: bool) -> None:
    """Write a data card: counts, lengths, words, duplicates, licences, with pictures.

    A row that states no split has that of its file's name (train, validation, test). Pictures need
    the extra `research`.
    """
    from musiscene.data.describe import card_page, describe_examples
    from musiscene.data.pictures import draw_pictures
    from musiscene.data.rows import read_examples, write_rows, write_whole

    read = [read_examples(path, split=split_named(path)) for path in files]
    examples = [example for rows in read for example in rows.good]
    bad = [row for rows in read for row in rows.bad]
    for row in bad:
        console.fail_item(row.place, row.reason)
    console.note("Measuring ...")
    card = describe_examples(examples, bad=bad)
    names = draw_pictures(examples, out) if pictures else ()
    write_rows(out / "card.json", [card])
    write_whole(out / "card.md", [card_page(card, pictures=names).encode()])
    console.emit(card)
    console.table(
        ("SOURCE", "SPLIT", "ROWS", "WITH A SCENE", "DISTINCT SCENES", "LICENCE"),
        [
            (
                part.source,
                part.split,
                f"{part.rows}",
                f"{part.with_scene}",
                f"{part.distinct_scenes}",
                card.licences[part.source] or "not stated",
            )
            for part in card.splits
        ],
    )
    console.say(f"{out / 'card.md'}")


def _build(console: Console, builder: VacadBuilder, clips: Sequence[Clip], out: Path) -> None:
    from musiscene.data.manifest import Manifest
    from musiscene.data.vacad import ClipRecord

    counts: Counter[str] = Counter()
    with (
        Manifest(out, ClipRecord, key=lambda record: record.clip_id) as manifest,
        console.progress("items") as report,
    ):
        report("Building", 0, len(clips))
        for number, record in enumerate(builder.build(clips, manifest), 1):
            counts[record.status] += 1
            report("Building", number, len(clips))
            if record.status == "failed":
                console.fail_item(record.clip_id, record.problem)
    told: dict[str, Any] = {name: counts[name] for name in ("done", "dropped", "failed")}
    console.emit(told | {"out": out})
    console.say(", ".join(f"{name}: {count}" for name, count in told.items()) + f": {out}")


def _listener(console: Console, chosen: ChosenModel, *, seed: int) -> MusicCaptioner:
    from musiscene.data.captions import AskedMusic
    from musiscene.language_model import Sampling

    sampling = Sampling(
        max_new_tokens=ANSWER_TOKENS,
        temperature=ANSWER_TEMPERATURE,
        top_p=ANSWER_TOP_P,
        seed=seed,
        stop=(),
    )
    return AskedMusic(chosen.load(chosen.store(console), console), sampling)

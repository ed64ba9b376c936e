"""`musiscene evaluate`: systems side by side on rows of data, with controls."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from musiscene.cli.background_music import background_music
from musiscene.cli.hearing import hearing
from musiscene.cli.measuring import (
    JUDGING_EMBEDDER,
    greedy_option,
    picture_option,
    require_libraries,
    seed_option,
)
from musiscene.cli.model_options import model_options
from musiscene.console import shared_options

if TYPE_CHECKING:
    from collections.abc import Sequence

    from musiscene.cli.model_options import ChosenModel
    from musiscene.console import Console
    from musiscene.data.rows import SceneExample
    from musiscene.evaluation.msi import MsiReport, SystemReport
    from musiscene.evaluation.systems import Imagined, System
    from musiscene.metrics.bootstrap import Interval

FEWEST_ROWS = 2


@click.group()
def evaluate() -> None:
    """Measure how good the models are."""


evaluate.add_command(background_music)
evaluate.add_command(hearing)


@evaluate.command(
    epilog="Example: musiscene evaluate msi --data validation.jsonl --predictions scenes.jsonl "
    "--picture msi.png"
)
@click.option(
    "--data",
    "data_path",
    required=True,
    type=click.Path(exists=True, dir_okay=False, path_type=Path),
    help="JSON Lines in the form of VACAD, of MusicCaps, or of `musiscene data`.",
)
@click.option(
    "--predictions",
    "predictions_path",
    type=click.Path(dir_okay=False, path_type=Path),
    help="Write the imagined scenes here, one for each row, with or without a reference; a run "
    "that was stopped goes on from it.",
)
@click.option(
    "--import",
    "imports",
    multiple=True,
    metavar="NAME=FILE",
    help="Compare a system whose predictions are in this file; may be repeated.",
)
@click.option(
    "--system",
    "names",
    multiple=True,
    metavar="NAME",
    help="Only these; may be repeated: musiscene, music-text, a field about the music, reference, "
    "or the controls other-music, empty and other-reference. [default: all]",
)
@click.option("--limit", type=click.IntRange(1), help="Only the first rows.")
@seed_option
@greedy_option
@click.option(
    "--untrained",
    is_flag=True,
    help="Imagine with the tiny profile's language model as it was before it learnt scenes.",
)
@picture_option
@shared_options
@model_options
def msi(  # noqa: PLR0913  one for each option
    console: Console,
    chosen: ChosenModel,
    data_path: Path,
    *,
    predictions_path: Path | None,
    imports: tuple[str, ...],
    names: tuple[str, ...],
    limit: int | None,
    seed: int,
    greedy: bool,
    untrained: bool,
    picture: Path | None,
) -> None:
    """Judge scenes imagined from descriptions of music.

    Each scene is imagined from its row's music text alone. A row without a reference is only
    imagined. Every figure stands beside that of the same texts shuffled among the rows.
    """
    from musiscene.data.rows import read_examples
    from musiscene.evaluation.systems import IMAGINED, build_systems, system_names

    read = read_examples(data_path)
    for bad in read.bad:
        console.fail_item(bad.place, bad.reason)
    examples = read.good[:limit]
    judged = [example for example in examples if example.scene]
    offered = system_names(judged)
    for name in names:
        if name not in offered:
            raise click.BadParameter(
                f"{name} is none of {', '.join(offered)}", param_hint="--system"
            )
    wanted = list(names or offered)
    files = _named_files(imports, taken=offered)
    is_judged = len(judged) >= FEWEST_ROWS
    if is_judged:
        require_libraries()
    imagined = None
    if predictions_path or (is_judged and IMAGINED.intersection(wanted)):
        imagined = _imagine(
            console,
            chosen,
            examples if predictions_path else judged,
            predictions_path,
            seed=seed,
            greedy=greedy,
            untrained=untrained,
        )
    if not is_judged:
        console.note(f"{len(judged)} rows have a reference: nothing can be measured.")
        console.emit({"data": data_path, "rows": len(judged), "systems": []})
        return
    systems = build_systems(judged, wanted, imagined, seed=seed)
    systems += _imported(files, judged)
    _judge(console, chosen, judged, systems, data_path=data_path, seed=seed, picture=picture)


def _named_files(imports: Sequence[str], *, taken: Sequence[str]) -> dict[str, Path]:
    files: dict[str, Path] = {}
    for text in imports:
        name, _, path = text.partition("=")
        if not name or not path:
            raise click.BadParameter(f"{text} is not NAME=FILE", param_hint="--import")
        if name in taken or name in files:
            raise click.BadParameter(f"the name {name} is taken", param_hint="--import")
        files[name] = Path(path)
    return files


def _imagine(
    console: Console,
    chosen: ChosenModel,
    examples: Sequence[SceneExample],
    predictions_path: Path | None,
    *,
    seed: int,
    greedy: bool,
    untrained: bool,
) -> Imagined:
    from musiscene.evaluation.predictions import PredictionFile
    from musiscene.evaluation.systems import Imagined, ImaginingWriter, imagine_rows
    from musiscene.writer import load_writer, untrained_imaginer

    store = chosen.store(console)
    console.note("Loading the models ...")
    if untrained:
        imaginer, version = untrained_imaginer(store), "untrained"
    else:
        model = load_writer(store, profile=chosen.profile, checkpoint=chosen.checkpoint)
        # VACAD's references tell a whole video with its music, those of MusicCaps name a scene.
        of_videos = all(example.source == "vacad" for example in examples)
        imaginer = model.imaginer(of_videos=of_videos)
        version = f"{model.versions.writing}, videos" if of_videos else model.versions.writing
    writer = ImaginingWriter(imaginer, version, seed=seed, greedy=greedy)
    file = None
    if predictions_path:
        file = PredictionFile.open(predictions_path, origin=writer.version)
        if file.kept:
            console.note(f"{len(file.kept)} rows have been imagined before.")
    with console.progress() as report:
        of_rows = imagine_rows(examples, writer, file, report)
    [of_nothing] = writer.write([""])
    return Imagined(of_rows, of_nothing)


def _imported(files: dict[str, Path], judged: Sequence[SceneExample]) -> list[System]:
    from musiscene.evaluation.predictions import read_predictions
    from musiscene.evaluation.systems import imported_system

    return [imported_system(name, read_predictions(path), judged) for name, path in files.items()]


def _judge(
    console: Console,
    chosen: ChosenModel,
    judged: Sequence[SceneExample],
    systems: Sequence[System],
    *,
    data_path: Path,
    seed: int,
    picture: Path | None,
) -> None:
    from musiscene.embed import TextEmbedder
    from musiscene.evaluation.msi import MsiJudge, in_words
    from musiscene.evaluation.picture import draw_report
    from musiscene.metrics.bert_score import TokenEncoder

    folder = chosen.store(console, also=[JUDGING_EMBEDDER]).folder(JUDGING_EMBEDDER)
    judge = MsiJudge(judged, TextEmbedder.load(folder), TokenEncoder.load(folder), seed=seed)
    with console.progress() as progress:
        report = judge.judge(systems, progress)
    if picture:
        draw_report(report, picture)
    verdicts = in_words(report.verdicts)
    console.emit({"data": data_path, "in_words": verdicts, "report": report})
    _say(console, report, verdicts)


def _say(console: Console, report: MsiReport, verdicts: Sequence[str]) -> None:
    console.say(f"{report.rows} rows. Likeness to the reference (gap to own texts shuffled):")
    console.table(
        ("system", "BLEU-4", "ROUGE-L F", "METEOR", "BERTScore F"),
        [
            (
                system.name,
                f"{system.bleu[-1]:.3f}",
                *(_with_gap(system, name) for name in ("rouge_l", "meteor", "bert_score")),
            )
            for system in report.systems
        ],
    )
    console.say("\nOwn reference among all, and variety:")
    console.table(
        ("system", "R@1", "R@10", "median", "MRR", "annotator", "distinct", "dist-2", "self-BLEU"),
        [_found(system) for system in report.systems] + [_chance(report)],
    )
    console.say("\nMoods, genres, instruments, pace and voice that texts name, true to the row:")
    console.table(
        ("system", "precision", "shuffled", "recall", "shuffled"),
        [
            (
                system.name,
                f"{system.truth.precision:.3f}",
                f"{system.truth.shuffled_precision:.3f}",
                f"{system.truth.recall:.3f}",
                f"{system.truth.shuffled_recall:.3f}",
            )
            for system in report.systems
        ],
    )
    console.say("\nBy MU-LLaMA's script (BLEU of characters, recall):")
    columns = ("bleu", "bleu_4", "meteor", "rouge_l", "bert_score")
    console.table(
        ("system", *columns),
        [
            (system.name, *(f"{system.mu_llama[name]:.3f}" for name in columns))
            for system in report.systems
        ],
    )
    console.say(
        f"\nMETEOR: {report.meteor_form}. BERTScore by {report.bert_score_model}; its figures are"
        " not those of roberta-large.\n"
    )
    for sentence in verdicts:
        console.say(sentence)


def _with_gap(system: SystemReport, name: str) -> str:
    measured = system.metrics[name]
    return f"{measured.value.mean:.3f} ({_signed(measured.gap)})"


def _signed(gap: Interval) -> str:
    return f"{gap.mean:+.3f} [{gap.low:+.3f} {gap.high:+.3f}]"


def _found(system: SystemReport) -> tuple[str, ...]:
    own, variety, within = system.identification, system.diversity, system.within_annotator
    return (
        system.name,
        f"{own.recall_at_1:.3f}",
        f"{own.recall_at_10:.3f}",
        f"{own.median_rank:.4g}",
        f"{own.mean_reciprocal_rank:.3f}",
        "-" if within is None else f"{within.mean:.3f}",
        f"{variety.distinct_texts:.2f}",
        f"{variety.distinct_2:.2f}",
        f"{variety.self_bleu:.2f}",
    )


def _chance(report: MsiReport) -> tuple[str, ...]:
    own = report.chance
    has_annotators = any(system.within_annotator for system in report.systems)
    return (
        "(chance)",
        f"{own.recall_at_1:.3f}",
        f"{own.recall_at_10:.3f}",
        f"{own.median_rank:.4g}",
        f"{own.mean_reciprocal_rank:.3f}",
        "0.500" if has_annotators else "-",
        *("",) * 3,
    )

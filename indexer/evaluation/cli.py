"""`musiscene evaluate retrieval`: are the wanted tracks found?"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from musiscene.console import shared_options

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from uuid import UUID

    from indexer.evaluation.briefs import JudgedBrief
    from indexer.evaluation.report import RetrievalReport, SystemReport
    from musiscene.console import Console
    from musiscene.metrics.bootstrap import Interval


@click.command(
    epilog="Example: musiscene evaluate retrieval briefs.jsonl --without scene --picture found.png"
)
@click.argument(
    "files",
    metavar="BRIEFS...",
    nargs=-1,
    required=True,
    type=click.Path(exists=True, dir_okay=False, path_type=Path),
)
@click.option(
    "--k",
    "cutoffs",
    multiple=True,
    type=click.IntRange(1, 1000),
    default=(5, 10),
    show_default=True,
    help="How many of the first tracks are looked at; may be repeated.",
)
@click.option(
    "--without",
    "ablations",
    multiple=True,
    metavar="STAGE[,STAGE]",
    help="Compare the matcher without these stages; may be repeated.",
)
@click.option("--seed", type=int, default=0, show_default=True, help="Of the intervals.")
@click.option(
    "--picture",
    type=click.Path(dir_okay=False, path_type=Path),
    help="Draw the comparison here.",
)
@shared_options
def retrieval(
    console: Console,
    files: tuple[Path, ...],
    *,
    cutoffs: tuple[int, ...],
    ablations: tuple[str, ...],
    seed: int,
    picture: Path | None,
) -> None:
    """Judge how well the library's tracks are found.

    BRIEFS are JSON Lines, each a brief with the tracks it wants (docs/evaluation.md has the form).
    The matcher ranks the whole library for each of them. Beside its figures stand a random order,
    tracks known by their tags alone, and the same rankings judged by what other briefs want.
    """
    from indexer.errors import BriefError
    from indexer.evaluation.report import in_words
    from indexer.evaluation.retrieval import RetrievalJudge
    from indexer.evaluation.systems import build_systems
    from indexer.library import Library
    from indexer.match import MODELS
    from musiscene.checkpoints.first_use import store_with
    from musiscene.cli.measuring import require_libraries
    from musiscene.scene_reader import SCENE_READER_MODEL, SceneReader

    left_out = [_stages(names) for names in ablations]
    if picture:
        require_libraries()
    store = store_with(MODELS, console)
    with Library.open(console.data_dir, store, create=False, database=console.database) as library:
        index = library.vectors()
        tracks = list(library.catalogue.tracks(index.track_ids).values())
        briefs = _read(console, files, {track.id: track.path for track in tracks})
        if not briefs:
            raise BriefError("no line holds a brief that can be judged in this library")
        judge = RetrievalJudge(tracks, briefs, cutoffs=sorted(set(cutoffs)), seed=seed)
        models = sorted({track.model_version for track in tracks})
        systems = build_systems(
            library, SceneReader.load(store.folder(SCENE_READER_MODEL)), tracks, left_out
        )
        with console.progress() as progress:
            report = judge.judge(systems, (library.embedder.version, models), progress)
    shown = _shown_metrics(report)
    sentences = in_words(report, shown[1])
    if picture:
        from indexer.evaluation.picture import draw_retrieval

        draw_retrieval(report, picture, metrics=shown)
    console.emit({"files": files, "in_words": sentences, "report": report})
    _say(console, report, shown, sentences)


def _stages(names: str) -> tuple[str, ...]:
    from indexer.evaluation.systems import stage_names

    stages = tuple(name.strip() for name in names.split(","))
    for stage in stages:
        if stage not in stage_names():
            raise click.BadParameter(
                f"{stage!r} is none of {', '.join(stage_names())}", param_hint="--without"
            )
    if set(stages) == set(stage_names()):
        raise click.BadParameter("nothing would be left to match by", param_hint="--without")
    return stages


def _read(console: Console, files: Sequence[Path], paths: Mapping[UUID, str]) -> list[JudgedBrief]:
    from indexer.evaluation.briefs import read_judged_briefs

    briefs: list[JudgedBrief] = []
    for file in files:
        good, bad = read_judged_briefs(file, paths)
        for line in bad:
            console.fail_item(line.place, line.reason)
        briefs += good
    return briefs


def _shown_metrics(report: RetrievalReport) -> tuple[str, str, str]:
    """The metrics of the comparisons; the second decides."""
    from musiscene.metrics.ranking import RECIPROCAL_RANK

    first, *_, last = (report.cutoffs[0], *report.cutoffs)
    return f"precision_at_{first}", f"ndcg_at_{last}", RECIPROCAL_RANK


def _say(
    console: Console,
    report: RetrievalReport,
    shown: Sequence[str],
    sentences: Sequence[str],
) -> None:
    from indexer.evaluation.report import metric_label

    matcher = report.systems[0]
    console.say(
        f"{len(report.briefs)} briefs, {report.wanted_sets} sets of wanted tracks,"
        f" {report.tracks} tracks; {report.embedder}, captions by {', '.join(report.models)}:"
    )
    rows = [
        (
            system.name,
            *(f"{metric.value.mean:.3f}" for metric in system.metrics.values()),
            f"{system.median_rank:.4g}",
        )
        for system in report.systems
    ]
    if report.wanted_sets > 1:
        rows.append(("(other briefs)", *(_shuffled(matcher, one) for one in matcher.metrics), ""))
    rows.append(
        (
            "(random order)",
            *(f"{report.random.metrics[one]:.3f}" for one in matcher.metrics),
            f"{report.random.median_rank:.4g}",
        )
    )
    console.table(("system", *map(metric_label, matcher.metrics), "median rank"), rows)
    console.say("\nGaps, with intervals over briefs:")
    console.table(
        ("system", "metric", "above random", "above other briefs", "matcher above it"),
        [
            (
                system.name,
                metric_label(name),
                *map(_signed, (one.above_random, one.above_shuffled, one.below_matcher)),
            )
            for system in report.systems
            for name in shown
            for one in (system.metrics[name],)
        ],
    )
    if report.styles:
        console.say("\nThe matcher by style of brief (above other briefs):")
        console.table(
            ("style", "briefs", *map(metric_label, shown)),
            [
                (
                    style.style,
                    str(style.briefs),
                    *(
                        f"{style.value[name]:.3f} ({_signed(style.above_shuffled.get(name))})"
                        for name in shown
                    ),
                )
                for style in report.styles
            ],
        )
    console.say("")
    for sentence in sentences:
        console.say(sentence)


def _shuffled(system: SystemReport, metric: str) -> str:
    shuffled = system.metrics[metric].shuffled
    return "-" if shuffled is None else f"{shuffled:.3f}"


def _signed(gap: Interval | None) -> str:
    return "-" if gap is None else f"{gap.mean:+.3f} [{gap.low:+.3f} {gap.high:+.3f}]"

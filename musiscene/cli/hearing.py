"""`musiscene evaluate hearing`: does what a model says of real audio come from that audio?"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

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
    from musiscene.cli.model_options import ChosenModel
    from musiscene.console import Console
    from musiscene.evaluation.heard import Passage
    from musiscene.evaluation.hearing import FactScore, HearingReport, HearingScore, Truth
    from musiscene.metrics.bootstrap import Interval

SAYINGS = ("description", "answers", "scenes")


@click.command(
    epilog="Example: musiscene evaluate hearing ~/Music --checkpoint runs/ear/checkpoint "
    "--picture hearing.png"
)
@click.argument("library", type=click.Path(exists=True, file_okay=False, path_type=Path))
@click.option(
    "--labels",
    "labels_path",
    type=click.Path(exists=True, dir_okay=False, path_type=Path),
    help="JSON Lines of `audio`, a file below LIBRARY, and `labels`, what is true of it in words.",
)
@click.option(
    "--texts",
    "texts_path",
    type=click.Path(dir_okay=False, path_type=Path),
    help="Write what the model says here, a line for each track.",
)
@click.option(
    "--say",
    "sayings",
    multiple=True,
    type=click.Choice(SAYINGS),
    help="Only these; may be repeated. [default: all]",
)
@click.option(
    "--captions",
    type=click.IntRange(1, 5),
    default=2,
    show_default=True,
    help="Scenes for each track.",
)
@seed_option
@greedy_option
@picture_option
@shared_options
@model_options
def hearing(  # noqa: PLR0913  one for each option
    console: Console,
    chosen: ChosenModel,
    library: Path,
    *,
    labels_path: Path | None,
    texts_path: Path | None,
    sayings: tuple[str, ...],
    captions: int,
    seed: int,
    greedy: bool,
    picture: Path | None,
) -> None:
    """Judge what a model says of the tracks of a folder.

    The most energetic passage of each track is described, asked about and imagined scenes for.
    What is said is held against the facts measured in that passage, and against labels where there
    are any; then against those of other tracks, which it should fit less.
    """
    from musiscene.data.rows import write_rows
    from musiscene.embed import TextEmbedder
    from musiscene.evaluation.heard import Asking, ask, hear_passages
    from musiscene.evaluation.hearing import (
        FEWEST_TRACKS,
        in_words,
        judge_hearing,
        truth_of_measurements,
    )
    from musiscene.evaluation.picture import draw_hearing

    require_libraries()
    store = chosen.store(console, also=[JUDGING_EMBEDDER])
    model = chosen.load(store, console)
    passages = hear_passages(model, library, console)
    if len(passages) < FEWEST_TRACKS:
        raise click.BadParameter(
            f"{library} holds {len(passages)} tracks that can be heard, two are needed",
            param_hint="LIBRARY",
        )
    truths = [truth_of_measurements(passages)]
    if labels_path:
        truths.append(_labels(console, labels_path, passages))
    asking = Asking(sayings=sayings or SAYINGS, scenes=captions, seed=seed, greedy=greedy)
    said = ask(model, passages, asking, console)
    if texts_path:
        write_rows(texts_path, said.by_track(passages))
    embedder = TextEmbedder.load(store.folder(JUDGING_EMBEDDER))
    report = judge_hearing(passages, said, truths, embedder, seed=seed)
    if picture:
        draw_hearing(report, picture)
    sentences = in_words(report)
    console.emit({"library": library, "in_words": sentences, "report": report})
    _say(console, report, sentences)


def _labels(console: Console, path: Path, passages: list[Passage]) -> Truth:
    from musiscene.data.rows import read_rows
    from musiscene.evaluation.heard import LabelledTrack
    from musiscene.evaluation.hearing import truth_of_labels

    rows = read_rows(path, LabelledTrack)
    for bad in rows.bad:
        console.fail_item(bad.place, bad.reason)
    labels = {row.audio: row.labels for row in rows.good}
    if not any(passage.name in labels for passage in passages):
        raise click.BadParameter(
            f"{path} labels none of the tracks, such as {passages[0].name}",
            param_hint="--labels",
        )
    return truth_of_labels(labels, passages)


def _say(console: Console, report: HearingReport, sentences: list[str]) -> None:
    console.say(
        f"{len(report.tracks)} tracks, {report.model}. Facts named, against what is true of the"
        " track that was heard:"
    )
    console.table(
        ("said", "prec.", "recall", "F1", "other", "gap", "gap to nothing"),
        [
            _fact_row(score, fact)
            for score in report.scores
            for fact in score.facts
            if fact.facet == "all"
        ],
    )
    facts = [fact for score in report.scores for fact in score.facts if fact.facet != "all"]
    if facts:
        facets = list(dict.fromkeys(fact.facet for fact in facts))
        console.say("\nF1 by kind of fact, and its gap to other tracks' texts:")
        console.table(
            ("said", *facets),
            [
                (f"{score.name}, {truth}", *(_facet_cell(score, truth, one) for one in facets))
                for score in report.scores
                for truth in dict.fromkeys(fact.truth for fact in score.facts)
            ],
        )
    console.say("\nOwn description among all, and variety:")
    console.table(
        ("said", "R@1", "R@10", "median", "MRR", "cosine gap", "distinct", "dist-2"),
        [
            *(_found_row(score) for score in report.scores),
            (
                "(chance)",
                f"{report.chance.recall_at_1:.3f}",
                f"{report.chance.recall_at_10:.3f}",
                f"{report.chance.median_rank:.4g}",
                f"{report.chance.mean_reciprocal_rank:.3f}",
                *("",) * 3,
            ),
        ],
    )
    console.say("")
    for sentence in sentences:
        console.say(sentence)


def _fact_row(score: HearingScore, fact: FactScore) -> tuple[str, ...]:
    return (
        f"{score.name}, {fact.truth}",
        f"{fact.precision:.3f}",
        f"{fact.recall:.3f}",
        f"{fact.f1.mean:.3f}",
        f"{fact.of_others:.3f}",
        _signed(fact.gap),
        _signed(fact.gap_to_nothing),
    )


def _facet_cell(score: HearingScore, truth: str, facet: str) -> str:
    found = [one for one in score.facts if (one.truth, one.facet) == (truth, facet)]
    return f"{found[0].f1.mean:.2f} {found[0].gap.mean:+.2f}" if found else "-"


def _found_row(score: HearingScore) -> tuple[str, ...]:
    own, variety = score.identification, score.diversity
    return (
        score.name,
        f"{own.recall_at_1:.3f}",
        f"{own.recall_at_10:.3f}",
        f"{own.median_rank:.4g}",
        f"{own.mean_reciprocal_rank:.3f}",
        _signed(score.agreement),
        f"{variety.distinct_texts:.2f}",
        f"{variety.distinct_2:.2f}",
    )


def _signed(gap: Interval) -> str:
    return f"{gap.mean:+.3f} [{gap.low:+.3f} {gap.high:+.3f}]"

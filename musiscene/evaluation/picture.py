"""Reports as pictures: what is gained over the same texts moved elsewhere, and what is found."""

from __future__ import annotations

from typing import TYPE_CHECKING

from musiscene.errors import MusiSceneError
from musiscene.evaluation.hearing import ALL_FACETS

if TYPE_CHECKING:
    from pathlib import Path

    from matplotlib.figure import Figure

    from musiscene.evaluation.hearing import HearingReport
    from musiscene.evaluation.msi import MsiReport

WIDTH_INCHES = 11.0
ROW_INCHES = 0.45
GAP_METRICS = {"rouge_l": "ROUGE-L F", "meteor": "METEOR", "bert_score": "BERTScore F"}


def draw_report(report: MsiReport, path: Path) -> None:
    """Draw the gaps of the likenesses and the recall at 10 of every system, with intervals.

    Args:
        report: With at least one system.
        path: Of the picture; its ending says the format (png, svg, pdf).

    Raises:
        MusiSceneError: If it cannot be written, or the format is not known.
    """
    from matplotlib.figure import Figure

    names = [system.name for system in report.systems]
    figure = Figure(figsize=(WIDTH_INCHES, 1.6 + ROW_INCHES * len(names)), layout="constrained")
    gaps, recalls = figure.subplots(1, 2, sharey=True)
    for place, (metric, label) in enumerate(GAP_METRICS.items()):
        # The ceiling's gap would press all others into one line.
        rows = [row for row, system in enumerate(report.systems) if system.kind != "ceiling"]
        shown = [report.systems[row].metrics[metric].gap for row in rows]
        heights = [row + (place - 1) * 0.2 for row in rows]
        gaps.errorbar(
            [gap.mean for gap in shown],
            heights,
            xerr=[[gap.mean - gap.low for gap in shown], [gap.high - gap.mean for gap in shown]],
            fmt="o",
            markersize=4,
            label=label,
        )
    gaps.axvline(0.0, color="grey", linewidth=1)
    gaps.set_xlabel("above its own texts shuffled")
    gaps.set_yticks(range(len(names)), names)
    gaps.invert_yaxis()
    gaps.legend()
    found = [system.metrics["recall_at_10"].value for system in report.systems]
    recalls.barh(range(len(names)), [one.mean for one in found], color="lightsteelblue")
    recalls.errorbar(
        [one.mean for one in found],
        range(len(names)),
        xerr=[[one.mean - one.low for one in found], [one.high - one.mean for one in found]],
        fmt="none",
        ecolor="black",
    )
    recalls.axvline(report.chance.recall_at_10, color="grey", linestyle="--", label="chance")
    recalls.set_xlabel(f"own reference among the first 10 of {report.rows}")
    recalls.legend()
    save_figure(figure, path)


def draw_hearing(report: HearingReport, path: Path) -> None:
    """Draw how much more texts fit their own tracks than others, and whether they find them.

    Args:
        report: With at least one kind of texts.
        path: Of the picture; its ending says the format (png, svg, pdf).

    Raises:
        MusiSceneError: If it cannot be written, or the format is not known.
    """
    from matplotlib.figure import Figure

    judged = [
        (f"{score.name}, {fact.truth}", fact)
        for score in report.scores
        for fact in score.facts
        if fact.facet == ALL_FACETS
    ]
    figure = Figure(figsize=(WIDTH_INCHES, 1.6 + ROW_INCHES * len(judged)), layout="constrained")
    gaps, found = figure.subplots(1, 2)
    for place, label in enumerate(("another track's words", "words on nothing")):
        shown = [(fact.gap, fact.gap_to_nothing)[place] for _, fact in judged]
        gaps.errorbar(
            [gap.mean for gap in shown],
            [row + (place - 0.5) * 0.2 for row in range(len(judged))],
            xerr=[[gap.mean - gap.low for gap in shown], [gap.high - gap.mean for gap in shown]],
            fmt="o",
            markersize=4,
            label=f"above {label}",
        )
    gaps.axvline(0.0, color="grey", linewidth=1)
    gaps.set_xlabel("F1 of the facts named")
    gaps.set_yticks(range(len(judged)), [name for name, _ in judged])
    gaps.invert_yaxis()
    gaps.legend()
    ranks = [score.reciprocal_rank for score in report.scores]
    found.barh(range(len(ranks)), [rank.mean for rank in ranks], color="lightsteelblue")
    found.errorbar(
        [rank.mean for rank in ranks],
        range(len(ranks)),
        xerr=[[rank.mean - rank.low for rank in ranks], [rank.high - rank.mean for rank in ranks]],
        fmt="none",
        ecolor="black",
    )
    found.axvline(report.chance.mean_reciprocal_rank, color="grey", linestyle="--", label="chance")
    found.set_yticks(range(len(ranks)), [score.name for score in report.scores])
    found.invert_yaxis()
    found.set_xlabel(f"mean reciprocal rank of the own passage, {len(report.tracks)} tracks")
    found.legend()
    save_figure(figure, path)


def save_figure(figure: Figure, path: Path) -> None:
    """Write a picture, with the folders above it.

    Args:
        figure: What is drawn.
        path: Its ending says the format (png, svg, pdf).

    Raises:
        MusiSceneError: If it cannot be written, or the format is not known.
    """
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        figure.savefig(path, dpi=120)
    except (OSError, ValueError) as error:
        raise MusiSceneError(f"{path}: the picture cannot be written: {error}") from error

"""Reports as pictures: what is gained over the same texts moved elsewhere, and what is found."""

from __future__ import annotations

from typing import TYPE_CHECKING

from musiscene.errors import MusiSceneError
from musiscene.evaluation.hearing import ALL_FACETS

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

    from musiscene.evaluation.hearing import HearingReport
    from musiscene.evaluation.msi import MsiReport
    from musiscene.metrics.bootstrap import Interval

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
        draw_gaps(gaps, shown, heights, label)
    gaps.axvline(0.0, color="grey", linewidth=1)
    gaps.set_xlabel("above its own texts shuffled")
    gaps.set_yticks(range(len(names)), names)
    gaps.invert_yaxis()
    gaps.legend()
    found = [system.metrics["recall_at_10"].value for system in report.systems]
    draw_means(recalls, found)
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
        heights = [row + (place - 0.5) * 0.2 for row in range(len(judged))]
        draw_gaps(gaps, shown, heights, f"above {label}")
    gaps.axvline(0.0, color="grey", linewidth=1)
    gaps.set_xlabel("F1 of the facts named")
    gaps.set_yticks(range(len(judged)), [name for name, _ in judged])
    gaps.invert_yaxis()
    gaps.legend()
    ranks = [score.reciprocal_rank for score in report.scores]
    draw_means(found, ranks)
    found.axvline(report.chance.mean_reciprocal_rank, color="grey", linestyle="--", label="chance")
    found.set_yticks(range(len(ranks)), [score.name for score in report.scores])
    found.invert_yaxis()
    found.set_xlabel(f"mean reciprocal rank of the own passage, {len(report.tracks)} tracks")
    found.legend()
    save_figure(figure, path)


def draw_gaps(axes: Axes, gaps: Sequence[Interval], heights: Sequence[float], label: str) -> None:
    """Draw intervals as points with whiskers.

    Args:
        axes: Drawn on.
        gaps: From left to right.
        heights: One for each.
        label: In the legend.
    """
    axes.errorbar(
        [gap.mean for gap in gaps],
        heights,
        xerr=_whiskers(gaps),
        fmt="o",
        markersize=4,
        label=label,
    )


def draw_means(axes: Axes, means: Sequence[Interval]) -> None:
    """Draw intervals as bars with whiskers, a row each.

    Args:
        axes: Drawn on.
        means: From zero.
    """
    rows = range(len(means))
    axes.barh(rows, [one.mean for one in means], color="lightsteelblue")
    axes.errorbar(
        [one.mean for one in means], rows, xerr=_whiskers(means), fmt="none", ecolor="black"
    )


def _whiskers(intervals: Sequence[Interval]) -> list[list[float]]:
    return [
        [one.mean - one.low for one in intervals],
        [one.high - one.mean for one in intervals],
    ]


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

"""A retrieval report as a picture."""

from __future__ import annotations

from typing import TYPE_CHECKING

from indexer.evaluation.report import metric_label
from musiscene.evaluation.picture import (
    ROW_INCHES,
    WIDTH_INCHES,
    draw_gaps,
    draw_means,
    save_figure,
)
from musiscene.metrics.ranking import RECIPROCAL_RANK

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from indexer.evaluation.report import RetrievalReport


def draw_retrieval(report: RetrievalReport, path: Path, *, metrics: Sequence[str]) -> None:
    """Draw what each system gains over a random order and other briefs, and its reciprocal rank.

    Args:
        report: With at least one system.
        path: Of the picture; its ending says the format (png, svg, pdf).
        metrics: Whose gaps are drawn.

    Raises:
        MusiSceneError: If it cannot be written, or the format is not known.
    """
    from matplotlib.figure import Figure

    names = [system.name for system in report.systems]
    figure = Figure(figsize=(WIDTH_INCHES, 1.8 + ROW_INCHES * len(names)), layout="constrained")
    gaps, ranks = figure.subplots(1, 2, sharey=True)
    for place, metric in enumerate(metrics):
        figures = [system.metrics[metric] for system in report.systems]
        shown = [one.above_shuffled or one.above_random for one in figures]
        heights = [row + (place - (len(metrics) - 1) / 2) * 0.2 for row in range(len(names))]
        draw_gaps(gaps, shown, heights, metric_label(metric))
    gaps.axvline(0.0, color="grey", linewidth=1)
    is_shuffled = report.wanted_sets > 1
    gaps.set_xlabel("above what other briefs want" if is_shuffled else "above a random order")
    gaps.set_yticks(range(len(names)), names)
    gaps.invert_yaxis()
    gaps.legend(loc="lower center", bbox_to_anchor=(0.5, 1.0), ncols=len(metrics))
    found = [system.metrics[RECIPROCAL_RANK].value for system in report.systems]
    draw_means(ranks, found)
    ranks.axvline(
        report.random.metrics[RECIPROCAL_RANK], color="grey", linestyle="--", label="random order"
    )
    ranks.set_xlabel(f"MRR of {len(report.briefs)} briefs over {report.tracks} tracks")
    ranks.legend(loc="lower center", bbox_to_anchor=(0.5, 1.0))
    save_figure(figure, path)

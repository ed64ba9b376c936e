"""A report as a picture: what systems gain over their own texts shuffled, and what they find."""

from __future__ import annotations

from typing import TYPE_CHECKING

from musiscene.errors import MusiSceneError

if TYPE_CHECKING:
    from pathlib import Path

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
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        figure.savefig(path, dpi=120)
    except (OSError, ValueError) as error:
        raise MusiSceneError(f"{path}: the picture cannot be written: {error}") from error

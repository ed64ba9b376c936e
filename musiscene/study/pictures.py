"""A study's results as pictures."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from matplotlib.figure import Figure

    from musiscene.metrics.bootstrap import Interval
    from musiscene.study.analyse import QuestionReport, StudyReport

WIDTH_INCHES = 7.0
ROW_INCHES = 0.42
DOTS_PER_INCH = 110


def draw_pictures(report: StudyReport, folder: Path) -> list[Path]:
    """Draw what there is to be drawn.

    Args:
        report: The results.
        folder: Of the pictures.

    Returns:
        The pictures: `scores-QUESTION`, `differences-QUESTION`, `strengths`, `progress`.

    Raises:
        OSError: If one cannot be written.
    """
    drawn: list[tuple[str, Figure]] = []
    if report.raters:
        drawn.append(("progress", _progress(report)))
    for question in report.questions:
        ranked = sorted(question.scores, key=lambda one: one.score.mean)
        names, scores = [one.system for one in ranked], [one.score for one in ranked]
        drawn.append((f"scores-{question.key}", _bars(names, scores, "mean opinion score")))
        if question.differences:
            drawn.append((f"differences-{question.key}", _matrix(question)))
    if report.strengths:
        placed = sorted(report.strengths, key=lambda one: one.strength.mean)
        names, found = [one.system for one in placed], [one.strength for one in placed]
        drawn.append(("strengths", _bars(names, found, "log-odds against the mean of all")))
    paths = []
    for name, figure in drawn:
        path = folder / f"{name}.png"
        figure.savefig(path, dpi=DOTS_PER_INCH)
        paths.append(path)
    return paths


def _figure(rows: float) -> Figure:
    from matplotlib.figure import Figure

    return Figure(figsize=(WIDTH_INCHES, 1.2 + ROW_INCHES * rows), layout="constrained")


def _bars(names: Sequence[str], values: Sequence[Interval], label: str) -> Figure:
    figure = _figure(len(names))
    axes = figure.subplots()
    means = np.asarray([one.mean for one in values])
    reach = [[one.mean - one.low for one in values], [one.high - one.mean for one in values]]
    axes.errorbar(means, range(len(names)), xerr=reach, fmt="o", capsize=4)
    axes.set_yticks(range(len(names)), names)
    axes.set_ylim(-0.6, len(names) - 0.4)
    axes.set_xlabel(f"{label}, 95 % interval")
    axes.grid(axis="x", alpha=0.4)
    return figure


def _matrix(question: QuestionReport) -> Figure:
    names = [one.system for one in sorted(question.scores, key=lambda one: -one.score.mean)]
    table = np.full((len(names), len(names)), np.nan)
    figure = _figure(len(names) + 2)
    axes = figure.subplots()
    for one in question.differences:
        row, column = names.index(one.first), names.index(one.second)
        sign = "*" if one.is_clear else ""
        for (x, y), value in (
            ((column, row), one.difference.mean),
            ((row, column), -one.difference.mean),
        ):
            table[y, x] = value
            axes.text(x, y, f"{value:+.2f}{sign}", ha="center", va="center")
    most = max(0.5, float(np.nanmax(np.abs(table))))
    axes.imshow(table, cmap="PiYG", vmin=-1.6 * most, vmax=1.6 * most, aspect="auto")
    axes.set_xticks(range(len(names)), names)
    axes.set_yticks(range(len(names)), names)
    axes.set_xlabel("row less column, in points; * p < 0.05 after Holm's correction")
    return figure


def _progress(report: StudyReport) -> Figure:
    figure = _figure(6)
    axes = figure.subplots()
    raters = sorted(report.raters, key=lambda one: -one.answered)
    colours = ["tab:red" if one.left_out else "tab:blue" for one in raters]
    axes.bar(range(len(raters)), [one.answered for one in raters], color=colours)
    axes.axhline(max(one.trials for one in raters), color="grey", linestyle="--")
    axes.set_xlabel("raters (red: left out; dashed: a whole session)")
    axes.set_ylabel("answered trials")
    axes.set_xticks([])
    return figure

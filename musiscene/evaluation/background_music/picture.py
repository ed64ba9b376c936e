"""The report as pictures: distances to real music, and agreement with the clips."""

from __future__ import annotations

from typing import TYPE_CHECKING

from musiscene.evaluation.picture import (
    ROW_INCHES,
    WIDTH_INCHES,
    draw_gaps,
    draw_means,
    save_figure,
)

if TYPE_CHECKING:
    from pathlib import Path

    from matplotlib.axes import Axes

    from musiscene.evaluation.background_music.report import BackgroundMusicReport


def draw_agreement(report: BackgroundMusicReport, path: Path) -> None:
    """Draw fit and scene agreement with the video captions, and above other clips'.

    Args:
        report: With at least one system.
        path: Of the picture; its ending says the format.

    Raises:
        MusiSceneError: If it cannot be written.
    """
    from matplotlib.figure import Figure

    names = [one.name for one in report.systems]
    figure = Figure(figsize=(WIDTH_INCHES, 1.6 + ROW_INCHES * len(names)), layout="constrained")
    fits, scenes = figure.subplots(1, 2, sharey=True)
    for axes, figures, label in (
        (fits, [one.fit for one in report.systems], "fit of the music with the video caption"),
        (scenes, [one.scene for one in report.systems], "imagined scene and video caption, cosine"),
    ):
        rows = list(range(len(names)))
        draw_gaps(axes, [one.value for one in figures], rows, "own clip")
        axes.plot([one.moved for one in figures], rows, "x", color="grey", label="other clips")
        axes.set_xlabel(label)
        axes.legend()
    _name_rows(fits, names)
    save_figure(figure, path)


def draw_distances(report: BackgroundMusicReport, path: Path) -> None:
    """Draw how far the music of each system lies from real music.

    Args:
        report: With distances.
        path: Of the picture; its ending says the format.

    Raises:
        MusiSceneError: If it cannot be written.
    """
    from matplotlib.figure import Figure

    shown = [one for one in report.systems if one.frechet and one.kernel]
    names = [one.name for one in shown]
    figure = Figure(figsize=(WIDTH_INCHES, 1.6 + ROW_INCHES * len(names)), layout="constrained")
    frechet, kernel = figure.subplots(1, 2, sharey=True)
    draw_means(frechet, [one.frechet.distance for one in shown if one.frechet])
    limits = [one.frechet.limit for one in shown if one.frechet]
    frechet.plot(limits, range(len(names)), "d", color="firebrick", label="limit for many pieces")
    frechet.set_xlabel("Fréchet audio distance to real music")
    frechet.legend()
    draw_means(kernel, [one.kernel for one in shown if one.kernel])
    kernel.set_xlabel("kernel distance to real music, times 1000")
    _name_rows(frechet, names)
    save_figure(figure, path)


def _name_rows(axes: Axes, names: list[str]) -> None:
    axes.set_yticks(range(len(names)), names)
    axes.invert_yaxis()

"""A plan of cues as a picture: scenes, how lively they are, the tracks under them, and landings."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Mapping
    from uuid import UUID

    from numpy.typing import NDArray

    from indexer.spotting.cue_plan import CuePlan

COLOURS = ("#2563eb", "#c2410c", "#0f766e", "#7c3aed", "#b45309", "#be185d")
GREY = "#9aa0a8"


def draw_plan(
    plan: CuePlan,
    level: NDArray[np.float64],
    curves: Mapping[UUID, NDArray[np.float64]],
    path: Path,
) -> None:
    """Draw a plan.

    Args:
        plan: Of a video.
        level: Of its picture, each second, 0 to 1.
        curves: Track -> its level, each second, 0 to 1.
        path: Of the PNG.
    """
    import matplotlib as mpl

    mpl.use("Agg")
    import matplotlib.pyplot as plt

    figure, axes = plt.subplots(figsize=(11, 3.6), layout="constrained")
    seconds = plan.video.duration_seconds
    axes.fill_between(
        np.arange(len(level)), level, step="post", color="#e5e7eb", label="the picture's activity"
    )
    for start, end in plan.speech:
        axes.axvspan(start, end, ymin=0.0, ymax=0.04, color="#111827")
    for scene in plan.scenes:
        axes.axvline(scene.start_seconds, color=GREY, lw=0.8)
    for number, cue in enumerate(plan.cues):
        if cue.chosen is None:
            axes.axvspan(cue.start_seconds, cue.end_seconds, color="#f3f4f6", hatch="//", ec=GREY)
            axes.text(
                (cue.start_seconds + cue.end_seconds) / 2, 1.04, cue.kind, ha="center", fontsize=8
            )
            continue
        colour = COLOURS[number % len(COLOURS)]
        times = np.arange(cue.start_seconds, cue.end_seconds, 0.1)
        source = times - cue.start_seconds + cue.chosen.source_start_seconds
        curve = curves[cue.chosen.track.id]
        values = curve[np.clip(source.astype(int), 0, len(curve) - 1)]
        axes.plot(times, values, color=colour, lw=1.8)
        name = cue.chosen.track.title or Path(cue.chosen.track.path).stem
        axes.text(
            (cue.start_seconds + cue.end_seconds) / 2, 1.04, name, ha="center", fontsize=8,
            color=colour,
        )  # fmt: skip
        for landing in cue.chosen.landings:
            axes.plot(landing.video_seconds, -0.04, marker="^", color=colour, ms=7, clip_on=False)
    axes.set(xlim=(0, seconds), ylim=(-0.06, 1.12), xlabel="seconds of the video", ylabel="level")
    axes.legend(loc="lower right", fontsize=8, framealpha=0.9)
    for side in ("top", "right"):
        axes.spines[side].set_visible(False)
    figure.savefig(path, dpi=110)
    plt.close(figure)

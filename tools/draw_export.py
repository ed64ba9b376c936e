"""Draws the `.otio` file of a plan: python tools/draw_export.py FILE.otio OUT.png."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Final

import opentimelineio as otio

if TYPE_CHECKING:
    from matplotlib.axes import Axes

COLOUR_OF_TRACK: Final = {"V1": "#7d8597", "A1": "#9aa5b1", "A2": "#2a7f9e", "A3": "#c06c3e"}
COLOUR_OF_MARKER: Final = {"scene": "#444444", "landing": "#2e8b57", "open": "#b22222"}
HEIGHT: Final = 0.7


def main() -> int:
    """Draw one file."""
    import matplotlib as mpl

    mpl.use("Agg")
    from matplotlib import pyplot as plt

    source, target = Path(sys.argv[1]), Path(sys.argv[2])
    timeline = otio.adapters.read_from_file(str(source))
    figure, axes = plt.subplots(figsize=(10, 3.2), layout="constrained")
    for row, track in enumerate(timeline.tracks):
        _draw_track(axes, track, -row)
    for marker in timeline.tracks.markers:
        kind = marker.metadata["musiscene"]["kind"]
        at = marker.marked_range.start_time.to_seconds()
        axes.axvline(at, color=COLOUR_OF_MARKER[kind], linewidth=1, linestyle=":")
        said = f"{marker.name}\n{marker.comment[:28]}" if kind == "scene" else marker.name
        top = 0.55 if kind == "scene" else -len(timeline.tracks) + 0.2
        axes.text(at, top, f" {said}", fontsize=7, color=COLOUR_OF_MARKER[kind], va="bottom")
    axes.set_yticks([-row for row in range(len(timeline.tracks))])
    axes.set_yticklabels([track.name for track in timeline.tracks])
    axes.set_ylim(-len(timeline.tracks), 1.1)
    axes.set_xlim(0, timeline.duration().to_seconds())
    axes.set_xlabel("seconds of the video")
    axes.spines[["top", "right"]].set_visible(False)
    figure.savefig(target, dpi=110)
    return 0


def _draw_track(axes: Axes, track: otio.schema.Track, row: int) -> None:
    for place, item in enumerate(track):
        if not isinstance(item, otio.schema.Clip):
            continue
        span = track.range_of_child(item)
        start, end = span.start_time.to_seconds(), span.end_time_exclusive().to_seconds()
        before = track[place - 1] if place else None
        after = track[place + 1] if place + 1 < len(track) else None
        fade_in = _seconds(before, "out_offset")
        fade_out = _seconds(after, "in_offset")
        low, high = row - HEIGHT / 2, row + HEIGHT / 2
        corners = [(start, low), (start + fade_in, high), (end - fade_out, high), (end, low)]
        axes.fill(*zip(*corners, strict=True), color=COLOUR_OF_TRACK.get(track.name, "#888888"))
        axes.text(start + fade_in, row, f"  {item.name}", va="center", fontsize=8, color="white")
        for duck in item.metadata.get("musiscene", {}).get("ducks", ()):
            left, right = duck["start_seconds"], duck["end_seconds"]
            axes.fill_between([left, right], low, low + HEIGHT * 0.25, color="black", alpha=0.45)
            axes.text(left, low, f" {duck['gain_db']:.0f} dB", fontsize=6, color="white")


def _seconds(item: otio.core.Composable | None, side: str) -> float:
    """Of a fade; 0 for anything else."""
    if not isinstance(item, otio.schema.Transition):
        return 0.0
    return float(getattr(item, side).to_seconds())


if __name__ == "__main__":
    sys.exit(main())

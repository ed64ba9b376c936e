"""Draws what is seen in a video: keyframes, shots, scenes and activity.

python -m tools.video_picture VIDEO... --out docs/video.png
"""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import TYPE_CHECKING

from musiscene.video.keyframes import keyframes
from musiscene.video.watch import watch_video

if TYPE_CHECKING:
    from matplotlib.axes import Axes

    from musiscene.video.analysis import VideoAnalysis

SHADES = ("#4477aa", "#88bbdd")
SCENE_SHADES = ("#996633", "#ddbb88")


def main() -> None:
    """Watch the videos and draw them side by side."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("videos", type=Path, nargs="+")
    parser.add_argument("--out", type=Path, required=True)
    wanted = parser.parse_args()
    import matplotlib.pyplot as plt

    figure, axes = plt.subplots(
        3,
        len(wanted.videos),
        figsize=(11, 4.2),
        squeeze=False,
        height_ratios=(2.2, 1.2, 1.4),
        width_ratios=[2.0, *[1.0] * (len(wanted.videos) - 1)],
    )
    for column, path in enumerate(wanted.videos):
        analysis = watch_video(path)
        _pictures(axes[0, column], path, analysis)
        _spans(axes[1, column], analysis)
        _activity(axes[2, column], analysis)
    figure.tight_layout()
    figure.savefig(wanted.out, dpi=80)
    print(f"{wanted.out}: {wanted.out.stat().st_size // 1000} kB")


def _pictures(axes: Axes, path: Path, analysis: VideoAnalysis) -> None:
    """The middle frame of each shot, side by side."""
    middles = [(shot.start_seconds + shot.end_seconds) / 2 for shot in analysis.shots]
    found = keyframes(path, middles, longest_side=160)
    for place, picture in enumerate(found):
        axes.imshow(picture, extent=(place, place + 0.96, 0.0, 0.96), aspect="auto")
        axes.text(place + 0.02, 1.0, f"shot {place}: {middles[place]:.1f} s", fontsize=7)
    axes.set_xlim(0, max(2, len(found)))
    axes.set_ylim(0, 1.2)
    axes.set_title(analysis.info.name)
    axes.axis("off")


def _spans(axes: Axes, analysis: VideoAnalysis) -> None:
    """Shots above, scenes below, keyframes as triangles."""
    for number, shot in enumerate(analysis.shots):
        length = shot.end_seconds - shot.start_seconds
        axes.barh(1, length, left=shot.start_seconds, color=SHADES[number % 2], height=0.8)
        if number:
            axes.text(shot.start_seconds, 1.5, f"{shot.start_frame}", fontsize=6, ha="center")
    for scene in analysis.scenes:
        shade = SCENE_SHADES[scene.number % 2]
        axes.barh(0, scene.seconds, left=scene.start_seconds, color=shade, height=0.8)
        axes.plot(scene.keyframes_seconds, [0] * len(scene.keyframes_seconds), "k^", markersize=5)
    axes.set_yticks([0, 1], ["scenes", "shots"])
    axes.set_ylim(-0.5, 1.9)
    axes.set_xlim(0, analysis.info.duration_seconds)


def _activity(axes: Axes, analysis: VideoAnalysis) -> None:
    axes.stairs(analysis.activity, fill=True, color="#667766")
    axes.set_ylim(0, 1)
    axes.set_xlim(0, analysis.info.duration_seconds)
    axes.set_ylabel("activity")
    axes.set_xlabel("seconds")


if __name__ == "__main__":
    main()

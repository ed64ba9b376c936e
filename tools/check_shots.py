"""Precision and recall of shot boundaries on made videos whose truth is known to the frame.

python -m tools.check_shots [--seeds 5] [--first-seed 100] [--json FILE]

A hard cut counts as found at its very frame alone; a fade where the new picture appears, within
half a second; a dissolve within half its length of its middle. The control is PySceneDetect's
ContentDetector as it comes, on the same small pictures.
"""

from __future__ import annotations

import argparse
import json
import tempfile
from collections import Counter
from fractions import Fraction
from pathlib import Path
from typing import TYPE_CHECKING, Literal, NamedTuple

import numpy as np

from musiscene.video.frames import FrameReader
from musiscene.video.limits import VideoLimits
from musiscene.video.probe_file import open_video
from musiscene.video.watch import watch_video
from tests.support.video import MadeShot, MadeVideo, gradient, plain, shapes, texture, write_video
from tools.machine import describe_machine

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

SIZE = (320, 180)
FADE_SECONDS = 0.5
RATES = (Fraction(25), Fraction(30000, 1001), Fraction(24000, 1001), Fraction(50))


class Kind(NamedTuple):
    """One kind of made video."""

    name: str
    begins: tuple[Literal["cut", "fade", "dissolve"], ...] = ("cut",)
    flashes: bool = False
    noise: float = 0.0
    speed: float = 0.004
    options: dict[str, str] | None = None


KINDS = (
    Kind("hard cuts, slow motion"),
    Kind("hard cuts, fast motion", speed=0.03),
    Kind("hard cuts, strong noise", noise=24.0),
    Kind("hard cuts, badly encoded", options={"preset": "ultrafast", "crf": "42"}),
    Kind("hard cuts and flashes", flashes=True),
    Kind("fades through black", begins=("cut", "fade")),
    Kind("dissolves", begins=("cut", "dissolve")),
    Kind("everything", begins=("cut", "cut", "fade", "dissolve"), flashes=True, noise=8.0),
)


class Score(NamedTuple):
    """Boundaries of all videos of one kind."""

    found: int
    missed: int
    false: int

    @property
    def precision(self) -> float:
        """Share of what was found that is true."""
        return self.found / max(1, self.found + self.false)

    @property
    def recall(self) -> float:
        """Share of what is true that was found."""
        return self.found / max(1, self.found + self.missed)


def main() -> None:
    """Make the videos, watch them, print a table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seeds", type=int, default=5)
    parser.add_argument("--first-seed", type=int, default=100, help="0 to 2 were tuned on")
    parser.add_argument("--json", type=Path, default=None, help="where the truth is written")
    wanted = parser.parse_args()
    print(describe_machine())
    print("| made videos | boundaries | precision | recall | control precision | control recall |")
    print("|---|--:|--:|--:|--:|--:|")
    truth: list[dict[str, object]] = []
    by_type: Counter[tuple[str, str]] = Counter()
    with tempfile.TemporaryDirectory() as folder:
        for kind in KINDS:
            ours, control = Score(0, 0, 0), Score(0, 0, 0)
            for seed in range(wanted.first_seed, wanted.first_seed + wanted.seeds):
                made = _make(Path(folder) / f"{seed}.mp4", kind, seed)
                seen = [shot.start_frame for shot in watch_video(made.path).shots[1:]]
                ours = _added(ours, score(made, seen, by_type))
                control = _added(control, score(made, list(_control(made)), None))
                starts = [[start.frame, start.begins] for start in made.starts]
                truth.append({"kind": kind.name, "seed": seed, "truth": starts, "seen": seen})
            print(
                f"| {kind.name} | {ours.found + ours.missed} | {ours.precision:.3f} | "
                f"{ours.recall:.3f} | {control.precision:.3f} | {control.recall:.3f} |"
            )
    for begins in ("cut", "fade", "dissolve"):
        found, all_ = by_type[begins, "found"], by_type[begins, "all"]
        print(f"{begins}: {found} of {all_} found")
    if wanted.json is not None:
        wanted.json.write_text(json.dumps(truth), encoding="utf-8")


def score(made: MadeVideo, seen: Sequence[int], by_type: Counter[tuple[str, str]] | None) -> Score:
    """Compare boundaries that were seen with the truth, each used once."""
    left = list(seen)
    found = 0
    for start in made.starts:
        reach = {"cut": 0.0, "fade": FADE_SECONDS, "dissolve": FADE_SECONDS}[start.begins]
        near = [place for place in left if abs(place - start.frame) <= reach * made.rate]
        if near:
            left.remove(min(near, key=lambda place: abs(place - start.frame)))
            found += 1
        if by_type is not None:
            by_type[start.begins, "found"] += bool(near)
            by_type[start.begins, "all"] += 1
    return Score(found, len(made.starts) - found, len(left))


def _make(path: Path, kind: Kind, seed: int) -> MadeVideo:
    generator = np.random.default_rng([seed, *kind.name.encode()])
    rate = RATES[seed % len(RATES)]
    shots = []
    for number in range(16):
        frames = int(generator.uniform(0.8, 3.0) * rate)
        begins = kind.begins[int(generator.integers(len(kind.begins)))]
        flashes: tuple[int, ...] = ()
        if kind.flashes and generator.random() < 0.5:
            first = int(generator.integers(frames // 3, frames // 2))
            flashes = tuple(range(first, first + int(generator.integers(1, 4))))
        own = int(generator.integers(1 << 30))
        speed = kind.speed * 25 / float(rate)
        colours = generator.integers(20, 235, (2, 3)).tolist()
        look = (
            texture(own, speed=speed),
            shapes(own, speed=speed),
            gradient(tuple(colours[0]), tuple(colours[1])),
            plain(tuple(colours[0])),
        )[int(generator.choice(4, p=(0.5, 0.3, 0.1, 0.1)))]
        over = min(frames // 3, int(generator.uniform(0.3, 1.0) * rate))
        shots.append(MadeShot(look, frames, "cut" if not number else begins, over, flashes))
    for place in range(len(shots) - 1):  # the shot before must be long enough to be faded
        before, after = shots[place], shots[place + 1]
        shots[place + 1] = after._replace(over=min(after.over, before.frames // 3))
    return write_video(
        path,
        shots,
        rate=rate,
        size=SIZE,
        noise=kind.noise,
        seed=seed,
        options=kind.options or {"preset": "veryfast"},
    )


def _control(made: MadeVideo) -> Iterator[int]:
    """What ContentDetector finds with its own settings."""
    from scenedetect.common import FrameTimecode
    from scenedetect.detectors import ContentDetector

    detector = ContentDetector()
    limits = VideoLimits()
    with open_video(made.path, limits=limits) as video:
        for number, (_, picture) in enumerate(FrameReader(video, limits=limits)):
            timecode = FrameTimecode(number, fps=made.rate)
            yield from (cut.frame_num for cut in detector.process_frame(timecode, picture))


def _added(one: Score, other: Score) -> Score:
    return Score(*(first + second for first, second in zip(one, other, strict=True)))


if __name__ == "__main__":
    main()

"""Plans of cues against greedy and random ones, on made videos whose best plan is known.

    python -m tools.check_plans                          the tables of docs/cue-plans.md
    python -m tools.check_plans --picture docs/x.png     and a plan as a picture
    python -m tools.check_plans --speed                  what long videos and large libraries cost

A made video is laid out from its answer: a few cues, each with a track of its own that is built to
turn on the cuts under it and whose energy goes as the picture goes; the other tracks of the library
are as likely to fit a scene by chance, but turn elsewhere. The fits are noisy.
"""

from __future__ import annotations

import argparse
import time
from pathlib import Path
from typing import TYPE_CHECKING

import msgspec
import numpy as np

from indexer.spotting.assemble import plan_from
from indexer.spotting.cue_details import CueDetails
from indexer.spotting.cue_plan import PlanWishes
from indexer.spotting.optimise import NOTHING, Problem, Stretch, optimise
from musiscene.metrics.bootstrap import bootstrap_difference, bootstrap_mean
from musiscene.video.analysis import VideoAnalysis
from tests.support.spotting import (
    MadeScene,
    MadeTrack,
    made_analysis,
    made_material,
    track_id,
)

if TYPE_CHECKING:
    from numpy.random import Generator

    from indexer.spotting.material import Material

SEEDS = (1, 2, 3)
VIDEOS = 30
SYSTEMS = ("planned", "greedy", "random")


class Made(msgspec.Struct):
    """A video, a library, and the answer."""

    analysis: VideoAnalysis
    tracks: list[MadeTrack]
    fits: np.ndarray
    """Shape (scenes, tracks)."""
    right: list[int]
    """The track that each scene was made for."""
    wishes: PlanWishes


class Outcome(msgspec.Struct):
    """How a system did on one video."""

    value: float
    """Share of what the best plan is worth."""
    right: float
    """Share of the seconds that have the track which they were made for."""
    cues: float
    """Their number beside the right one."""
    landings: float
    """Share of the scene changes under the right cues on which a turn of the music falls."""
    residual_frames: float
    """Mean, of what lands."""
    in_step: float
    """Mean correlation of the music's energy with the picture's activity."""
    violations: float
    """Seconds of music where none is wanted."""


def made_video(rng: Generator) -> Made:
    """A video whose best cues are known."""
    counts = rng.integers(2, 5, size=int(rng.integers(3, 6)))
    scenes: list[MadeScene] = []
    tracks: list[MadeTrack] = []
    right: list[int] = []
    for number, count in enumerate(counts.tolist()):
        seconds = (rng.integers(125, 350, size=count) / 25).tolist()
        levels = rng.permutation(np.linspace(0.1, 0.9, count)).tolist()
        lead = float(rng.uniform(3, 20))
        turns = tuple((lead + np.concatenate([[0.0], np.cumsum(seconds)])).tolist())
        tracks.append(
            MadeTrack(
                seconds=turns[-1] + float(rng.uniform(3, 20)),
                turns=turns,
                levels=(0.5, *(0.4 + 0.6 * level for level in levels), 0.5),
                has_beats=False,
            )
        )
        right += [number] * count
        scenes += [
            MadeScene(seconds=one, level=level) for one, level in zip(seconds, levels, strict=True)
        ]
    for _ in range(12):
        turns = tuple(np.cumsum(rng.uniform(5, 16, size=4)).tolist())
        levels = tuple(rng.uniform(0.3, 1.0, size=5).tolist())
        length = turns[-1] + float(rng.uniform(5, 40))
        tracks.append(MadeTrack(seconds=length, turns=turns, levels=levels, has_beats=False))
    fits = rng.normal(0.28, 0.1, size=(len(scenes), len(tracks)))
    fits[np.arange(len(scenes)), right] += 0.12
    total = sum(scene.seconds for scene in scenes)
    pause = float(rng.uniform(0, total - 4))
    wishes = PlanWishes(no_music=((pause, pause + 3),)) if rng.uniform() < 0.5 else PlanWishes()
    return Made(made_analysis(*scenes), tracks, fits.clip(0.01, 0.95), right, wishes)


def greedy_plan(problem: Problem, material: Material) -> list[Stretch]:
    """The best track of each scene from where it is best, a change whenever it changes."""
    best = material.confidences.argmax(axis=1)
    return _runs(problem, best.tolist())


def random_plan(problem: Problem, rng: Generator) -> list[Stretch]:
    """A track by chance for each scene."""
    return _runs(problem, rng.integers(len(problem.tracks), size=len(problem.may_play)).tolist())


def _runs(problem: Problem, wanted: list[int]) -> list[Stretch]:
    """Cues of scenes in a row with one track; as much of a run as the track is long enough for."""
    plan: list[Stretch] = []
    first = 0
    while first < len(wanted):
        if not problem.may_play[first]:
            plan.append(Stretch(first=first, last=first + 1, track=NOTHING, offset=0.0))
            first += 1
            continue
        last, chosen = first, None
        while last < len(wanted) and wanted[last] == wanted[first] and problem.may_play[last]:
            best = problem.tracks[wanted[first]].best(first, last + 1)
            if best is None:
                break
            last, chosen = last + 1, best[1]
        if chosen is None:
            plan.append(Stretch(first=first, last=first + 1, track=NOTHING, offset=0.0))
            first += 1
        else:
            plan.append(Stretch(first=first, last=last, track=wanted[first], offset=chosen))
            first = last
    return plan


def worth_of(problem: Problem, plan: list[Stretch]) -> float:
    """What a plan is worth in the planner's own measure."""
    total, last = 0.0, None
    for one in plan:
        if one.track == NOTHING:
            total += float(problem.without[one.first : one.last].sum())
            if last is not None and last.track != NOTHING:
                total -= problem.costs.stop + float(problem.border_costs[one.first])
        else:
            best = problem.tracks[one.track].best(one.first, one.last)
            total += best[0] if best else 0.0
            seconds = float(problem.seconds[one.last] - problem.seconds[one.first])
            missing = max(0.0, 1.0 - seconds / problem.costs.fewest_seconds)
            total -= problem.costs.short * missing
            if last is not None and last.track == NOTHING:
                total -= float(problem.begin_costs[one.first])
            elif last is not None:
                total -= float(problem.costs.change[last.track, one.track])
        last = one
    return total


def outcome(made: Made, material: Material, plan: list[Stretch], best: float) -> Outcome:
    """Hold a plan against the answer."""
    details, picture = CueDetails(material), material.picture
    problem = material.problem()
    answer = np.array(made.right)[picture.scenes]
    given = np.full(len(answer), NOTHING)
    met, steps, residuals = 0, [], []
    for one in plan:
        given[one.first : one.last] = one.track
        if one.track == NOTHING:
            continue
        start = float(picture.seconds[one.first]) + one.offset
        frames = int(picture.frames[one.first]), int(picture.frames[one.last])
        cue = details.cue_track(one.track, *frames, start)
        steps.append((cue.energy_fit, one.last - one.first))
        residuals += [abs(landing.residual_frames) for landing in cue.landings]
        inner = picture.seconds[one.first + 1 : one.last]
        met += sum(
            bool(np.isclose(inner, landing.video_seconds, atol=1e-4).any())
            for landing in cue.landings
        )
    lengths, plays = picture.lengths, problem.may_play
    in_step = np.average([step for step, _ in steps], weights=[count for _, count in steps])
    is_scene = picture.border_worths[1:-1] > 0
    runs = 1 + int((np.diff(answer) != 0).sum())
    return Outcome(
        value=worth_of(problem, plan) / best,
        right=float(lengths[(given == answer) & plays].sum() / lengths[plays].sum()),
        cues=sum(one.track != NOTHING for one in plan) / runs,
        landings=met / max(int((is_scene & (np.diff(answer) == 0)).sum()), 1),
        residual_frames=float(np.mean(residuals)) if residuals else 0.0,
        in_step=float(in_step),
        violations=float(lengths[(given != NOTHING) & ~plays].sum()),
    )


def compare(seed: int, videos: int) -> dict[str, list[Outcome]]:
    """All systems on the same videos."""
    rng = np.random.default_rng(seed)
    found: dict[str, list[Outcome]] = {name: [] for name in SYSTEMS}
    for _ in range(videos):
        made = made_video(rng)
        material = made_material(made.analysis, made.tracks, made.fits, made.wishes)
        problem = material.problem()
        planned, best = optimise(problem)
        plans = {
            "planned": planned,
            "greedy": greedy_plan(problem, material),
            "random": random_plan(problem, rng),
        }
        for name, plan in plans.items():
            found[name].append(outcome(made, material, plan, best))
    return found


def print_tables(videos: int) -> None:
    """Means over all seeds with their intervals, and each seed's own."""
    by_seed = {seed: compare(seed, videos) for seed in SEEDS}
    print(f"{videos} made videos for each of the seeds {', '.join(map(str, SEEDS))}")
    for field in Outcome.__struct_fields__:
        cells, rows = [], {}
        for name in SYSTEMS:
            values = np.array(
                [getattr(one, field) for seed in SEEDS for one in by_seed[seed][name]]
            )
            rows[name] = values
            mean = bootstrap_mean(values)
            seeds = "/".join(
                f"{np.mean([getattr(one, field) for one in by_seed[seed][name]]):.2f}"
                for seed in SEEDS
            )
            cells.append(f"{name} {mean.mean:.3f} [{mean.low:.3f}, {mean.high:.3f}] ({seeds})")
        more = bootstrap_difference(rows["planned"], rows["greedy"])
        print(f"{field:16} " + "; ".join(cells) + f"; planned - greedy {more.mean:+.3f} "
              f"[{more.low:+.3f}, {more.high:+.3f}]")  # fmt: skip


def print_speed() -> None:
    """What long videos and large libraries cost, without matching."""
    rng = np.random.default_rng(0)
    for scenes, tracks in ((30, 28), (30, 160), (200, 160)):
        analysis = made_analysis(
            *[
                MadeScene(seconds=6.0, level=float(rng.uniform()), cuts=(2.0, 4.0))
                for _ in range(scenes)
            ]
        )
        library = [
            MadeTrack(
                seconds=float(rng.uniform(60, 300)),
                turns=tuple(np.arange(15.0, 60.0, 12.0).tolist()),
                levels=tuple(rng.uniform(0, 1, 5).tolist()),
                bpm=float(rng.uniform(70, 150)),
            )
            for _ in range(tracks)
        ]
        fits = rng.uniform(0, 0.6, (scenes, tracks))
        began, cpu = time.perf_counter(), time.process_time()
        plan = plan_from(made_material(analysis, library, fits))
        print(
            f"{scenes} scenes ({6 * scenes} s), {tracks} tracks: {len(plan.cues)} cues, "
            f"{time.perf_counter() - began:.2f} s wall, {time.process_time() - cpu:.2f} s CPU"
        )


def draw(path: Path) -> None:
    """One made video with its plan as a picture."""
    made = made_video(np.random.default_rng(11))
    made.wishes = PlanWishes(no_music=((40.0, 44.0),))
    material = made_material(made.analysis, made.tracks, made.fits, made.wishes)
    from tools.plan_picture import draw_plan

    curves = {track_id(number): material.shapes[number].level for number in range(len(made.tracks))}
    draw_plan(plan_from(material), material.picture.level, curves, path)


def main() -> None:
    """Print what is asked for."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--videos", type=int, default=VIDEOS)
    parser.add_argument("--speed", action="store_true")
    parser.add_argument("--picture", type=Path)
    options = parser.parse_args()
    if options.speed:
        print_speed()
    elif options.picture:
        draw(options.picture)
    else:
        print_tables(options.videos)


if __name__ == "__main__":
    main()

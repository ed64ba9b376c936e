from __future__ import annotations

import itertools
from typing import TYPE_CHECKING

import numpy as np
import pytest

from indexer.spotting.cue_plan import PlanWishes
from indexer.spotting.optimise import NOTHING, Problem, Stretch, optimise, short_cost
from tests.support.spotting import MadeScene, MadeTrack, made_analysis, made_material

if TYPE_CHECKING:
    from collections.abc import Iterator


def worth_of(problem: Problem, plan: list[Stretch]) -> float:
    """What a plan is worth, added up cue by cue from what each one earns and costs."""
    total, last = 0.0, None
    for stretch in plan:
        first, end = stretch.first, stretch.last
        if stretch.track == NOTHING:
            total += float(problem.without[first:end].sum())
            if last is not None and last.track != NOTHING:
                total -= problem.costs.stop + float(problem.border_costs[first])
        else:
            total += cue_worth(problem, stretch)
            if last is not None:
                change = (
                    float(problem.begin_costs[first])
                    if last.track == NOTHING
                    else float(problem.costs.change[last.track, stretch.track])
                )
                total -= change + float(problem.border_costs[first])
        last = stretch
    return total


def cue_worth(problem: Problem, stretch: Stretch) -> float:
    track = problem.tracks[stretch.track]
    own = int(np.flatnonzero(track.offsets == stretch.offset)[0])
    cells = track.bases[own] - track.lows[own]
    start, end = cells + stretch.first, cells + stretch.last
    seconds = float(problem.seconds[stretch.last] - problem.seconds[stretch.first])
    worth = track.sums[end] - track.sums[start] + track.ins[start] + track.outs[end]
    return float(worth) - short_cost(problem.costs, seconds)


def every_plan(problem: Problem) -> Iterator[list[Stretch]]:
    """All plans, with the best placement for each cue; nothing beside nothing is left out."""
    borders = len(problem.seconds)
    for count in range(borders):
        for inner in itertools.combinations(range(1, borders - 1), count):
            edges = [0, *inner, borders - 1]
            spans = list(itertools.pairwise(edges))
            choices = [best_of_span(problem, first, last) for first, last in spans]
            yield from (list(plan) for plan in itertools.product(*choices))


def best_of_span(problem: Problem, first: int, last: int) -> list[Stretch]:
    found = [Stretch(first=first, last=last, track=NOTHING, offset=0.0)]
    if problem.may_play[first:last].all():
        for place, track in enumerate(problem.tracks):
            if (best := track.best(first, last)) is not None:
                found.append(Stretch(first=first, last=last, track=place, offset=best[1]))
    return found


def made_problem(seed: int, *, wishes: PlanWishes | None = None) -> Problem:
    rng = np.random.default_rng(seed)
    scenes = [
        MadeScene(
            seconds=float(rng.uniform(3, 14)),
            level=float(rng.uniform()),
            no_music=bool(rng.uniform() < 0.15),
        )
        for _ in range(6)
    ]
    tracks = [
        MadeTrack(
            seconds=float(rng.uniform(12, 70)),
            turns=(6.0, 11.0),
            levels=tuple(rng.uniform(0, 1, 3).tolist()),
            bpm=float(rng.uniform(70, 150)),
        )
        for _ in range(3)
    ]
    material = made_material(made_analysis(*scenes), tracks, rng.uniform(0, 0.6, (6, 3)), wishes)
    return material.problem()


class TestOptimise:
    @pytest.mark.parametrize("seed", range(8))
    def test_no_plan_is_worth_more(self, seed: int) -> None:
        problem = made_problem(seed)
        found, value = optimise(problem)
        best = max(worth_of(problem, plan) for plan in every_plan(problem))
        assert value == pytest.approx(best, abs=1e-9)
        assert worth_of(problem, found) == pytest.approx(value, abs=1e-9)

    @pytest.mark.parametrize("change_cost", [0.0, 3.0, 10.0])
    def test_nor_where_changes_cost_otherwise(self, change_cost: float) -> None:
        wishes = PlanWishes(change_cost=change_cost, fewest_seconds=9.0, silence_allowed=False)
        problem = made_problem(20, wishes=wishes)
        best = max(worth_of(problem, plan) for plan in every_plan(problem))
        assert optimise(problem)[1] == pytest.approx(best, abs=1e-9)

    def test_covers_everything_in_order(self) -> None:
        problem = made_problem(3)
        found, _ = optimise(problem)
        assert found[0].first == 0
        assert found[-1].last == len(problem.seconds) - 1
        assert all(one.last == other.first for one, other in itertools.pairwise(found))

    def test_without_tracks_there_is_nothing(self) -> None:
        material = made_material(made_analysis(MadeScene(seconds=9), MadeScene(seconds=5)), [], [])
        found, value = optimise(material.problem())
        assert {one.track for one in found} == {NOTHING}
        assert value == 0.0

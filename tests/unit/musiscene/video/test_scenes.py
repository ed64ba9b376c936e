"""Shots that belong together, without a video."""

from __future__ import annotations

from itertools import pairwise

import numpy as np
import pytest

from musiscene.video.analysis import Shot
from musiscene.video.frames_table import FRAME
from musiscene.video.scenes import LONGEST_SECONDS, ShotLook, group_shots, shot_look


def look(seed: int) -> ShotLook:
    """Of a place of its own for each seed."""
    generator = np.random.default_rng(seed)
    frames = np.zeros(10, dtype=FRAME)
    frames["thumb"] = generator.integers(0, 256, (8, 8, 3))
    return shot_look(frames, 1.0)


def shots_of(lengths: list[float], fades: tuple[int, ...] = ()) -> list[Shot]:
    ends = np.cumsum(lengths)
    return [
        Shot(
            start_frame=round((end - length) * 25),
            end_frame=round(end * 25),
            start_seconds=float(end - length),
            end_seconds=float(end),
            begins="fade" if number in fades else "cut" if number else "start",
            strength=1.0,
            fingerprint="0",
        )
        for number, (end, length) in enumerate(zip(ends, lengths, strict=True))
    ]


class TestGroupShots:
    def test_shots_between_like_ones_belong_to_them(self):
        places = [look(seed) for seed in (1, 2, 1, 3, 2, 4, 5, 4)]
        assert group_shots(shots_of([4.0] * 8), places) == [(0, 4), (5, 7)]

    def test_like_shots_far_apart_in_time_are_two_scenes(self):
        places = [look(seed) for seed in (1, 2, 1)]
        assert group_shots(shots_of([5.0, 50.0, 5.0]), places) == [(0, 0), (1, 1), (2, 2)]

    def test_a_short_scene_joins_the_neighbour_that_is_more_like_it(self):
        own = look(2)
        nearer = ShotLook(own.colours, look(3).layout, 1.0)
        grouped = group_shots(shots_of([10.0, 1.0, 10.0]), [look(1), own, nearer])
        assert grouped == [(0, 0), (1, 2)]

    def test_a_fade_parts_like_shots(self):
        places = [look(1)] * 4
        assert group_shots(shots_of([5.0] * 4, fades=(2,)), places) == [(0, 1), (2, 3)]

    def test_a_very_long_scene_is_parted_where_it_changes(self):
        places = [look(seed) for seed in [1, 2] * 15 + [1, 3] * 15]
        grouped = group_shots(shots_of([3.0] * 60), places)
        assert len(grouped) >= 2
        assert all((last - first + 1) * 3.0 <= LONGEST_SECONDS for first, last in grouped)
        assert any(28 <= first <= 32 for first, _ in grouped)

    @pytest.mark.parametrize("count", [1, 2, 300])
    def test_scenes_lie_without_gaps(self, count: int):
        generator = np.random.default_rng(count)
        places = [look(int(seed)) for seed in generator.integers(0, 9, count)]
        grouped = group_shots(shots_of(generator.uniform(0.2, 9.0, count).tolist()), places)
        assert grouped[0][0] == 0
        assert grouped[-1][1] == count - 1
        assert all(one[1] + 1 == two[0] for one, two in pairwise(grouped))

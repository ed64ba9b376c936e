"""Plans of which the best one is known, since tracks, turns and fits are made."""

from __future__ import annotations

import itertools
from typing import TYPE_CHECKING

import msgspec
import pytest

from indexer.spotting.assemble import NO_TRACKS, plan_from
from indexer.spotting.cue_plan import PlanWishes
from tests.support.spotting import MadeScene, MadeTrack, made_analysis, made_material, track_id

if TYPE_CHECKING:
    from indexer.spotting.cue_plan import Cue, CuePlan

CALM = MadeTrack(seconds=120.0, turns=(40.0, 80.0), levels=(0.3, 0.35, 0.3))
LIVELY = MadeTrack(seconds=120.0, turns=(30.0, 60.0), levels=(0.8, 1.0, 0.8), bpm=140.0)


def check_whole(plan: CuePlan) -> None:
    assert plan.cues[0].start_frame == 0
    assert plan.cues[-1].end_frame == plan.video.frames
    for before, after in itertools.pairwise(plan.cues):
        assert before.end_frame == after.start_frame
    for cue in plan.cues:
        assert cue.start_seconds == pytest.approx(cue.start_frame / plan.video.rate, abs=1e-6)
        if cue.chosen:
            end = cue.chosen.source_start_seconds + cue.seconds
            assert cue.chosen.source_start_seconds >= 0
            assert end <= cue.chosen.track.duration_seconds + 1e-6


def tracks_of(plan: CuePlan) -> list[object]:
    return [cue.chosen.track.id if cue.chosen else cue.kind for cue in plan.cues]


class TestPlanFrom:
    def test_changes_where_the_picture_does(self) -> None:
        scenes = [MadeScene(seconds=15, level=0.2)] * 2 + [MadeScene(seconds=15, level=0.9)] * 2
        material = made_material(
            made_analysis(*scenes), [CALM, LIVELY], [[0.6, 0.1], [0.6, 0.1], [0.1, 0.6], [0.1, 0.6]]
        )
        plan = plan_from(material)
        check_whole(plan)
        assert tracks_of(plan) == [track_id(0), track_id(1)]
        assert plan.cues[1].start_frame == 30 * 25

    def test_one_cue_where_a_change_gains_too_little(self) -> None:
        scenes = [MadeScene(seconds=10)] * 4
        fits = [[0.5, 0.45], [0.45, 0.5], [0.5, 0.45], [0.45, 0.5]]
        material = made_material(made_analysis(*scenes), [CALM, CALM], fits)
        assert len(plan_from(material).cues) == 1
        wish = PlanWishes(change_cost=0.0)
        many = plan_from(made_material(made_analysis(*scenes), [CALM, CALM], fits, wish))
        assert len(many.cues) == 4

    @pytest.mark.parametrize("rate", ["24000/1001", "25", "30000/1001", "60000/1001"])
    def test_a_turn_lands_where_it_is_wished(self, rate: str) -> None:
        material = made_material(
            made_analysis(MadeScene(seconds=20), MadeScene(seconds=20), rate=rate),
            [MadeTrack(seconds=90.0, turns=(41.3,), levels=(0.4, 1.0), bpm=97.0)],
            [[0.5], [0.5]],
            PlanWishes(land_on=(13.37,)),
        )
        plan = plan_from(material)
        landings = [one for cue in plan.cues if cue.chosen for one in cue.chosen.landings]
        met = [one for one in landings if one.video_seconds == 13.37]
        assert met
        assert abs(met[0].residual_frames) <= 0.5
        assert plan.notices == ()

    def test_says_where_nothing_can_land(self) -> None:
        wishes = PlanWishes(land_on=(5.0,), no_music=((0.0, 10.0),))
        material = made_material(made_analysis(MadeScene(seconds=30)), [CALM], [[0.5]], wishes)
        assert plan_from(material).notices == ("Nothing lands on 5.00 s.",)

    def test_no_music_to_the_frame(self) -> None:
        wishes = PlanWishes(no_music=((7.04, 11.98),))
        material = made_material(
            made_analysis(MadeScene(seconds=20), MadeScene(seconds=10, no_music=True)),
            [CALM],
            [[0.5], [0.5]],
            wishes,
        )
        plan = plan_from(material)
        check_whole(plan)
        silent = [(cue.start_frame, cue.end_frame) for cue in plan.cues if cue.kind == "silence"]
        assert silent == [(176, 300), (500, 750)]
        assert [cue.kind for cue in plan.cues] == ["track", "silence", "track", "silence"]

    def test_open_where_nothing_fits_with_the_nearest(self) -> None:
        scenes = [MadeScene(seconds=20)] * 3
        material = made_material(made_analysis(*scenes), [CALM], [[0.6], [0.05], [0.6]])
        plan = plan_from(material)
        assert [cue.kind for cue in plan.cues] == ["track", "open", "track"]
        assert [one.track.id for one in plan.cues[1].alternatives] == [track_id(0)]

    def test_a_short_misfit_does_not_stop_the_music(self) -> None:
        scenes = [MadeScene(seconds=20), MadeScene(seconds=2), MadeScene(seconds=20)]
        material = made_material(made_analysis(*scenes), [CALM], [[0.6], [0.05], [0.6]])
        assert len(plan_from(material).cues) == 1

    def test_no_track_is_longer_than_itself(self) -> None:
        short = MadeTrack(seconds=12.0)
        material = made_material(
            made_analysis(MadeScene(seconds=60, cuts=(9.0, 19.5, 31.0, 40.0, 50.0))),
            [short, short],
            [[0.5, 0.5]],
        )
        plan = plan_from(material)
        check_whole(plan)
        assert any(cue.kind == "track" for cue in plan.cues)

    def test_without_tracks_says_so(self) -> None:
        plan = plan_from(made_material(made_analysis(MadeScene(seconds=9)), [], []))
        assert [cue.kind for cue in plan.cues] == ["open"]
        assert NO_TRACKS in plan.notices

    def test_energy_goes_with_the_picture(self) -> None:
        scenes = [MadeScene(seconds=20, level=0.1), MadeScene(seconds=20, level=0.9)]
        with_it = MadeTrack(seconds=60.0, turns=(30.0,), levels=(0.3, 1.0))
        against = MadeTrack(seconds=60.0, turns=(30.0,), levels=(1.0, 0.3))
        material = made_material(made_analysis(*scenes), [against, with_it], [[0.4, 0.4]] * 2)
        plan = plan_from(material)
        assert tracks_of(plan) == [track_id(1)]
        assert plan.cues[0].chosen is not None
        assert plan.cues[0].chosen.energy_fit > 0.9
        assert [one.kind for one in plan.cues[0].chosen.landings] == ["turn"]
        assert plan.cues[0].chosen.source_start_seconds == pytest.approx(10.0)

    def test_leaves_room_for_what_stands(self) -> None:
        analysis = made_analysis(*[MadeScene(seconds=12)] * 3)
        first = plan_from(made_material(analysis, [CALM, LIVELY], [[0.5, 0.1]] * 3))
        standing = standing_at(first, 300, 600)
        material = made_material(analysis, [CALM, LIVELY], [[0.1, 0.5]] * 3, keep=[(300, 600)])
        plan = plan_from(material, pinned=[standing], before=first.cues)
        check_whole(plan)
        assert standing in plan.cues
        assert len({cue.id for cue in plan.cues}) == len(plan.cues)


def standing_at(plan: CuePlan, start: int, end: int) -> Cue:
    return msgspec.structs.replace(
        plan.cues[0],
        start_frame=start,
        end_frame=end,
        start_seconds=start / 25,
        end_seconds=end / 25,
        is_pinned=True,
        id="c7",
    )

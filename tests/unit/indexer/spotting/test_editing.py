from __future__ import annotations

import itertools
from typing import TYPE_CHECKING, Any
from uuid import UUID

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from indexer.spotting import editing
from indexer.spotting.assemble import plan_from
from indexer.spotting.editing import CueEdit
from indexer.spotting.errors import CueEditError, CueNotFoundError
from tests.support.spotting import MadeScene, MadeTrack, made_analysis, made_material, track_id

if TYPE_CHECKING:
    from indexer.spotting.cue_plan import CuePlan

LONG = MadeTrack(seconds=300.0)


def made_plan() -> CuePlan:
    """c1 (track 0, 0-500), c2 (track 1, 500-1000), c3 (open, 1000-1500), c4 (track 0, to 2000)."""
    scenes = [MadeScene(seconds=20)] * 4
    fits = [[0.9, 0.1], [0.1, 0.9], [0.0, 0.0], [0.9, 0.1]]
    plan = plan_from(made_material(made_analysis(*scenes), [LONG, LONG], fits))
    for cue in plan.cues:
        if cue.chosen:
            middle = msgspec.structs.replace(cue.chosen, source_start_seconds=100.0)
            plan = editing.put(plan, cue.id, middle)
    return plan


PLAN = made_plan()


def check_whole(plan: CuePlan) -> None:
    assert plan.cues[0].start_frame == 0
    assert plan.cues[-1].end_frame == plan.video.frames
    for before, after in itertools.pairwise(plan.cues):
        assert before.end_frame == after.start_frame
    assert len({cue.id for cue in plan.cues}) == len(plan.cues)
    assert all(cue.end_frame > cue.start_frame for cue in plan.cues)
    assert all((cue.chosen is not None) == (cue.kind == "track") for cue in plan.cues)


def spans(plan: CuePlan) -> list[tuple[str, int, int]]:
    return [(cue.id, cue.start_frame, cue.end_frame) for cue in plan.cues]


class TestMade:
    def test_is_what_the_others_begin_with(self) -> None:
        kinds = [cue.kind for cue in PLAN.cues]
        assert kinds == ["track", "track", "open", "track"]
        assert [end for _, _, end in spans(PLAN)] == [500, 1000, 1500, 2000]


class TestSwap:
    def test_takes_an_alternative_and_keeps_what_was_there(self) -> None:
        plan = editing.swap(PLAN, "c1", track_id(1))
        cue = plan.cues[0]
        assert cue.chosen is not None
        assert cue.chosen.track.id == track_id(1)
        assert [one.track.id for one in cue.alternatives] == [track_id(0)]

    def test_fills_an_open_cue(self) -> None:
        plan = editing.swap(PLAN, "c3", track_id(0))
        assert plan.cues[2].kind == "track"
        assert plan.cues[2].notice is None

    def test_says_what_to_do_instead(self) -> None:
        with pytest.raises(CueEditError, match="choose one of those"):
            editing.swap(PLAN, "c1", UUID(int=99))
        with pytest.raises(CueEditError, match="unpin it first"):
            editing.swap(editing.pin(PLAN, "c1"), "c1", track_id(1))
        with pytest.raises(CueNotFoundError):
            editing.swap(PLAN, "c9", track_id(1))


class TestTrim:
    def test_grows_over_its_neighbour(self) -> None:
        plan = editing.trim(PLAN, "c1", end_frame=600)
        check_whole(plan)
        assert spans(plan)[:2] == [("c1", 0, 600), ("c2", 600, 1000)]
        before, after = PLAN.cues[1].chosen, plan.cues[1].chosen
        assert before is not None
        assert after is not None
        assert after.source_start_seconds == pytest.approx(before.source_start_seconds + 4.0)

    def test_leaves_silence_beside_music(self) -> None:
        plan = editing.trim(PLAN, "c1", end_frame=450)
        check_whole(plan)
        assert plan.cues[1].kind == "silence"
        assert spans(plan)[1] == ("c5", 450, 500)
        again = editing.trim(plan, "c1", end_frame=400)
        assert spans(again)[1] == ("c5", 400, 500)

    def test_a_covered_cue_goes(self) -> None:
        plan = editing.trim(PLAN, "c1", end_frame=1200)
        check_whole(plan)
        assert [cue.id for cue in plan.cues] == ["c1", "c3", "c4"]

    def test_keeps_the_track_where_it_lies_or_moves_it(self) -> None:
        plan = editing.trim(PLAN, "c2", start_frame=550)
        before, after = PLAN.cues[1].chosen, plan.cues[2].chosen
        assert before is not None
        assert after is not None
        assert after.source_start_seconds == pytest.approx(before.source_start_seconds + 2.0)
        moved = editing.trim(PLAN, "c2", source_start_seconds=123.0).cues[1].chosen
        assert moved is not None
        assert moved.source_start_seconds == 123.0

    @pytest.mark.parametrize(
        ("frames", "message"),
        [
            pytest.param({"end_frame": 2001}, "within frames 0 to 2000", id="past the end"),
            pytest.param({"start_frame": 500, "end_frame": 500}, "at least one", id="empty"),
            pytest.param({"source_start_seconds": 290.0}, "300.00 s", id="past the track"),
            pytest.param({"source_start_seconds": -1.0}, "-1.00 s", id="before the track"),
        ],
    )
    def test_refuses_what_cannot_be(self, frames: dict[str, Any], message: str) -> None:
        with pytest.raises(CueEditError, match=message):
            editing.trim(PLAN, "c1", **frames)

    def test_does_not_cover_what_is_pinned(self) -> None:
        with pytest.raises(CueEditError, match="c2 is pinned"):
            editing.trim(editing.pin(PLAN, "c2"), "c1", end_frame=501)

    @settings(deadline=None, max_examples=50)
    @given(
        st.lists(
            st.tuples(st.sampled_from(["c1", "c2", "c3", "c4"]), st.integers(0, 2000),
                      st.integers(0, 2000)),
            max_size=6,
        )
    )  # fmt: skip
    def test_whatever_is_trimmed_there_are_no_gaps(self, trims: list[tuple[str, int, int]]) -> None:
        plan = PLAN
        for cue, start, end in trims:
            try:
                plan = editing.trim(plan, cue, start_frame=start, end_frame=end)
            except (CueEditError, CueNotFoundError):
                continue
        check_whole(plan)


class TestSilence:
    def test_takes_the_music_out_and_offers_it_again(self) -> None:
        plan = editing.silence(PLAN, "c1")
        check_whole(plan)
        assert plan.cues[0].kind == "silence"
        assert plan.cues[0].alternatives[0].track.id == track_id(0)
        back = editing.swap(plan, "c1", track_id(0))
        assert back.cues[0].chosen == PLAN.cues[0].chosen


class TestApplied:
    def test_marks(self) -> None:
        for action, name, value in [
            ("pin", "is_pinned", True), ("mute", "is_muted", True), ("unpin", "is_pinned", False),
            ("unmute", "is_muted", False),
        ]:  # fmt: skip
            edit = msgspec.convert({"action": action, "cue": "c2"}, CueEdit)
            assert getattr(editing.applied(PLAN, edit).cues[1], name) is value
        usage = CueEdit(action="usage", cue="c1", usage="theme")
        assert editing.applied(PLAN, usage).cues[0].usage == "theme"

    @pytest.mark.parametrize(
        "edit",
        [
            CueEdit(action="pin"),
            CueEdit(action="swap", cue="c1"),
            CueEdit(action="usage", cue="c1"),
        ],
    )
    def test_says_what_is_missing(self, edit: CueEdit) -> None:
        with pytest.raises(CueEditError, match="say which"):
            editing.applied(PLAN, edit)

    def test_nothing_that_was_there_is_changed(self) -> None:
        before = msgspec.json.encode(PLAN)
        editing.trim(PLAN, "c1", end_frame=700)
        editing.silence(PLAN, "c2")
        assert msgspec.json.encode(PLAN) == before

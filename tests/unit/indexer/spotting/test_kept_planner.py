from __future__ import annotations

from typing import TYPE_CHECKING, cast

from indexer.spotting.kept_planner import KeptPlanner

if TYPE_CHECKING:
    from indexer.spotting.planner import CuePlanner


class TestKeptPlanner:
    def test_is_the_same_until_the_library_changes(self):
        made: list[object] = []

        def make() -> CuePlanner:
            made.append(object())
            return cast("CuePlanner", made[-1])

        kept = KeptPlanner()
        first = kept.get((1, None), make)
        assert kept.get((1, None), make) is first
        assert kept.get((2, None), make) is not first
        assert len(made) == 2

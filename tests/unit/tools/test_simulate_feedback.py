from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pytest

from tests.support.listening import word_reader
from tests.support.retrieval import made_library, write_briefs
from tools.simulate_feedback import WEIGHTS, Bench, simulate

if TYPE_CHECKING:
    from pathlib import Path

BRIEFS = [
    {"brief": "mist over the still lake", "mood": "calm"},
    {"brief": "mist over a still cabin", "mood": "calm"},
    {"brief": "a storm over the train", "mood": "wild"},
    {"brief": "a storm over riders", "mood": "wild"},
]


@pytest.fixture
def bench(tmp_path: Path) -> Bench:
    with made_library(tmp_path) as library:
        return Bench(library, word_reader(), write_briefs(tmp_path / "briefs.jsonl", BRIEFS))


class TestBench:
    def test_people_accept_what_the_brief_wants(self, bench: Bench):
        judged = np.array([0])
        chance = np.random.default_rng(0)
        taste = bench.taste(judged, len(bench.tracks), chance, is_control=False)
        said = taste.adjust(bench.vectors[judged], bench.tracks)
        assert said.tolist() == np.where(bench.is_wanted[0], 1.0, -1.0).tolist()

    def test_what_was_said_about_the_very_same_briefs_makes_them_right(self, bench: Bench):
        everything = np.arange(len(BRIEFS))
        chance = np.random.default_rng(0)
        taste = bench.taste(everything, len(bench.tracks), chance, is_control=False)
        _, mrr = bench.measure(everything, taste, 100.0)
        assert mrr == 1.0


class TestSimulate:
    def test_without_weight_nothing_is_moved_by_anybody(self, bench: Bench):
        people, control = (
            simulate(bench, shown=2, repeats=3, is_control=is_control)
            for is_control in (False, True)
        )
        assert people.shape == (3, len(WEIGHTS), 2)
        np.testing.assert_array_equal(people[:, 0], control[:, 0])
        assert ((people > 0.0) & (people <= 1.0)).all()

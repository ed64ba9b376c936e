from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from indexer.matching.candidates import Candidates
from indexer.matching.places import LibraryMoods
from indexer.vectors import KINDS
from tests.support.matching import MadeTrack, made_candidates, made_index, track_id

if TYPE_CHECKING:
    from pathlib import Path

TRACKS = (
    MadeTrack(scenes=("a lake", "a pond", "a brook")),
    MadeTrack(scenes=()),
    MadeTrack(scenes=("a storm",), bpm=90.0),
)


class TestCandidates:
    def test_only_the_chosen_tracks_are_in_it(self, tmp_path: Path):
        index = made_index(tmp_path, TRACKS)
        moods = LibraryMoods(index.sounds, index.tags)
        two = Candidates(index, moods, np.array([0, 2]))
        assert two.track_ids == [track_id(0), track_id(2)]
        assert two.sounds["bpm"].tolist() == [120.0, 90.0]
        assert two.entries["caption"].tolist() == [0, 1, 2, 3, 20, 21]
        assert two.track_of_row.tolist() == [0, 0, 0, 0, 1, 1]

    def test_none_is_a_choice(self, tmp_path: Path):
        index = made_index(tmp_path, TRACKS)
        none = Candidates(
            index, LibraryMoods(index.sounds, index.tags), np.array([], dtype=np.intp)
        )
        assert len(none) == len(none.vectors) == 0

    @settings(
        deadline=None,
        max_examples=40,
        suppress_health_check=[HealthCheck.function_scoped_fixture],
    )
    @given(seed=st.integers(0, 1000), kind=st.sampled_from(KINDS))
    def test_fold_is_the_largest_value_of_each_track(
        self, candidates: Candidates, seed: int, kind: str
    ):
        positions = candidates.of_kind(kind)
        values = np.random.default_rng(seed).normal(size=(2, len(positions))).astype(np.float32)
        expected = np.zeros((2, len(candidates)), np.float32)
        for text in range(2):
            for track in range(len(candidates)):
                own = values[text, candidates.track_of_row[positions] == track]
                expected[text, track] = max(own, default=0.0)
        np.testing.assert_array_equal(candidates.fold(values, positions), expected)


@pytest.fixture(scope="module")
def candidates(tmp_path_factory: pytest.TempPathFactory) -> Candidates:
    return made_candidates(tmp_path_factory.mktemp("library"), *TRACKS)

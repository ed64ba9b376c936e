from __future__ import annotations

import numpy as np

from indexer.recordings.landmarks import COMMON, LandmarkIndex
from musiscene.audio.fingerprint import Summary


def summary(*landmarks: int, seconds: float = 100.0) -> Summary:
    return Summary(seconds, np.array(landmarks, "<u4").tobytes())


class TestCandidates:
    def test_are_those_that_share_a_landmark_and_the_length(self):
        index = LandmarkIndex(
            [summary(1, 2), None, summary(2, 3), summary(3, 4), summary(1, seconds=130.0)]
        )
        assert list(index.candidates(0)) == [2]
        assert list(index.candidates(0, max_seconds_apart=None)) == [2, 4]
        assert list(index.candidates(1)) == []

    def test_a_stock_sound_tells_nothing(self):
        index = LandmarkIndex([summary(1) for _ in range(COMMON + 1)])
        assert list(index.candidates(0)) == []

    def test_nothing_is_found_in_nothing(self):
        assert list(LandmarkIndex([None]).candidates(0)) == []

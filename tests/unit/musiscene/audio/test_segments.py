import itertools
import tracemalloc

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from musiscene.audio.segments import (
    MAX_SEGMENTS,
    SegmentBounds,
    cut_at_chapters,
    find_segments,
)
from musiscene.audio.tags import Chapter, in_order
from tests.support.music import RATE, chord, clicks, noise


def two_part_song(lengths: list[float]) -> np.ndarray:
    """Sections of the given seconds, alternating a bright chord pulse and low noise with clicks."""
    sections = []
    for index, seconds in enumerate(lengths):
        if index % 2 == 0:
            bar = chord([60, 64, 67, 72], 1.0)
            sections.append(np.tile(bar, int(np.ceil(seconds)))[: round(seconds * RATE)])
        else:
            bar = chord([38, 45, 50, 53], 1.0, brightness=0.9)
            tiled = np.tile(bar, int(np.ceil(seconds)))[: round(seconds * RATE)]
            sections.append(tiled + clicks(120, seconds)[: len(tiled)] + 0.2 * noise(seconds))
    return np.concatenate(sections).astype(np.float32)


class TestFindSegments:
    @pytest.mark.parametrize("lengths", [[14, 18, 13], [20, 11, 16], [12, 12, 24]])
    def test_cuts_an_a_b_a_piece_where_it_changes(self, lengths: list[float]):
        segments = find_segments(two_part_song(lengths), sample_rate=RATE)

        starts = np.array([segment.start_seconds for segment in segments])
        for boundary in (lengths[0], lengths[0] + lengths[1]):
            assert np.abs(starts - boundary).min() < 1.0

    @pytest.mark.parametrize("seconds", [20, 31, 47.3, 90, 200])
    def test_covers_the_track_in_order_without_gaps(self, seconds: float):
        segments = find_segments(noise(seconds), sample_rate=RATE)

        assert segments[0].start_seconds == 0.0
        assert segments[-1].end_seconds == pytest.approx(seconds, abs=0.001)
        for earlier, later in itertools.pairwise(segments):
            assert earlier.end_seconds == later.start_seconds
        assert len(segments) <= MAX_SEGMENTS

    @pytest.mark.parametrize("seconds", [20, 31, 47.3, 60, 90, 150])
    def test_lengths_lie_between_ten_and_thirty_seconds(self, seconds: float):
        segments = find_segments(noise(seconds), sample_rate=RATE)

        for segment in segments:
            assert 9.0 <= segment.end_seconds - segment.start_seconds <= 31.5

    @pytest.mark.parametrize("seconds", [0.01, 1, 19.9])
    def test_a_short_track_is_one_segment(self, seconds: float):
        assert len(find_segments(noise(seconds), sample_rate=RATE)) == 1

    def test_nothing_has_no_segments(self):
        assert find_segments(np.zeros(0, dtype=np.float32), sample_rate=RATE) == []

    def test_silence_is_cut_evenly_enough(self):
        segments = find_segments(np.zeros(60 * RATE, dtype=np.float32), sample_rate=RATE)

        assert 2 <= len(segments) <= 6

    def test_memory_does_not_grow_with_length(self):
        waveform = np.tile(noise(60), 20)
        find_segments(waveform[: 30 * RATE], sample_rate=RATE)
        tracemalloc.start()

        segments = find_segments(waveform, sample_rate=RATE)

        peak = tracemalloc.get_traced_memory()[1]
        tracemalloc.stop()
        assert peak < waveform.nbytes
        assert len(segments) <= MAX_SEGMENTS

    def test_rejects_a_target_outside_ten_to_thirty(self):
        with pytest.raises(ValueError, match="10 to 30"):
            find_segments(noise(40), sample_rate=RATE, target_seconds=5)


def bounds(*edges: float) -> list[SegmentBounds]:
    return [
        SegmentBounds(start_seconds=start, end_seconds=end)
        for start, end in itertools.pairwise(edges)
    ]


def chapters(**starts: float) -> list[Chapter]:
    return [Chapter(start_seconds=start, title=title) for title, start in starts.items()]


class TestCutAtChapters:
    @pytest.mark.parametrize(
        ("edges", "songs", "expected"),
        [
            pytest.param(
                [0, 20, 40, 60], {"A": 0, "B": 30},
                [(0, 20, "A"), (20, 30, "A"), (30, 40, "B"), (40, 60, "B")], id="a cut is added",
            ),
            pytest.param(
                [0, 20, 40, 60], {"A": 0, "B": 21.5, "C": 38},
                [(0, 21.5, "A"), (21.5, 38, "B"), (38, 60, "C")], id="a near boundary moves",
            ),
            pytest.param(
                [0, 19, 22, 60], {"A": 0, "B": 20.5},
                [(0, 20.5, "A"), (20.5, 60, "B")], id="no sliver on either side",
            ),
            pytest.param(
                [0, 30], {"A": 10, "B": 20},
                [(0, 10, None), (10, 20, "A"), (20, 30, "B")], id="before the first song",
            ),
            pytest.param(
                [0, 30], {"A": 1.9, "B": 20, "C": 28.5, "D": 400},
                [(0, 20, "A"), (20, 30, "B")], id="at and beyond the ends",
            ),
            pytest.param([0, 10, 20], {}, [(0, 10, None), (10, 20, None)], id="no songs"),
            pytest.param([0], {"A": 0, "B": 5}, [], id="nothing to cut"),
        ],
    )  # fmt: skip
    def test_no_segment_is_of_two_songs(
        self, edges: list[float], songs: dict[str, float], expected: list[tuple[object, ...]]
    ):
        cut = cut_at_chapters(bounds(*edges), chapters(**songs))
        assert [(one.start_seconds, one.end_seconds, one.title) for one in cut] == expected

    @given(
        st.lists(st.floats(0.5, 600), min_size=1, max_size=12),
        st.lists(st.floats(0, 5_000), max_size=40),
    )
    def test_they_cover_the_same_time_without_gaps(self, lengths: list[float], starts: list[float]):
        edges = [0.0, *np.cumsum(lengths).tolist()]
        songs = in_order(Chapter(start_seconds=start, title=str(start)) for start in starts)
        cut = cut_at_chapters(bounds(*edges), songs)
        assert (cut[0].start_seconds, cut[-1].end_seconds) == (0.0, edges[-1])
        assert all(one.start_seconds < one.end_seconds for one in cut)
        assert all(a.end_seconds == b.start_seconds for a, b in itertools.pairwise(cut))
        inside = [one.start_seconds for one in songs if 2 < one.start_seconds < edges[-1] - 2]
        assert set(inside) <= {one.start_seconds for one in cut}

from __future__ import annotations

import time

import msgspec
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from indexer.catalogue.models import Segment, Track
from indexer.windows import SPARKLINE_BINS, Arc, Timeline, best_window, song_in

BAR, BEAT = 2.0, 0.5  # 120 bpm, four beats a bar
DURATION = 120.0


def timeline(
    energy: object = None,
    *,
    duration: float = DURATION,
    bounds: tuple[float, ...] = (0.0, 30.0, 60.0, 90.0),
    beat: float | None = BEAT,
    bar: float | None = BAR,
) -> Timeline:
    curve = np.full(int(np.ceil(duration)), 0.8) if energy is None else np.asarray(energy)
    beats = np.arange(0.0, duration, beat) if beat else np.empty(0)
    downbeats = np.arange(0.0, duration, bar) if bar else np.empty(0)
    return Timeline(
        duration_seconds=duration,
        segments=np.column_stack([bounds, (*bounds[1:], duration)]),
        energy=curve.astype(np.float32),
        beats=np.union1d(beats, downbeats),
        downbeats=downbeats,
    )


def ramp(up: float = 30.0, duration: float = DURATION) -> np.ndarray:
    """Quiet, a rise up to the middle, then a fall as long, then quiet."""
    seconds = np.arange(duration) + 0.5
    return np.interp(seconds, [60 - up, 60, 60 + up], [0.2, 1.0, 0.2])


times = st.floats(0.05, 900.0, allow_nan=False)


@st.composite
def timelines(draw: st.DrawFn) -> Timeline:
    duration = draw(st.floats(1.0, 900.0))
    cuts = sorted(set(draw(st.lists(st.floats(0.01, 0.99), max_size=8))))
    energy = draw(st.lists(st.floats(0, 1, width=16), max_size=40))
    phase, beat = draw(st.floats(0, 0.9)), draw(st.floats(0.25, 1.5))
    beats = np.arange(phase, duration, beat) if draw(st.booleans()) else np.empty(0)
    bounds = np.array([0.0, *(cut * duration for cut in cuts), duration])
    return Timeline(
        duration_seconds=duration,
        segments=np.column_stack([bounds[:-1], bounds[1:]]),
        energy=np.array(energy, np.float32),
        beats=beats,
        downbeats=beats[:: draw(st.sampled_from([3, 4]))] if draw(st.booleans()) else beats[:0],
    )


arcs = st.sampled_from([None, "build", "steady", "release"])


class TestEveryWindow:
    @settings(deadline=None, max_examples=150)
    @given(timelines(), times, arcs, st.data())
    def test_has_the_wanted_length_inside_the_track(
        self, track: Timeline, length: float, arc: object, data: st.DataObject
    ):
        count = len(track.segments)
        fits = st.lists(st.floats(0, 1), min_size=count, max_size=count).map(np.array)
        relevance = data.draw(st.none() | fits)
        found = best_window(track, length_seconds=length, arc=arc, relevance=relevance)  # type: ignore[arg-type]
        assert 0 <= found.start_seconds < found.end_seconds <= track.duration_seconds + 1e-9
        wanted = min(length, track.duration_seconds)
        assert found.end_seconds - found.start_seconds == pytest.approx(wanted, abs=1e-9)
        assert 0 <= found.arc_fit <= 1
        assert len(found.energy) == SPARKLINE_BINS
        assert all(0 <= value <= 1 for value in found.energy)

    @settings(deadline=None, max_examples=150)
    @given(timelines(), times, arcs)
    def test_begins_on_a_beat_where_beats_are_known(
        self, track: Timeline, length: float, arc: object
    ):
        found = best_window(track, length_seconds=length, arc=arc)  # type: ignore[arg-type]
        if len(track.beats) and found.start_seconds > 0:
            far = track.segments[1:, 0]
            far = far[np.abs(far[:, None] - track.beats).min(axis=1) > 1.5]
            allowed = np.concatenate([track.beats, far])
            assert np.abs(allowed - found.start_seconds).min() <= 0.001

    @settings(deadline=None, max_examples=100)
    @given(timelines(), arcs)
    def test_without_a_length_it_is_whole_segments(self, track: Timeline, arc: object):
        found = best_window(track, arc=arc)  # type: ignore[arg-type]
        assert 0 <= found.start_seconds < found.end_seconds <= track.duration_seconds
        for cut in (found.start_seconds, found.end_seconds):
            edges = [*track.segments[:, 0], track.duration_seconds]
            heard = np.flatnonzero(track.energy[: int(track.duration_seconds) + 1] > 0.05)
            ending = [heard[-1] + 3.0] if len(heard) else []
            assert np.abs(np.array([*edges, *ending]) - cut).min() <= 1.5 + 1e-6

    @settings(deadline=None, max_examples=60)
    @given(st.floats(0.3, 1.0), st.floats(8.0, 60.0))
    def test_a_ramp_is_a_build_and_its_mirror_a_release(self, height: float, length: float):
        rise = np.linspace(1 - height, 1.0, 120)
        fits = {}
        for arc in ("build", "steady", "release"):
            for name, curve in (("up", rise), ("down", rise[::-1])):
                found = best_window(timeline(curve), length_seconds=120.0, arc=arc)
                fits[arc, name] = found.arc_fit
                assert found.arc == {"up": "build", "down": "release"}[name]
        assert fits["build", "up"] > fits["steady", "up"] > fits["release", "up"] - 1e-9
        assert fits["build", "up"] == pytest.approx(fits["release", "down"], abs=1e-3)
        part = best_window(timeline(ramp(length)), length_seconds=length, arc="build")
        assert part.end_seconds <= 60 + length / 3


class TestAnEditorsCases:
    def test_a_build_ends_at_the_climax_and_a_release_begins_there(self):
        track = timeline(ramp())
        build = best_window(track, length_seconds=30.0, arc="build")
        release = best_window(track, length_seconds=30.0, arc="release")
        assert (build.start_seconds, build.end_seconds, build.arc) == (30.0, 60.0, "build")
        assert (release.start_seconds, release.end_seconds) == (60.0, 90.0)
        assert min(build.arc_fit, release.arc_fit) > 0.85
        assert build.energy == tuple(sorted(build.energy))
        assert "builds and peaks at 0:59.5" in build.text

    def test_a_steady_bed_avoids_the_climax(self):
        found = best_window(timeline(ramp(20.0)), length_seconds=30.0, arc="steady")
        assert found.end_seconds <= 45 or found.start_seconds >= 75
        assert found.arc == "steady"

    def test_a_late_climax_is_a_better_build_than_one_in_the_middle(self):
        seconds = np.arange(120) + 0.5
        late = np.interp(seconds, [0, 25, 30, 40, 80, 95, 110], [0.3, 1.0, 0.3, 0.3, 1.0, 0.3, 0.3])
        found = best_window(timeline(late), length_seconds=40.0, arc="build")
        assert abs(found.end_seconds - 80.0) <= BAR

    def test_what_fits_the_brief_is_covered(self):
        fits = np.array([0.1, 0.1, 0.7, 0.2])
        found = best_window(timeline(), length_seconds=20.0, relevance=fits)
        assert 60 <= found.start_seconds < found.end_seconds <= 90

    def test_a_little_relevance_does_not_win_over_a_missing_build(self):
        fits = np.array([0.52, 0.5, 0.5, 0.5])
        found = best_window(timeline(ramp()), length_seconds=30.0, arc="build", relevance=fits)
        assert found.end_seconds == 60.0

    def test_the_first_beat_of_a_phrase_is_the_best_start(self):
        track = timeline(bounds=(0.0, 41.3, 83.0), duration=120.0)
        found = best_window(track, length_seconds=30.0, relevance=np.array([0.1, 0.9, 0.1]))
        assert (found.start_seconds, found.starts_at) == (42.0, "phrase")

    def test_the_tracks_own_ending_is_the_best_end(self):
        found = best_window(timeline(bounds=(0.0,)), length_seconds=32.0)
        assert (found.start_seconds, found.end_seconds) == (88.0, 120.0)
        assert (found.starts_at, found.ends_at) == ("downbeat", "track end")
        assert "the track's own ending" in found.text

    def test_silence_behind_the_last_note_is_left_out(self):
        curve = np.full(120, 0.8)
        curve[110:] = 0.0
        track = timeline(curve, bounds=(0.0, 60.0))
        fixed = best_window(track, length_seconds=32.0)
        assert 110 <= fixed.end_seconds <= 112
        assert fixed.ends_at == "track end"
        assert best_window(track, relevance=np.array([0.0, 1.0])).end_seconds == 112.0

    def test_of_two_starts_the_one_whose_end_falls_on_a_bar(self):
        """Bars of 2 s, of 2.5 s from 60 s on: only early starts have both ends on a bar."""
        downbeats = np.concatenate([np.arange(0.6, 60, 2.0), np.arange(61.1, 118, 2.5)])
        track = timeline(bounds=(0.0,), beat=None, bar=None)
        track = msgspec.structs.replace(track, beats=downbeats, downbeats=downbeats)
        found = best_window(track, length_seconds=28.0, relevance=np.array([0.5]))
        assert (found.starts_at, found.ends_at) == ("downbeat", "downbeat")
        assert found.end_seconds < 61

    def test_without_beats_phrases_and_the_ending_are_still_found(self):
        track = timeline(beat=None, bar=None, bounds=(0.0, 47.3))
        found = best_window(track, length_seconds=20.0, relevance=np.array([0.1, 0.9]))
        assert (found.start_seconds, found.starts_at) == (100.0, "free")
        assert found.ends_at == "track end"
        short = best_window(track, length_seconds=20.0, relevance=np.array([0.9, 0.1]))
        assert short.start_seconds in {0.0, 27.3}

    def test_without_a_length_the_best_segment_comes_on_downbeats(self):
        track = timeline(bounds=(0.0, 29.2, 60.9, 91.0))
        found = best_window(track, relevance=np.array([0.1, 0.2, 0.9, 0.1]))
        assert found.start_seconds == 60.0  # of 60 and 62 the nearer
        assert found.end_seconds in {90.0, 92.0}  # as near, both

    def test_short_neighbours_that_fit_alike_are_taken_together(self):
        track = timeline(bounds=(0.0, 10.0, 20.0, 30.0, 40.0), duration=50.0)
        found = best_window(track, relevance=np.array([0.1, 0.8, 0.8, 0.8, 0.1]))
        assert (found.start_seconds, found.end_seconds) == (10.0, 40.0)

    def test_between_far_downbeats_a_phrase_begins_on_a_beat(self):
        """Bars of 8 s: the boundary lies 4 s from either downbeat, and once was on no beat."""
        track = timeline(bounds=(0.0, 44.2), bar=8.0)
        found = best_window(track, length_seconds=20.0, relevance=np.array([0.1, 0.9]))
        assert found.start_seconds % BEAT == 0
        assert best_window(track, relevance=np.array([0.1, 0.9])).start_seconds == 44.0

    def test_boundaries_that_all_but_coincide_are_one(self):
        """Two of them a rounding apart gave a window of no length, and a division by it."""
        track = timeline(bounds=(0.0, 40.0, float(np.nextafter(40.0, 41.0))), beat=None, bar=None)
        found = best_window(track, relevance=np.array([0.1, 0.9, 0.1]))
        assert found.end_seconds - found.start_seconds >= 40.0

    def test_an_arc_that_is_not_there_is_said(self):
        found = best_window(timeline(), length_seconds=30.0, arc="build")
        assert found.arc == "steady"
        assert found.arc_fit < 0.05
        assert found.text.endswith("stays level: not much of the build that was asked for.")

    def test_a_track_that_is_too_short_is_taken_whole(self):
        found = best_window(timeline(duration=40.0, bounds=(0.0, 20.0)), length_seconds=60.0)
        assert (found.start_seconds, found.end_seconds) == (0.0, 40.0)
        assert (found.starts_at, found.ends_at) == ("track start", "track end")

    def test_small_wobbles_are_no_arc(self):
        chance = np.random.default_rng(0)
        curve = 0.9 + 0.03 * chance.standard_normal(120).clip(-2, 2)
        found = best_window(timeline(curve), length_seconds=30.0)
        assert found.arc == "steady"

    def test_an_hour_takes_a_few_milliseconds(self):
        chance = np.random.default_rng(0)
        duration = 3600.0
        track = timeline(
            chance.random(3600), duration=duration, bounds=tuple(range(0, 3600, 300)), beat=0.51
        )
        best_window(track, length_seconds=60.0, arc="build")
        spent = []
        for _ in range(5):
            began = time.perf_counter()
            best_window(track, length_seconds=60.0, arc="build", relevance=chance.random(12))
            spent.append(time.perf_counter() - began)
        assert min(spent) < 0.1  # 4 ms on an idle core


class TestSongs:
    """A file of three songs, whose beginnings are on no beat."""

    starts = (0.0, 31.3, 61.2, 90.0)
    songs = msgspec.structs.replace(timeline(bounds=starts), songs=np.array([31.3, 61.2]))

    @pytest.mark.parametrize("length", [None, 10.0, 25.0, 29.0])
    @pytest.mark.parametrize("arc", [None, "build"])
    def test_a_window_is_of_one_song_where_it_can_be(self, length: float | None, arc: Arc | None):
        energy = ramp().astype(np.float32)  # rises from the first song into the second
        for relevance in np.eye(4):
            found = best_window(
                msgspec.structs.replace(self.songs, energy=energy),
                length_seconds=length,
                arc=arc,
                relevance=relevance,
            )
            inside = (self.songs.songs > found.start_seconds + 0.5) & (
                self.songs.songs < found.end_seconds - 0.5
            )
            assert not inside.any()

    def test_a_longer_window_goes_on_into_the_next(self):
        assert best_window(self.songs, length_seconds=70.0).end_seconds >= 70.0

    def test_a_songs_beginning_is_not_moved_to_a_beat(self):
        found = best_window(self.songs, relevance=np.array([0.0, 1.0, 0.0, 0.0]))
        assert (found.start_seconds, found.end_seconds) == (31.3, 61.2)
        assert (found.starts_at, found.ends_at) == ("phrase", "phrase")

    def test_the_one_that_most_of_a_window_is_from_is_named(self):
        named = [("A", 0.0, 20.0), ("A", 20.0, 30.0), ("B", 30.0, 55.0), (None, 55.0, 60.0)]
        track = Track(
            duration_seconds=60.0,
            energy_curve=b"",
            segments=[
                Segment(title=title, start_seconds=start, end_seconds=end, energy=0.5)
                for title, start, end in named
            ],
        )
        assert Timeline.of(track).songs.tolist() == [30.0, 55.0]
        for start, end, expected in ((0, 45, "A"), (10, 50, "A"), (16, 50, "B"), (55, 60, None)):
            window = msgspec.structs.replace(
                best_window(self.songs), start_seconds=float(start), end_seconds=float(end)
            )
            assert song_in(track, window) == expected


class TestWrongCalls:
    @pytest.mark.parametrize("length", [0.0, -3.0, float("nan")])
    def test_a_length_is_above_zero(self, length: float):
        with pytest.raises(ValueError, match="above 0"):
            best_window(timeline(), length_seconds=length)

    def test_there_is_one_relevance_a_segment(self):
        with pytest.raises(ValueError, match="2 relevances, 4 segments"):
            best_window(timeline(), relevance=np.array([0.1, 0.2]))


class TestTimelineOfATrack:
    def test_reads_what_the_catalogue_holds(self):
        track = Track(
            duration_seconds=30.0,
            energy_curve=np.array([0.5, 1.0], "<f2").tobytes(),
            beat_times=np.array([0.5, 1.0, 31.0], "<f4").tobytes(),
            downbeat_times=np.array([0.5], "<f4").tobytes(),
            segments=[Segment(start_seconds=0.0, end_seconds=30.0, energy=0.5)],
        )
        read = Timeline.of(track)
        assert read.beats.tolist() == [0.5, 1.0]
        assert read.downbeats.tolist() == [0.5]
        assert read.energy.tolist() == [0.5, 1.0]
        assert read.segments.tolist() == [[0.0, 30.0]]

    def test_beats_may_be_unknown(self):
        track = Track(duration_seconds=9.0, energy_curve=b"", beat_times=None, downbeat_times=b"")
        read = Timeline.of(track)
        assert not len(read.beats)
        assert read.segments.tolist() == [[0.0, 9.0]]
        assert best_window(read, length_seconds=3.0).end_seconds <= 9.0

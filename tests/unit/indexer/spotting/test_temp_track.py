from __future__ import annotations

from uuid import UUID

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from indexer.matching.results import MatchedTrack
from indexer.spotting.cue_plan import Landing
from indexer.spotting.temp_picture import TRACK_COLOUR, overlay_svg
from indexer.spotting.temp_track import TempMatch, best_offset, tempo_fit
from musiscene.video.analysis import TempMusic


class TestBestOffset:
    @settings(deadline=None, max_examples=30)
    @given(st.integers(0, 40), st.integers(0, 2**32 - 1))
    def test_finds_where_a_part_was_cut_out(self, start: int, seed: int) -> None:
        curve = np.random.default_rng(seed).uniform(size=70)
        found = best_offset(0.3 * curve[start : start + 30] + 0.1, curve)
        assert found is not None
        assert found[0] == pytest.approx(1.0)
        assert found[1] == start

    def test_a_shorter_track_is_laid_along_the_temp_music(self) -> None:
        temp = np.random.default_rng(0).uniform(size=60)
        found = best_offset(temp, temp[25:45])
        assert found is not None
        assert found[1] == -25

    def test_agrees_with_the_definition_at_every_offset(self) -> None:
        rng = np.random.default_rng(5)
        temp, curve = rng.uniform(size=20), rng.uniform(size=50)
        by_hand = [np.corrcoef(temp, curve[at : at + 20])[0, 1] for at in range(31)]
        found = best_offset(temp, curve)
        assert found is not None
        assert found[0] == pytest.approx(max(by_hand))
        assert found[1] == int(np.argmax(by_hand))

    def test_nothing_can_be_said_of_what_is_flat_or_short(self) -> None:
        assert best_offset(np.full(20, 0.5), np.random.default_rng(0).uniform(size=40)) is None
        assert best_offset(np.arange(20.0), np.arange(7.0)) is None


class TestTempoFit:
    def test_half_and_double_are_as_good(self) -> None:
        assert tempo_fit(120.0, 60.0) == tempo_fit(120.0, 240.0) == pytest.approx(1.0)
        assert tempo_fit(120.0, 90.0) < 0.01
        assert tempo_fit(None, 90.0) == 0.0


class TestOverlay:
    def test_shows_both_courses_and_which_hits_are_met(self) -> None:
        music = TempMusic(share=1.0, bpm=None, energy=(0.1, 0.9, 0.4), hits_seconds=(1.0, 2.0))
        landings = [
            Landing(kind="turn", video_seconds=at, track_seconds=at, residual_frames=late)
            for at, late in ((1.0, 0.2), (2.0, 3.0))
        ]
        track = MatchedTrack(
            id=UUID(int=1), path="/m/a.wav", title="A <b> & c", artist=None, duration_seconds=9.0,
            bpm=90.0, key="C:major", loudness_lufs=None, licence=None, generated=False,
        )  # fmt: skip
        match = TempMatch(
            track=track, source_start_seconds=0.0, start_seconds=0.0, end_seconds=3.0,
            energy_fit=0.9, coverage=1.0, tempo_fit=0.0, hits=tuple(landings), score=0.5,
            energy=(0.2, 0.8, 0.5),
        )  # fmt: skip
        drawn = overlay_svg(music, match)
        assert drawn.count("<polyline") == 2
        assert drawn.count(f'stroke="{TRACK_COLOUR}" stroke-dasharray') == 1
        assert "1 of 2 hits within half a frame" in drawn
        assert "A &lt;b&gt; &amp; c" in drawn

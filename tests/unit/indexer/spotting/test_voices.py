from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pytest

from indexer.spotting.assemble import plan_from
from indexer.spotting.cue_plan import PlanWishes
from indexer.spotting.levels import REFERENCE_LUFS, fades, gain_db
from indexer.spotting.voices import TrackListener, Voice, ducks_of, masked_seconds
from musiscene.audio.masking import MOST_MASKING, masking
from tests.support.spotting import (
    MadeScene,
    MadeTrack,
    made_analysis,
    made_material,
    shown_track,
    track_id,
)

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from indexer.catalogue.shown import ShownTrack

VOICE = np.full(18, -40.0)


def voice(start: float, end: float) -> Voice:
    return Voice(start_seconds=start, end_seconds=end, levels_db=VOICE)


class LevelListener(TrackListener):
    """Hears every track at a level that is given."""

    def __init__(self, *levels_db: float) -> None:
        self.levels = levels_db

    def levels_db(self, track: ShownTrack) -> NDArray[np.float32]:
        return np.full((60, 18), self.levels[track.id.int - 1], np.float32)


class TestDucksOf:
    def test_as_deep_as_the_voice_needs_and_no_deeper(self) -> None:
        music = np.full((60, 18), -35.0)
        ducks, lost = ducks_of(
            [voice(12.0, 15.0)],
            music,
            start_seconds=10.0,
            end_seconds=40.0,
            source_start_seconds=3.0,
            gain_db=2.0,
            deepest_db=-60.0,
        )
        assert lost == pytest.approx(masking(VOICE, music[0] + 2.0))
        assert [(duck.start_seconds, duck.end_seconds) for duck in ducks] == [(11.85, 15.0)]
        left = masking(VOICE, music[0] + 2.0 + ducks[0].gain_db)
        assert left == pytest.approx(MOST_MASKING, abs=0.01)

    def test_what_sounds_there_counts(self) -> None:
        music = np.full((60, 18), -90.0)
        music[20:] = -35.0
        where = {"end_seconds": 30.0, "gain_db": 0.0, "deepest_db": -60.0, "start_seconds": 0.0}
        quiet, _ = ducks_of([voice(2, 5)], music, source_start_seconds=0.0, **where)
        loud, _ = ducks_of([voice(2, 5)], music, source_start_seconds=20.0, **where)
        assert quiet == ()
        assert len(loud) == 1

    def test_merges_sentences_and_keeps_to_the_cap(self) -> None:
        ducks, _ = ducks_of(
            [voice(1, 3), voice(4, 6), voice(12, 13)],
            np.full((60, 18), -20.0),
            start_seconds=0.0,
            end_seconds=20.0,
            source_start_seconds=0.0,
            gain_db=0.0,
            deepest_db=-6.0,
        )
        assert [(duck.start_seconds, duck.end_seconds) for duck in ducks] == [
            (0.85, 6),
            (11.85, 13),
        ]
        assert {duck.gain_db for duck in ducks} == {-6.0}


class TestMaskedSeconds:
    def test_only_while_somebody_speaks(self) -> None:
        lost = masked_seconds([voice(5, 15)], VOICE, np.array([0.0, 10.0, 20.0, 30.0]))
        assert lost.tolist() == pytest.approx([2.5, 2.5, 0.0])


class TestRanking:
    def test_the_track_that_leaves_room_for_the_voice_is_taken(self) -> None:
        tracks = [MadeTrack(seconds=60.0), MadeTrack(seconds=60.0)]
        speaking = made_analysis(MadeScene(seconds=20), speech=((2.0, 18.0),))
        silent = made_analysis(MadeScene(seconds=20))
        for analysis, best in ((silent, 0), (speaking, 1)):
            material = made_material(
                analysis, tracks, [[0.55, 0.5]], listener=LevelListener(-20.0, -60.0)
            )
            chosen = plan_from(material).cues[0].chosen
            assert chosen is not None
            assert chosen.track.id == track_id(best)

    def test_ducks_are_in_the_plan(self) -> None:
        material = made_material(
            made_analysis(MadeScene(seconds=20), speech=((5.0, 9.0),)),
            [MadeTrack(seconds=60.0)],
            [[0.5]],
            PlanWishes(under_speech_db=-9.0),
            listener=LevelListener(-20.0),
        )
        (cue,) = plan_from(material).cues
        assert [(duck.start_seconds, duck.gain_db) for duck in cue.ducks] == [(4.85, -9.0)]


class TestLevels:
    def test_every_track_comes_to_the_same_loudness(self) -> None:
        for lufs in (-30.0, -18.0, -8.0):
            gained = lufs + gain_db(lufs)
            assert gained == (-24.0 if lufs == -30.0 else REFERENCE_LUFS)
        assert gain_db(None) == 0.0

    def test_fades_are_long_where_nothing_ends(self) -> None:
        assert fades("track start", "track end", 30.0) == (0.0, 0.0)
        assert fades("free", "free", 30.0) == (0.75, 1.5)
        assert fades("free", "free", 2.0) == (0.6, 0.6)

    def test_shown_tracks_have_what_they_were_made_with(self) -> None:
        track = shown_track(MadeTrack(seconds=10.0, turns=(4.0,), levels=(0.2, 1.0)))
        curve = np.frombuffer(track.energy_curve, "<f2").astype(float)
        assert curve.round(1).tolist() == [0.2] * 4 + [1.0] * 6

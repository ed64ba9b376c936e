from __future__ import annotations

import io
import math
from itertools import pairwise

import numpy as np
import pytest

from musiscene.generate.composer.midi import write_midi
from musiscene.generate.composer.notes import write_notes
from musiscene.generate.composer.plan import make_plan
from musiscene.generate.reading import read_prompt

pytest.importorskip("symusic", reason="symusic is not installed: pip install '.[compose]'")
pretty_midi = pytest.importorskip("pretty_midi", reason="pretty_midi is not installed")
PEDAL, EXPRESSION, VOLUME, PAN = 64, 11, 7, 10


class TestWriteMidi:
    @pytest.mark.parametrize("prompt", ["sad piano and strings, D minor", "jig, happy folk, 6/8"])
    def test_another_player_reads_what_was_written(self, prompt: str):
        plan = make_plan(read_prompt(prompt, None), seconds=20, seed=4)
        notes = write_notes(plan)
        score = pretty_midi.PrettyMIDI(io.BytesIO(write_midi(plan, notes)))
        names = {note.player for note in notes}
        assert {track.name for track in score.instruments} == names
        players = {player.name: player for player in plan.ensemble.players}
        for track in score.instruments:
            player = players[track.name]
            assert (track.program, track.is_drum) == (player.program, player.is_drums)
            numbers = {control.number for control in track.control_changes}
            assert {VOLUME, PAN} <= numbers
            assert (PEDAL in numbers, EXPRESSION in numbers) == (player.pedal, player.swells)
            own = [note for note in notes if note.player == track.name]
            assert len(track.notes) == pytest.approx(len(own), rel=0.05)
            starts = [plan.form.seconds_of(note.start) + note.delay for note in own]
            assert min(note.start for note in track.notes) == pytest.approx(
                max(0.0, min(starts)), abs=0.005
            )
        change = score.time_signature_changes[0]
        metre = f"{change.numerator}/{change.denominator}"
        assert metre in {plan.metre.name, f"{plan.form.bars[0].beats}/4"}

    def test_bars_and_sections_lie_where_the_form_has_them(self):
        plan = make_plan(read_prompt("epic orchestra, hit at 0:09", None), seconds=20, seed=4)
        score = pretty_midi.PrettyMIDI(io.BytesIO(write_midi(plan, write_notes(plan))))
        beats = score.get_beats(0.0)
        planned = plan.form.beat_seconds
        assert np.abs(beats[: len(planned)] - np.array(planned)).max() < 0.005

    def test_markers_name_the_sections_and_swells_grow(self):
        import symusic

        plan = make_plan(read_prompt("strings, slow and sad", None), seconds=30, seed=4)
        score = symusic.Score.from_midi(write_midi(plan, write_notes(plan)))
        assert [one.text for one in score.markers] == [one.name for one in plan.form.sections]
        values = [
            control.value
            for track in score.tracks
            for control in track.controls
            if control.number == EXPRESSION
        ]
        assert any(after > before for before, after in pairwise(values))
        assert max(values) <= 127
        assert math.isclose(
            score.tempos[0].qpm, 60.0 / np.diff(plan.form.beat_seconds)[0], rel_tol=0.01
        )

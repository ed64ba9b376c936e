from __future__ import annotations

import numpy as np
import pytest

from musiscene.generate.composer.humanise import MOST_SECONDS, humanise
from musiscene.generate.composer.notes import write_notes
from musiscene.generate.composer.parts.page import Note
from musiscene.generate.composer.plan import make_plan
from musiscene.generate.reading import read_prompt


def plan(prompt: str, seed: int = 1):
    return make_plan(read_prompt(prompt, None), seconds=24, seed=seed)


def eighths(player: str) -> list[Note]:
    return [Note(player, number / 2, 0.5, 60, 80) for number in range(64)]


class TestHumanise:
    def test_deviates_a_little_by_the_seed_alone(self):
        piano = plan("sad piano")
        name = piano.ensemble.players[0].name
        played, again = humanise(eighths(name), piano), humanise(eighths(name), piano)
        delays = np.array([note.delay for note in played])
        assert played == again
        assert played != humanise(eighths(name), plan("sad piano", 2))
        assert 0.002 < delays.std() < 0.01
        assert np.abs(delays).max() <= MOST_SECONDS
        assert delays[0] >= 0
        assert max(abs(note.velocity - 80) for note in played) < 20
        assert [note.start for note in played] == [number / 2 for number in range(64)]

    def test_jazz_swings_between_the_beats(self):
        jazz = plan("jazz")
        played = humanise(eighths(jazz.ensemble.players[0].name), jazz)
        parts = {round(note.start % 1.0, 3) for note in played}
        assert parts == {0.0, 0.65}
        assert all(note.start % 0.5 + note.length <= 0.66 for note in played)

    @pytest.mark.parametrize("prompt", ["folk, hit at 0:12", "techno, swell at 0:12"])
    def test_points_of_the_picture_are_struck_in_time(self, prompt: str):
        music = plan(prompt)
        at = next(bar.start for bar in music.form.bars if bar.hit)
        struck = [note for note in write_notes(music) if note.start == at]
        assert len({note.player for note in struck}) >= 3
        assert max(note.velocity for note in struck) >= 118
        assert min(abs(note.delay) for note in struck) == 0.0

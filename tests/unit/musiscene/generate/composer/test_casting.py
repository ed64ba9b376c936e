from __future__ import annotations

import numpy as np
import pytest

from musiscene.generate.composer.casting import INSTRUMENTS, cast_ensemble, is_denied
from musiscene.generate.composer.ensembles import ENSEMBLES
from musiscene.generate.composer.harmony import OPENINGS
from musiscene.generate.composer.parts.writers import WRITERS
from musiscene.generate.composer.plan import METRES
from musiscene.generate.reading import read_prompt


def cast(prompt: str):
    return cast_ensemble(read_prompt(prompt, None), np.random.default_rng(1))


class TestEnsembles:
    def test_name_each_player_once_and_ways_of_playing_that_exist(self):
        assert len({ensemble.name for ensemble in ENSEMBLES}) >= 12
        for ensemble in ENSEMBLES:
            names = [player.name for player in ensemble.players]
            assert len(set(names)) == len(names)
            assert {player.writer for player in ensemble.players} <= set(WRITERS)
            assert ensemble.style in OPENINGS
            assert set(ensemble.metres) <= set(METRES)
            assert all(player.high - player.low >= 12 for player in ensemble.players)


class TestCastEnsemble:
    @pytest.mark.parametrize("name", sorted(INSTRUMENTS))
    @pytest.mark.parametrize("mood", ["sad slow", "epic powerful", "happy dance"])
    def test_an_instrument_that_is_named_plays(self, mood: str, name: str):
        instrument = INSTRUMENTS[name]
        players = cast(f"{mood} {name}").players
        assert any(
            player.is_drums if instrument.player.is_drums else player.program in instrument.programs
            for player in players
        )
        assert len({player.name for player in players}) == len(players)

    @pytest.mark.parametrize(
        ("prompt", "ensemble"),
        [
            ("sad jazz", "jazz trio"),
            ("calm metal", "rock band"),
            ("happy church organ", "choir and organ"),
            ("energetic harp and flute", "harp and flute"),
            ("eerie suspense", "tension"),
            ("fanfare", "marching brass"),
        ],
    )
    def test_a_genre_wins_over_moods(self, prompt: str, ensemble: str):
        assert cast(prompt).name == ensemble

    @pytest.mark.parametrize("denied", ["drums", "percussion", "piano", "strings", "guitars"])
    @pytest.mark.parametrize("prompt", ["epic orchestra", "rock", "sad piano", "african", "tense"])
    def test_what_is_denied_does_not_play(self, prompt: str, denied: str):
        words = frozenset({denied})
        players = cast(f"{prompt}, no {denied}").players
        assert players
        assert not any(is_denied(player, words) for player in players)
        if denied in {"drums", "percussion"}:
            assert not any(player.is_drums or player.name == "timpani" for player in players)
        if denied == "piano":
            assert not any(player.program < 6 and not player.is_drums for player in players)

from __future__ import annotations

import numpy as np
import pytest

from indexer.catalogue.models import Track, new_id
from indexer.similar.diversity import Spread, choose_diverse

RELEVANCE = np.array([0.9, 0.85, 0.6, 0.5])
LIKENESS = np.array(
    [[1, 0.95, 0.1, 0.2], [0.95, 1, 0.1, 0.2], [0.1, 0.1, 1, 0.9], [0.2, 0.2, 0.9, 1]]
)


def chosen(diversity: float, top_k: int = 4, refused: tuple[int, ...] = ()) -> list[int]:
    return choose_diverse(
        RELEVANCE,
        lambda one: LIKENESS[one],
        lambda one: one not in refused,
        diversity=diversity,
        top_k=top_k,
    )


class TestChooseDiverse:
    @pytest.mark.parametrize(
        ("diversity", "order"),
        [
            pytest.param(0.0, [0, 1, 2, 3], id="relevance alone"),
            pytest.param(0.5, [0, 2, 1, 3], id="the twin comes later"),
            pytest.param(1.0, [0, 2, 3, 1], id="unlikeness alone, after the most relevant"),
        ],
    )
    def test_each_is_the_best_by_marginal_relevance(self, diversity: float, order: list[int]):
        assert chosen(diversity) == order

    def test_the_refused_neither_appear_nor_push_others_away(self):
        assert chosen(0.5, refused=(0,)) == [1, 2, 3]

    def test_stops_when_enough_are_chosen_or_none_is_left(self):
        assert chosen(0.5, top_k=2) == [0, 2]
        assert len(chosen(0.5, top_k=9)) == 4


class TestSpread:
    def test_an_artist_is_known_in_any_spelling_and_nobody_is_no_artist(self):
        spread = Spread(1)
        artists = ["The Band", "the  band ", None, None, "", "Other"]
        tracks = [Track(artist=name, audio_hash=str(n)) for n, name in enumerate(artists)]
        assert [spread.accepts(track) for track in tracks] == [True, False, True, True, True, True]

    def test_a_recording_comes_once(self):
        spread = Spread(None)
        assert spread.accepts(Track(artist="A", audio_hash="x"))
        assert not spread.accepts(Track(artist="A", audio_hash="x"))

    def test_a_recording_comes_once_in_whatever_format(self):
        spread = Spread(None)
        first, second = new_id(), new_id()
        tracks = [
            Track(audio_hash=str(n), recording_id=one)
            for n, one in enumerate([first, first, second, None, None])
        ]
        assert [spread.accepts(track) for track in tracks] == [True, False, True, True, True]

from __future__ import annotations

import pytest

from musiscene.video.captions.given import timed_caption, wishes_in


class TestConventions:
    @pytest.mark.parametrize(
        "text", ["No music", "(no music here)", "[NO MUSIC]", "NM", "[nm]", "N.M."]
    )
    def test_asks_for_no_music(self, text: str):
        assert timed_caption(0, 1, text).no_music

    @pytest.mark.parametrize(
        "text", ["no musical talent", "there is music", "NMR scan", "piano music"]
    )
    def test_speaks_of_something_else(self, text: str):
        assert not timed_caption(0, 1, text).no_music

    @pytest.mark.parametrize("text", ["hit: bang", "Land: bang", "SYNC : bang"])
    def test_asks_to_land(self, text: str):
        caption = timed_caption(0, None, text)
        assert caption.land
        assert caption.text == "bang"

    @pytest.mark.parametrize("text", ["they hit: nothing", "landing", "a sync: b"])
    def test_does_not_ask_to_land(self, text: str):
        assert not timed_caption(0, None, text).land


class TestWishes:
    def test_joins_stretches_and_sorts_moments(self):
        given = [
            timed_caption(9, None, "hit: c"),
            timed_caption(5, 8, "no music"),
            timed_caption(1, 6, "NM"),
            timed_caption(20, 21, "no music"),
            timed_caption(2, None, "land: a"),
            timed_caption(9, 10, "hit: c"),
            timed_caption(4, None, "no music"),
            timed_caption(0, 30, "a sea"),
        ]
        assert wishes_in(given) == (((1, 8), (20, 21)), (2, 9))

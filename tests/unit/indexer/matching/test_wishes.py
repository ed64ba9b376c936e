from __future__ import annotations

import time

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from indexer.matching.wishes import (
    MAX_WISHES,
    NEUTRAL,
    is_named_in_full,
    unwanted_in,
    wishes_in,
    without_denials,
)
from indexer.sounds import KEYS


def found(text: str) -> list[tuple[object, bool]]:
    return [(wish.value, wish.wanted) for wish in wishes_in(text)]


class TestWishesIn:
    @pytest.mark.parametrize(
        ("text", "wanted"),
        [
            ("110-130 bpm", (110.0, 130.0)),
            ("between 130 and 110 bpm", (110.0, 130.0)),
            ("about 120bpm", (120.0, 120.0)),
            ("120 beats per minute", (120.0, 120.0)),
            ("in Bb minor", "A#:minor"),
            ("e flat major", "D#:major"),
            ("e\N{MUSIC FLAT SIGN} major", "D#:major"),
            ("B# major", "C:major"),
            ("key of A minor", "A:minor"),
            ("A minor, please", "A:minor"),
            ("in a minor key", "minor"),
            ("slow tempo", "slow"),
            ("an uptempo track", "fast"),
            ("a short fanfare", "short"),
        ],
    )
    def test_reads_tempo_key_and_pace(self, text: str, wanted: object):
        assert found(text) == [(wanted, True)]

    @pytest.mark.parametrize(
        "text",
        [
            "a climber on a rock face",
            "a metal door slams",
            "her heartbeat",
            "a slow walk along a beach",
            "a major storm hits the city",
            "a minor accident on the road",
            "birds singing at dawn",
            "000 bpm",
            "a happy child",
        ],
    )
    def test_a_scene_is_no_wish(self, text: str):
        assert found(text) == []

    @pytest.mark.parametrize(
        ("text", "wishes"),
        [
            ("no drums or vocals", [("drums", False), ("sung", False)]),
            ("no drums, piano please", [("drums", False), ("piano", True)]),
            ("no drums but a piano", [("drums", False), ("piano", True)]),
            ("nothing but strings", [("strings", True)]),
            ("I don\N{RIGHT SINGLE QUOTATION MARK}t want vocals", [("sung", False)]),
            ("no one is at the piano", [("piano", True)]),
            ("instrumental", [("sung", False)]),
            ("not instrumental", [("sung", True)]),
            ("not too sad", [("sadness", False)]),
            ("a rock song", [("rock", True)]),
        ],
    )
    def test_a_negation_reaches_to_the_end_of_its_clause(
        self, text: str, wishes: list[tuple[object, bool]]
    ):
        assert found(text) == wishes

    def test_what_is_said_tells_what_is_wanted(self):
        said = [
            wish.said
            for text in ("instrumental", "not instrumental", "no drums", "piano")
            for wish in wishes_in(text)
        ]
        assert said == ["instrumental", "no instrumental", "no drums", "piano"]

    def test_a_long_text_is_read_at_once_and_its_wishes_are_bounded(self):
        text = " ".join(f"piano no drums {tempo} bpm rock face" for tempo in range(10, 1000))
        started = time.perf_counter()
        assert len(wishes_in(text * 3)) == MAX_WISHES
        assert time.perf_counter() - started < 2.0

    @settings(deadline=None, max_examples=200)
    @given(st.text(alphabet="abcdefg #b\N{MUSIC FLAT SIGN}-majorinsht0129pm,", max_size=40))
    def test_every_key_is_one_that_tracks_have_and_every_tempo_above_zero(self, text: str):
        for wish in (*wishes_in(text), *unwanted_in(text)):
            if wish.subject == "key":
                assert wish.value in KEYS
            if wish.subject == "tempo":
                assert isinstance(wish.value, tuple)
                assert 10 <= wish.value[0] <= wish.value[1] < 1000

    @pytest.mark.parametrize("tonic", "CDEFGAB")
    @pytest.mark.parametrize("accidental", ["", "#", "b", " sharp", " flat"])
    def test_every_name_of_a_key_is_known(self, tonic: str, accidental: str):
        (wish,) = wishes_in(f"{tonic}{accidental} minor")
        assert wish.value in KEYS


class TestUnwantedIn:
    @pytest.mark.parametrize(
        ("text", "unwanted"),
        [
            ("drums", [("drums", False)]),
            ("no drums", [("drums", False)]),
            ("less drums", [("drums", False)]),
            ("free of drums", [("drums", False)]),
            ("nothing sad", [("sadness", False)]),
            ("anything sad or scary", [("sadness", False), ("darkness", False)]),
            ("no vocals", [("sung", False)]),
            ("instrumental", [("sung", True)]),
            ("a circus", []),
        ],
    )
    def test_however_it_is_said_it_is_not_wanted(
        self, text: str, unwanted: list[tuple[object, bool]]
    ):
        assert [(wish.value, wish.wanted) for wish in unwanted_in(text)] == unwanted


class TestDenials:
    @pytest.mark.parametrize(
        ("text", "denied"),
        [
            ("neither drums nor piano", {"drums", "piano"}),
            ("anything but piano", {"piano"}),
            ("calm, hardly any drums", {"drums"}),
            ("far from sad", {"sadness"}),
            ("I am not sure she is happy", set()),
        ],
    )
    def test_people_deny_in_many_words(self, text: str, denied: set[str]):
        assert {wish.value for wish in wishes_in(text) if not wish.wanted} == denied
        assert not [wish for wish in wishes_in(text) if wish.wanted]

    def test_a_text_that_only_denies_calls_for_nothing(self):
        assert without_denials("not too sad") == NEUTRAL
        assert without_denials("calm, without vocals") == "calm"

    @pytest.mark.parametrize(
        ("text", "is_whole"), [("nothing sad, please", True), ("a dark forest", False)]
    )
    def test_what_cannot_be_measured_is_not_dropped(self, text: str, *, is_whole: bool):
        assert is_named_in_full(text, unwanted_in(text)) == is_whole

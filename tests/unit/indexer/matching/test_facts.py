from __future__ import annotations

from typing import TYPE_CHECKING, cast

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from indexer.matching.facts import OCTAVE_CREDIT, fact_of, fact_values
from indexer.matching.wishes import Wish, unwanted_in, wishes_in
from indexer.sounds import KEYS, SOUND_DTYPE, TAG_COLUMNS, TAG_COUNT, UNKNOWN_KEY
from musiscene.scene_reader import MOOD_NAMES
from tests.support.matching import MadeTrack, made_candidates

if TYPE_CHECKING:
    from pathlib import Path

    from indexer.matching.candidates import Candidates


def value(folder: Path, text: str, track: MadeTrack) -> float:
    (wish,) = wishes_in(text)
    return float(fact_values(wish, made_candidates(folder, track))[0])


class TestFactValues:
    @pytest.mark.parametrize(
        ("text", "agrees", "disagrees"),
        [
            ("120 bpm", MadeTrack(bpm=122), MadeTrack(bpm=160)),
            ("100-130 bpm", MadeTrack(bpm=115), MadeTrack(bpm=80)),
            ("slow tempo", MadeTrack(bpm=60), MadeTrack(bpm=150)),
            ("uptempo", MadeTrack(bpm=150), MadeTrack(bpm=60)),
            ("Eb minor", MadeTrack(key="D#:minor"), MadeTrack(key="E:minor")),
            ("a minor key", MadeTrack(key="E:minor"), MadeTrack(key="E:major")),
            ("a short sting", MadeTrack(duration_seconds=6), MadeTrack(duration_seconds=200)),
            ("instrumental", MadeTrack(vocals=0.0), MadeTrack(vocals=1.0)),
            ("vocals", MadeTrack(vocals=1.0), MadeTrack(vocals=0.0)),
            ("no drums", MadeTrack(), MadeTrack(tags={"drums": 0.5})),
            ("piano", MadeTrack(tags={"piano": 0.4}), MadeTrack()),
        ],
    )
    def test_tells_a_track_that_is_so_from_one_that_is_not(
        self, tmp_path: Path, text: str, agrees: MadeTrack, disagrees: MadeTrack
    ):
        (wish,) = wishes_in(text)
        candidates = made_candidates(tmp_path, agrees, disagrees)
        first, second = fact_values(wish, candidates)
        assert first > 0.5
        assert second < -0.5
        assert [fact_of(wish, candidates, one).agrees for one in (0, 1)] == [True, False]

    def test_an_unwanted_mood_speaks_against_the_track_that_has_it(self, tmp_path: Path):
        candidates = made_candidates(
            tmp_path, MadeTrack(valence=-0.9, arousal=-0.6), MadeTrack(valence=0.9, arousal=0.5)
        )
        (wish,) = unwanted_in("nothing sad")
        sad, glad = fact_values(wish, candidates)
        assert sad < 0 < glad
        assert "sadness with probability" in fact_of(wish, candidates, 0).found

    @pytest.mark.parametrize("bpm", [60.0, 240.0])
    def test_an_octave_off_is_a_little_right(self, tmp_path: Path, bpm: float):
        assert value(tmp_path, "120 bpm", MadeTrack(bpm=bpm)) == pytest.approx(OCTAVE_CREDIT)

    @pytest.mark.parametrize("text", ["E minor", "a minor key"])
    def test_an_unknown_key_says_nothing(self, tmp_path: Path, text: str):
        assert value(tmp_path, text, MadeTrack(key="")) == 0.0

    @pytest.mark.parametrize("text", ["120 bpm", "slow tempo", "uptempo"])
    def test_an_unknown_tempo_says_nothing(self, tmp_path: Path, text: str):
        assert value(tmp_path, text, MadeTrack(bpm=0.0)) == 0.0

    def test_a_doubtful_key_says_less(self, tmp_path: Path):
        sure = value(tmp_path / "a", "E major", MadeTrack(key_confidence=0.9))
        unsure = value(tmp_path / "b", "E major", MadeTrack(key_confidence=0.2))
        assert sure > unsure > 0

    @settings(deadline=None, max_examples=200)
    @given(st.data())
    def test_is_bounded_and_turns_with_the_wish(self, data: st.DataObject):
        wish = data.draw(wishes)
        candidates = data.draw(measured)
        values = fact_values(wish, candidates)
        other = Wish(subject=wish.subject, value=wish.value, text=wish.text, wanted=not wish.wanted)
        assert (np.abs(values) <= 1.0 + 1e-6).all()
        np.testing.assert_array_equal(fact_values(other, candidates), -values)


class Measured:
    """One track, as facts look at it."""

    def __init__(self, sounds: np.ndarray, tags: np.ndarray, chances: np.ndarray) -> None:
        self.sounds, self.tags, self.mood_log_chances = sounds, tags, chances

    def __len__(self) -> int:
        return len(self.sounds)


shares = st.floats(0, 1, width=32)


@st.composite
def made(draw: st.DrawFn) -> Candidates:
    sounds = np.zeros(1, SOUND_DTYPE)
    for name in ("bpm_confidence", "key_confidence", "vocal_probability"):
        sounds[name] = draw(shares)
    sounds["bpm"] = draw(st.just(0.0) | st.floats(10, 400))
    sounds["duration_seconds"] = draw(st.floats(0, 10_000))
    sounds["key"] = draw(st.sampled_from([*range(len(KEYS)), UNKNOWN_KEY]))
    tags = np.full((1, TAG_COUNT), draw(shares), np.float16)
    chances = np.log(np.full((1, len(MOOD_NAMES)), draw(st.floats(1e-6, 1.0)), np.float32))
    return cast("Candidates", Measured(sounds, tags, chances))


measured = made()
tempi = st.floats(10, 400)
wishes = st.one_of(
    st.builds(lambda low, high: ("tempo", (min(low, high), max(low, high))), tempi, tempi),
    st.tuples(st.just("pace"), st.sampled_from(["slow", "fast"])),
    st.tuples(st.just("key"), st.sampled_from(KEYS)),
    st.tuples(st.just("mode"), st.sampled_from(["major", "minor"])),
    st.tuples(st.just("voices"), st.just("sung")),
    st.tuples(st.just("tag"), st.sampled_from([*TAG_COLUMNS, "kazoo"])),
    st.tuples(st.just("mood"), st.sampled_from(MOOD_NAMES)),
    st.tuples(st.just("length"), st.just("short")),
).flatmap(
    lambda one: st.builds(
        Wish,
        subject=st.just(one[0]),
        value=st.just(one[1]),
        text=st.just("x"),
        wanted=st.booleans(),
    )
)

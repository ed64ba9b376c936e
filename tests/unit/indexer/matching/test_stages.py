from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from indexer.matching.stages import (
    RULED_OUT,
    CaptionStage,
    FactStage,
    FeedbackStage,
    ImaginedStage,
    MoodStage,
    UnwantedStage,
    mood_values,
)
from indexer.taste import Taste
from musiscene.scene_reader import MOODS
from tests.support.listening import WordEmbedder
from tests.support.matching import MadeTrack, made_brief, made_candidates, track_id, vectors_of

if TYPE_CHECKING:
    from pathlib import Path

    from indexer.matching.candidates import Candidates

SAD = MadeTrack(valence=-0.8, arousal=-0.6, music="slow strings", scenes=("a lonely grave",))
GLAD = MadeTrack(valence=0.8, arousal=0.6, music="fast drums", scenes=("children at a fair",))
LIKE_SAD = MadeTrack(valence=-0.7, arousal=-0.5, music="slow strings", scenes=("a lonely grave",))


@pytest.fixture
def candidates(tmp_path: Path) -> Candidates:
    return made_candidates(tmp_path, SAD, GLAD, LIKE_SAD)


def unwanted(candidates: Candidates) -> UnwantedStage:
    ordinals = {one: row for row, one in enumerate(candidates.track_ids)}
    return UnwantedStage(ordinals.get, lambda ordinal: vectors_of(candidates, ordinal))


class TestMoodStage:
    def test_the_mood_that_is_called_for_decides(self, candidates: Candidates):
        sad, glad = MoodStage().score(made_brief("a sad mournful farewell"), candidates)[:2]
        assert sad > 0 > glad
        glad_first = MoodStage().score(made_brief("a happy cheerful dance"), candidates)
        assert glad_first.argmax() == 1

    def test_the_heavier_scene_decides(self, candidates: Candidates):
        captions = ("sad mournful", "happy cheerful")
        for weights, first in (([9.0, 1.0], 0), ([1.0, 9.0], 1)):
            values = MoodStage().score(made_brief(*captions, weights=weights), candidates)
            assert values.argmax() == first

    @settings(deadline=None)
    @given(
        arrays(np.float32, (1, len(MOODS)), elements=st.floats(-60, 0, width=32)),
        st.integers(0, len(MOODS) - 1),
    )
    def test_values_are_bounded(self, log_chances: np.ndarray, mood: int):
        wanted = np.eye(len(MOODS), dtype=np.float32)[mood]
        assert np.abs(mood_values(wanted, log_chances)).max() <= 1.0

    def test_even_chances_are_worth_nothing(self):
        even = np.full((1, len(MOODS)), -np.log(len(MOODS)), np.float32)
        wanted = np.full(len(MOODS), 1 / len(MOODS), np.float32)
        assert mood_values(wanted, even) == pytest.approx(0.0, abs=1e-6)


class TestCaptionStage:
    def test_the_nearest_caption_counts(self, candidates: Candidates):
        brief = made_brief("a lonely grave")
        assert CaptionStage("scene").score(brief, candidates) == pytest.approx([1, 0, 1], abs=1e-3)
        texts = {1: "a lonely grave"}
        assert CaptionStage("scene").reason(brief, candidates, 0, texts) == "a lonely grave"

    def test_a_caption_that_was_replaced_since_is_not_quoted(self, candidates: Candidates):
        assert CaptionStage("scene").reason(made_brief("a grave"), candidates, 0, {}) == ""


class TestImaginedStage:
    def test_tracks_with_what_is_imagined_are_better(self, tmp_path: Path):
        candidates = made_candidates(
            tmp_path, MadeTrack(tags={"piano": 0.8}), MadeTrack(tags={"drums": 0.8}), MadeTrack()
        )
        values = ImaginedStage().score(made_brief("piano"), candidates)
        assert values.argmax() == 0
        assert "piano" in ImaginedStage().reason(made_brief("piano"), candidates, 0, {})


class TestFactStage:
    def test_no_wish_has_no_say(self, candidates: Candidates):
        assert not FactStage().score(made_brief("a lonely grave"), candidates).any()

    def test_says_what_agrees_and_what_does_not(self, candidates: Candidates):
        brief = made_brief("E major, 80-90 bpm, no vocals")
        said = "agrees: e major, no vocals; disagrees: 80-90 bpm"
        assert FactStage().reason(brief, candidates, 0, {}) == said


class TestUnwantedStage:
    def test_the_named_track_is_ruled_out_and_near_ones_are_lowered(self, candidates: Candidates):
        brief = made_brief("a grave", unlike=[track_id(0)])
        values = unwanted(candidates).score(brief, candidates)
        assert values.tolist() == pytest.approx([RULED_OUT, 0.0, -1.0], abs=1e-2)
        stage = unwanted(candidates)
        assert [stage.reason(brief, candidates, one, {}) for one in range(3)] == [
            "is itself not wanted", "", "near to a track that is not wanted",
        ]  # fmt: skip

    def test_a_track_that_is_gone_is_passed_over(self, candidates: Candidates):
        brief = made_brief("a grave", unlike=[track_id(99)])
        assert not unwanted(candidates).score(brief, candidates).any()

    def test_a_mood_that_is_not_wanted_lowers_what_has_it(self, candidates: Candidates):
        brief = made_brief("a grave", negatives=["nothing sad"])
        sad, glad, _ = unwanted(candidates).score(brief, candidates)
        assert sad < -0.1
        assert glad == 0.0
        assert unwanted(candidates).reason(brief, candidates, 0, {}) == "sad"
        assert unwanted(candidates).reason(brief, candidates, 1, {}) == ""

    def test_a_text_that_is_not_wanted_lowers_what_is_near(self, candidates: Candidates):
        brief = made_brief("a grave", negatives=["children at a fair"])
        values = unwanted(candidates).score(brief, candidates)
        assert values.argmin() == 1
        assert (
            unwanted(candidates).reason(brief, candidates, 1, {}) == "near to 'children at a fair'"
        )
        assert unwanted(candidates).reason(brief, candidates, 0, {}) == ""

    def test_nothing_is_raised_by_what_is_not_wanted(self, candidates: Candidates):
        negatives = ["nothing sad", "drums", "no vocals", "instrumental", "a fair"]
        brief = made_brief("a grave", negatives=negatives, unlike=[track_id(1)])
        assert unwanted(candidates).score(brief, candidates).max() <= 0.0


class TestFeedbackStage:
    def taste(self, text: str, *, is_accepted: bool) -> Taste:
        return Taste(
            WordEmbedder().encode([text.replace("\n", " ")]),
            [track_id(1)],
            np.array([is_accepted]),
            [text],
        )

    @pytest.mark.parametrize(("is_accepted", "value"), [(True, 1.0), (False, RULED_OUT)])
    def test_the_very_same_brief_decides(
        self, candidates: Candidates, *, is_accepted: bool, value: float
    ):
        stage = FeedbackStage(self.taste("a lonely grave", is_accepted=is_accepted))
        brief = made_brief("a lonely grave")
        assert stage.score(brief, candidates).tolist() == [0.0, value, 0.0]
        assert "a lonely grave" in stage.reason(brief, candidates, 1, {})
        assert stage.reason(brief, candidates, 0, {}) == ""

    def test_weights_do_not_hide_the_very_same_brief(self, candidates: Candidates):
        stage = FeedbackStage(self.taste("rain\nsnow", is_accepted=False))
        brief = made_brief("rain", "snow", weights=[99.0, 1.0])
        assert stage.score(brief, candidates)[1] == RULED_OUT

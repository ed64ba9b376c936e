from __future__ import annotations

from typing import TYPE_CHECKING, cast

import msgspec
import numpy as np
import pytest

from musiscene.console import Console
from musiscene.data.pseudo_captions import AudioAnswer
from musiscene.errors import AudioError
from musiscene.prompts import instruction_prompt
from musiscene.training.audio_lessons import hear_lessons, lessons_about
from musiscene.training.features import FeatureStore
from tests.support.lessons import MadeListener, audio_lesson

if TYPE_CHECKING:
    from pathlib import Path

    from musiscene.encoders.features import AudioFeatures
    from musiscene.listen import Listener
    from musiscene.prompts import PromptStyle


@pytest.fixture
def store(tmp_path: Path) -> FeatureStore:
    return FeatureStore(tmp_path, "made", lambda: cast("Listener", MadeListener()))


@pytest.fixture
def heard(store: FeatureStore) -> AudioFeatures:
    return store.features("/a.wav", "a" * 64)


class TestLessonsAbout:
    def test_each_answer_goes_with_what_it_is_about(self, heard: AudioFeatures):
        [whole] = lessons_about(audio_lesson("/a.wav"), heard, style="clean")
        [second] = lessons_about(audio_lesson("/a.wav", segment=1), heard, style="clean")
        assert whole.features is not None
        assert second.features is not None
        np.testing.assert_array_equal(whole.features, heard.track)
        np.testing.assert_array_equal(second.features, heard.segments[1])
        assert whole.answer == "Calm, slow."

    def test_asks_in_the_style_that_answers_are_asked_for(self, heard: AudioFeatures):
        styles: tuple[PromptStyle, ...] = ("clean", "mu-llama")
        for style in styles:
            [lesson] = lessons_about(audio_lesson("/a.wav"), heard, style=style)
            assert lesson.questions[0] == instruction_prompt("How does it feel?", style=style)
            assert instruction_prompt("What is the mood of the music?", style=style) in (
                lesson.questions
            )

    def test_what_is_known_stands_in_the_prompt(self, heard: AudioFeatures):
        answer = AudioAnswer(
            about="scene", question="Which scene?", answer="A boat.", context="Slow piano."
        )
        row = msgspec.structs.replace(audio_lesson("/a.wav"), answers=(answer,))
        [lesson] = lessons_about(row, heard, style="clean")
        assert lesson.questions == (instruction_prompt("Which scene?", context="Slow piano."),)

    def test_a_segment_that_is_not_there_is_refused(self, heard: AudioFeatures):
        with pytest.raises(AudioError, match="segment 2 of 2"):
            lessons_about(audio_lesson("/a.wav", segment=2), heard, style="clean")


class TestHearLessons:
    def test_a_bad_file_costs_a_line_and_not_the_run(
        self, store: FeatureStore, capsys: pytest.CaptureFixture[str]
    ):
        rows = [
            audio_lesson("/a.wav"),
            audio_lesson("/b.wav", "c" * 64),
            audio_lesson("/d.wav", "d" * 64),
        ]
        lessons = hear_lessons(rows, store, style="clean", console=Console())
        assert [lesson.id[0] for lesson in lessons] == ["a", "d"]
        assert "/b.wav: holds another recording" in capsys.readouterr().err

    def test_of_a_track_that_was_tried_twice_the_last_row_counts(self, store: FeatureStore):
        failed = msgspec.structs.replace(audio_lesson("/a.wav"), status="failed", answers=())
        rows = [failed, audio_lesson("/a.wav")]
        assert len(hear_lessons(rows, store, style="clean", console=Console())) == 1

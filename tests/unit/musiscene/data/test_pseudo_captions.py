from pathlib import Path

import msgspec
import pytest

from musiscene.data.manifest import Manifest
from musiscene.data.pseudo_captions import (
    AudioLesson,
    find_audio,
    lesson_from,
    write_lessons,
)
from musiscene.describe import describe_music
from musiscene.errors import SilentAudioError
from musiscene.listen import Listening, TagScore
from tests.support.listening import listening

TAGS = {"guitar": 0.6, "folk": 0.5, "rock": 0.1}


class TestLessonFrom:
    def test_answers_are_the_measured_facts(self):
        heard = listening(tags=TAGS, bpm=84.0, key="E:minor", artist="Her")
        lesson = lesson_from("/a.wav", heard)
        answers = {
            answer.about: answer.answer for answer in lesson.answers if answer.segment is None
        }
        assert answers["whole"] == describe_music(heard)
        assert "84 beats per minute" in answers["tempo"]
        assert "E minor" in answers["key"]
        assert "uitar" in answers["instruments"]
        assert answers["voice"] == "Nobody sings."
        assert (lesson.group, lesson.audio_hash) == ("Her", heard.audio_hash)

    def test_each_segment_is_described_by_what_is_heard_in_it(self):
        heard = listening(tags=TAGS, segments=2)
        flute = {"mtt": (TagScore(name="flute", score=0.7),)}
        second = msgspec.structs.replace(heard.segments[1], tags=flute)
        heard = msgspec.structs.replace(heard, segments=(heard.segments[0], second))
        answers = {
            (answer.segment, answer.about): answer.answer
            for answer in lesson_from("/a.wav", heard).answers
        }
        assert answers[1, "whole"] == describe_music(heard, second)
        assert "lute" in answers[1, "instruments"]
        assert "uitar" in answers[0, "instruments"]
        assert "uitar" in answers[None, "instruments"]

    def test_a_track_of_one_segment_is_described_once(self):
        answers = lesson_from("/a.wav", listening(tags=TAGS, segments=1)).answers
        assert all(answer.segment is None for answer in answers)

    def test_unsure_facts_are_no_lesson(self):
        abouts = {answer.about for answer in lesson_from("/a.wav", listening()).answers}
        assert "whole" in abouts
        assert "instruments" not in abouts
        assert "genre" not in abouts

    def test_wording_is_drawn_by_the_audio_alone(self):
        questions = {
            lesson_from(path, listening(audio_hash=digit * 64)).answers[0].question
            for digit in "0123456789"
            for path in ("/a.wav", "/b.wav")
        }
        assert 1 < len(questions) <= 4
        one, other = (lesson_from(path, listening()) for path in ("/a.wav", "/b.wav"))
        assert one.answers == other.answers
        assert one.group == listening().audio_hash


class TestWriteLessons:
    def test_goes_on_where_it_stopped_and_tries_failures_again(self, tmp_path: Path):
        asked: list[str] = []

        def hear(path: str) -> Listening:
            asked.append(path)
            if path == "/b.wav" and len(asked) < 3:
                raise SilentAudioError(path, "nothing can be heard")
            return listening(path)

        for _ in range(2):
            with Manifest(
                tmp_path / "lessons.jsonl", AudioLesson, key=lambda lesson: lesson.audio
            ) as manifest:
                lessons = list(write_lessons(["/a.wav", "/b.wav"], hear, manifest))
        assert asked == ["/a.wav", "/b.wav", "/b.wav"]
        assert [lesson.status for lesson in lessons] == ["done", "done"]

    def test_a_failure_is_a_row_with_its_reason(self, tmp_path: Path):
        def hear(path: str) -> Listening:
            raise SilentAudioError(path, "nothing can be heard")

        with Manifest(
            tmp_path / "lessons.jsonl", AudioLesson, key=lambda lesson: lesson.audio
        ) as manifest:
            [lesson] = write_lessons(["/a.wav"], hear, manifest)
        assert (lesson.status, lesson.problem) == ("failed", "nothing can be heard")


class TestFindAudio:
    def test_hidden_and_foreign_files_are_left_out(self, tmp_path: Path):
        for name in ("b.MP3", "sub/a.wav", ".hidden/c.wav", ".d.wav", "cover.png"):
            (tmp_path / name).parent.mkdir(exist_ok=True)
            (tmp_path / name).touch()
        assert find_audio(tmp_path) == [str(tmp_path / "b.MP3"), str(tmp_path / "sub/a.wav")]

    @pytest.mark.parametrize("order", [0, 1])
    def test_order_is_that_of_the_names(self, tmp_path: Path, order: int):
        for name in ("a.wav", "b.wav")[:: 1 - 2 * order]:
            (tmp_path / name).touch()
        assert [Path(path).name for path in find_audio(tmp_path)] == ["a.wav", "b.wav"]

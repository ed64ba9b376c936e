import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any, cast

import pytest

from musiscene.data.captions import QUESTIONS, AskedMusic, Clip, ImportedCaptions, NoCaptionError
from musiscene.errors import MusiSceneError
from musiscene.language_model import Sampling
from musiscene.listen import Listening
from tests.support.data import write_lines
from tests.support.listening import listening


class Answering:
    """Answers every question with its first word and the file."""

    version = "answering-1"

    def __init__(self, *, mute: bool = False) -> None:
        self.mute = mute

    def listen(self, path: str) -> Listening:
        return listening(path)

    def answer(self, heard: Listening, question: str, sampling: Sampling) -> Iterator[str]:
        assert sampling.seed == 3
        yield "" if self.mute else question.rsplit(maxsplit=1)[-1]
        yield "" if self.mute else f"  in\n{heard.info.path}"


def asked(*, mute: bool = False) -> AskedMusic:
    return AskedMusic(cast("Any", Answering(mute=mute)), Sampling(seed=3))


class TestImportedCaptions:
    def test_rows_speak_of_what_is_seen_and_heard(self, tmp_path: Path):
        path = write_lines(
            tmp_path / "captions.jsonl",
            [
                b'{"clip_id": "a", "video_caption": " a dog ", "music_elements": "Slow."}',
                b'{"clip_id": "b", "music_heard": "A drum."}',
            ],
        )
        captions = ImportedCaptions(path)
        assert captions.clip_ids == ("a", "b")
        seen = captions.describe_video(Clip(clip_id="a"))
        assert (seen.text, seen.provenance.origin) == ("a dog", "import")
        assert seen.provenance.name == "captions.jsonl"
        heard = captions.describe_music(Clip(clip_id="a"))
        assert {field: caption.text for field, caption in heard.items()} == {
            "music_elements": "Slow."
        }
        with pytest.raises(NoCaptionError, match="no video caption"):
            captions.describe_video(Clip(clip_id="b"))
        with pytest.raises(NoCaptionError, match="no music caption"):
            captions.describe_music(Clip(clip_id="b"))
        with pytest.raises(NoCaptionError):
            captions.describe_video(Clip(clip_id="none"))

    def test_an_object_of_answers_is_taken_as_the_named_field(self, tmp_path: Path):
        path = tmp_path / "answers.json"
        path.write_text(json.dumps({"a": {"pred": "Slow.", "q": "?"}, "b": "Fast."}))
        captions = ImportedCaptions(path, field="music_elements")
        texts = [
            captions.describe_music(Clip(clip_id=name))["music_elements"].text for name in "ab"
        ]
        assert texts == ["Slow.", "Fast."]

    @pytest.mark.parametrize(
        ("name", "content"), [("a.json", "[1]"), ("a.jsonl", '{"clip_id": 1}\n')]
    )
    def test_what_is_no_import_is_refused(self, tmp_path: Path, name: str, content: str):
        (tmp_path / name).write_text(content)
        with pytest.raises(MusiSceneError, match=name):
            ImportedCaptions(tmp_path / name)


class TestAskedMusic:
    def test_asks_the_authors_four_questions(self):
        captions = asked().describe_music(Clip(clip_id="a", path="/a.mp4"))
        assert {field: caption.text for field, caption in captions.items()} == {
            "music_elements": "genre in /a.mp4",
            "music_context": "music? in /a.mp4",
            "music_features": "detail in /a.mp4",
            "music_heard": "hear in /a.mp4",
        }
        assert captions["music_heard"].provenance.name == "answering-1"
        assert QUESTIONS["music_context"] == (
            "Describe elements of the music, such as its mood, rhythm, and genre. What is the"
            " context? What type of videos are suitable with this music?"
        )

    def test_no_file_and_no_answer_are_told(self):
        with pytest.raises(NoCaptionError, match="no file"):
            asked().describe_music(Clip(clip_id="a"))
        with pytest.raises(NoCaptionError, match="says nothing"):
            asked(mute=True).describe_music(Clip(clip_id="a", path="/a.mp4"))

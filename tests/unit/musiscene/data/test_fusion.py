import msgspec
import pytest

from musiscene.data.fusion import (
    MAX_WORDS,
    PAPER_SAMPLING,
    FuserBusyError,
    FusionError,
    clean_answer,
    fuse,
    fusion_prompt,
    rejection,
)
from musiscene.errors import MusiSceneError
from tests.support.data import GOOD_ANSWER, ScriptedFuser


def fused(fuser: ScriptedFuser, *, waits: list[float] | None = None, max_attempts: int = 4):
    return fuse(
        fuser,
        "scene",
        video_caption="a toy train",
        music_caption="Fast music.",
        seed=10,
        max_attempts=max_attempts,
        wait=(waits if waits is not None else []).append,
    )


class TestPrompt:
    def test_is_the_authors_to_the_letter(self):
        assert fusion_prompt("scene", video_caption="V", music_caption="M") == (
            "Video caption: 'V' \nMusic caption: 'M' \nDescribe the video from the given video and"
            " music information. Return answer only without intro/outro."
        )
        assert fusion_prompt("music", video_caption="V", music_caption="M") == (
            "Video caption: 'V' \nMusic caption: 'M' \nDescribe the music from both video and"
            " music captions. Return answer only without intro/outro."
        )

    def test_braces_in_captions_are_text(self):
        assert "'{music} {0}'" in fusion_prompt(
            "scene", video_caption="{music} {0}", music_caption=""
        )

    def test_sampling_is_the_authors(self):
        assert msgspec.structs.asdict(PAPER_SAMPLING) == {
            "temperature": 0.7,
            "top_p": 0.95,
            "top_k": 40,
            "max_new_tokens": 512,
        }


class TestCleanAnswer:
    @pytest.mark.parametrize(
        ("written", "cleaned"),
        [
            pytest.param("<s> [INST] Ask [/INST]\n     One.\nTwo.</s>", "One.Two.", id="mixtral"),
            pytest.param("a [/INST] b [/INST] c", "c", id="the last mark counts"),
            pytest.param("  a   b ", "a b", id="blanks"),
            pytest.param("\n</s>", "", id="nothing"),
        ],
    )
    def test_cleans_as_the_authors(self, written: str, cleaned: str):
        assert clean_answer(written) == cleaned


class TestRejection:
    @pytest.mark.parametrize(
        ("answer", "reason"),
        [
            pytest.param("", "is empty", id="empty"),
            pytest.param("...", "is empty", id="no word"),
            pytest.param("I'm sorry, but I can see no video here at all.", "refusal", id="sorry"),
            pytest.param(
                "I\u2019m unable to watch videos or to hear music.", "refusal", id="curly"
            ),
            pytest.param("I cannot describe the video without seeing it.", "refusal", id="cannot"),
            pytest.param("A toy train.", "3 words, fewer", id="short"),
            pytest.param("toot " * (MAX_WORDS + 1), "more than", id="long"),
            pytest.param(
                "Describe the video from the given video and music information.",
                "repeats",
                id="the task",
            ),
            pytest.param(
                "Video caption: 'a toy train' and then some more words of it", "repeats", id="form"
            ),
            pytest.param(
                'The music caption: "Fast, with many other words that were not asked."',
                "repeats",
                id="form in other marks",
            ),
        ],
    )
    def test_says_what_is_wrong(self, answer: str, reason: str):
        prompt = fusion_prompt("scene", video_caption="a toy train", music_caption="Fast music.")
        assert reason in (rejection(answer, prompt) or "")

    @pytest.mark.parametrize(
        "answer", [GOOD_ANSWER, "toot " * MAX_WORDS, "A man who is sorry can no longer go home."]
    )
    def test_takes_the_rest(self, answer: str):
        assert rejection(answer, fusion_prompt("scene", video_caption="", music_caption="")) is None


class TestFuse:
    def test_provenance_tells_how_it_was_made(self):
        text, provenance = fused(ScriptedFuser(f" {GOOD_ANSWER}\n"))
        assert text == GOOD_ANSWER
        assert (provenance.origin, provenance.name) == ("model", "scripted")
        assert (provenance.prompt, provenance.seed) == ("vacad-1/scene", 10)
        assert provenance.sampling == PAPER_SAMPLING
        assert provenance.created_at is not None
        assert provenance.created_at.utcoffset() is not None

    def test_a_bad_answer_is_asked_again_at_once_with_the_next_seed(self):
        fuser = ScriptedFuser("", "I'm sorry, no.", GOOD_ANSWER)
        waits: list[float] = []
        _, provenance = fused(fuser, waits=waits)
        assert (provenance.seed, provenance.attempts) == (12, 3)
        assert fuser.seeds == [10, 11, 12]
        assert waits == []

    def test_a_busy_model_is_waited_for_longer_each_time(self):
        waits: list[float] = []
        busy = FuserBusyError("busy")
        _, provenance = fused(ScriptedFuser(busy, busy, busy, GOOD_ANSWER), waits=waits)
        assert waits == [1.0, 2.0, 4.0]
        assert provenance.attempts == 4

    @pytest.mark.parametrize(
        ("answer", "reason"),
        [("No.", "fewer than"), (FuserBusyError("status 503"), "status 503")],
    )
    def test_gives_up_with_the_last_reason(self, answer: str | Exception, reason: str):
        waits: list[float] = []
        with pytest.raises(FusionError, match=reason):
            fused(ScriptedFuser(answer), waits=waits, max_attempts=2)
        assert len(waits) <= 1

    def test_a_model_that_cannot_be_asked_ends_it(self):
        fuser = ScriptedFuser(MusiSceneError("no such key"))
        with pytest.raises(MusiSceneError, match="no such key"):
            fused(fuser)
        assert len(fuser.seeds) == 1

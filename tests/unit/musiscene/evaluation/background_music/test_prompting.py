import pytest

from musiscene.evaluation.background_music.prompting import Form, forms_of, prompt_for
from musiscene.generate.protocol import MAX_PROMPT_CHARACTERS
from tests.support.listening import word_reader


class TestPromptFor:
    def test_short_ones_have_moods_music_and_what_is_said(self):
        caption = "A sad and slow piano piece at 70 bpm without drums, while somebody walks home."
        prompt = prompt_for(caption, "short", word_reader())
        words = prompt.split(", ")
        assert {"sad", "piano", "70 bpm", "no drums"} <= set(words)
        assert "drums" not in words
        assert len(words) <= 12

    def test_long_ones_are_the_caption_as_far_as_it_may_go(self):
        assert prompt_for("a man\n walks", "long", word_reader()) == "a man walks"
        cut = prompt_for("word " * 600, "long", word_reader())
        assert len(cut) <= MAX_PROMPT_CHARACTERS
        assert cut.endswith("word")


class TestFormsOf:
    @pytest.mark.parametrize(
        ("choice", "forms"),
        [("short", ("short",)), ("long", ("long",)), ("both", ("short", "long"))],
    )
    def test_names_the_forms(self, choice: str, forms: tuple[Form, ...]):
        assert forms_of(choice) == forms

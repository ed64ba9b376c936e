import pytest

from musiscene.affect import WORD_PLACES
from musiscene.imagine.fallback import SCENES
from musiscene.imagine.moods import MOODS, OTHER_WORDS, mood_of, prompt_for
from musiscene.imagine.prompt import EXAMPLES, FEW_SHOT_PROMPT


class TestMoodOf:
    @pytest.mark.parametrize("word", sorted(WORD_PLACES))
    def test_every_word_of_affect_speaks_of_a_mood(self, word: str):
        assert mood_of(f"A {word} piece.") is not None

    @pytest.mark.parametrize("mood", MOODS)
    def test_a_mood_is_found_by_its_first_word(self, mood: str):
        assert mood_of(f"A {MOODS[mood][0]} piece with piano.") == mood

    def test_the_majority_decides(self):
        assert mood_of("Happy, sad, lonely, with piano") == "sad"

    def test_of_two_equal_moods_the_first_named_decides(self):
        assert mood_of("happy, sad") == "joyful"
        assert mood_of("sad, happy") == "sad"

    def test_without_a_word_of_mood_there_is_none(self):
        assert mood_of("Piano and bass.") is None

    def test_the_other_words_belong_to_one_mood_each(self):
        words = [word for of_mood in OTHER_WORDS.values() for word in of_mood.split()]
        assert len(set(words)) == len(words)
        assert set(OTHER_WORDS) == set(MOODS)


class TestPromptFor:
    @pytest.mark.parametrize("mood", MOODS)
    def test_shows_the_scenes_of_the_mood_alone(self, mood: str):
        shown = set(prompt_for(f"A {MOODS[mood][0]} piece.").example_scenes)
        assert shown == {scene for word in MOODS[mood] for scene in SCENES[word]}

    def test_shows_scenes_of_every_mood_where_there_is_none(self):
        assert prompt_for("Piano and bass.") == FEW_SHOT_PROMPT
        assert len({mood_of(music) for music, _ in EXAMPLES}) == len(MOODS)

    def test_asks_about_the_description_last(self):
        prompt = prompt_for("A calm piece.")
        asked = prompt.template.format(description="A calm piece.")
        assert "Music: A calm piece." in asked
        assert asked.endswith("<|im_start|>assistant\n")
        assert prompt.prefix.startswith("<|im_start|>system\n")
        assert prompt.prefix.count("<|im_start|>assistant\n") == len(prompt.example_scenes)

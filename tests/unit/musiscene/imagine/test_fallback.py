from musiscene.affect import WORD_PLACES
from musiscene.imagine.fallback import NEUTRAL_SCENES, SCENES, fallback_scenes


class TestFallbackScenes:
    def test_every_mood_word_has_scenes(self):
        assert set(SCENES) == set(WORD_PLACES)

    def test_takes_the_mood_words_in_order(self):
        scenes = fallback_scenes("A calm and tender folk piece.")
        assert scenes == [*SCENES["calm"], *SCENES["tender"], *NEUTRAL_SCENES]

    def test_without_a_mood_word_it_stays_neutral(self):
        assert fallback_scenes("A folk piece.") == list(NEUTRAL_SCENES)

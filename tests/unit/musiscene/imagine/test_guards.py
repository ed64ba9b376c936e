import pytest

from musiscene.imagine.fallback import NEUTRAL_SCENES, SCENES
from musiscene.imagine.guards import GUARDS, first_sentences, likeness, rejection, without_mood
from musiscene.imagine.prompt import (
    EXAMPLES,
    FEW_SHOT_PROMPT,
    LEARNT_SCENE,
    LEARNT_VIDEO,
    ScenePrompt,
    few_shot_prompt,
)

EXAMPLE = "An old man sits by a rainy window, turning the pages of a photo album."
PROMPT = few_shot_prompt([("Slow piano.", EXAMPLE)])
DESCRIPTION = "A calm and peaceful folk piece with guitar, instrumental, slow at about 80 bpm."


class TestRejection:
    @pytest.mark.parametrize(
        "scene",
        [
            "A fisherman's boat drifts past the old pier, and gulls circle overhead.",
            "Two friends laugh in a café; snow falls outside.",
            "At 3 in the morning, a nurse walks the empty hall.",
        ],
    )
    def test_lets_a_plain_scene_pass(self, scene: str):
        assert rejection(scene, DESCRIPTION, PROMPT) is None

    @pytest.mark.parametrize(
        ("guard", "scene"),
        [
            pytest.param("length", "A calm lake.", id="too short"),
            pytest.param("length", " ".join(["A", *(f"wo{'r' * n}d" for n in range(31))]) + ".",
                         id="too long"),
            pytest.param("length", "", id="empty"),
            pytest.param("characters", "A boat drifts past the pier @ dawn today.", id="sign"),
            pytest.param("characters", "A boat drifts past the 桟橋 at dawn.", id="other script"),
            pytest.param("characters", "Scene: a boat drifts past the old pier.", id="label"),
            pytest.param("list", "1. A boat drifts past the old pier.", id="numbered"),
            pytest.param("list", "A boat drifts past the pier in 1987.", id="year"),
            pytest.param("music talk", "This song is about a boat at dawn.", id="song"),
            pytest.param("music talk", "A slow melody plays while a boat drifts.", id="melody"),
            pytest.param("music talk", "A man with a guitar, a piano and drums.", id="band"),
            pytest.param("reader", "You see a boat drift past the pier.", id="you"),
            pytest.param("unsafe", "A naked man walks along the old pier.", id="nude"),
            pytest.param("echo", "A calm and peaceful boat drifts past the pier.", id="prompt"),
            pytest.param("copy", "A young man sits by a rainy window and waits.", id="words"),
            pytest.param("copy", "Rainy pages of an album by the window.", id="content"),
            pytest.param("loop", "A boat on the sea, a boat on the sea.", id="loop"),
            pytest.param("doubled", "A boat and a boat drift past the pier at dawn.", id="and"),
            pytest.param("bland", "A live performance at an event for a main opening session.",
                         id="bland"),
            pytest.param("repetition", "A lone boat drifts past a lone pier at dawn.", id="word"),
            pytest.param("singing", "A woman sings on a pier at dawn.", id="instrumental"),
            pytest.param("mood", "A lone man waits in a dark alley at night.", id="dark"),
        ],
    )  # fmt: skip
    def test_names_what_is_wrong(self, guard: str, scene: str):
        assert rejection(scene, DESCRIPTION, PROMPT) == guard

    def test_every_guard_has_a_case(self):
        (mark,) = self.test_names_what_is_wrong.pytestmark
        assert {case.values[0] for case in mark.args[1]} == set(GUARDS)

    @pytest.mark.parametrize("prompt", [FEW_SHOT_PROMPT, LEARNT_SCENE, LEARNT_VIDEO])
    def test_every_prompt_names_guards_that_exist(self, prompt: ScenePrompt):
        assert set(prompt.guards) <= set(GUARDS)

    def test_a_model_that_learnt_may_say_what_people_say(self):
        scene = "A folk music festival."
        assert rejection(scene, "A tune.", LEARNT_SCENE) is None
        assert rejection(scene, "A tune.", FEW_SHOT_PROMPT) == "length"

    @pytest.mark.parametrize(
        ("guard", "scene"),
        [
            ("length", "Rain."),
            ("unsafe", "A naked man on a pier."),
            ("loop", "A bar in a bar in a bar in a bar."),
            ("reader", "A date with your friends."),
            ("bland", "A movie scene, warm and tender."),
            ("doubled", "A romance, tender and tender."),
        ],
    )
    def test_some_things_no_model_may_say(self, guard: str, scene: str):
        assert rejection(scene, "A tune.", LEARNT_SCENE) == guard

    def test_singing_is_no_contradiction_of_a_song(self):
        sung = "A calm folk song with guitar, sung by a woman."
        assert rejection("A mother sings to her child on a pier.", sung, PROMPT) is None

    def test_a_party_does_not_belong_to_sad_music(self):
        sad = "A melancholic piece with piano."
        assert rejection("Two friends laugh at a party by the sea.", sad, PROMPT) == "mood"

    @pytest.mark.parametrize(("music", "scene"), EXAMPLES)
    def test_our_own_examples_are_scenes(self, music: str, scene: str):
        others = few_shot_prompt([example for example in EXAMPLES if example[1] != scene])
        assert rejection(scene, music, others) is None

    @pytest.mark.parametrize("word", SCENES)
    def test_the_bank_holds_scenes_of_its_moods(self, word: str):
        for scene in SCENES[word]:
            assert rejection(scene, f"A {word} piece.", FEW_SHOT_PROMPT) is None

    @pytest.mark.parametrize("scene", NEUTRAL_SCENES)
    def test_the_neutral_scenes_are_scenes(self, scene: str):
        assert rejection(scene, DESCRIPTION, FEW_SHOT_PROMPT) is None


class TestFirstSentences:
    @pytest.mark.parametrize(
        ("text", "sentence"),
        [
            pytest.param(" a boat leaves. The sun", "A boat leaves.", id="cuts what is unfinished"),
            pytest.param('"A boat leaves."', "A boat leaves.", id="strips quotes"),
            pytest.param("A boat leaves the", "", id="nothing finished"),
            pytest.param(
                "At 3.30 a boat leaves! So", "At 3.30 a boat leaves!", id="not at a number"
            ),
            pytest.param("\u201cA boat\u2019s bell.\u201d", "A boat's bell.", id="plain quotes"),
            pytest.param("", "", id="empty"),
            pytest.param("...", "", id="dots"),
        ],
    )
    def test_keeps_one_full_sentence(self, text: str, sentence: str):
        assert first_sentences(text) == sentence

    def test_keeps_as_many_as_asked_for(self):
        text = "a bar. A club at night. And then"
        assert first_sentences(text, 2) == "A bar. A club at night."
        assert first_sentences(text, 1) == "A bar."


class TestWithoutMood:
    @pytest.mark.parametrize(
        ("scene", "seen"),
        [
            ("A fair, joyful and lively.", "A fair."),
            ("A club. A bar, groovy.", "A club. A bar."),
            ("A fair, fun, happy and upbeat.", "A fair."),
            ("A tender scene.", "A tender scene."),
            ("A fair.", "A fair."),
        ],
    )
    def test_leaves_what_is_seen(self, scene: str, seen: str):
        assert without_mood(scene) == seen


class TestLikeness:
    def test_counts_content_words(self):
        assert likeness("A boat leaves the harbour.", "The boat leaves a town.") == 0.5
        assert likeness("Snow falls.", "Children laugh.") == 0.0
        assert likeness("Snow falls.", "snow falls") == 1.0

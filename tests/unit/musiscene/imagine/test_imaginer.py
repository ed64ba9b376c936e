from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, cast

import msgspec
import numpy as np
import pytest
from numpy.typing import NDArray

from musiscene.imagine import SceneImaginer
from musiscene.imagine.fallback import SCENES
from musiscene.imagine.imaginer import MAX_ROUNDS
from musiscene.imagine.prompt import FEW_SHOT_PROMPT, LEARNT_SCENE
from musiscene.language_model import AudioStates, Completion, LanguageModel, Sampling
from tests.support.language_model import write_tiny_language_model

if TYPE_CHECKING:
    from musiscene.embed import TextEmbedder

CALM = "A calm folk piece with guitar, instrumental."
BOAT = "A fisherman's boat drifts past the old pier at dawn."
FERRY = "Two cyclists wait for a ferry at the river landing."
GARDEN = "A gardener waters long rows of tulips in the evening."


class ScriptedWriter:
    """Writes what it is told, round after round, each text less likely than the one before."""

    def __init__(self, rounds: Sequence[Sequence[str]]) -> None:
        self.rounds = list(rounds)
        self.prefixes: list[str] = []
        self.asked: list[tuple[list[str], Sampling]] = []

    def complete(
        self,
        prefix: str,
        continuations: Sequence[str],
        sampling: Sampling,
        *,
        audio: AudioStates | None,
        audio_rows: Sequence[int],
    ) -> list[list[Completion]]:
        assert audio is None
        assert not audio_rows
        assert prefix.endswith("\n")
        self.prefixes.append(prefix)
        self.asked.append((list(continuations), sampling))
        texts = self.rounds[min(len(self.asked), len(self.rounds)) - 1]
        return [
            [
                Completion(
                    text=text, log_likelihood=-10.0 * n, token_ids=(1,) * 10, is_finished=True
                )
                for n, text in enumerate(texts, start=1)
            ]
            for _ in continuations
        ]


def imaginer(writer: ScriptedWriter) -> SceneImaginer:
    return SceneImaginer(cast("LanguageModel", writer))


class TestImagine:
    def test_keeps_the_likeliest_that_passes_the_guards(self):
        writer = ScriptedWriter([["This song is sad.", FERRY, BOAT]])
        (scene,) = imaginer(writer).imagine([CALM])[0]
        assert (scene.text, scene.origin) == (FERRY, "model")
        assert scene.log_likelihood == -2.0

    def test_shows_examples_of_the_mood_that_is_asked_for(self):
        writer = ScriptedWriter([[BOAT]])
        imaginer(writer).imagine([CALM, "A fierce metal track.", "A peaceful waltz."])
        calm, fierce = writer.prefixes
        assert SCENES["calm"][0] in calm
        assert SCENES["fierce"][0] in fierce
        assert SCENES["calm"][0] not in fierce
        assert [len(asked) for asked, _ in writer.asked] == [2, 1]

    def test_draws_again_for_what_the_guards_turned_down(self):
        writer = ScriptedWriter([["This song is sad and slow and long."], [BOAT]])
        (scene,) = imaginer(writer).imagine([CALM])[0]
        assert scene.text == BOAT
        first, second = (sampling.seed for _, sampling in writer.asked)
        assert first != second

    def test_draws_again_only_for_those_without_enough(self):
        class Picky(ScriptedWriter):
            def complete(
                self,
                prefix: str,
                continuations: Sequence[str],
                sampling: Sampling,
                *,
                audio: AudioStates | None,
                audio_rows: Sequence[int],
            ) -> list[list[Completion]]:
                drawn = super().complete(
                    prefix, continuations, sampling, audio=audio, audio_rows=audio_rows
                )
                return [
                    [] if "quiet" in text and len(self.asked) == 1 else row
                    for text, row in zip(continuations, drawn, strict=True)
                ]

        writer = Picky([[BOAT]])
        imaginer(writer).imagine([CALM, "A calm, quiet piece."])
        assert ["quiet" in text for text in writer.asked[1][0]] == [True]

    def test_falls_back_to_the_mood_and_says_so(self):
        writer = ScriptedWriter([["no"]])
        scenes = imaginer(writer).imagine([CALM], captions_per_description=2)[0]
        assert [scene.origin for scene in scenes] == ["fallback", "fallback"]
        assert "quiet bedroom" in scenes[0].text
        assert scenes[0].log_likelihood is None
        assert len(writer.asked) == MAX_ROUNDS

    def test_no_two_scenes_of_one_description_are_alike(self):
        nearly = BOAT.replace("dawn", "dusk")
        writer = ScriptedWriter([[BOAT, nearly, GARDEN, FERRY]])
        scenes = imaginer(writer).imagine([CALM], captions_per_description=3)[0]
        assert {scene.text for scene in scenes} == {BOAT, GARDEN, FERRY}

    def test_equal_descriptions_are_asked_once(self):
        writer = ScriptedWriter([[BOAT]])
        scenes = imaginer(writer).imagine([CALM, "A calm, quiet piece.", CALM])
        assert scenes[0] == scenes[2]
        assert len(writer.asked[0][0]) == 2

    def test_greedy_takes_the_likeliest_words_once(self):
        writer = ScriptedWriter([[BOAT]])
        (scene,) = imaginer(writer).imagine([CALM], captions_per_description=2, greedy=True)[0]
        sampling = writer.asked[0][1]
        assert (sampling.temperature, sampling.samples_per_prompt) == (0.0, 1)
        assert scene.text == BOAT

    def test_samples_several_candidates(self):
        writer = ScriptedWriter([[BOAT]])
        imaginer(writer).imagine([CALM])
        assert writer.asked[0][1].samples_per_prompt == FEW_SHOT_PROMPT.candidates > 1

    def test_an_embedder_puts_what_belongs_to_the_music_first(self):
        class Embedder:
            """Texts that speak of the sea are near to each other."""

            def encode(self, texts: Sequence[str]) -> NDArray[np.float32]:
                at_sea = [[1.0, 0.0] if "sea" in text else [0.6, 0.8] for text in texts]
                return np.asarray(at_sea, dtype=np.float32).reshape(-1, 2)

        writer = ScriptedWriter([["A club.", "A ship at sea, calm."], ["A ship at sea, calm."]])
        model = SceneImaginer(
            cast("LanguageModel", writer),
            choose_prompt=lambda _: msgspec.structs.replace(LEARNT_SCENE, prefix="\n"),
            embedder=cast("TextEmbedder", Embedder()),
        )
        sea, club = model.imagine(["A shanty of the sea."], captions_per_description=2)[0]
        assert (sea.text, club.text) == ("A ship at sea, calm.", "A club.")
        assert [sea.agreement, club.agreement] == pytest.approx([1.0, 0.6])
        assert (sea.log_likelihood or 0) < (club.log_likelihood or 0)

    def test_first_words_that_are_given_are_part_of_the_scene(self):
        writer = ScriptedWriter([[" drifts past the old pier at dawn."]])
        model = SceneImaginer(
            cast("LanguageModel", writer),
            choose_prompt=lambda _: msgspec.structs.replace(
                LEARNT_SCENE, prefix="\n", opening="A boat"
            ),
        )
        [(scene,)] = model.imagine([CALM])
        assert scene.text == "A boat drifts past the old pier at dawn."
        assert writer.asked[0][0][0].endswith("A boat")

    def test_no_descriptions_are_no_scenes(self):
        assert imaginer(ScriptedWriter([[BOAT]])).imagine([]) == []

    @pytest.mark.parametrize("count", [0, 4])
    def test_refuses_a_count_out_of_range(self, count: int):
        with pytest.raises(ValueError, match="captions_per_description"):
            imaginer(ScriptedWriter([[BOAT]])).imagine([CALM], captions_per_description=count)

    def test_a_model_that_writes_nonsense_still_gives_scenes(self, tmp_path: Path):
        """The real classes with random weights: every candidate must be turned down."""
        model = LanguageModel.load(write_tiny_language_model(tmp_path / "tiny"))
        scenes = SceneImaginer(model).imagine([CALM, "A loud piece."])
        assert [scene.origin for (scene,) in scenes] == ["fallback", "fallback"]

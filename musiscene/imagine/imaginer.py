"""Scenes for pieces of music: candidates from a language model, guarded and ranked."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, Literal, NamedTuple

import msgspec

from musiscene.imagine.fallback import fallback_scenes
from musiscene.imagine.guards import first_sentences, likeness, rejection, without_mood
from musiscene.imagine.moods import prompt_for

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence

    from musiscene.embed import TextEmbedder
    from musiscene.imagine.prompt import ScenePrompt
    from musiscene.language_model import AudioStates, Completion, LanguageModel

MAX_CAPTIONS: Final = 3
MAX_ROUNDS: Final = 3
"""After so many rounds without enough good scenes, one is taken from the bank."""
TOP_P: Final = 0.95
ROUND_SEED_STEP: Final = 1 << 32


class SceneCaption(msgspec.Struct, frozen=True, kw_only=True):
    """A scene that suits a piece of music."""

    text: str
    """One English sentence."""
    origin: Literal["model", "fallback"]
    """Whether the language model imagined it, or it was chosen by mood from a written bank."""
    log_likelihood: float | None = None
    """Mean natural log of the model's probability of a token; None for a fallback."""
    agreement: float | None = None
    """Cosine of what is seen and the music's description, as a text embedder has them; None where
    none was asked."""

    @property
    def rank(self) -> float:
        """By what scenes of one description are ordered, the highest first."""
        return (self.log_likelihood or 0.0) if self.agreement is None else self.agreement


class Asked(NamedTuple):
    """One request for scenes; equal ones get equal scenes."""

    description: str
    audio_row: int | None


class SceneImaginer:
    """Imagines scenes from descriptions of music.

    Args:
        language_model: Writes the candidates.
        choose_prompt: Description -> how it is asked about. The default shows examples of its
            mood; a model trained for scenes needs none, and the same prompt serves all.
        embedder: Ranks the candidates by how near they are to the description: without it the
            likeliest is first, which is often the one that would do for any music.
    """

    def __init__(
        self,
        language_model: LanguageModel,
        *,
        choose_prompt: Callable[[str], ScenePrompt] = prompt_for,
        embedder: TextEmbedder | None = None,
    ) -> None:
        self._language_model = language_model
        self._choose_prompt = choose_prompt
        self._embedder = embedder

    def imagine(
        self,
        descriptions: Sequence[str],
        *,
        audio: AudioStates | None = None,
        captions_per_description: int = 1,
        seed: int = 0,
        greedy: bool = False,
    ) -> list[tuple[SceneCaption, ...]]:
        """Imagine scenes for each description.

        Args:
            descriptions: Of music, in English.
            audio: The music itself, one row for each description; None for words alone.
            captions_per_description: 1 to `MAX_CAPTIONS`.
            seed: The same seed gives the same scenes, whatever else is in the batch.
            greedy: Take the likeliest words, which gives one scene only.

        Returns:
            For each description in order its scenes, the best first and those of the bank last.
            Equal descriptions get equal scenes, unless the music differs.

        Raises:
            ValueError: If `captions_per_description` is out of range.
        """
        if not 1 <= captions_per_description <= MAX_CAPTIONS:
            raise ValueError(
                f"captions_per_description is {captions_per_description}, not 1 to {MAX_CAPTIONS}"
            )
        wanted = 1 if greedy else captions_per_description
        asked = [
            Asked(text, None if audio is None else row) for row, text in enumerate(descriptions)
        ]
        found: dict[Asked, list[SceneCaption]] = {one: [] for one in asked}
        for round_number in range(1 if greedy else MAX_ROUNDS):
            missing = [one for one, kept in found.items() if len(kept) < wanted]
            if not missing:
                break
            round_seed = seed + round_number * ROUND_SEED_STEP
            candidates = self._candidates(missing, audio, seed=round_seed, greedy=greedy)
            for one, drawn in zip(missing, candidates, strict=True):
                alike = self._choose_prompt(one.description).likeness
                found[one] = _distinct([*found[one], *drawn], wanted, alike=alike)
        return [_filled(found[one], one.description, wanted) for one in asked]

    def _candidates(
        self, asked: Sequence[Asked], audio: AudioStates | None, *, seed: int, greedy: bool
    ) -> list[list[SceneCaption]]:
        """One round: for each description the scenes that pass the guards, the best first."""
        scenes: dict[Asked, list[SceneCaption]] = {}
        groups: dict[ScenePrompt, list[Asked]] = {}
        for one in asked:
            groups.setdefault(self._choose_prompt(one.description), []).append(one)
        for prompt, group in groups.items():
            answers = self._ask(prompt, group, audio, seed=seed, greedy=greedy)
            for one, drawn in zip(group, answers, strict=True):
                captions = [_caption(completion, prompt) for completion in drawn]
                scenes[one] = [
                    scene
                    for scene in captions
                    if rejection(scene.text, one.description, prompt) is None
                ]
        return self._ranked(asked, [scenes[one] for one in asked])

    def _ranked(
        self, asked: Sequence[Asked], scenes: Sequence[list[SceneCaption]]
    ) -> list[list[SceneCaption]]:
        """Each description's scenes, the best first."""
        agreed = scenes
        if self._embedder is not None:
            texts = [without_mood(scene.text) for drawn in scenes for scene in drawn]
            vectors = iter(self._embedder.encode(texts))
            descriptions = self._embedder.encode([one.description for one in asked])
            agreed = [
                [
                    msgspec.structs.replace(scene, agreement=float(next(vectors) @ description))
                    for scene in drawn
                ]
                for drawn, description in zip(scenes, descriptions, strict=True)
            ]
        return [sorted(drawn, key=lambda scene: -scene.rank) for drawn in agreed]

    def _ask(
        self,
        prompt: ScenePrompt,
        asked: Sequence[Asked],
        audio: AudioStates | None,
        *,
        seed: int,
        greedy: bool,
    ) -> list[list[Completion]]:
        from musiscene.language_model import Sampling

        sampling = Sampling(
            max_new_tokens=prompt.max_new_tokens,
            temperature=0.0 if greedy else prompt.temperature,
            top_p=TOP_P,
            seed=seed,
            stop=prompt.stop,
            samples_per_prompt=1 if greedy else prompt.candidates,
        )
        return self._language_model.complete(
            prompt.prefix,
            [prompt.template.format(description=one.description) + prompt.opening for one in asked],
            sampling,
            audio=audio,
            audio_rows=[one.audio_row for one in asked if one.audio_row is not None],
        )


def _caption(completion: Completion, prompt: ScenePrompt) -> SceneCaption:
    return SceneCaption(
        text=first_sentences(prompt.opening + completion.text, prompt.sentences),
        origin="model",
        log_likelihood=completion.log_likelihood / completion.token_count,
    )


def _distinct(scenes: Iterable[SceneCaption], wanted: int, *, alike: float) -> list[SceneCaption]:
    """The first `wanted` scenes of which no two are alike."""
    kept: list[SceneCaption] = []
    for scene in scenes:
        if len(kept) < wanted and all(likeness(scene.text, other.text) < alike for other in kept):
            kept.append(scene)
    return kept


def _filled(kept: list[SceneCaption], description: str, wanted: int) -> tuple[SceneCaption, ...]:
    """What the model imagined, made up to `wanted` from the bank."""
    spare = [SceneCaption(text=text, origin="fallback") for text in fallback_scenes(description)]
    best_first = sorted(kept, key=lambda scene: -scene.rank)
    return tuple([*best_first, *spare][:wanted])

"""MusiScene as one object: a file in, what is heard and imagined out.

Example:
    model = musiscene.load()
    for segment in model.imagine([model.listen("song.flac")])[0]:
        print(segment.start_seconds, segment.scene_captions[0].text)
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Self

import msgspec

from musiscene.audio.limits import AudioLimits
from musiscene.checkpoints.store import ModelStore
from musiscene.describe import describe_music
from musiscene.imagine import HEARD_PROMPT, SceneCaption, SceneImaginer
from musiscene.imagine.questions import answer_from_facts, asks_for_scenes
from musiscene.listen import Listener, Listening
from musiscene.profiles import (
    HEARING_MODEL,
    LANGUAGE_MODEL,
    LISTENING_MODEL,
    MODELS_OF,
    Licence,
    ProfileName,
    licences_of,
)
from musiscene.prompts import DESCRIBE_QUESTION, PromptStyle, instruction_prompt

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from pathlib import Path

    import torch

    from musiscene.encoders.mert import Hearing
    from musiscene.encoders.musicnn import MusicnnTagger
    from musiscene.language_model import AudioStates, LanguageModel, Sampling
    from musiscene.music_language_model import MusicLanguageModel

RECIPE_VERSION = "2"
"""Raised when the same models would say something else, so that libraries are heard anew."""

DEFAULT_LIMITS = AudioLimits()
MAX_DESCRIPTION_TOKENS = 64
CACHE_BYTES = 64 << 20
"""About what a processor keeps near: weights of less gain nothing by being halved."""


class ImaginedSegment(msgspec.Struct, frozen=True, kw_only=True):
    """What a stretch of a track sounds like, and the scenes it suits."""

    start_seconds: float
    """From the beginning of the track."""
    end_seconds: float
    """From the beginning of the track."""
    music_caption: str
    """What is heard, in a sentence or two."""
    scene_captions: tuple[SceneCaption, ...]
    """Scenes, the likeliest first."""


class MusiScene:
    """A listener and a language model, which may have an ear of its own.

    Without an ear (*tiny*: MusiCNN listens, SmolLM2-135M imagines) the language model reads what
    was measured. With one (*paper*: MERT, MU-LLaMA) it hears the music: it describes each segment
    first, and imagines scenes with that description before it.

    Args:
        listener: Hears tracks.
        language_model: Writes.
        ear: The same language model with its adapter; None if it only reads.
        version: Of the models and the recipe together.
        licences: Of the models' weights.
        prompt: How a model with an ear is asked about the music, unless asked otherwise; scenes are
            asked for with the description in the prompt, so cleanly.
    """

    def __init__(
        self,
        listener: Listener,
        language_model: LanguageModel,
        *,
        ear: MusicLanguageModel | None = None,
        version: str,
        licences: tuple[Licence, ...],
        prompt: PromptStyle = "clean",
    ) -> None:
        self.listener = listener
        self.version = version
        self.licences = licences
        self._language_model = language_model
        self._ear = ear
        self._prompt = prompt
        self._imaginer = (
            SceneImaginer(language_model)
            if ear is None
            else SceneImaginer(language_model, choose_prompt=lambda _: HEARD_PROMPT)
        )

    @classmethod
    def load(
        cls,
        store: ModelStore,
        *,
        profile: ProfileName = "tiny",
        checkpoint: Path | None = None,
        hear: Hearing = "whole",
        limits: AudioLimits = DEFAULT_LIMITS,
    ) -> Self:
        """Load the models of a profile.

        Args:
            store: Where the models are.
            profile: Which ones.
            checkpoint: A folder that `musiscene checkpoint` or training made, in place of the
                profile's language model.
            hear: How much of a track a model with MERT's ear hears for an answer about all of it.
            limits: On the files that are read.

        Returns:
            The model, on the GPU if there is one and the profile is made for it.

        Raises:
            ModelUnavailableError: If a model is not on this machine.
            ModelIntegrityError: If a model's files are damaged or do not fit together.
        """
        from transformers.utils.logging import disable_progress_bar

        from musiscene.encoders.musicnn import load_musicnn
        from musiscene.language_model import LanguageModel

        disable_progress_bar()  # type: ignore[no-untyped-call]  # a second of loading needs none

        tagger = load_musicnn(store.folder(LISTENING_MODEL))
        if checkpoint is None and profile == "tiny":
            folder = store.folder(LANGUAGE_MODEL)
            return cls(
                Listener(tagger, limits=limits),
                LanguageModel.load(folder, dtype=_fast_dtype(folder)),
                version=f"tiny-{RECIPE_VERSION}",
                licences=licences_of(MODELS_OF["tiny"]),
            )
        folder = store.folder(HEARING_MODEL) if checkpoint is None else checkpoint
        return cls._with_ear(folder, tagger, hear=hear, limits=limits)

    @classmethod
    def _with_ear(
        cls, folder: Path, tagger: MusicnnTagger, *, hear: Hearing, limits: AudioLimits
    ) -> Self:
        import torch

        from musiscene.checkpoints.manifest import digest_of
        from musiscene.checkpoints.native import ENCODER_FOLDER, read_settings
        from musiscene.encoders.mert import MertEncoder
        from musiscene.music_language_model import MusicLanguageModel

        settings = read_settings(folder)
        device = "cuda" if torch.cuda.is_available() else "cpu"
        dtype = torch.bfloat16 if device == "cuda" else _fast_dtype(folder)
        encoder = None
        if settings.encoder == "mert":
            encoder = MertEncoder.load(folder / ENCODER_FOLDER, device=device)
        ear = MusicLanguageModel.load(folder, device=device, dtype=dtype)
        parts = tuple(
            Licence(model=part.name, licence=part.licence, commercial_use=part.commercial_use)
            for part in settings.parts
        )
        return cls(
            Listener(tagger, encoder=encoder, hear=hear, limits=limits),
            ear.language_model,
            ear=ear,
            version=f"{settings.encoder}-{RECIPE_VERSION}-{digest_of(folder)}",
            licences=licences_of([LISTENING_MODEL]) + parts,
            prompt=settings.prompt,
        )

    def listen(self, path: str | Path) -> Listening:
        """Hear one file.

        Args:
            path: Any audio or video file.

        Returns:
            What `imagine` takes.

        Raises:
            AudioError: If the file cannot be heard.
        """
        return self.listener.hear(self.listener.read(path))

    def imagine(
        self,
        listenings: Sequence[Listening],
        *,
        captions_per_segment: int = 2,
        seed: int = 0,
        greedy: bool = False,
    ) -> list[tuple[ImaginedSegment, ...]]:
        """Imagine scenes for every segment of some tracks, in one batch.

        Args:
            listenings: What is heard in each track.
            captions_per_segment: How many scenes each segment gets; 0 only describes the music.
            seed: The same seed gives the same scenes, whatever else is in the batch.
            greedy: Take the likeliest words instead of sampling.

        Returns:
            The segments of each track, in order.
        """
        audio = self._hear_segments(listenings)
        asked = self._describe(listenings, audio)
        imagined = iter(
            self._imaginer.imagine(
                asked,
                audio=audio,
                captions_per_description=captions_per_segment,
                seed=seed,
                greedy=greedy,
            )
            if captions_per_segment
            else [()] * len(asked)
        )
        described = iter(asked)
        return [
            tuple(
                ImaginedSegment(
                    start_seconds=segment.start_seconds,
                    end_seconds=segment.end_seconds,
                    music_caption=next(described),
                    scene_captions=next(imagined),
                )
                for segment in listening.segments
            )
            for listening in listenings
        ]

    def answer(
        self,
        listening: Listening,
        question: str,
        sampling: Sampling,
        *,
        prompt: PromptStyle | None = None,
    ) -> Iterator[str]:
        """Answer a free question about a track, as the answer is written.

        Args:
            listening: What is heard in the track.
            question: In English.
            sampling: How a model with an ear draws its words; without one only its seed counts.
            prompt: How a model with an ear is asked; None for the way that its checkpoint states.

        Yields:
            Pieces of the answer.
        """
        if self._ear is None:
            yield self._answer_from_facts(listening, question, seed=sampling.seed)
            return
        import torch

        with torch.inference_mode():
            audio = self._ear.hear(torch.from_numpy(listening.features.track)[None])
        text = instruction_prompt(question, style=prompt or self._prompt)
        yield from self._language_model.stream(text, sampling, audio=audio)

    def _answer_from_facts(self, listening: Listening, question: str, *, seed: int) -> str:
        told = answer_from_facts(listening, question)
        if not asks_for_scenes(question):
            return told
        [scenes] = self._imaginer.imagine([describe_music(listening)], seed=seed)
        return f"{told} It might suit this scene: {scenes[0].text}"

    def _hear_segments(self, listenings: Sequence[Listening]) -> AudioStates | None:
        """What the language model hears of all segments in order; None if it only reads."""
        if self._ear is None or not listenings:
            return None
        import numpy as np
        import torch

        features = np.concatenate([listening.features.segments for listening in listenings])
        with torch.inference_mode():
            return self._ear.hear(torch.from_numpy(features))

    def _describe(self, listenings: Sequence[Listening], audio: AudioStates | None) -> list[str]:
        """The music of all segments in order, in words."""
        if audio is None:
            return [
                describe_music(listening, segment)
                for listening in listenings
                for segment in listening.segments
            ]
        from musiscene.language_model import Sampling

        greedy = Sampling(max_new_tokens=MAX_DESCRIPTION_TOKENS, temperature=0.0, stop=())
        prompt = instruction_prompt(DESCRIBE_QUESTION, style=self._prompt)
        answers = self._language_model.complete(prompt, [""] * audio.row_count, greedy, audio=audio)
        return [" ".join(answer.text.split()) for [answer] in answers]


def _fast_dtype(folder: Path) -> torch.dtype:
    """Bfloat16 where it halves the time, else float32, which rounds less.

    It does where the processor multiplies it itself and the weights are read from memory for every
    token; those of a small model stay in the processor's cache.
    """
    import torch

    able = torch.cpu.get_capabilities()
    weight_bytes = sum(path.stat().st_size for path in folder.rglob("*.safetensors"))
    is_faster = able.get("avx512_bf16") or able.get("amx_bf16")
    return torch.bfloat16 if is_faster and weight_bytes > CACHE_BYTES else torch.float32


def load(
    profile: ProfileName = "tiny",
    *,
    checkpoint: Path | None = None,
    models_dir: Path | None = None,
) -> MusiScene:
    """Load MusiScene with the models that `musiscene models pull` brought.

    Args:
        profile: `tiny`, which runs anywhere, or `paper`.
        checkpoint: A folder that `musiscene checkpoint` or training made, in place of the profile's
            language model.
        models_dir: A folder of models that is looked in before the cache.

    Returns:
        The model.

    Raises:
        ModelUnavailableError: If a model is not on this machine.
        ModelIntegrityError: If a model's files are damaged or do not fit together.
    """
    store = ModelStore(local_folder=models_dir)
    return MusiScene.load(store, profile=profile, checkpoint=checkpoint)

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
from musiscene.imagine import SceneCaption
from musiscene.imagine.questions import answer_from_facts, asks_for_scenes
from musiscene.listen import Listener, Listening
from musiscene.profiles import LISTENING_MODEL, ProfileName
from musiscene.prompts import DESCRIBE_QUESTION, PromptStyle, instruction_prompt
from musiscene.writer import load_writer

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from pathlib import Path

    from musiscene.encoders.mert import Hearing
    from musiscene.language_model import AudioStates, Sampling
    from musiscene.writer import Writer

DEFAULT_LIMITS = AudioLimits()
MAX_DESCRIPTION_TOKENS = 64


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
    """A listener and a language model with an ear.

    *paper* (MERT, MU-LLaMA) hears: it describes each segment itself. The ear of *tiny* (MusiCNN) is
    not as sure as what was measured, so there the description is made of measured facts. In both,
    scenes are imagined with the description in the prompt.

    Args:
        listener: Hears tracks.
        writer: The language model, and how it is asked.
    """

    def __init__(self, listener: Listener, writer: Writer) -> None:
        self.listener = listener
        self.versions = writer.versions
        self.version = writer.versions.writing
        self.licences = writer.licences
        self._writer = writer
        self._imaginer = writer.imaginer()

    @property
    def needs_features(self) -> bool:
        """Whether scenes cannot be imagined without the encoder's features."""
        return self._writer.trusts_ear

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
        from musiscene.checkpoints.native import ENCODER_FOLDER
        from musiscene.encoders.musicnn import load_musicnn

        tagger = load_musicnn(store.folder(LISTENING_MODEL))
        writer = load_writer(store, profile=profile, checkpoint=checkpoint, hear=hear)
        encoder = None
        if writer.settings.encoder == "mert":
            from musiscene.encoders.mert import MertEncoder

            device = str(writer.language_model.model.device)
            encoder = MertEncoder.load(writer.folder / ENCODER_FOLDER, device=device)
        return cls(Listener(tagger, encoder=encoder, hear=hear, limits=limits), writer)

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
        if not self._writer.trusts_ear:
            yield self._answer_from_facts(listening, question, seed=sampling.seed)
            return
        import torch

        with torch.inference_mode():
            audio = self._writer.ear.hear(torch.from_numpy(listening.features.track)[None])
        text = instruction_prompt(question, style=prompt or self._writer.settings.prompt)
        yield from self._writer.language_model.stream(text, sampling, audio=audio)

    def _answer_from_facts(self, listening: Listening, question: str, *, seed: int) -> str:
        told = answer_from_facts(listening, question)
        if not asks_for_scenes(question):
            return told
        [scenes] = self._imaginer.imagine([describe_music(listening)], seed=seed)
        return f"{told} It might suit this scene: {scenes[0].text}"

    def _hear_segments(self, listenings: Sequence[Listening]) -> AudioStates | None:
        """What the language model hears of all segments in order; None if it only reads."""
        if not self._writer.trusts_ear or not listenings:
            return None
        import numpy as np
        import torch

        features = np.concatenate([listening.features.segments for listening in listenings])
        with torch.inference_mode():
            return self._writer.ear.hear(torch.from_numpy(features))

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
        prompt = instruction_prompt(DESCRIBE_QUESTION, style=self._writer.settings.prompt)
        model = self._writer.language_model
        answers = model.complete(prompt, [""] * audio.row_count, greedy, audio=audio)
        return [" ".join(answer.text.split()) for [answer] in answers]


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

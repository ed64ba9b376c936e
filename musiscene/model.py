"""MusiScene as one object: a file in, what is heard and imagined out.

Example:
    model = musiscene.load()
    for segment in model.imagine([model.listen("song.flac")])[0]:
        print(segment.start_seconds, segment.scene_captions[0].text)
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Self

from musiscene.audio.limits import AudioLimits
from musiscene.checkpoints.store import ModelStore
from musiscene.describe import describe_music
from musiscene.errors import GenerationStoppedError
from musiscene.generate.check import HeardTake, heard_take
from musiscene.imagine.questions import answer_from_facts, asks_for_scenes
from musiscene.listen import Listener, Listening
from musiscene.profiles import LISTENING_MODEL, ProfileName
from musiscene.prompts import PromptStyle, instruction_prompt
from musiscene.track_imaginer import ImaginedSegment, TrackImaginer
from musiscene.writer import device_for, load_writer, writer_folder

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from pathlib import Path
    from threading import Event

    from musiscene.encoders.mert import Hearing
    from musiscene.language_model import Sampling
    from musiscene.writer import Writer

DEFAULT_LIMITS = AudioLimits()


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
        self._imaginer = TrackImaginer(writer)

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
        return cls(
            load_listener(store, profile=profile, checkpoint=checkpoint, hear=hear, limits=limits),
            load_writer(store, profile=profile, checkpoint=checkpoint, hear=hear),
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
        return self._imaginer.imagine(
            listenings, captions_per_segment=captions_per_segment, seed=seed, greedy=greedy
        )

    def hear_takes(self, paths: Sequence[Path], *, stop: Event) -> list[HeardTake]:
        """Hear music that was made; see `musiscene.generate.takes.TakeListener`.

        Args:
            paths: Of the files.
            stop: Set when it is not wanted any more.

        Returns:
            What is heard in each, in their order.

        Raises:
            AudioError: If a file cannot be heard.
            GenerationStoppedError: If it was stopped.
        """
        listenings = []
        for path in paths:
            if stop.is_set():
                raise GenerationStoppedError
            listenings.append(self.listen(path))
        return [
            heard_take(listening, (one.text for part in parts for one in part.scene_captions))
            for listening, parts in zip(listenings, self.imagine(listenings), strict=True)
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
        [scenes] = self._writer.imaginer().imagine([describe_music(listening)], seed=seed)
        return f"{told} It might suit this scene: {scenes[0].text}"


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


def load_listener(
    store: ModelStore,
    *,
    profile: ProfileName = "tiny",
    checkpoint: Path | None = None,
    hear: Hearing = "whole",
    limits: AudioLimits = DEFAULT_LIMITS,
) -> Listener:
    """Load what a profile or a checkpoint hears with, without its language model.

    Args:
        store: Where the models are.
        profile: Which ones.
        checkpoint: A folder that `musiscene checkpoint` made, in place of the profile's.
        hear: How much of a track MERT hears.
        limits: On the files that are read.

    Returns:
        The listener; MERT is on the GPU if there is one.

    Raises:
        ModelUnavailableError: If a model is not on this machine.
        ModelIntegrityError: If a model's files are damaged.
    """
    from musiscene.checkpoints.native import ENCODER_FOLDER, read_settings
    from musiscene.encoders.musicnn import load_musicnn

    tagger = load_musicnn(store.folder(LISTENING_MODEL))
    folder, is_shipped = writer_folder(store, profile, checkpoint)
    encoder = None
    if read_settings(folder).encoder == "mert":
        from musiscene.encoders.mert import MertEncoder

        encoder = MertEncoder.load(
            folder / ENCODER_FOLDER, device=device_for(is_shipped=is_shipped)
        )
    return Listener(tagger, encoder=encoder, hear=hear, limits=limits)

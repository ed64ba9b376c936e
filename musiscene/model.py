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
from musiscene.imagine import SceneCaption, SceneImaginer
from musiscene.listen import Listener, Listening

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    import torch

RECIPE_VERSION = "1"
"""Raised when the same models would say something else, so that libraries are heard anew."""

LISTENING_MODEL = "musicnn"
LANGUAGE_MODEL = "smollm2-135m-instruct"
MODEL_NAMES = (LISTENING_MODEL, LANGUAGE_MODEL)
"""What the tiny profile loads."""

DEFAULT_LIMITS = AudioLimits()


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
    """The *tiny* profile: MusiCNN listens, SmolLM2-135M imagines.

    Args:
        listener: Hears tracks.
        imaginer: Imagines scenes from what is heard.
        version: Of the models and the recipe together.
    """

    def __init__(self, listener: Listener, imaginer: SceneImaginer, *, version: str) -> None:
        self.listener = listener
        self.version = version
        self._imaginer = imaginer

    @classmethod
    def load(cls, store: ModelStore, *, limits: AudioLimits = DEFAULT_LIMITS) -> Self:
        """Load the models of the tiny profile.

        Args:
            store: Where the models are.
            limits: On the files that are read.

        Returns:
            The model, on the CPU.

        Raises:
            ModelUnavailableError: If a model is not on this machine.
        """
        from transformers.utils.logging import disable_progress_bar

        from musiscene.encoders.musicnn import load_musicnn
        from musiscene.language_model import LanguageModel

        disable_progress_bar()  # type: ignore[no-untyped-call]  # a second of loading needs none

        tagger = load_musicnn(store.folder(LISTENING_MODEL))
        language_model = LanguageModel.load(store.folder(LANGUAGE_MODEL), dtype=_fast_dtype())
        return cls(
            Listener(tagger, limits=limits),
            SceneImaginer(language_model),
            version=f"tiny-{RECIPE_VERSION}",
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
        descriptions = [
            [describe_music(listening, segment) for segment in listening.segments]
            for listening in listenings
        ]
        asked = [description for of_track in descriptions for description in of_track]
        imagined = iter(
            self._imaginer.imagine(
                asked, captions_per_description=captions_per_segment, seed=seed, greedy=greedy
            )
            if captions_per_segment
            else [()] * len(asked)
        )
        return [
            tuple(
                ImaginedSegment(
                    start_seconds=segment.start_seconds,
                    end_seconds=segment.end_seconds,
                    music_caption=description,
                    scene_captions=next(imagined),
                )
                for segment, description in zip(listening.segments, of_track, strict=True)
            )
            for listening, of_track in zip(listenings, descriptions, strict=True)
        ]


def _fast_dtype() -> torch.dtype:
    """Bfloat16 where the processor multiplies it itself, which halves the time; else float32."""
    import torch

    able = torch.cpu.get_capabilities()
    return torch.bfloat16 if able.get("avx512_bf16") or able.get("amx_bf16") else torch.float32


def load(*, models_dir: Path | None = None) -> MusiScene:
    """Load MusiScene with the models that `musiscene models pull` brought.

    Args:
        models_dir: A folder of models that is looked in before the cache.

    Returns:
        The model, on the CPU.

    Raises:
        ModelUnavailableError: If a model is not on this machine.
    """
    return MusiScene.load(ModelStore(local_folder=models_dir))

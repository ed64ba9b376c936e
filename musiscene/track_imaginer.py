"""Music captions and scenes of every segment of some tracks, from what was heard in them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import msgspec

from musiscene.describe import describe_music
from musiscene.imagine import SceneCaption
from musiscene.prompts import DESCRIBE_QUESTION, instruction_prompt

if TYPE_CHECKING:
    from collections.abc import Sequence

    from musiscene.embed import TextEmbedder
    from musiscene.language_model import AudioStates
    from musiscene.listen import Listening
    from musiscene.writer import Writer

MAX_DESCRIPTION_TOKENS: Final = 64


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


class TrackImaginer:
    """Describes the segments of tracks, and imagines the scenes that they suit.

    Args:
        writer: The language model, and how it is asked.
    """

    def __init__(self, writer: Writer) -> None:
        self._writer = writer
        self._scenes = writer.imaginer()

    @property
    def embedder(self) -> TextEmbedder | None:
        """What ranks the scenes, of models that learnt them."""
        return self._writer.embedder

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
            seed: The same seed gives the same scenes.
            greedy: Take the likeliest words instead of sampling.

        Returns:
            The segments of each track, in order.
        """
        audio = self._hear(listenings)
        asked = self._describe(listenings, audio)
        imagined = iter(
            self._scenes.imagine(
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

    def _hear(self, listenings: Sequence[Listening]) -> AudioStates | None:
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

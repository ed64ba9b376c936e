"""What a process that imagines can be given in place of models; spawned processes import it."""

from __future__ import annotations

import os
import signal
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from musiscene.errors import ModelIntegrityError
from musiscene.imagine import SceneCaption
from musiscene.track_imaginer import ImaginedSegment
from tests.support.listening import WordEmbedder

if TYPE_CHECKING:
    from collections.abc import Sequence

    from musiscene.listen import Listening


class NamingImaginer:
    """Imagines the name of what was heard; some names are trouble."""

    embedder = WordEmbedder()

    def imagine(self, listenings: Sequence[Listening]) -> list[tuple[ImaginedSegment, ...]]:
        names = [heard.audio_hash for heard in listenings]
        if "dull" in names:
            raise ZeroDivisionError
        if "deadly" in names:
            os.kill(os.getpid(), signal.SIGKILL)
        return [
            tuple(
                ImaginedSegment(
                    start_seconds=segment.start_seconds,
                    end_seconds=segment.end_seconds,
                    music_caption=f"{heard.audio_hash} at {heard.tempo.bpm}",
                    scene_captions=(SceneCaption(text=str(os.getpid()), origin="model"),),
                )
                for segment in heard.segments
            )
            for heard in listenings
        ]


@dataclass(frozen=True)
class Chosen:
    """In place of the models that a person chose."""

    is_damaged: bool = False

    def load_imaginer(self, _store: Any) -> NamingImaginer:  # noqa: ANN401  whatever is given
        if self.is_damaged:
            raise ModelIntegrityError("tiny", "is damaged")
        return NamingImaginer()

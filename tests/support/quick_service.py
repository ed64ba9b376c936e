"""`python -m tests.support.quick_service`: `musiscene` with a model that only waits.

`QUICK_SECONDS` says how long hearing a track takes; its scene is what its title says, and embedders
go by words. Decoders, the queue, the composer, databases, processes and signals are real.
"""

from __future__ import annotations

import os
import sys
from typing import TYPE_CHECKING
from unittest.mock import patch

from indexer.engines import local
from indexer.engines.captions import captions_of
from indexer.engines.split_model import SplitModel
from musiscene.checkpoints.store import ModelStore
from musiscene.cli.model_options import ChosenModel
from musiscene.embed import TextEmbedder
from musiscene.imagine import SceneCaption
from musiscene.scene_reader import SceneReader
from musiscene.track_imaginer import ImaginedSegment
from service.cli import main
from tests.support.listening import WordEmbedder, word_reader
from tests.support.quick_cli import EMBEDDER, VERSIONS, SomeStore, WaitingModel, instead

if TYPE_CHECKING:
    from collections.abc import Sequence

    from indexer.catalogue.rows import NewCaption
    from musiscene.listen import Listening

os.environ.pop("QUICK_SECONDS", None)


class TitleModel(WaitingModel):
    """Takes a track's title for its scene, after a while."""

    def imagine(
        self,
        listenings: Sequence[Listening],
        *,
        cores: int = 1,  # noqa: ARG002
    ) -> list[tuple[NewCaption, ...]]:
        return captions_of([_segments(heard) for heard in listenings], EMBEDDER)


def _segments(heard: Listening) -> tuple[ImaginedSegment, ...]:
    scene = SceneCaption(text=heard.info.title or "a street", origin="model")
    return (
        ImaginedSegment(
            start_seconds=0.0,
            end_seconds=1.0,
            music_caption="A piece of music.",
            scene_captions=(scene,),
        ),
    )


if __name__ == "__main__":
    with (
        patch.object(ChosenModel, "store", instead(SomeStore())),
        patch.object(ModelStore, "folder", instead(None)),
        patch("musiscene.checkpoints.first_use.store_with", instead(SomeStore())),
        patch.object(TextEmbedder, "load", instead(WordEmbedder())),
        patch.object(SceneReader, "load", instead(word_reader())),
        patch.object(ChosenModel, "versions", instead(VERSIONS)),
        patch.object(SplitModel, "load", instead(TitleModel())),
        patch.object(local, "fingerprint", instead(None)),
        patch("musiscene.generate.musicgen.variants.present", instead([])),
    ):
        sys.exit(main())

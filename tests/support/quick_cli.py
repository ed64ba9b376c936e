"""`python -m tests.support.quick_cli`: `musiscene` as people run it, with models that only wait.

`QUICK_SECONDS` says how long hearing a track and imagining a batch take. Everything else is real:
the command line, signals, decoder processes, threads, SQLite, FAISS.
"""

from __future__ import annotations

import os
import sys
import time
from typing import TYPE_CHECKING, Any, cast
from unittest.mock import patch

import msgspec

from indexer.engines import local
from indexer.engines.captions import captions_of
from indexer.engines.split_model import SplitModel
from musiscene.cli.model_options import ChosenModel
from musiscene.embed import TextEmbedder
from musiscene.imagine import SceneCaption
from musiscene.track_imaginer import ImaginedSegment
from musiscene.writer import ModelVersions
from service.cli import main
from tests.support.listening import WordEmbedder, listening

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from indexer.catalogue.rows import NewCaption
    from musiscene.audio.read import Recording
    from musiscene.listen import Listening

SECONDS = float(os.environ.get("QUICK_SECONDS", "0"))
EMBEDDER = cast("TextEmbedder", WordEmbedder())
VERSIONS = ModelVersions(listening="ears-1", writing="words-1")


class WaitingModel:
    """Hears the same in everything, after a while."""

    needs_features = False

    @property
    def listener(self) -> WaitingModel:
        return self

    def hear(self, recording: Recording) -> Listening:
        time.sleep(SECONDS)
        heard = listening(audio_hash=recording.audio_hash, segments=1)
        return msgspec.structs.replace(heard, info=recording.info)

    def imagine(
        self,
        listenings: Sequence[Listening],
        *,
        cores: int = 1,  # noqa: ARG002
    ) -> list[tuple[NewCaption, ...]]:
        time.sleep(SECONDS)
        imagined = [
            (
                ImaginedSegment(
                    start_seconds=0.0,
                    end_seconds=1.0,
                    music_caption=f"music {heard.audio_hash}",
                    scene_captions=(SceneCaption(text=heard.audio_hash, origin="model"),),
                ),
            )
            for heard in listenings
        ]
        return captions_of(imagined, EMBEDDER)


class SomeStore:
    """Holds no models."""

    root = local_folder = None

    def folder(self, name: str) -> Path | None:  # noqa: ARG002  as the real one
        return None


def instead(value: Any) -> Any:  # noqa: ANN401  whatever is put in place
    """A function that always gives the same."""
    return lambda *_, **__: value


if __name__ == "__main__":
    with (
        patch.object(ChosenModel, "store", instead(SomeStore())),
        patch.object(ChosenModel, "versions", instead(VERSIONS)),
        patch.object(SplitModel, "load", instead(WaitingModel())),
        patch.object(TextEmbedder, "load", instead(WordEmbedder())),
        patch.object(local, "fingerprint", instead(None)),
    ):
        sys.exit(main())

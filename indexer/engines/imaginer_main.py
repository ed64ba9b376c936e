"""The process that imagines: a language model that shares no interpreter with those who listen.

It loads its model and then answers one batch after the other, as MessagePack, until the pipe ends.
"""

from __future__ import annotations

import contextlib
import logging
import signal
import sys
from typing import TYPE_CHECKING, TypeAlias

import msgspec

from indexer.catalogue.rows import NewCaption
from indexer.engines.captions import captions_of
from musiscene.embed import TextEmbedder
from musiscene.errors import ModelError
from musiscene.packing import decode_listening
from musiscene.profiles import SCENE_EMBEDDER

if TYPE_CHECKING:
    from multiprocessing.connection import Connection

    from musiscene.checkpoints.store import ModelStore
    from musiscene.cli.model_options import ChosenModel
    from musiscene.track_imaginer import TrackImaginer

logger = logging.getLogger(__name__)


class Batch(msgspec.Struct, frozen=True, kw_only=True):
    """Some tracks to be imagined together."""

    heard: tuple[bytes, ...]
    """What was heard in each, from `encode_listening`."""
    cores: int
    """How many to use."""


class Written(msgspec.Struct, frozen=True, kw_only=True, tag=True):
    """What was imagined."""

    tracks: list[tuple[NewCaption, ...]]
    """The captions of each track, with their vectors."""


class Broken(msgspec.Struct, frozen=True, kw_only=True, tag=True):
    """The batch could not be imagined."""

    reason: str
    """Why."""
    model: str | None = None
    """Which model cannot be loaded, if that is why: then no other batch can be imagined either."""


Answer: TypeAlias = Written | Broken


def serve(connection: Connection, chosen: ChosenModel, store: ModelStore) -> None:
    """Answer batches until the other end closes; the body of the process.

    Args:
        connection: To the process that asks.
        chosen: Which models.
        store: Where they are.
    """
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is for the one that asks
    signal.signal(signal.SIGTERM, lambda *_: sys.exit())  # what libraries hold is let go of
    loaded = _load(chosen, store)
    with contextlib.suppress(EOFError, OSError):
        while True:
            batch = msgspec.msgpack.decode(connection.recv_bytes(), type=Batch)
            answer = loaded if isinstance(loaded, Broken) else _answer(*loaded, batch)
            connection.send_bytes(msgspec.msgpack.encode(answer))


def _load(chosen: ChosenModel, store: ModelStore) -> tuple[TrackImaginer, TextEmbedder] | Broken:
    try:
        imaginer = chosen.load_imaginer(store)
        embedder = imaginer.embedder or TextEmbedder.load(store.folder(SCENE_EMBEDDER))
    except ModelError as error:
        return Broken(reason=error.reason, model=error.name)
    return imaginer, embedder


def _answer(imaginer: TrackImaginer, embedder: TextEmbedder, batch: Batch) -> Answer:
    import torch

    torch.set_num_threads(max(1, batch.cores))
    try:
        imagined = imaginer.imagine([decode_listening(one) for one in batch.heard])
        tracks = captions_of(imagined, embedder)
    except ModelError as error:
        return Broken(reason=error.reason, model=error.name)
    except Exception as error:
        logger.exception("unexpected error in a batch of %d", len(batch.heard))
        return Broken(reason=f"{type(error).__name__}: {error}")
    return Written(tracks=tracks)

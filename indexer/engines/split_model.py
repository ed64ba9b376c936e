"""A model whose two halves do not wait for each other: it listens here and imagines elsewhere.

Listening is arithmetic on long arrays; a language model takes a thousand small steps a second. In
one interpreter the steps wait for each other, and a third of the machine is lost.
"""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Final, Protocol, Self

import msgspec

from indexer.engines.apart import ProcessApart, ProcessLostError
from indexer.engines.imaginer_main import Answer, Batch, Broken, Written, serve
from indexer.errors import ImaginerError
from musiscene.errors import ModelError
from musiscene.packing import encode_listening

if TYPE_CHECKING:
    from collections.abc import Sequence

    from indexer.catalogue.rows import NewCaption
    from musiscene.audio.read import Recording
    from musiscene.checkpoints.store import ModelStore
    from musiscene.cli.model_options import ChosenModel
    from musiscene.console import Console
    from musiscene.listen import Listening


KERNELS_KEPT: Final = "64"
"""By oneDNN, in either process. It would keep a thousand, one for each shape that it has met: half
a gigabyte, and no faster."""


class Hears(Protocol):
    """Hears tracks; `musiscene.listen.Listener` is one."""

    def hear(self, recording: Recording) -> Listening:
        """Measure and tag a recording, perhaps in several threads at once."""


class EngineModel(Protocol):
    """What an engine needs of a model."""

    @property
    def listener(self) -> Hears:
        """Hears tracks."""

    @property
    def needs_features(self) -> bool:
        """Whether scenes cannot be imagined without the encoder's features."""

    def imagine(
        self, listenings: Sequence[Listening], *, cores: int
    ) -> list[tuple[NewCaption, ...]]:
        """Imagine scenes for every segment of some tracks, in one batch.

        Args:
            listenings: What is heard in each track.
            cores: How many to use.

        Returns:
            The captions of each track, with their vectors.
        """


class SplitModel:
    """Listens in this process and imagines in one of its own.

    Args:
        listener: Hears tracks.
        imaginer: Answers batches.
        needs_features: Whether scenes cannot be imagined without the encoder's features.
    """

    def __init__(self, listener: Hears, imaginer: ProcessApart, *, needs_features: bool) -> None:
        self.listener = listener
        self.needs_features = needs_features
        self._imaginer = imaginer

    @classmethod
    def load(cls, chosen: ChosenModel, store: ModelStore, console: Console) -> Self:
        """Load what listens; the language model is loaded meanwhile.

        Args:
            chosen: Which models.
            store: From `chosen.store`.
            console: Is told, also which of them allow no commercial use.

        Returns:
            The model.

        Raises:
            ModelUnavailableError: If a model is not on this machine.
            ModelIntegrityError: If a model's files are damaged.
        """
        os.environ.setdefault("ONEDNN_PRIMITIVE_CACHE_CAPACITY", KERNELS_KEPT)
        apart = ProcessApart(serve, chosen, store, name="musiscene-imaginer")
        apart.start()
        listener = chosen.load_listener(store, console)
        return cls(listener, apart, needs_features=chosen.has_ear(store))

    def imagine(
        self, listenings: Sequence[Listening], *, cores: int
    ) -> list[tuple[NewCaption, ...]]:
        """Imagine scenes for every segment of some tracks, in one batch; by one thread at a time.

        Args:
            listenings: What is heard in each track.
            cores: How many to use.

        Returns:
            The captions of each track, with their vectors.

        Raises:
            ImaginerError: If it cannot be done; another batch may succeed.
            ModelError: If the language model cannot be loaded.
        """
        heard = tuple(encode_listening(one) for one in listenings)
        try:
            said = self._imaginer.ask(msgspec.msgpack.encode(Batch(heard=heard, cores=cores)))
        except ProcessLostError as error:
            raise ImaginerError(f"the process that imagines {error}") from error
        answer: Answer = msgspec.msgpack.decode(said, type=Written | Broken)
        if isinstance(answer, Written):
            return answer.tracks
        if answer.model is not None:
            raise ModelError(answer.model, answer.reason)
        raise ImaginerError(answer.reason)

    def close(self) -> None:
        """End the process."""
        self._imaginer.close()

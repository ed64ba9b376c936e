"""Texts to unit vectors: the text embedder at run time, in ONNX, without torch.

Reads the folder that `checkpoints.convert.convert_sentence_embedder` writes. The vectors are those
of sentence-transformers with normalised embeddings.
"""

from __future__ import annotations

from functools import cached_property
from threading import Lock
from typing import TYPE_CHECKING, Self

import msgspec
import numpy as np

from musiscene.checkpoints.convert import (
    EMBEDDER_INPUTS,
    EMBEDDER_MODEL,
    EMBEDDER_SETTINGS,
    EMBEDDER_TOKENIZER,
    EmbedderSettings,
)
from musiscene.errors import ModelIntegrityError, ModelUnavailableError

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from pathlib import Path

    from numpy.typing import NDArray
    from onnxruntime import InferenceSession
    from tokenizers import Encoding, Tokenizer

MAX_BATCH_TEXTS = 64


class TextEmbedder:
    """Gives each text a unit vector; near vectors mean near texts.

    Safe to use from several threads at once. The network is opened by the first text: who only
    asks for the version does without.

    Args:
        folder: Ready folder of the model store.
        settings: Those in it.
        threads: For one call of `encode`; None for as many as there are cores.
    """

    def __init__(self, folder: Path, settings: EmbedderSettings, *, threads: int | None) -> None:
        self._folder = folder
        self._settings = settings
        self._threads = threads
        self._opening = Lock()

    @classmethod
    def load(cls, folder: Path, *, threads: int | None = None) -> Self:
        """The embedder in a ready folder of the model store.

        Args:
            folder: Holds `model.onnx`, `tokenizer.json` and `embedder.json`.
            threads: For one call of `encode`; None for as many as there are cores.

        Returns:
            The embedder, on the CPU.

        Raises:
            ModelUnavailableError: If the folder does not exist.
            ModelIntegrityError: If its settings are missing or damaged.
        """
        return cls(folder, _read_settings(folder), threads=threads)

    @property
    def dimension(self) -> int:
        """Length of a vector."""
        return self._settings.dimension

    @property
    def version(self) -> str:
        """Name and digest of the weights; vectors of two versions cannot be compared."""
        return self._settings.version

    def encode(self, texts: Sequence[str]) -> NDArray[np.float32]:
        """Give each text its vector.

        Args:
            texts: Any number, any length; what is past the longest input is cut off.

        Returns:
            Unit vectors, float32, shape (texts, dimension), in the order of `texts`.

        Raises:
            ModelIntegrityError: If the network or its tokenizer is missing or damaged.
        """
        session, tokenizer = self._opened()
        vectors = np.empty((len(texts), self.dimension), dtype=np.float32)
        encodings = tokenizer.encode_batch_fast(list(texts))
        # Texts of like length share a batch, so little is computed on padding.
        order = sorted(range(len(texts)), key=lambda index: len(encodings[index].ids))
        for start in range(0, len(order), MAX_BATCH_TEXTS):
            rows = order[start : start + MAX_BATCH_TEXTS]
            vectors[rows] = _run(session, [encodings[row] for row in rows])
        return vectors

    def _opened(self) -> tuple[InferenceSession, Tokenizer]:
        with self._opening:  # by the first of several threads
            return self._network

    @cached_property
    def _network(self) -> tuple[InferenceSession, Tokenizer]:
        session, tokenizer, _ = open_embedder(self._folder, threads=self._threads)
        return session, tokenizer


def _run(session: InferenceSession, encodings: list[Encoding]) -> NDArray[np.float32]:
    longest = max(len(encoding.ids) for encoding in encodings)
    token_ids = np.zeros((len(encodings), longest), dtype=np.int64)
    attention_mask = np.zeros_like(token_ids)
    for row, encoding in enumerate(encodings):
        token_ids[row, : len(encoding.ids)] = encoding.ids
        attention_mask[row, : len(encoding.ids)] = 1
    inputs = (token_ids, attention_mask, np.zeros_like(token_ids))
    (vectors,) = session.run(None, dict(zip(EMBEDDER_INPUTS, inputs, strict=True)))
    return np.asarray(vectors, dtype=np.float32)


def open_embedder(
    folder: Path, *, threads: int | None = None, network: Callable[[Path], str | bytes] = str
) -> tuple[InferenceSession, Tokenizer, EmbedderSettings]:
    """Open the network and the tokenizer of a text embedder.

    Args:
        folder: Ready folder of the model store.
        threads: For one call of the network; None for as many as there are cores.
        network: Path of the network -> what is run: the path itself, or a changed network.

    Returns:
        The network on the CPU, the tokenizer, which cuts and does not pad, and the settings.

    Raises:
        ModelUnavailableError: If the folder does not exist.
        ModelIntegrityError: If a file in it is missing or damaged.
    """
    import onnxruntime
    from tokenizers import Tokenizer

    settings = _read_settings(folder)
    options = onnxruntime.SessionOptions()
    # A thread that spins while it waits takes the core from decoding and the language model.
    options.add_session_config_entry("session.intra_op.allow_spinning", "0")
    if threads is not None:
        options.intra_op_num_threads = threads
    try:
        tokenizer = Tokenizer.from_str((folder / EMBEDDER_TOKENIZER).read_text("utf-8"))
        session = onnxruntime.InferenceSession(
            network(folder / EMBEDDER_MODEL), options, ["CPUExecutionProvider"]
        )
    # The libraries raise bare `Exception` subclasses of their own for a damaged file.
    except Exception as error:
        raise ModelIntegrityError(folder.name, f"cannot be loaded: {error}") from error
    tokenizer.enable_truncation(settings.max_tokens)
    tokenizer.no_padding()
    return session, tokenizer, settings


def _read_settings(folder: Path) -> EmbedderSettings:
    if not folder.is_dir():
        raise ModelUnavailableError(folder.name, f"no such folder: {folder}")
    try:
        return msgspec.json.decode((folder / EMBEDDER_SETTINGS).read_bytes(), type=EmbedderSettings)
    except (OSError, msgspec.DecodeError) as error:
        raise ModelIntegrityError(folder.name, f"cannot be loaded: {error}") from error

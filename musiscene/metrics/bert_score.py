"""BERTScore: words matched by their meaning in context, with a model that needs no download.

The model is the text embedder's own network, read before it pools: the last layer of
all-MiniLM-L6-v2. The paper's is roberta-large, so the figures are not those of papers, only
comparable with each other. Special tokens take no part, and nothing is weighted or rescaled.

Source: Zhang et al. 2020, arXiv:1904.09675, section 3.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple, Self

import numpy as np

from musiscene.checkpoints.convert import EMBEDDER_INPUTS
from musiscene.embed import open_embedder

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from numpy.typing import NDArray
    from onnxruntime import InferenceSession
    from tokenizers import Tokenizer


class BertScores(NamedTuple):
    """One figure for each text, -1 to 1, float64, shape (texts,)."""

    precision: NDArray[np.float64]
    """How well the reference holds what the text says."""
    recall: NDArray[np.float64]
    """How well the text holds what the reference says."""
    f1: NDArray[np.float64]
    """Their harmonic mean."""


class TokenEncoder:
    """Gives every token of a text a unit vector that knows its context.

    Args:
        session: The network, with the last layer as its only output.
        tokenizer: Of the network.
        version: Of the weights.

    Attributes:
        version: As given.
    """

    def __init__(self, session: InferenceSession, tokenizer: Tokenizer, version: str) -> None:
        self._session = session
        self._tokenizer = tokenizer
        self.version = version

    @classmethod
    def load(cls, folder: Path, *, threads: int | None = None) -> Self:
        """The encoder in the folder of a text embedder.

        Args:
            folder: Ready folder of the model store, the one that `TextEmbedder.load` takes.
            threads: For one call; None for as many as there are cores.

        Returns:
            The encoder, on the CPU.

        Raises:
            ModelUnavailableError: If the folder does not exist.
            ModelIntegrityError: If a file in it is missing or damaged.
        """
        session, tokenizer, settings = open_embedder(
            folder, threads=threads, network=lambda path: _before_pooling(path.read_bytes())
        )
        return cls(session, tokenizer, f"{settings.version}, last layer")

    def encode(self, text: str) -> NDArray[np.float32]:
        """The vectors of one text.

        Args:
            text: Any; what is past the longest input is cut off.

        Returns:
            Unit vectors, float32, shape (tokens, dimension), without special tokens.
        """
        encoding = self._tokenizer.encode(text)
        token_ids = np.array([encoding.ids], dtype=np.int64)
        inputs = (token_ids, np.ones_like(token_ids), np.zeros_like(token_ids))
        (states,) = self._session.run(None, dict(zip(EMBEDDER_INPUTS, inputs, strict=True)))
        is_word = np.array(encoding.special_tokens_mask) == 0
        vectors = np.asarray(states[0][is_word], dtype=np.float32)
        unit: NDArray[np.float32] = vectors / np.linalg.norm(vectors, axis=1, keepdims=True)
        return unit


def bert_score(
    estimated: Sequence[NDArray[np.float32]], reference: Sequence[NDArray[np.float32]]
) -> BertScores:
    """Match every token with the likest one of the other text.

    Args:
        estimated: Unit vectors of the tokens of each text, shape (tokens, dimension) each.
        reference: Likewise of the one reference of each.

    Returns:
        The scores; 0 where a text or its reference has no tokens.

    Raises:
        ValueError: If there are not as many texts as references.
    """
    if len(estimated) != len(reference):
        raise ValueError(f"{len(estimated)} texts for {len(reference)} references")
    scores = np.zeros((3, len(estimated)), dtype=np.float64)
    for row, (tokens, targets) in enumerate(zip(estimated, reference, strict=True)):
        if not len(tokens) or not len(targets):
            continue
        similarity = tokens @ targets.T  # (estimated tokens, reference tokens)
        precision = float(similarity.max(axis=1).mean())
        recall = float(similarity.max(axis=0).mean())
        total = precision + recall
        scores[:, row] = precision, recall, 2 * precision * recall / total if total else 0.0
    return BertScores(*scores)


def _before_pooling(network: bytes) -> bytes:
    """The same network with the output of its last normalisation, the last layer's, as output."""
    import onnx

    proto = onnx.load_model_from_string(network)
    layers = [node for node in proto.graph.node if node.op_type == "LayerNormalization"]
    del proto.graph.output[:]
    proto.graph.output.append(onnx.ValueInfoProto(name=layers[-1].output[0]))
    cut: bytes = proto.SerializeToString()
    return cut

"""Any number of vectors that lie as those of real captions do, made of a few thousand real ones.

A made vector starts at a real one, goes part of the way towards another one near it, and is then
moved along two differences of near neighbours, taken elsewhere. Every move is therefore one that
real captions make, so clusters stay clusters and the intrinsic dimension stays what it is; noise
that is alike in all directions would make it that of the whole space. `intrinsic_dimension`
measures that it does.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Final

import numpy as np

from indexer.library import EMBEDDER_NAME
from musiscene.checkpoints.store import ModelStore
from musiscene.embed import TextEmbedder

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from numpy.typing import NDArray

TEXT_FIELDS: Final = (
    "description", "scene", "music_elements", "music_context", "music_features", "music_heard",
    "fused_music", "fused_scene",
)  # fmt: skip
LONGEST_CHARACTERS: Final = 400
"""Of a text that is used: captions are sentences, not pages."""
NEIGHBOURS: Final = 32
STEP: Final = 0.4
"""Deviation of how far a vector is moved along a difference of neighbours."""


def real_vectors(data: Path) -> NDArray[np.float32]:
    """Unit vectors of the sentences in the training files of a data folder.

    Args:
        data: Holds `musiccaps/train.jsonl` and `vacad/train.jsonl`.

    Returns:
        Float32, shape (sentences, dimension), each sentence once.
    """
    texts: dict[str, None] = {}
    for name in ("musiccaps", "vacad"):
        for line in (data / name / "train.jsonl").read_text(encoding="utf-8").splitlines():
            row = json.loads(line)
            for field in TEXT_FIELDS:
                for sentence in str(row.get(field) or "").split(". "):
                    if len(sentence.split()) >= 3 and len(sentence) <= LONGEST_CHARACTERS:
                        texts[sentence.strip()] = None
    embedder = TextEmbedder.load(ModelStore().folder(EMBEDDER_NAME))
    return embedder.encode(list(texts))


class CaptionVectors:
    """Makes vectors from real ones, the same from the same seed.

    Args:
        real: Unit vectors, float32, shape (captions, dimension).
    """

    def __init__(self, real: NDArray[np.float32]) -> None:
        import faiss

        self.real = real
        index = faiss.IndexFlatIP(real.shape[1])
        index.add(real)
        self._near = index.search(real, NEIGHBOURS + 1)[1][:, 1:]

    def make(self, count: int, *, seed: int) -> NDArray[np.float32]:
        """Unit vectors, float32, shape (count, dimension)."""
        draw = np.random.default_rng(seed)

        def pairs() -> tuple[NDArray[np.intp], NDArray[np.intp]]:
            of = draw.integers(len(self.real), size=count)
            return of, self._near[of, draw.integers(NEIGHBOURS, size=count)]

        start, towards = pairs()
        share = draw.random((count, 1), dtype=np.float32)
        made = (1 - share) * self.real[start] + share * self.real[towards]
        for _ in range(2):
            one, other = pairs()
            step = np.float32(STEP) * draw.standard_normal((count, 1), dtype=np.float32)
            made += step * (self.real[one] - self.real[other])
        made /= np.linalg.norm(made, axis=1, keepdims=True)
        return made

    def batches(
        self, count: int, *, seed: int, size: int = 1 << 16
    ) -> Iterator[NDArray[np.float32]]:
        """The same by batches, each of a seed of its own: any number in bounded memory."""
        for number, first in enumerate(range(0, count, size)):
            yield self.make(min(size, count - first), seed=seed * 1_000_003 + number)


def uniform_vectors(count: int, dimension: int, *, seed: int) -> NDArray[np.float32]:
    """Unit vectors in any direction alike: the hard case, which no text makes."""
    made = np.random.default_rng(seed).standard_normal((count, dimension), dtype=np.float32)
    made /= np.linalg.norm(made, axis=1, keepdims=True)
    return made


def intrinsic_dimension(vectors: NDArray[np.float32]) -> float:
    """In how many directions the vectors spread around each of them.

    Source: Facco et al. 2017, "Estimating the intrinsic dimension of datasets by a minimal
    neighborhood information" (TwoNN), by the mean of the logarithms of second to first distance.

    Args:
        vectors: Unit vectors, shape (vectors, dimension); compare sets of one size only.

    Returns:
        The estimate.
    """
    import faiss

    index = faiss.IndexFlatIP(vectors.shape[1])
    index.add(vectors)
    similarity = index.search(vectors, 3)[0]
    distances = np.sqrt(np.maximum(2 - 2 * similarity[:, 1:], 0))
    apart = distances[:, 0] > 1e-3
    ratios = np.log(distances[apart, 1] / distances[apart, 0])
    trimmed = np.sort(ratios)[: int(0.9 * len(ratios))]
    # The largest ratios are thrown away, as in the paper; their part in the sum is estimated.
    kept = len(trimmed)
    return float(kept / (trimmed.sum() + (len(ratios) - kept) * trimmed[-1]))

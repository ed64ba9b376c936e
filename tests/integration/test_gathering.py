"""Texts read together beside texts read alone, by the real networks."""

from __future__ import annotations

import threading
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest

from indexer.gathering import GatheringEmbedder
from indexer.library import EMBEDDER_NAME
from musiscene.checkpoints.store import ModelStore
from musiscene.embed import TextEmbedder
from musiscene.errors import ModelUnavailableError

pytestmark = pytest.mark.integration

TEXTS = [
    "rain",
    "a man mends a fishing net on a quiet pier before anyone else in the village is awake",
    "Shots: koi pond from above / hands raking gravel / a kettle that begins to sing",
    "riders chase a train",
    "",
    "children dance at a birthday party " * 20,
]


def test_who_else_asks_changes_no_answer():
    try:
        plain = TextEmbedder.load(ModelStore().folder(EMBEDDER_NAME), threads=1)
    except ModelUnavailableError as error:
        pytest.skip(str(error))
    together, sizes = GatheringEmbedder(plain), []
    begin = threading.Barrier(8)
    work = together._gathering._work

    def counted(texts: list[str]) -> np.ndarray:
        sizes.append(len(texts))
        return work(texts)

    together._gathering._work = counted

    def ask(number: int) -> np.ndarray:
        begin.wait(30)
        return np.concatenate(
            [together.encode([TEXTS[(number + turn) % len(TEXTS)]]) for turn in range(6)]
        )

    with ThreadPoolExecutor(8) as pool:
        found = list(pool.map(ask, range(8)))
    alone = np.concatenate([plain.encode([text]) for text in TEXTS])
    for number, vectors in enumerate(found):
        own = alone[[(number + turn) % len(TEXTS) for turn in range(6)]]
        np.testing.assert_allclose(vectors, own, atol=2e-6)
    assert max(sizes) > 1  # else nothing was read together

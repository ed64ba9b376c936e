from __future__ import annotations

from typing import TYPE_CHECKING

import faiss
import numpy as np
import pytest

from indexer.vectors.gpu import gpu_count, on_gpu
from tests.support.vectors import (
    DIMENSION,
    TRAINED,
    clustered_vectors,
    open_vectors,
    publish_vectors,
)

if TYPE_CHECKING:
    from pathlib import Path


class TestOnGpu:
    def test_without_an_accelerator_the_index_stays_where_it_is(
        self, monkeypatch: pytest.MonkeyPatch
    ):
        monkeypatch.setattr("indexer.vectors.gpu.gpu_count", lambda: 0)
        index = faiss.IndexFlatIP(DIMENSION)
        assert on_gpu(index) is index

    @pytest.mark.gpu
    @pytest.mark.skipif(not gpu_count(), reason="FAISS sees no accelerator")
    def test_answers_are_those_of_the_processor(self, tmp_path: Path):
        vectors, queries = clustered_vectors(5_000), clustered_vectors(20, seed=1)
        index = faiss.IndexFlatIP(DIMENSION)
        index.add(vectors)
        near = on_gpu(index).search(queries, 10)[0]
        np.testing.assert_allclose(near, index.search(queries, 10)[0], atol=2e-3)
        publish_vectors(tmp_path, vectors, settings=TRAINED)
        training = open_vectors(tmp_path).manifest.parts[0].training
        assert training is not None
        assert training.recall_at_10 >= TRAINED.recall_goal

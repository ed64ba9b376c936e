from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pytest

from indexer.vectors import IndexSettings
from tests.support.vectors import clustered_vectors
from tools.bench_vectors import draw, measure
from tools.caption_vectors import CaptionVectors, intrinsic_dimension, uniform_vectors

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from numpy.typing import NDArray


def batches(count: int, *, seed: int) -> Iterator[NDArray[np.float32]]:
    yield clustered_vectors(count, seed=seed)


class TestCaptionVectors:
    def test_are_unit_vectors_and_the_same_from_the_same_seed(self):
        made = CaptionVectors(clustered_vectors(200))
        whole = np.concatenate(list(made.batches(70, seed=1, size=32)))
        assert whole.shape == (70, 16)
        np.testing.assert_allclose(np.linalg.norm(whole, axis=1), 1, atol=1e-5)
        np.testing.assert_array_equal(
            whole, np.concatenate(list(made.batches(70, seed=1, size=32)))
        )

    def test_the_intrinsic_dimension_of_a_plane_is_two(self):
        flat = np.zeros((4_000, 16), np.float32)
        flat[:, :3] = uniform_vectors(4_000, 3, seed=0)  # a sphere's surface
        assert intrinsic_dimension(flat) == pytest.approx(2, abs=0.15)


class TestMeasure:
    @pytest.mark.parametrize(("flat_limit", "kind"), [(10_000, "flat"), (1_000, "ivf-rabitq")])
    def test_measures_what_was_made(self, tmp_path: Path, flat_limit: int, kind: str):
        found = measure(
            tmp_path,
            batches,
            clustered_vectors(20, seed=9),
            3_000,
            IndexSettings(flat_limit=flat_limit),
        )
        assert found["kind"] == kind
        assert 0.95 < found["recall"] <= 1
        assert (found["recall"] == 1) >= (kind == "flat")
        assert found["filters"]["0.01"]["recall"] > 0.9
        assert found["over_flat"] == pytest.approx(found["median_ms"] / found["flat_ms"])
        draw([found], tmp_path / "picture.png", "a machine")
        assert (tmp_path / "picture.png").stat().st_size > 1_000

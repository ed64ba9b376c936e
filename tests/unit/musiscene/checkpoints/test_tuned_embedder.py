from pathlib import Path

import numpy as np
import onnx
import pytest

from musiscene.checkpoints.manifest import sha256_of
from musiscene.checkpoints.registry import TUNED
from musiscene.checkpoints.tuned_embedder import (
    SHIPPED_DELTA,
    convert_tuned_embedder,
    read_delta,
    tune_network,
)
from musiscene.embed import TextEmbedder
from tests.support.embedder import (
    BASE_VERSION,
    LAYER,
    TinyWeights,
    tiny_network,
    tiny_weights,
    write_delta,
    write_tiny_embedder,
)


@pytest.fixture
def weights() -> TinyWeights:
    return tiny_weights()


@pytest.fixture
def base(tmp_path: Path, weights: TinyWeights) -> Path:
    return write_tiny_embedder(tmp_path / "base", weights)


@pytest.fixture
def ready(tmp_path: Path) -> Path:
    folder = tmp_path / "ready"
    folder.mkdir()
    return folder


class TestConvertTunedEmbedder:
    def test_gives_the_vectors_of_the_changed_weights(
        self, base: Path, ready: Path, weights: TinyWeights, tmp_path: Path
    ):
        tuned = write_delta(tmp_path / "d", weights)
        convert_tuned_embedder(base, ready, delta_path=tmp_path / "d")
        text = "strings farewell rain"
        vectors = TextEmbedder.load(ready).encode([text])
        np.testing.assert_allclose(vectors[0], tuned.vector(text), atol=1e-5)
        assert np.abs(vectors[0] - weights.vector(text)).max() > 0.1

    def test_has_a_version_of_its_own(
        self, base: Path, ready: Path, weights: TinyWeights, tmp_path: Path
    ):
        write_delta(tmp_path / "d", weights)
        convert_tuned_embedder(base, ready, delta_path=tmp_path / "d")
        digest = sha256_of(tmp_path / "d")[:12]
        assert TextEmbedder.load(ready).version == f"{BASE_VERSION}+{digest}"
        assert TextEmbedder.load(base).version == BASE_VERSION

    def test_refuses_another_base(
        self, base: Path, ready: Path, weights: TinyWeights, tmp_path: Path
    ):
        write_delta(tmp_path / "d", weights, base="other-1")
        with pytest.raises(ValueError, match="of other-1, not of tiny-0"):
            convert_tuned_embedder(base, ready, delta_path=tmp_path / "d")

    def test_refuses_vectors_that_are_not_those_of_the_training(
        self, base: Path, ready: Path, weights: TinyWeights, tmp_path: Path
    ):
        write_delta(tmp_path / "d", weights)
        network = onnx.load(base / "model.onnx")
        network.graph.initializer[0].raw_data = np.ones_like(weights.embedding).tobytes()
        onnx.save(network, base / "model.onnx")
        with pytest.raises(ValueError, match="vectors differ by"):
            convert_tuned_embedder(base, ready, delta_path=tmp_path / "d")


class TestTuneNetwork:
    def test_says_which_layer_is_missing(self, weights: TinyWeights, tmp_path: Path):
        write_delta(tmp_path / "d", weights)
        network = tiny_network(weights)
        network.graph.node[1].op_type = "Mul"
        with pytest.raises(ValueError, match=f"no linear layer {LAYER}"):
            tune_network(network, read_delta(tmp_path / "d"))


class TestReadDelta:
    def test_names_a_file_that_is_none(self, tmp_path: Path):
        (tmp_path / "d").write_bytes(b"torn")
        with pytest.raises(ValueError, match="holds no change of an embedder"):
            read_delta(tmp_path / "d")


class TestShippedDelta:
    def test_is_the_one_that_is_pinned(self):
        (model,) = TUNED
        (pin,) = model.files
        assert (pin.size_bytes, pin.sha256) == (
            SHIPPED_DELTA.stat().st_size,
            sha256_of(SHIPPED_DELTA),
        )
        assert pin.size_bytes < 4_000_000

    def test_changes_every_linear_layer(self):
        delta = read_delta(SHIPPED_DELTA)
        assert len(delta.products) == 6 * 6
        assert all(np.abs(up @ down).max() > 1e-3 for up, down in delta.products.values())

from pathlib import Path

import msgspec
import numpy as np
import onnx
import pytest
from numpy.typing import ArrayLike, NDArray
from onnx import TensorProto, helper, numpy_helper
from tokenizers import Tokenizer, models, pre_tokenizers, processors

from musiscene.checkpoints.convert import EMBEDDER_INPUTS, EmbedderSettings
from musiscene.errors import ModelIntegrityError, ModelUnavailableError
from musiscene.metrics.bert_score import TokenEncoder, bert_score

TABLE = np.array([[9, 1, 0], [8, 0, 1], [1, 0, 5], [0, 2, 1]], dtype=np.float32)


def unit(vectors: ArrayLike) -> NDArray[np.float32]:
    array = np.array(vectors, dtype=np.float32)
    array /= np.linalg.norm(array, axis=1, keepdims=True)
    return array


def write_embedder(folder: Path) -> None:
    """A network of a table of four tokens, a normalisation, and a mean over tokens."""
    nodes = [
        helper.make_node("Gather", ["table", "input_ids"], ["states"]),
        helper.make_node("LayerNormalization", ["states", "scale"], ["layer"], epsilon=0.0),
        helper.make_node("ReduceMean", ["layer", "axes"], ["vectors"], keepdims=0),
    ]
    inputs = [
        helper.make_tensor_value_info(name, TensorProto.INT64, ["texts", "tokens"])
        for name in EMBEDDER_INPUTS
    ]
    constants = {"table": TABLE, "scale": np.ones(3, np.float32), "axes": np.array([1])}
    graph = helper.make_graph(
        nodes,
        "made",
        inputs,
        [helper.make_tensor_value_info("vectors", TensorProto.FLOAT, ["texts", 3])],
        [numpy_helper.from_array(array, name) for name, array in constants.items()],
    )
    onnx.save(
        helper.make_model(graph, ir_version=10, opset_imports=[helper.make_opsetid("", 18)]),
        folder / "model.onnx",
    )
    tokenizer = Tokenizer(models.WordLevel({"[CLS]": 0, "[SEP]": 1, "a": 2, "b": 3}, "b"))
    tokenizer.pre_tokenizer = pre_tokenizers.Whitespace()
    tokenizer.post_processor = processors.TemplateProcessing(
        single="[CLS] $A [SEP]", special_tokens=[("[CLS]", 0), ("[SEP]", 1)]
    )
    tokenizer.save(str(folder / "tokenizer.json"))
    settings = EmbedderSettings(dimension=3, max_tokens=5, version="made-1")
    (folder / "embedder.json").write_bytes(msgspec.json.encode(settings))


class TestBertScore:
    def test_every_token_finds_its_likest(self):
        """Of the two tokens one has its like in the reference, whose only token has its own."""
        scores = bert_score([unit([[1, 0], [0, 1]])], [unit([[1, 0]])])
        assert scores.precision[0] == pytest.approx(0.5)
        assert scores.recall[0] == pytest.approx(1.0)
        assert scores.f1[0] == pytest.approx(2 / 3)

    def test_a_text_without_tokens_has_nothing(self):
        nothing = np.zeros((0, 2), dtype=np.float32)
        scores = bert_score([nothing, unit([[1, 0]])], [unit([[1, 0]]), nothing])
        np.testing.assert_array_equal(scores, np.zeros((3, 2)))

    def test_refuses_unpaired_texts(self):
        with pytest.raises(ValueError, match="1 texts for 0 references"):
            bert_score([unit([[1, 0]])], [])


class TestTokenEncoder:
    def test_reads_the_last_layer_of_words_only(self, tmp_path: Path):
        write_embedder(tmp_path)
        encoder = TokenEncoder.load(tmp_path)
        rows = TABLE[[2, 3]]
        normal = (rows - rows.mean(1, keepdims=True)) / rows.std(1, keepdims=True)
        np.testing.assert_allclose(encoder.encode("a b"), unit(normal), atol=1e-5)
        assert encoder.version == "made-1, last layer"

    def test_cuts_long_texts_and_takes_empty_ones(self, tmp_path: Path):
        write_embedder(tmp_path)
        encoder = TokenEncoder.load(tmp_path)
        assert len(encoder.encode("a " * 50)) == 3
        assert len(encoder.encode("")) == 0

    def test_missing_and_torn_folders_are_named(self, tmp_path: Path):
        with pytest.raises(ModelUnavailableError, match="no such folder"):
            TokenEncoder.load(tmp_path / "absent")
        write_embedder(tmp_path)
        (tmp_path / "model.onnx").write_bytes(b"torn")
        with pytest.raises(ModelIntegrityError, match="cannot be loaded"):
            TokenEncoder.load(tmp_path)

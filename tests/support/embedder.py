"""A ready text embedder of one linear layer, and a change of it."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import msgspec
import numpy as np
import onnx
from numpy.typing import NDArray
from onnx import TensorProto, helper, numpy_helper
from safetensors.numpy import save_file
from tokenizers import Tokenizer, models, pre_tokenizers

from musiscene.checkpoints.convert import (
    EMBEDDER_INPUTS,
    EMBEDDER_MODEL,
    EMBEDDER_SETTINGS,
    EMBEDDER_TOKENIZER,
    EmbedderSettings,
)

if TYPE_CHECKING:
    from pathlib import Path

WIDTH, RANK = 4, 2
WORDS = ("[UNK]", "rain", "candles", "strings", "farewell")
LAYER = "encoder.layer.0.output.dense"
BASE_VERSION = "tiny-000000000000"
CHECK_TEXTS = ("rain", "candles strings")


class TinyWeights(msgspec.Struct, frozen=True):
    """Of the embedder: mean over words of embedding @ weight.T + bias, as a unit vector."""

    embedding: NDArray[np.float32]
    weight: NDArray[np.float32]
    bias: NDArray[np.float32]

    def vector(self, text: str) -> NDArray[np.float32]:
        states = self.embedding[[WORDS.index(word) for word in text.split()]]
        mean = (states @ self.weight.T + self.bias).mean(axis=0)
        unit: NDArray[np.float32] = mean / np.linalg.norm(mean)
        return unit


def tiny_weights() -> TinyWeights:
    chance = np.random.default_rng(0)
    shapes = ((len(WORDS), WIDTH), (WIDTH, WIDTH), (WIDTH,))
    return TinyWeights(*(chance.normal(size=shape).astype(np.float32) for shape in shapes))


def tiny_network(weights: TinyWeights) -> onnx.ModelProto:
    """As the exporter lays a linear layer out: the transposed weight has lost its name."""
    nodes = [
        helper.make_node("Gather", ["embedding", "input_ids"], ["words"]),
        helper.make_node("MatMul", ["words", "val_65"], ["product"]),
        helper.make_node("Add", ["product", f"embedder.0.model.{LAYER}.bias"], ["linear"]),
        helper.make_node("ReduceMean", ["linear", "axes"], ["mean"], keepdims=0),
        helper.make_node("LpNormalization", ["mean"], ["vectors"], axis=-1, p=2),
    ]
    initializers = [
        numpy_helper.from_array(weights.embedding, "embedding"),
        numpy_helper.from_array(np.ascontiguousarray(weights.weight.T), "val_65"),
        numpy_helper.from_array(weights.bias, f"embedder.0.model.{LAYER}.bias"),
        numpy_helper.from_array(np.array([1], np.int64), "axes"),
    ]
    inputs = [
        helper.make_tensor_value_info(name, TensorProto.INT64, ["texts", "tokens"])
        for name in EMBEDDER_INPUTS
    ]
    outputs = [helper.make_tensor_value_info("vectors", TensorProto.FLOAT, ["texts", WIDTH])]
    graph = helper.make_graph(nodes, "tiny", inputs, outputs, initializers)
    return helper.make_model(graph, opset_imports=[helper.make_opsetid("", 18)], ir_version=9)


def write_tiny_embedder(folder: Path, weights: TinyWeights) -> Path:
    """The ready folder of the tiny embedder."""
    folder.mkdir(parents=True)
    onnx.save(tiny_network(weights), folder / EMBEDDER_MODEL)
    tokenizer = Tokenizer(models.WordLevel({word: i for i, word in enumerate(WORDS)}, "[UNK]"))
    tokenizer.pre_tokenizer = pre_tokenizers.Whitespace()
    tokenizer.save(str(folder / EMBEDDER_TOKENIZER))
    settings = EmbedderSettings(dimension=WIDTH, max_tokens=16, version=BASE_VERSION)
    (folder / EMBEDDER_SETTINGS).write_bytes(msgspec.json.encode(settings))
    return folder


def write_delta(path: Path, weights: TinyWeights, *, base: str = BASE_VERSION) -> TinyWeights:
    """A change of the tiny embedder; returns the weights that it leads to."""
    chance = np.random.default_rng(1)
    up = chance.normal(size=(WIDTH, RANK)).astype(np.float16)
    down = chance.normal(size=(RANK, WIDTH)).astype(np.float16)
    add = chance.normal(size=WIDTH).astype(np.float16)
    tuned = TinyWeights(
        weights.embedding,
        weights.weight + up.astype(np.float32) @ down.astype(np.float32),
        weights.bias + add.astype(np.float32),
    )
    tensors: dict[str, NDArray[Any]] = {
        f"{LAYER}.up": up,
        f"{LAYER}.down": down,
        f"{LAYER}.bias.add": add,
        "check.vectors": np.stack([tuned.vector(text) for text in CHECK_TEXTS]),
    }
    save_file(tensors, path, metadata={"base": base, "check_texts": json.dumps(CHECK_TEXTS)})
    return tuned

"""A tuned text embedder: the ready embedder that it was tuned from, and a low-rank change.

What MusiScene ships is the change alone (`weights/scene-embedder/delta.safetensors`):

    MODULE.down (rank, in), MODULE.up (out, rank)    added to a weight (out, in): up @ down
    PARAMETER.add                                    added to a bias or a norm's weight
    check.vectors (texts, dimension)                 what the tuned embedder gives for `check_texts`

with `base` (name and digest of the embedder that it belongs to) and `check_texts` in the metadata.
The change is written into the ready ONNX network of the base, so nothing is downloaded twice and no
torch is needed. In that network a linear layer is a product with the transposed weight, followed by
the addition of its bias, which has kept its name.

Source: Hu et al. 2021, arXiv:2106.09685 (low-rank updates).
"""

from __future__ import annotations

import hashlib
import json
import shutil
from pathlib import Path
from typing import TYPE_CHECKING

import msgspec
import numpy as np
from numpy.typing import NDArray

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from onnx import ModelProto, TensorProto

DELTA_NAME = "delta.safetensors"
SHIPPED_DELTA = Path(__file__).parents[1] / "weights" / "scene-embedder" / DELTA_NAME
DOWN, UP, ADD = ".down", ".up", ".add"
CHECK_VECTORS = "check.vectors"
CHECK_TOLERANCE = 1e-3
"""Of one component of a unit vector: far above rounding, far below what the change does."""


class Delta(msgspec.Struct, frozen=True, kw_only=True):
    """A change of an embedder's weights."""

    base: str
    """Version of the embedder that it belongs to."""
    products: dict[str, tuple[NDArray[np.float32], NDArray[np.float32]]]
    """Linear layer -> (up, down), of shapes (out, rank) and (rank, in)."""
    sums: dict[str, NDArray[np.float32]]
    """Parameter -> what is added."""
    check_texts: tuple[str, ...]
    """Texts whose vectors are known."""
    check_vectors: NDArray[np.float32]
    """Their vectors, shape (texts, dimension)."""
    digest: str
    """First 12 digits of the file's SHA-256."""


def read_delta(path: Path) -> Delta:
    """Read a change.

    Args:
        path: `delta.safetensors`.

    Returns:
        The change in float32.

    Raises:
        ValueError: If the file is not of this form.
    """
    from safetensors import SafetensorError, safe_open

    try:
        with safe_open(path, "numpy") as stored:
            told = stored.metadata() or {}
            tensors = {
                name: stored.get_tensor(name).astype(np.float32)
                for name in stored.keys()  # noqa: SIM118 - a file, not a dictionary
            }
        return Delta(
            base=told["base"],
            products={
                name.removesuffix(UP): (tensor, tensors[name.removesuffix(UP) + DOWN])
                for name, tensor in tensors.items()
                if name.endswith(UP)
            },
            sums={
                name.removesuffix(ADD): tensor
                for name, tensor in tensors.items()
                if name.endswith(ADD)
            },
            check_texts=tuple(json.loads(told["check_texts"])),
            check_vectors=tensors[CHECK_VECTORS],
            digest=hashlib.sha256(path.read_bytes()).hexdigest()[:12],
        )
    except (OSError, SafetensorError, KeyError, json.JSONDecodeError) as error:
        raise ValueError(f"{path} holds no change of an embedder: {error!r}") from error


def tune_network(network: ModelProto, delta: Delta) -> None:
    """Write a change into an embedder's network.

    Args:
        network: As `convert.convert_sentence_embedder` exports it; is changed.
        delta: The change.

    Raises:
        ValueError: If the network has not exactly one place for each part of the change.
    """
    weights = {tensor.name: tensor for tensor in network.graph.initializer}
    for parameter, difference in delta.sums.items():
        _add(_parameter(weights, parameter), difference)
    linear = _linear_weights(network, weights)
    for module, (up, down) in delta.products.items():
        bias = _parameter(weights, f"{module}.bias")
        if bias.name not in linear:
            raise ValueError(f"the network has no linear layer {module}")
        _add(linear[bias.name], (up @ down).T)


def convert_tuned_embedder(base: Path, ready: Path, *, delta_path: Path = SHIPPED_DELTA) -> None:
    """Make the tuned embedder's folder out of its base's.

    Args:
        base: Ready folder of the embedder that was tuned.
        ready: Receives the same files, tuned, under a version of their own.
        delta_path: The change.

    Raises:
        ValueError: If the change belongs to another embedder, or the tuned one gives other vectors
            than it gave where it was trained.
    """
    import onnx

    from musiscene.checkpoints.convert import (
        EMBEDDER_MODEL,
        EMBEDDER_SETTINGS,
        EMBEDDER_TOKENIZER,
        EmbedderSettings,
    )

    delta = read_delta(delta_path)
    settings = msgspec.json.decode((base / EMBEDDER_SETTINGS).read_bytes(), type=EmbedderSettings)
    if settings.version != delta.base:
        raise ValueError(f"the change is of {delta.base}, not of {settings.version}")
    network = onnx.load(base / EMBEDDER_MODEL)
    tune_network(network, delta)
    (ready / EMBEDDER_MODEL).write_bytes(network.SerializeToString(deterministic=True))
    shutil.copyfile(base / EMBEDDER_TOKENIZER, ready / EMBEDDER_TOKENIZER)
    tuned = msgspec.structs.replace(settings, version=f"{settings.version}+{delta.digest}")
    (ready / EMBEDDER_SETTINGS).write_bytes(msgspec.json.encode(tuned))
    vectors = _vectors(ready / EMBEDDER_MODEL, ready / EMBEDDER_TOKENIZER, delta.check_texts)
    difference = float(np.abs(vectors - delta.check_vectors).max())
    if difference > CHECK_TOLERANCE:
        raise ValueError(f"the tuned network's vectors differ by {difference:.2g}")


def _vectors(network: Path, tokenizer: Path, texts: Sequence[str]) -> NDArray[np.float32]:
    import onnxruntime
    from tokenizers import Tokenizer

    from musiscene.checkpoints.convert import EMBEDDER_INPUTS

    session = onnxruntime.InferenceSession(str(network), providers=["CPUExecutionProvider"])
    words = Tokenizer.from_file(str(tokenizer))
    words.no_padding()
    vectors = []
    for text in texts:
        token_ids = np.array([words.encode(text).ids], dtype=np.int64)
        inputs = (token_ids, np.ones_like(token_ids), np.zeros_like(token_ids))
        vectors.append(session.run(None, dict(zip(EMBEDDER_INPUTS, inputs, strict=True)))[0][0])
    return np.array(vectors, dtype=np.float32)


def _parameter(weights: Mapping[str, TensorProto], name: str) -> TensorProto:
    # The exporter puts the place inside sentence-transformers before the network's own names.
    found = [tensor for full, tensor in weights.items() if f".{full}".endswith(f".{name}")]
    if len(found) != 1:
        raise ValueError(f"the network has {len(found)} parameters {name}")
    return found[0]


def _linear_weights(
    network: ModelProto, weights: Mapping[str, TensorProto]
) -> dict[str, TensorProto]:
    """Name of a linear layer's bias -> its weight, of shape (in, out)."""
    products = {
        node.output[0]: weights[node.input[1]]
        for node in network.graph.node
        if node.op_type == "MatMul" and node.input[1] in weights
    }
    return {
        bias: products[product]
        for node in network.graph.node
        if node.op_type == "Add"
        for product, bias in (tuple(node.input), tuple(node.input)[::-1])
        if product in products and bias in weights
    }


def _add(tensor: TensorProto, difference: NDArray[np.float32]) -> None:
    from onnx import numpy_helper

    value = numpy_helper.to_array(tensor)
    if value.shape != difference.shape:
        raise ValueError(f"{tensor.name} is {value.shape}, its change {difference.shape}")
    changed = numpy_helper.from_array((value + difference).astype(value.dtype), tensor.name)
    tensor.CopyFrom(changed)

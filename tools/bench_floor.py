"""The floor of a match over HTTP: one encoding and one bare FAISS search, in a process of its own.

Beside the very network that the service runs in ONNX stands sentence-transformers itself, in torch,
with a network of the same shape and made weights: the time is the same, only the vectors are not.
"""

from __future__ import annotations

import tempfile
import threading
import time
from importlib import import_module
from multiprocessing import get_context
from typing import TYPE_CHECKING, Any, Final

import numpy as np

from musiscene.checkpoints.store import ModelStore
from musiscene.embed import TextEmbedder

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from pathlib import Path

    from numpy.typing import NDArray

DEPTH: Final = 200
"""As deep as the matcher searches for ten hits."""
WARM_UP: Final = 20

Encode = "Callable[[list[str]], NDArray[np.float32]]"


def measure_floor(
    vectors_dir: Path, texts: Sequence[str], clients: Sequence[int], seconds: float
) -> dict[str, Any]:
    """Measure in a new process, so that nothing of it stays in the caller.

    Args:
        vectors_dir: Of a library.
        texts: Briefs.
        clients: How many threads ask at once, one count after another.
        seconds: For each count.

    Returns:
        Encoder -> count -> `median_ms`, `p99_ms`, `per_second`; and medians of the parts.
    """
    with get_context("spawn").Pool(1) as pool:
        found: dict[str, Any] = pool.apply(
            _measure, (vectors_dir, list(texts), list(clients), seconds)
        )
    return found


def _measure(
    vectors_dir: Path, texts: list[str], clients: list[int], seconds: float
) -> dict[str, Any]:
    import faiss

    from indexer.library import EMBEDDER_NAME
    from indexer.vectors import open_current
    from indexer.vectors.layout import PARTS

    index = open_current(vectors_dir)
    [record] = index.manifest.parts
    made: Any = faiss.read_index(str(vectors_dir / PARTS / record.name / "index.faiss"))
    parameters: Any = None
    if record.training is not None:
        bits: Any = faiss.IVFRaBitQSearchParameters
        parameters = bits(nprobe=record.training.probes, qb=8)
    flat: Any = faiss.IndexFlatIP(index.manifest.dimension)
    flat.add(index.vectors(np.arange(len(index))))
    embedder = TextEmbedder.load(ModelStore().folder(EMBEDDER_NAME))
    sentence_encode = _sentence_transformer(ModelStore().folder(EMBEDDER_NAME))
    vector = embedder.encode(texts[:1])
    found: dict[str, Any] = {
        "index": "flat" if record.training is None else "trained",
        "parts_ms": {
            "encode, ONNX": _median_ms(lambda: embedder.encode(texts[:1])),
            "encode, sentence-transformers": _median_ms(lambda: sentence_encode(texts[:1])),
            "search, as published": _median_ms(
                lambda: made.search(vector, DEPTH, params=parameters)
            ),
            "search, flat": _median_ms(lambda: flat.search(vector, DEPTH)),
        },
    }
    for name, encode in (("onnx", embedder.encode), ("sentence_transformers", sentence_encode)):

        def ask(text: str, encode: Any = encode) -> None:  # noqa: ANN401  either encoder
            made.search(encode([text]), DEPTH, params=parameters)

        found[name] = {str(count): closed_loop(ask, texts, count, seconds) for count in clients}
    return found


def closed_loop(
    ask: Callable[[str], object], texts: Sequence[str], clients: int, seconds: float
) -> dict[str, float]:
    """Let some threads ask, each as soon as it has its answer.

    Args:
        ask: One question.
        texts: What is asked, in turn.
        clients: How many threads.
        seconds: How long.

    Returns:
        `median_ms`, `p99_ms`, `per_second`, `asked`, and `cpu_ms` of this process for each.
    """
    for text in texts[:WARM_UP]:
        ask(text)
    spent: list[list[float]] = [[] for _ in range(clients)]
    until = time.perf_counter() + seconds

    def go(number: int) -> None:
        turn = number * 7
        while (began := time.perf_counter()) < until:
            ask(texts[turn % len(texts)])
            spent[number].append(time.perf_counter() - began)
            turn += 1

    threads = [threading.Thread(target=go, args=(number,)) for number in range(clients)]
    began, cpu_began = time.perf_counter(), time.process_time()
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    took, cpu = time.perf_counter() - began, time.process_time() - cpu_began
    every = np.concatenate([np.array(own) for own in spent])
    return {
        "median_ms": round(1000 * float(np.median(every)), 2),
        "p99_ms": round(1000 * float(np.quantile(every, 0.99)), 2),
        "per_second": round(len(every) / took, 1),
        "asked": len(every),
        "cpu_ms": round(1000 * cpu / len(every), 2),
    }


def _median_ms(action: Callable[[], object], rounds: int = 100) -> float:
    spent = []
    for _ in range(rounds):
        began = time.perf_counter()
        action()
        spent.append(time.perf_counter() - began)
    return round(1000 * float(np.median(spent)), 2)


def _sentence_transformer(folder: Path) -> Callable[[list[str]], NDArray[np.float32]]:
    """sentence-transformers with a network of the same shape as the embedder's."""
    from sentence_transformers import SentenceTransformer
    from transformers import BertConfig, BertModel, PreTrainedTokenizerFast

    shape = BertConfig(
        hidden_size=384, num_hidden_layers=6, num_attention_heads=12, intermediate_size=1536
    )
    models: Any = import_module("sentence_transformers.models")  # its parts have no types
    with tempfile.TemporaryDirectory() as made:
        BertModel(shape).save_pretrained(made)
        pieces: Any = PreTrainedTokenizerFast
        words = {"tokenizer_file": str(folder / "tokenizer.json"), "pad_token": "[PAD]"}
        pieces(**words, model_max_length=256).save_pretrained(made)
        network = models.Transformer(made, max_seq_length=256)
        pooling = models.Pooling(network.get_embedding_dimension(), "mean")
        model = SentenceTransformer(modules=[network, pooling, models.Normalize()], device="cpu")

    def encode(texts: list[str]) -> NDArray[np.float32]:
        return np.asarray(model.encode(texts, show_progress_bar=False), np.float32)

    return encode

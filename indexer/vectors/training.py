"""A trained index: made of stored vectors in bounded memory, and measured against exact search.

The vectors are divided into cells by k-means; within a cell each number of a vector is kept as one
bit, its side of the cell's middle, so that a cell is looked through in a few microseconds. The best
by their bits are compared again by the catalogue's float16 vectors, which are mapped from the disk.
What lost against this is in docs/experiments.md.

Source: Jégou et al. 2011, "Product quantization for nearest neighbor search", section 4 (cells);
Gao & Long 2024, "RaBitQ: quantizing high-dimensional vectors with a theoretical error bound for
approximate nearest neighbor search" (bits).
"""

from __future__ import annotations

import logging
import math
import time
from typing import TYPE_CHECKING, Any, Final

import numpy as np

from indexer.vectors.arrays import unit, unit_blocks
from indexer.vectors.gpu import on_gpu
from indexer.vectors.layout import Training

if TYPE_CHECKING:
    from collections.abc import Callable

    from numpy.typing import NDArray

    from indexer.vectors.settings import IndexSettings

    Progress = Callable[[str, int, int | None], None]
    Asked = tuple[NDArray[np.intp], NDArray[np.float32], NDArray[np.intp]]

logger = logging.getLogger(__name__)

KIND: Final = "ivf-rabitq"
MOST_LISTS: Final = 8192
SAMPLE_PER_LIST: Final = 48
ROUNDS: Final = 6
"""Of k-means; more moved recall by less than 0.002."""
QUERY_BITS: Final = 8
"""Of each number of a query; in full precision a search takes fifty times as long."""
QUERIES: Final = 200
DEEP: Final = 200
"""How many captions the matcher asks for when it is asked for ten tracks."""
PROBES: Final = (8, 16, 32, 64, 128, 256, 512, 1024, 2048, 4096, 8192)
SPARE: Final = (50, 200, 800)
GAIN: Final = 0.001
"""Less than this is none: what is missing is not in other cells, but behind the codes."""


def lists_for(count: int) -> int:
    """Cells for so many vectors: near four times the square root, a power of two."""
    return min(MOST_LISTS, 1 << round(math.log2(4 * math.sqrt(max(count, 1)))))


def train(stored: NDArray[np.float16], *, settings: IndexSettings, progress: Progress) -> Any:  # noqa: ANN401  FAISS has no types
    """Lay out an empty index for vectors like these.

    Args:
        stored: From the catalogue, shape (vectors, dimension); may be mapped.
        settings: Seed.
        progress: Told about each step.

    Returns:
        A FAISS index that is trained and empty.
    """
    import faiss

    count, dimension = stored.shape
    lists = lists_for(count)
    sample = _sample(stored, lists * SAMPLE_PER_LIST, seed=settings.seed)
    progress(f"Dividing into {lists:,} cells", 0, None)
    coarse: Any = faiss.IndexFlatIP(dimension)
    index = faiss.IndexIVFRaBitQ(coarse, dimension, lists, faiss.METRIC_INNER_PRODUCT)
    means = faiss.Clustering(dimension, lists)
    means.niter, means.seed, means.spherical = ROUNDS, settings.seed, True
    means.min_points_per_centroid, means.max_points_per_centroid = 1, SAMPLE_PER_LIST
    means.train(sample, on_gpu(coarse))
    coarse.reset()
    coarse.add(faiss.vector_to_array(means.centroids).reshape(lists, dimension))
    index.train(sample)  # the cells are there already
    index.own_fields = True
    coarse.this.disown()
    return index


def fill(index: Any, stored: NDArray[np.float16], *, progress: Progress) -> None:  # noqa: ANN401
    """Put stored vectors into a trained index, a block at a time.

    Args:
        index: From `train`, empty.
        stored: Shape (vectors, dimension).
        progress: Told how many are in.
    """
    for first, block in unit_blocks(stored):
        index.add(block)
        progress("Indexing vectors", first + len(block), len(stored))


def measure(
    index: Any,  # noqa: ANN401
    stored: NDArray[np.float16],
    *,
    trained_on: int,
    settings: IndexSettings,
    progress: Progress,
) -> Training:
    """Find how an index has to be searched to reach the recall that is wanted.

    The queries are stored vectors drawn at random, each of which is passed over in its own answers.

    Args:
        index: Full.
        stored: Its vectors.
        trained_on: How many it held when it was trained.
        settings: The goal and the seed.
        progress: Told about each step.

    Returns:
        The cheapest way that reaches the goal, or else the best; with what was measured.
    """
    progress("Measuring recall", 0, None)
    draw = np.random.default_rng([settings.seed, 1])
    own = np.sort(draw.choice(len(stored), min(QUERIES, len(stored)), replace=False))
    queries = unit(stored[own])
    deep = min(DEEP, len(stored) - 1)
    started = time.perf_counter()
    exact = exact_nearest(stored, queries, deep + 1)
    exact_ms = (time.perf_counter() - started) / len(queries) * 1e3
    truth = _without(exact, own, deep)
    asked = (own, queries, truth)
    probes, spare = _choose(index, stored, asked, settings)
    recall, median_ms = _try(index, stored, asked, probes, spare, 10)
    if recall < settings.recall_goal:
        logger.warning("recall@10 is %.3f, not the %.2f wanted", recall, settings.recall_goal)
    recall_deep, _ = _try(index, stored, asked, probes, spare, deep)
    return Training(
        trained_on=trained_on,
        lists=index.nlist,
        probes=probes,
        spare=spare,
        recall_at_10=round(recall, 4),
        recall_at_200=round(recall_deep, 4),
        queries=len(queries),
        median_ms=round(median_ms, 3),
        exact_ms=round(exact_ms, 3),
    )


def nearest(
    index: Any,  # noqa: ANN401
    stored: NDArray[np.float16],
    queries: NDArray[np.float32],
    top_k: int,
    *,
    probes: int,
    spare: int,
    selector: Any = None,  # noqa: ANN401
) -> tuple[NDArray[np.float32], NDArray[np.intp]]:
    """Search a trained index, and compare the best again by their stored vectors.

    Args:
        index: Trained.
        stored: Its vectors.
        queries: Unit vectors, float32, shape (queries, dimension).
        top_k: How many to return for each.
        probes: Cells to look into.
        spare: How many more than twice `top_k` are compared again.
        selector: Of FAISS; None for all.

    Returns:
        Similarities, best first, and positions; -inf and -1 where no more were found. Shape
        (queries, top_k).
    """
    from faiss import IVFRaBitQSearchParameters

    search_parameters: Any = IVFRaBitQSearchParameters  # takes other arguments than its stub says
    depth = min(2 * top_k + spare, index.ntotal)
    parameters = search_parameters(nprobe=min(probes, index.nlist), sel=selector, qb=QUERY_BITS)
    _, found = index.search(queries, depth, params=parameters)
    similarities = np.full((len(queries), top_k), -np.inf, np.float32)
    positions = np.full((len(queries), top_k), -1, np.intp)
    for row, query in enumerate(queries):
        near = np.sort(found[row][found[row] >= 0])
        # Not a matrix product: BLAS would wake threads for so little.
        exact = np.einsum("rd,d->r", unit(stored[near]), query)
        order = np.lexsort((near, -exact))[:top_k]
        similarities[row, : len(order)] = exact[order]
        positions[row, : len(order)] = near[order]
    return similarities, positions


def exact_nearest(
    stored: NDArray[np.float16], queries: NDArray[np.float32], top_k: int
) -> NDArray[np.intp]:
    """Positions of the nearest stored vectors, best first, in bounded memory.

    Args:
        stored: Shape (vectors, dimension).
        queries: Unit vectors, float32, shape (queries, dimension).
        top_k: At most `len(stored)`.

    Returns:
        Shape (queries, top_k).
    """
    import faiss

    heap = faiss.ResultHeap(len(queries), top_k, keep_max=True)
    for first, block in unit_blocks(stored):
        exact = faiss.IndexFlatIP(block.shape[1])
        exact.add(block)
        similarity, found = on_gpu(exact).search(queries, min(top_k, len(block)))
        heap.add_result(D=similarity, I=found + first)
    heap.finalize()
    return np.asarray(heap.I, dtype=np.intp)


def _choose(
    index: Any,  # noqa: ANN401
    stored: NDArray[np.float16],
    asked: Asked,
    settings: IndexSettings,
) -> tuple[int, int]:
    """The fewest cells and candidates that reach both goals, or else what comes nearest to them."""
    best, chosen = -np.inf, (PROBES[0], SPARE[0])
    for spare in SPARE:
        before = -np.inf
        for probes in PROBES:
            if probes > index.nlist:
                break
            near, deep = (
                _try(index, stored, asked, probes, spare, top_k)[0]
                for top_k in (10, asked[2].shape[1])
            )
            lacking = min(near - settings.recall_goal, deep - settings.deep_recall_goal, 0.0)
            if lacking > best:
                best, chosen = lacking, (probes, spare)
            if best == 0 or near + deep - before < GAIN:
                break
            before = near + deep
        if best == 0:
            break
    return chosen


def _try(
    index: Any,  # noqa: ANN401
    stored: NDArray[np.float16],
    asked: Asked,
    probes: int,
    spare: int,
    top_k: int,
) -> tuple[float, float]:
    """Recall and median milliseconds of one query at a time, in one thread."""
    import faiss

    own, queries, truth = asked
    threads = faiss.omp_get_max_threads()
    faiss.omp_set_num_threads(1)
    hits, seconds = 0, []
    try:
        for row, query in enumerate(queries):
            started = time.perf_counter()
            _, found = nearest(index, stored, query[None], top_k + 1, probes=probes, spare=spare)
            seconds.append(time.perf_counter() - started)
            others = found[0][found[0] != own[row]][:top_k]
            hits += len(np.intersect1d(others, truth[row, :top_k]))
    finally:
        faiss.omp_set_num_threads(threads)
    wanted = min(top_k, truth.shape[1]) * len(queries)
    return hits / wanted, float(np.median(seconds)) * 1e3


def _without(found: NDArray[np.intp], own: NDArray[np.intp], top_k: int) -> NDArray[np.intp]:
    """Answers with the query itself left out, shape (queries, top_k)."""
    return np.stack([row[row != one][:top_k] for row, one in zip(found, own, strict=True)])


def _sample(stored: NDArray[np.float16], count: int, *, seed: int) -> NDArray[np.float32]:
    if count >= len(stored):
        return unit(np.asarray(stored))
    chosen = np.random.default_rng(seed).choice(len(stored), count, replace=False)
    chosen.sort()
    return unit(stored[chosen])

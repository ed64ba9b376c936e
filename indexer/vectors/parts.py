"""Vectors that were indexed together: made, opened, searched."""

from __future__ import annotations

import hashlib
import shutil
import tempfile
from collections.abc import Callable, Iterable
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import numpy as np

from indexer.errors import VectorIndexError
from indexer.vectors.arrays import map_array, unit
from indexer.vectors.files import give_name, seal
from indexer.vectors.gpu import gpu_count, on_gpu
from indexer.vectors.layout import FLAT, INDEX, PARTS, STORED, PartRecord
from indexer.vectors.training import nearest

if TYPE_CHECKING:
    from collections.abc import Iterator

    from numpy.typing import NDArray

    from indexer.vectors.layout import Training

EXACT_ROWS: Final = 4_000
"""Where a filter leaves up to so many vectors of a trained part, they are compared one by one."""

Found = tuple["NDArray[np.float32]", "NDArray[np.intp]"]


class Part:
    """Vectors that were indexed together, open for searching.

    Args:
        directory: Of the snapshots.
        record: From the manifest.
    """

    def __init__(self, directory: Path, record: PartRecord) -> None:
        import faiss

        folder = directory / PARTS / record.name
        self.record = record
        self._index = faiss.read_index(str(folder / INDEX), faiss.IO_FLAG_MMAP_IFC)
        self._stored: NDArray[np.float16] | None = None
        self._exact: Any = self._index
        if record.training is not None:
            self._stored = map_array(folder / STORED)
        elif gpu_count():
            self._exact = on_gpu(self._index)

    def __len__(self) -> int:
        return self.record.count

    def vectors(self, positions: NDArray[np.intp]) -> NDArray[np.float32]:
        """Unit vectors, float32, shape (positions, dimension)."""
        if self._stored is None:
            found: NDArray[np.float32] = self._index.reconstruct_batch(positions)
            return found
        return unit(self._stored[positions])

    def search(
        self, queries: NDArray[np.float32], top_k: int, selected: NDArray[np.bool_] | None
    ) -> Found:
        """The nearest vectors to each query.

        Args:
            queries: Unit vectors, float32, shape (queries, dimension).
            top_k: How many; at most as many as are selected.
            selected: Which may be found, shape (vectors,); None for all.

        Returns:
            Similarities, best first, and positions, both of shape (queries, top_k).
        """
        training = self.record.training
        if training is None or self._stored is None:
            return self._search_exact(queries, top_k, selected)
        allowed = len(self) if selected is None else int(np.count_nonzero(selected))
        if selected is not None and allowed <= max(EXACT_ROWS, top_k):
            return self._compare(queries, top_k, np.flatnonzero(selected))
        # What may be found lies as many cells further away as the rest is in between.
        probes = -(-training.probes * len(self) // allowed)
        selector = None if selected is None else bitmap(selected)
        while True:
            similarities, positions = nearest(
                self._index,
                self._stored,
                queries,
                top_k,
                probes=probes,
                spare=training.spare,
                selector=selector,
            )
            if (positions >= 0).all() or probes >= training.lists:
                break
            probes *= 4
        if (positions < 0).any():
            return self._compare(
                queries, top_k, np.arange(len(self)) if selected is None else selected.nonzero()[0]
            )
        return similarities, positions

    def _compare(
        self, queries: NDArray[np.float32], top_k: int, positions: NDArray[np.intp]
    ) -> Found:
        """Each query with each of some vectors."""
        similarities = np.einsum("qd,rd->qr", queries, self.vectors(positions))
        order = np.argsort(-similarities, axis=1, kind="stable")[:, :top_k]
        return np.take_along_axis(similarities, order, axis=1), positions[order]

    def _search_exact(
        self, queries: NDArray[np.float32], top_k: int, selected: NDArray[np.bool_] | None
    ) -> Found:
        """As many as asked for, and all that are as near as the last of them."""
        from faiss import SearchParameters

        search_parameters: Any = SearchParameters  # takes other arguments than its stub says
        depth = top_k
        limit = len(self) if selected is None else int(np.count_nonzero(selected))
        while True:
            asked = min(depth + 1, limit)
            if selected is None:
                similarities, positions = self._exact.search(queries, asked)
            else:
                parameters = search_parameters(sel=bitmap(selected))
                similarities, positions = self._index.search(queries, asked, params=parameters)
            # One caption may be said of many tracks: which of them FAISS gives is chance.
            is_cut = asked < limit and (similarities[:, -1] >= similarities[:, top_k - 1]).any()
            if not is_cut:
                return similarities, positions
            depth *= 4


def bitmap(selected: NDArray[np.bool_]) -> Any:  # noqa: ANN401  FAISS has no types
    """What lets a search find some positions only."""
    from faiss import IDSelectorBitmap

    selector: Any = IDSelectorBitmap  # takes other arguments than its stub says
    return selector(np.packbits(selected, bitorder="little"))


def build_flat(
    directory: Path, blocks: Iterable[NDArray[np.float32]], *, dimension: int
) -> PartRecord:
    """Make an exact part.

    Args:
        directory: Of the snapshots.
        blocks: Unit vectors, float32, shape (any, dimension).
        dimension: Of each vector.

    Returns:
        What was made, for the manifest.

    Raises:
        VectorIndexError: If the disk is full.
    """
    import faiss

    index = faiss.IndexFlatIP(dimension)
    for block in blocks:
        index.add(block)
    with new_part(directory) as building:
        write_index(index, building / INDEX)
        return finish_part(directory, building, kind=FLAT, count=index.ntotal)


@contextmanager
def new_part(directory: Path) -> Iterator[Path]:
    """A folder for a part that is being made; what is left of it in the end is thrown away.

    Args:
        directory: Of the snapshots.

    Yields:
        The folder.
    """
    parts = directory / PARTS
    parts.mkdir(parents=True, exist_ok=True)
    building = Path(tempfile.mkdtemp(prefix=".building-", dir=parts))
    try:
        yield building
    finally:
        shutil.rmtree(building, ignore_errors=True)


def write_index(index: Any, path: Path) -> None:  # noqa: ANN401  FAISS has no types
    """Write a FAISS index.

    Args:
        index: What to write.
        path: New file.

    Raises:
        VectorIndexError: If it cannot be written, as on a full disk.
    """
    import faiss

    try:
        faiss.write_index(index, str(path))
    except RuntimeError as error:
        raise VectorIndexError(
            f"{path}: the index cannot be written, the disk may be full; what was searched before "
            "can still be searched"
        ) from error


def finish_part(
    directory: Path,
    building: Path,
    *,
    kind: str,
    count: int,
    training: Training | None = None,
) -> PartRecord:
    """Give a part its name, after its content; one that is there already is used again.

    Args:
        directory: Of the snapshots.
        building: Holds the part's files.
        kind: Of the index.
        count: Vectors.
        training: Of an index that is not exact.

    Returns:
        The record for the manifest.
    """
    files = seal(building)
    content = "".join(f"{name} {record.sha256}\n" for name, record in files.items())
    name = hashlib.sha256(content.encode()).hexdigest()[:24]
    target = directory / PARTS / name
    if target.exists() and seal(target) != files:
        shutil.rmtree(target)  # torn since: nothing that it held can be trusted
    if not target.exists():
        give_name(building, target)
    return PartRecord(name=name, kind=kind, count=count, files=files, training=training)


Progress = Callable[[str, int, int | None], None]


def say_nothing(step: str, done: int, total: int | None) -> None:
    """Progress that nobody watches."""

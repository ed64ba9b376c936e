"""Trained parts are made, with cells and codes of their own or those of an earlier one."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from indexer.errors import TornSnapshotError
from indexer.vectors.files import CheckedFiles
from indexer.vectors.layout import INDEX, PARTS, PartRecord, current_name, read_manifest
from indexer.vectors.parts import finish_part, write_index
from indexer.vectors.training import KIND, fill, measure, train

if TYPE_CHECKING:
    from pathlib import Path

    import numpy as np
    from numpy.typing import NDArray

    from indexer.vectors.parts import Progress
    from indexer.vectors.settings import IndexSettings

RETRAINED_PAST: Final = 2.0
"""Times as many vectors as it was trained on, an index is trained anew."""


def trained_part(directory: Path, embedder: str) -> tuple[PartRecord, Path] | None:
    """The trained part of the current snapshot, if it has one by this embedder."""
    try:
        name = current_name(directory)
        manifest = read_manifest(directory / name) if name else None
    except TornSnapshotError:
        return None
    if manifest is None or manifest.embedder != embedder:
        return None
    for record in manifest.parts:
        if record.training is not None:
            return record, directory / PARTS / record.name
    return None


def build_trained(
    directory: Path,
    building: Path,
    stored: NDArray[np.float16],
    template: tuple[PartRecord, Path] | None,
    *,
    settings: IndexSettings,
    progress: Progress,
) -> PartRecord:
    """Make a trained part.

    Args:
        directory: Of the snapshots.
        building: Holds the stored vectors; becomes the part.
        stored: They, mapped.
        template: A part whose cells and codes may be used again; None to train anew.
        settings: What the index may cost.
        progress: Told about each step.

    Returns:
        What was made, for the manifest.
    """
    index, trained_on = None, len(stored)
    if template is not None:
        index, trained_on = _emptied(*template, count=len(stored))
    if index is None:
        index, trained_on = train(stored, settings=settings, progress=progress), len(stored)
    fill(index, stored, progress=progress)
    training = measure(index, stored, trained_on=trained_on, settings=settings, progress=progress)
    write_index(index, building / INDEX)
    return finish_part(directory, building, kind=KIND, count=len(stored), training=training)


def _emptied(record: PartRecord, folder: Path, *, count: int) -> tuple[Any, int]:
    """A trained index without its vectors, if it fits so many; else None."""
    import faiss

    if record.training is None:
        return None, count
    trained_on = record.training.trained_on
    if not trained_on / RETRAINED_PAST <= count <= trained_on * RETRAINED_PAST:
        return None, count
    try:
        CheckedFiles(folder.parent.parent).check(folder, record.files)
    except TornSnapshotError:
        return None, count
    index = faiss.read_index(str(folder / INDEX))
    index.reset()
    return index, trained_on

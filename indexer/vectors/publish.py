"""Snapshots are made: at once from all vectors, or from the last one and what has changed since."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING, Final
from uuid import UUID

import msgspec
import numpy as np
from filelock import FileLock

from indexer.catalogue.rows import SoundRow, VectorRow
from indexer.errors import TornSnapshotError
from indexer.vectors.arrays import BLOCK_ROWS, map_array, unit, unit_blocks, write_vectors
from indexer.vectors.contents import NOTHING, Contents, Reading
from indexer.vectors.joining import is_overgrown, parts_to_join, renumbered
from indexer.vectors.layout import LAYOUT, STORED, Manifest, current_name, read_manifest
from indexer.vectors.parts import build_flat, new_part, say_nothing
from indexer.vectors.settings import DEFAULT_SETTINGS, IndexSettings
from indexer.vectors.snapshot import VectorIndex
from indexer.vectors.switch import make_current, require_room
from indexer.vectors.trained import build_trained, trained_part

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from numpy.typing import NDArray

    from indexer.vectors.parts import Progress

LOCK: Final = ".lock"


class Changes(msgspec.Struct, frozen=True):
    """What has become of a catalogue since a snapshot."""

    gone: set[UUID]
    """Tracks whose rows are not true any more: changed, missing or deleted."""
    vectors: Iterable[VectorRow]
    """Of the tracks that were added or changed, in the order of caption ids."""
    sounds: Iterable[SoundRow]
    """What was measured in them."""
    revision: int
    """Of the catalogue with these changes."""


def publish(  # noqa: PLR0913  what a snapshot is made of
    directory: Path,
    vectors: Iterable[VectorRow],
    sounds: Iterable[SoundRow],
    *,
    embedder: str,
    dimension: int,
    revision: int,
    settings: IndexSettings = DEFAULT_SETTINGS,
    progress: Progress = say_nothing,
    keep_training: bool = False,
) -> Path:
    """Write a snapshot of all vectors and make it the current one.

    Args:
        directory: Where snapshots live; created where needed.
        vectors: All vectors of the catalogue at `revision`, in the order of caption ids.
        sounds: What was measured in its tracks.
        embedder: Version of the text embedder that made them.
        dimension: Of each vector.
        revision: Of the catalogue.
        settings: What the index may cost.
        progress: Told about each step.
        keep_training: Use the cells and codes of the present index where they still fit.

    Returns:
        The folder of the new snapshot.

    Raises:
        VectorIndexError: If the disk is full.
    """
    with publishing(directory):
        reading = Reading(vectors)
        template = trained_part(directory, embedder) if keep_training else None
        with new_part(directory) as building:
            stored_file = building / STORED
            count = write_vectors(stored_file, reading.blocks(), dimension=dimension)
            contents = reading.contents(sounds, part=0)
            require_room(directory, stored_file.stat().st_size)
            stored = map_array(stored_file)
            if count <= settings.flat_limit:
                record = build_flat(
                    directory, (block for _, block in unit_blocks(stored)), dimension=dimension
                )
            else:
                record = build_trained(
                    directory, building, stored, template, settings=settings, progress=progress
                )
        manifest = Manifest(
            layout=LAYOUT,
            embedder=embedder,
            dimension=dimension,
            count=count,
            revision=revision,
            parts=(record,),
            files={},
        )
        return make_current(directory, manifest, contents)


def publish_changes(
    directory: Path,
    changes: Changes,
    *,
    settings: IndexSettings = DEFAULT_SETTINGS,
) -> Path | None:
    """Write a snapshot made of the current one and what has changed, and make it the current one.

    Exact parts that are small beside the change are joined with it, so that there are never more
    than a few; a part that mostly holds tracks that are gone is written anew.

    Args:
        directory: Holds the current snapshot, whole and made by the same embedder.
        changes: Since that snapshot.
        settings: When that is no longer worth it.

    Returns:
        The folder of the new snapshot; None where all vectors had better be indexed anew, and
        nothing was done.

    Raises:
        TornSnapshotError: If the current snapshot cannot be read.
        VectorIndexError: If the disk is full.
    """
    with publishing(directory):
        index = open_current(directory)
        kept = Contents.of(index, without=changes.gone)
        reading = Reading(changes.vectors)
        fresh = list(reading.blocks())
        records = list(index.manifest.parts)
        alive = np.bincount(kept.places["part"], minlength=len(records))
        added = sum(len(block) for block in fresh)
        if is_overgrown(records, alive, added, settings):
            return None
        joined = parts_to_join(records, alive, added, settings)
        part, contents = renumbered(kept, len(records), joined)
        moved = np.flatnonzero(contents.places["part"] == part)
        require_room(directory, (len(moved) + added) * index.manifest.dimension * 4)
        parts = [record for number, record in enumerate(records) if number not in joined]
        if len(moved) or added:
            blocks = _old_then_new(index, kept.places[moved], fresh)
            parts.append(build_flat(directory, blocks, dimension=index.manifest.dimension))
            contents.places["row"][moved] = np.arange(len(moved))
        whole = contents.joined(
            reading.contents(changes.sounds, part=part, first=len(moved)) if added else NOTHING
        )
        manifest = msgspec.structs.replace(
            index.manifest,
            count=len(whole.rows),
            revision=changes.revision,
            parts=tuple(parts),
            files={},
        )
        return make_current(directory, manifest, whole)


def publishing(directory: Path) -> FileLock:
    """Keeps all others from publishing here; may be held by those who call `publish`.

    Args:
        directory: Where snapshots live; created where needed.

    Returns:
        The lock, to be entered.
    """
    directory.mkdir(parents=True, exist_ok=True)
    return FileLock(directory / LOCK, is_singleton=True)


def open_current(directory: Path) -> VectorIndex:
    """The current snapshot, whatever the catalogue says.

    Args:
        directory: Of the snapshots.

    Returns:
        The snapshot, open.

    Raises:
        TornSnapshotError: If there is none, or it cannot be read.
    """
    name = current_name(directory)
    if name is None:
        raise TornSnapshotError(f"{directory}: no snapshot was published")
    try:
        return VectorIndex.open_folder(directory / name, read_manifest(directory / name))
    except TornSnapshotError:
        if current_name(directory) == name:
            raise
    return open_current(directory)  # it was replaced, and swept away, while it was being opened


def _old_then_new(
    index: VectorIndex, places: NDArray[np.void], fresh: list[NDArray[np.float16]]
) -> Iterator[NDArray[np.float32]]:
    """Unit vectors of places in open parts, and those that were added."""
    for first in range(0, len(places), BLOCK_ROWS):
        yield index.vectors_at(places[first : first + BLOCK_ROWS])
    for block in fresh:
        yield unit(block)

"""Whether a library is whole: its catalogue, the files of its vectors, each against the other."""

from __future__ import annotations

from itertools import compress
from typing import TYPE_CHECKING, Final

import msgspec
import numpy as np

from indexer.catalogue.census import find_damage
from indexer.errors import TornSnapshotError
from indexer.vectors import KINDS, VectorIndex
from indexer.vectors.arrays import unit
from indexer.vectors.contents import Reading
from indexer.vectors.files import check_whole
from indexer.vectors.layout import PARTS, current_name, read_manifest

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

    from numpy.typing import NDArray

    from indexer.catalogue.rows import VectorRow
    from indexer.catalogue.vector_rows import VectorRows
    from indexer.library import Library

    Progress = Callable[[str, int, int | None], None]

SHOWN: Final = 20
"""Problems of one kind that are told one by one."""
REBUILD: Final = "musiscene index rebuild"
SCAN: Final = "musiscene index FOLDER"
RESTORE: Final = "restore catalogue.sqlite from a backup, or musiscene index import FILE"


class Problem(msgspec.Struct, frozen=True):
    """Something that is wrong with a library."""

    what: str
    """For people."""
    mend: str
    """The command that mends it."""


class Verification(msgspec.Struct, frozen=True, kw_only=True):
    """What was looked at, and what is wrong."""

    tracks: int
    """In the vectors."""
    rows: int
    """Likewise."""
    compared: int
    """Rows that were held against the catalogue."""
    problems: tuple[Problem, ...]
    """Empty where all is well."""


def verify(library: Library, *, sample: int | None, progress: Progress) -> Verification:
    """Look at everything.

    Args:
        library: Open; should not be indexed into meanwhile.
        sample: Compare so many of the vectors with the catalogue's; None for all.
        progress: Told about each step.

    Returns:
        What was found.
    """
    with library.catalogue.vector_rows() as rows:
        progress("Checking the catalogue", 0, None)
        problems = [_damage(line) for line in find_damage(rows.session)]
        index, wrong = _open_whole(library, progress)
        problems += [Problem(line, REBUILD) for line in wrong]
        if index is None:
            return Verification(tracks=0, rows=0, compared=0, problems=_told(problems))
        problems += [Problem(line, REBUILD) for line in _against_state(library, rows, index)]
        compared = 0
        if index.manifest.revision == rows.revision:
            for done, line in _against_rows(library, rows, index, sample=sample):
                compared = done
                progress("Comparing vectors", done, sample or len(index))
                problems += [Problem(one, REBUILD) for one in line]
    return Verification(
        tracks=len(index.track_ids), rows=len(index), compared=compared, problems=_told(problems)
    )


def _damage(line: str) -> Problem:
    return Problem(line, SCAN if "caption" in line and "refers" not in line else RESTORE)


def _open_whole(library: Library, progress: Progress) -> tuple[VectorIndex | None, list[str]]:
    """The current snapshot after hashing every file of it."""
    directory = library.vectors_dir
    name = current_name(directory)
    if name is None:
        return None, ["the vectors were never indexed"]
    try:
        manifest = read_manifest(directory / name)
    except TornSnapshotError as error:
        return None, [str(error)]
    folders = [(directory / name, manifest.files)]
    folders += [(directory / PARTS / part.name, part.files) for part in manifest.parts]
    wrong, done = [], 0
    total = sum(len(files) for _, files in folders)
    for folder, files in folders:
        for file_name, record in files.items():
            wrong += check_whole(folder / file_name, record)
            done += 1
            progress("Hashing files", done, total)
    if wrong:
        return None, wrong
    try:
        return VectorIndex.open_folder(directory / name, manifest), []
    except TornSnapshotError as error:
        return None, [str(error)]


def _against_state(library: Library, rows: VectorRows, index: VectorIndex) -> Iterator[str]:
    manifest = index.manifest
    if manifest.embedder != library.embedder.version:
        yield f"made by the text embedder {manifest.embedder}, not {library.embedder.version}"
    if manifest.revision != rows.revision:
        yield (
            f"true to revision {manifest.revision} of the catalogue, which is at {rows.revision}"
        )
    if not len(index.rows) == len(index.places) == manifest.count:
        yield f"{len(index.rows)} rows and {len(index.places)} places, not {manifest.count}"
    orphans = index.track_ids.without(rows.track_ids())
    yield from (f"track {one} is not in the catalogue" for one in sorted(orphans))


def _against_rows(
    library: Library, rows: VectorRows, index: VectorIndex, *, sample: int | None
) -> Iterator[tuple[int, list[str]]]:
    """How many rows were compared so far, and what differs among the last of them."""
    embedder, captions = library.embedder.version, index.rows["caption"]
    expected = len(index)
    if sample is not None and sample < len(index):
        chosen = np.sort(np.random.default_rng().choice(len(index), sample, replace=False))
        vectors = rows.vectors_of(captions[chosen].tolist(), embedder=embedder)
        expected = sample
    else:
        vectors = rows.vectors(embedder=embedder)
    reading, done, known = Reading(vectors), 0, 0
    for block in reading.blocks():
        ids = np.array([row.caption_id for row in reading.last])
        numbers = np.minimum(np.searchsorted(captions, ids), max(len(index) - 1, 0))
        is_known = captions[numbers] == ids if len(index) else np.zeros(len(ids), np.bool_)
        wrong = [f"caption {one} is not indexed" for one in ids[~is_known].tolist()]
        numbers = numbers[is_known]
        same = (index.vectors(numbers) == unit(block[is_known])).all(axis=1)
        same &= _is_same_entry(index, numbers, compress(reading.last, is_known))
        wrong += [f"caption {one} is indexed wrongly" for one in ids[is_known][~same].tolist()]
        done, known = done + len(ids), known + len(numbers)
        yield done, wrong
    if known < expected:
        yield done, [f"{expected - known} rows are of no caption"]


def _is_same_entry(
    index: VectorIndex, numbers: NDArray[np.intp], rows: Iterable[VectorRow]
) -> NDArray[np.bool_]:
    """Whether each row of the index says what the catalogue does."""
    entries = index.rows[numbers]
    tracks = index.track_ids.names[entries["track"]]
    return np.array(
        [
            (row.track_id.bytes.rstrip(b"\0"), row.segment_id, KINDS.index(row.kind))
            == (bytes(track), entry["segment"], entry["kind"])
            for row, track, entry in zip(rows, tracks, entries, strict=True)
        ],
        np.bool_,
    )


def _told(problems: list[Problem]) -> tuple[Problem, ...]:
    """Each problem, but not thousands of one kind."""
    told: list[Problem] = []
    for mend in dict.fromkeys(one.mend for one in problems):
        own = [one for one in problems if one.mend == mend]
        told += own[:SHOWN]
        if len(own) > SHOWN:
            told.append(Problem(f"... and {len(own) - SHOWN} more", mend))
    return tuple(told)

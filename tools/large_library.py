"""A large library made of many copies of a small one, for timing: rows in bulk, nothing is heard.

Every copy of a track has ids of its own, and vectors and measures that are moved at random.
"""

from __future__ import annotations

import sqlite3
from contextlib import closing
from typing import TYPE_CHECKING, Final
from uuid import UUID

import msgspec
import numpy as np

from indexer.catalogue.repository import Catalogue
from indexer.vectors import publish

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from indexer.catalogue.rows import SoundRow, VectorRow
    from indexer.library import Library

VECTOR_NOISE: Final = 0.04
"""Deviation of each of a vector's numbers: a copy has a cosine of about 0.8 with its original."""
PLACE_NOISE: Final = 0.2
"""Deviation of valence and arousal."""
TABLES: Final = ("track", "segment", "caption", "tag", "search_text")
ID_STEP: Final = 1_000_000
"""Between the numbers of a copy and those of the next; more than a small library has rows."""


def make_large(library: Library, folder: Path, tracks: int) -> int:
    """Make a library that `Library.open` takes.

    Args:
        library: The small one, open.
        folder: New.
        tracks: How many at least.

    Returns:
        How many tracks it has: a whole number of copies.
    """
    small = library.catalogue.count_tracks()
    copies = -(-tracks // small)
    folder.mkdir(parents=True)
    source = library.vectors_dir.parent / "catalogue.sqlite"
    Catalogue.open(folder / "catalogue.sqlite").close()
    with closing(sqlite3.connect(folder / "catalogue.sqlite", isolation_level=None)) as connection:
        connection.execute("ATTACH ? AS small", (str(source),))
        connection.execute("BEGIN IMMEDIATE")
        for table in TABLES:
            _copy_rows(connection, table, copies)
        connection.execute("COMMIT")
    with Catalogue.open(folder / "catalogue.sqlite") as catalogue:
        publish(
            folder / "vectors",
            _vectors(list(library.catalogue.vectors(embedder=library.embedder.version)), copies),
            _sounds(list(library.catalogue.sounds()), copies),
            embedder=library.embedder.version,
            dimension=library.embedder.dimension,
            revision=catalogue.revision(),
        )
    return copies * small


def _copy_rows(connection: sqlite3.Connection, table: str, copies: int) -> None:
    """All rows of a table so many times, each copy with other ids and paths."""
    columns = [row[1] for row in connection.execute(f"PRAGMA small.table_info({table})")]
    changed = {
        "id": f"id + copy * {ID_STEP}",
        "segment_id": f"segment_id + copy * {ID_STEP}",
        "track_id": "printf('%08x', copy) || substr(track_id, 9)",
        "recording_id": "printf('%08x', copy) || substr(recording_id, 9)",
        "path": "path || '-' || copy",
    }
    if table == "track":
        changed["id"] = changed["track_id"].replace("track_id", "id")
    names = ", ".join(f'"{name}"' for name in columns)
    values = ", ".join(changed.get(name, f'"{name}"') for name in columns)
    connection.execute(
        "WITH RECURSIVE numbers(copy) AS "  # noqa: S608  names are the schema's own
        f"(SELECT 0 UNION ALL SELECT copy + 1 FROM numbers WHERE copy + 1 < {copies}) "
        f"INSERT INTO main.{table} ({names}) SELECT {values} FROM numbers, small.{table}"
    )


def _copied(track_id: UUID, copy: int) -> UUID:
    return UUID(hex=f"{copy:08x}{track_id.hex[8:]}")


def _vectors(rows: list[VectorRow], copies: int) -> Iterator[VectorRow]:
    generator = np.random.default_rng(0)
    originals = np.stack([np.frombuffer(row.data, "<f2") for row in rows]).astype(np.float32)
    for copy in range(copies):
        noise = generator.standard_normal(originals.shape, dtype=np.float32)
        moved = originals + np.float32(VECTOR_NOISE) * noise
        moved /= np.linalg.norm(moved, axis=1, keepdims=True)
        for row, vector in zip(rows, moved.astype("<f2"), strict=True):
            yield msgspec.structs.replace(
                row,
                caption_id=row.caption_id + copy * ID_STEP,
                track_id=_copied(row.track_id, copy),
                segment_id=row.segment_id + copy * ID_STEP,
                data=vector.tobytes(),
            )


def _sounds(rows: list[SoundRow], copies: int) -> Iterator[SoundRow]:
    generator = np.random.default_rng(1)
    for copy in range(copies):
        places = generator.normal(scale=PLACE_NOISE, size=(len(rows), 2))
        for row, (valence, arousal) in zip(rows, places.tolist(), strict=True):
            yield msgspec.structs.replace(
                row,
                id=_copied(row.id, copy),
                valence=row.valence + valence,
                arousal=row.arousal + arousal,
            )

"""A copy of a catalogue in SQLite as it is at one moment, and whether a copy is whole."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from typing import TYPE_CHECKING, Final
from urllib.parse import quote

from indexer.errors import CatalogueError

if TYPE_CHECKING:
    from pathlib import Path

WAIT_SECONDS: Final = 30.0


def copy_catalogue(catalogue: Path, copy: Path) -> None:
    """Copy a catalogue that others may be reading and writing.

    Args:
        catalogue: SQLite file.
        copy: New file; it needs no other file beside it.

    Raises:
        CatalogueError: If it cannot be copied.
    """
    try:
        with (
            closing(_connect(catalogue, mode="ro")) as source,
            closing(sqlite3.connect(copy)) as target,
        ):
            source.backup(target)
            target.execute("PRAGMA journal_mode=DELETE")
    except sqlite3.Error as error:
        raise CatalogueError(f"{catalogue}: cannot be copied ({error})") from error


def require_whole(catalogue: Path) -> None:
    """Read a whole catalogue and see that nothing in it contradicts itself.

    Args:
        catalogue: SQLite file that nobody writes to.

    Raises:
        CatalogueError: If it is damaged, or no database.
    """
    try:
        with closing(_connect(catalogue, mode="ro")) as connection:
            found = connection.execute("PRAGMA integrity_check(1)").fetchone()[0]
            strays = connection.execute("PRAGMA foreign_key_check").fetchone()
    except sqlite3.Error as error:
        raise CatalogueError(f"{catalogue.name}: damaged ({error})") from error
    if found != "ok" or strays is not None:
        raise CatalogueError(f"{catalogue.name}: damaged ({found if found != 'ok' else strays})")


def require_unused(catalogue: Path) -> None:
    """See that nobody has a catalogue open, and leave all of it in its one file.

    Args:
        catalogue: SQLite file.

    Raises:
        CatalogueError: If another process has it open.
    """
    try:
        with closing(_connect(catalogue, mode="rw", wait_seconds=1.0)) as connection:
            # Only the last connection may leave the write-ahead log.
            connection.execute("PRAGMA journal_mode=DELETE")
    except sqlite3.OperationalError as error:
        raise CatalogueError(
            f"{catalogue}: another process has it open ({error}); stop the service, its workers "
            "and `musiscene index` first"
        ) from error
    except sqlite3.DatabaseError:
        return  # a damaged one is not in use, and may be what is to be replaced


def _connect(
    catalogue: Path, *, mode: str, wait_seconds: float = WAIT_SECONDS
) -> sqlite3.Connection:
    address = f"file:{quote(str(catalogue.absolute()))}?mode={mode}"
    return sqlite3.connect(address, uri=True, timeout=wait_seconds)

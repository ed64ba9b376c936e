"""Who may index into a catalogue that several machines reach."""

from __future__ import annotations

from contextlib import contextmanager, suppress
from typing import TYPE_CHECKING, Final

from sqlalchemy.exc import DBAPIError

from indexer.catalogue.database import telling
from indexer.errors import LibraryBusyError

if TYPE_CHECKING:
    from collections.abc import Iterator

    from sqlalchemy import Engine

INDEXING_LOCK: Final = 0x4D75536369_02
"""Key of the advisory lock, within one database."""

STAY = (
    "SELECT set_config(name, wanted, false) FROM pg_settings JOIN "
    "(VALUES ('idle_session_timeout', '0'), ('tcp_keepalives_idle', '60')) AS these (name, wanted) "
    "USING (name)"
)
"""The server must neither hang up on an idle indexer nor wait long for one whose machine died."""


@contextmanager
def indexing(engine: Engine) -> Iterator[None]:
    """Hold a PostgreSQL catalogue for one indexer; a SQLite one is held by its folder's lock file.

    The lock lives as long as its own connection: it goes when the process dies, and also when the
    server is restarted. Two indexers then lose nothing, but may hear the same files.

    Args:
        engine: Of the catalogue.

    Yields:
        While nobody else can index.

    Raises:
        LibraryBusyError: If another process is indexing, on whichever machine.
        CatalogueError: If the server cannot be reached.
    """
    if engine.dialect.name != "postgresql":
        yield
        return
    with telling(engine, "locked"):
        connection = engine.connect().execution_options(isolation_level="AUTOCOMMIT")
    with connection:
        with telling(engine, "locked"):
            connection.exec_driver_sql(STAY)
            taken = connection.exec_driver_sql(f"SELECT pg_try_advisory_lock({INDEXING_LOCK})")
        if not taken.scalar():
            raise LibraryBusyError(
                f"{engine.url.database}: another `musiscene index` is at work in this database, "
                "perhaps on another machine; wait for it or stop it"
            )
        connection.detach()
        try:
            yield
        finally:
            with suppress(DBAPIError):  # a lost connection has let go already
                connection.exec_driver_sql(f"SELECT pg_advisory_unlock({INDEXING_LOCK})")

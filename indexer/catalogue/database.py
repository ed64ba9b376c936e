"""Opens the catalogue's database and brings its tables up to date.

SQLite runs in WAL mode: one writer, readers that never wait. Any other database is reached by its
SQLAlchemy URL. Migrations run under a write lock, so two processes that open a fresh catalogue at
once do not both create it.
"""

from __future__ import annotations

import sqlite3
from contextlib import contextmanager
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, TypeAlias

from sqlalchemy import Connection, Engine, create_engine, event, inspect, text
from sqlalchemy.exc import DBAPIError, OperationalError, SQLAlchemyError
from sqlalchemy.orm import Session

from indexer.errors import CatalogueError

if TYPE_CHECKING:
    from collections.abc import Iterator

    from alembic.config import Config

SQLiteValue: TypeAlias = str | bytes | int | float | None

HEAD_REVISION = "0003"
"""The newest migration; kept here so that an up-to-date catalogue opens without Alembic."""

BUSY_SECONDS = 30.0
"""How long a writer waits for another one."""


def open_database(location: str | Path) -> Engine:
    """Connect to the catalogue, creating or upgrading its tables where needed.

    Args:
        location: A SQLite file, or a database URL such as `postgresql+psycopg://host/name`.

    Returns:
        An engine whose database is at `HEAD_REVISION`.

    Raises:
        CatalogueError: If the database cannot be opened or written, is not a catalogue, or was
            written by a newer version of MusiScene.
    """
    url = str(location)
    if "://" not in url:
        url = f"sqlite:///{Path(location).absolute()}"
    shown = url.rsplit("@", maxsplit=1)[-1]  # never a password
    engine: Engine | None = None
    try:
        engine = create_engine(url, connect_args=_connect_args(url))
        if engine.dialect.name == "sqlite":
            event.listen(engine, "connect", _prepare_sqlite)
            event.listen(engine, "begin", _begin_sqlite)
        upgrade(engine)
    except (SQLAlchemyError, sqlite3.Error, OSError) as error:
        if engine is not None:
            engine.dispose()
        cause = error.orig if isinstance(error, DBAPIError) else error
        raise CatalogueError(
            f"{shown}: the catalogue cannot be opened ({cause}); check that the folder can be "
            "written and that the file is a MusiScene catalogue"
        ) from error
    except CatalogueError:
        if engine is not None:
            engine.dispose()
        raise
    return engine


def upgrade(engine: Engine, *, revision: str = "head") -> None:
    """Bring the tables to `revision`; nothing happens when they are there already.

    Args:
        engine: From `open_database`.
        revision: A migration, or `head` for the newest.

    Raises:
        CatalogueError: If the database was written by a newer version of MusiScene.
    """
    with engine.connect() as connection:
        found = current_revision(connection)
    if revision == "head" and found == HEAD_REVISION:
        return
    from alembic import command
    from alembic.script import ScriptDirectory

    known = {script.revision for script in ScriptDirectory.from_config(_config()).walk_revisions()}
    if found is not None and found not in known:
        raise CatalogueError(
            f"the catalogue is at revision {found}, which this version does not know; "
            "upgrade MusiScene"
        )
    with writing(engine).begin() as connection:
        config = _config()
        config.attributes["connection"] = connection
        command.upgrade(config, revision)


def downgrade(engine: Engine, *, revision: str) -> None:
    """Take the tables back to `revision`; `base` removes them all."""
    from alembic import command

    with writing(engine).begin() as connection:
        config = _config()
        config.attributes["connection"] = connection
        command.downgrade(config, revision)


def current_revision(connection: Connection) -> str | None:
    """The revision that the database is at, or None for an empty one."""
    if not inspect(connection).has_table("alembic_version"):
        return None
    return connection.execute(text("SELECT version_num FROM alembic_version")).scalar()


def _connect_args(url: str) -> dict[str, object]:
    return {"timeout": BUSY_SECONDS} if url.startswith("sqlite") else {}


def _prepare_sqlite(connection: sqlite3.Connection, _record: object) -> None:
    # The driver must not open transactions by itself: it would leave DDL outside of them.
    connection.isolation_level = None
    # SQLite's own knows only ASCII: BJÖRK would not find Björk.
    connection.create_function("lower", 1, _lower, deterministic=True)
    for pragma in ("journal_mode = WAL", "synchronous = NORMAL", "foreign_keys = ON"):
        connection.execute(f"PRAGMA {pragma}")


def _lower(value: SQLiteValue) -> SQLiteValue:
    return value.lower() if isinstance(value, str) else value


def _begin_sqlite(connection: Connection) -> None:
    writes = connection.get_execution_options().get("writes", False)
    connection.exec_driver_sql("BEGIN IMMEDIATE" if writes else "BEGIN")


def writing(engine: Engine) -> Engine:
    """The same engine, for transactions that write.

    On SQLite they take the write lock when they begin: one that only takes it at its first write
    can fail halfway with "database is locked", and no wait helps it.
    """
    return engine.execution_options(writes=True)


@contextmanager
def write_session(engine: Engine) -> Iterator[Session]:
    """One transaction that writes: all of it is kept when the block ends, none when it raises.

    Args:
        engine: From `open_database`.

    Yields:
        The session.

    Raises:
        CatalogueError: If the database cannot be written.
    """
    try:
        with Session(writing(engine), expire_on_commit=False) as session, session.begin():
            yield session
    except OperationalError as error:  # a full disk, a lock that is never given back
        raise CatalogueError(
            f"{engine.url.database}: the catalogue cannot be written ({error.orig}); "
            "what was stored before is whole"
        ) from error


def _config() -> Config:
    from alembic.config import Config

    spec = find_spec("migrations")
    if spec is None or spec.origin is None:
        raise CatalogueError("the package `migrations` is missing; reinstall MusiScene")
    config = Config()
    config.set_main_option("script_location", str(Path(spec.origin).parent).replace("%", "%%"))
    return config

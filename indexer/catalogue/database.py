"""Opens the catalogue's database and brings its tables up to date.

SQLite runs in WAL mode: one writer, readers that never wait. PostgreSQL is held to the same: what
writes takes one lock of the whole database first, so that writers cannot deadlock or come between
each other; what reads sees the database as it was when it began.
"""

from __future__ import annotations

import sqlite3
import time
from contextlib import contextmanager
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Final, TypeAlias

from sqlalchemy import URL, Connection, Engine, create_engine, event, inspect, make_url, text
from sqlalchemy.exc import ArgumentError, DBAPIError, OperationalError, SQLAlchemyError
from sqlalchemy.orm import Session

from indexer.errors import CatalogueError, DriverMissingError, NothingIndexedError

if TYPE_CHECKING:
    from collections.abc import Iterator

    from alembic.config import Config

SQLiteValue: TypeAlias = str | bytes | int | float | None

HEAD_REVISION = "0009"
"""The newest migration; kept here so that an up-to-date catalogue opens without Alembic."""

BUSY_SECONDS = 30.0
"""How long a writer waits for another one."""

CONNECT_SECONDS: Final = 10
"""How long a PostgreSQL server may take to answer."""

RETRY_SECONDS: Final = (0.5, 1.0, 2.0, 4.0, 8.0)
"""A writer asks so often, after such pauses, for a server that has gone away, as in a restart."""

WRITE_LOCK: Final = 0x4D75536369_01
"""Key of PostgreSQL's advisory lock, within one database."""

MAX_CAUSE_CHARACTERS: Final = 400
"""Of what a database says; PostgreSQL quotes whole rows."""

ADVICE: Final = {
    "sqlite": "check that the folder can be written and that the file is a MusiScene catalogue",
    "postgresql": (
        "check that the server runs, that it has the database (createdb makes one) and that your "
        "role may create tables in it"
    ),
}


def database_url(location: str | Path) -> URL:
    """Where a catalogue is.

    Args:
        location: A SQLite file, or a URL such as `postgresql://host/name`.

    Returns:
        The URL, with the driver that we use.

    Raises:
        CatalogueError: If it is no URL, or of another kind of database.
    """
    if "://" not in str(location):
        return URL.create("sqlite", database=str(Path(location).absolute()))
    try:
        url = make_url(str(location))
    except (ArgumentError, ValueError):
        raise CatalogueError(
            "the database's URL cannot be read; write postgresql://USER:PASSWORD@HOST:PORT/NAME, "
            "special characters of the password as %XX"
        ) from None  # the cause quotes the password
    kind = url.get_backend_name()
    if kind in {"postgres", "postgresql"}:
        return url.set(drivername="postgresql+psycopg")
    if kind != "sqlite":
        raise CatalogueError(f"{kind}: a catalogue is kept in SQLite or PostgreSQL only")
    return url


def shown_url(url: URL) -> str:
    """A database for people: without the user, the password and other options."""
    if url.get_backend_name() == "sqlite":
        return str(url.database)
    host = url.host or url.query.get("host") or "localhost"
    return f"{host}{f':{url.port}' if url.port else ''}/{url.database or ''}"


def open_database(location: str | Path) -> Engine:
    """Connect to the catalogue, creating or upgrading its tables where needed.

    Args:
        location: A SQLite file, or a database URL such as `postgresql://host/name`.

    Returns:
        An engine whose database is at `HEAD_REVISION`.

    Raises:
        CatalogueError: If the database cannot be opened or written, is not a catalogue, or was
            written by a newer version of MusiScene.
        DriverMissingError: If psycopg is not installed.
    """
    engine = connect(location)
    url = engine.url
    try:
        upgrade(engine)
    except (SQLAlchemyError, sqlite3.Error, OSError) as error:
        engine.dispose()
        raise CatalogueError(
            f"{shown_url(url)}: the catalogue cannot be opened ({_cause(error, url)}); "
            f"{ADVICE[engine.dialect.name]}"
        ) from error
    except CatalogueError:
        engine.dispose()
        raise
    return engine


def connect(location: str | Path) -> Engine:
    """Reach a database as it is.

    Args:
        location: As for `open_database`.

    Returns:
        An engine, which has not tried to connect yet.

    Raises:
        CatalogueError: If the location names no database that a catalogue can be in.
        DriverMissingError: If psycopg is not installed.
    """
    url = database_url(location)
    if url.get_backend_name() == "sqlite":
        engine = create_engine(url, connect_args={"timeout": BUSY_SECONDS})
        event.listen(engine, "connect", _prepare_sqlite)
        event.listen(engine, "begin", _begin_sqlite)
        return engine
    options = (
        f"{url.query.get('options', '')} -c timezone=UTC -c lock_timeout={BUSY_SECONDS * 1000:.0f}"
    )
    usual = {"application_name": "musiscene", "connect_timeout": CONNECT_SECONDS}
    try:
        engine = create_engine(
            url,
            connect_args={"options": options}
            | {name: value for name, value in usual.items() if name not in url.query},
            isolation_level="REPEATABLE READ",
            pool_pre_ping=True,
        )
    except ImportError as error:
        raise DriverMissingError from error
    event.listen(engine, "begin", _begin_postgresql)
    return engine


def catalogue_in(data_dir: Path, *, database: str | None, create: bool = False) -> str | Path:
    """Where a library keeps its catalogue.

    Args:
        data_dir: The library's folder.
        database: URL of the catalogue; None for the folder's own file.
        create: It need not be there yet.

    Returns:
        What `open_database` takes.

    Raises:
        NothingIndexedError: If there is no library here and `create` is false.
    """
    file = data_dir / "catalogue.sqlite"
    if database is None and not create and not file.exists():
        raise NothingIndexedError(
            f"{data_dir}: no library here; run `musiscene index FOLDER` first"
        )
    return database or file


def upgrade(engine: Engine, *, revision: str = "head") -> None:
    """Bring the tables to `revision`; nothing happens when they are there already.

    Args:
        engine: From `open_database`.
        revision: A migration, or `head` for the newest.

    Raises:
        CatalogueError: If the database was written by a newer version of MusiScene, or cannot hold
            a catalogue.
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
        if found is None:
            _check_fit(connection)
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


def _check_fit(connection: Connection) -> None:
    """See that an empty PostgreSQL database can hold every text and knows every alphabet.

    Args:
        connection: To it.

    Raises:
        CatalogueError: If it does not.
    """
    if connection.dialect.name != "postgresql":
        return
    encoding = connection.exec_driver_sql("SHOW server_encoding").scalar()
    if encoding != "UTF8":
        raise CatalogueError(
            f"{shown_url(connection.engine.url)}: the database is encoded in {encoding}; make one "
            "with: createdb --encoding=UTF8 --template=template0 NAME"
        )
    collation = "SELECT 1 FROM pg_collation WHERE collname = 'und-x-icu'"
    if connection.exec_driver_sql(collation).scalar() is None:
        raise CatalogueError(
            f"{shown_url(connection.engine.url)}: the server was built without ICU, which knows "
            "the small letters of every alphabet; use PostgreSQL as its project or your system "
            "packages it"
        )


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


def _begin_postgresql(connection: Connection) -> None:
    if connection.get_execution_options().get("writes", False):
        connection.exec_driver_sql(f"SELECT pg_advisory_xact_lock({WRITE_LOCK})")


def writing(engine: Engine) -> Engine:
    """The same engine, for transactions that write.

    They take the write lock when they begin. On SQLite, one that only takes it at its first write
    can fail halfway with "database is locked", and no wait helps it. On PostgreSQL, they see what
    those that held the lock before have written.
    """
    if engine.dialect.name == "sqlite":
        return engine.execution_options(writes=True)
    return engine.execution_options(writes=True, isolation_level="READ COMMITTED")


@contextmanager
def read_session(engine: Engine) -> Iterator[Session]:
    """One transaction that reads: it sees nothing that is written after its first look.

    Args:
        engine: From `open_database`.

    Yields:
        The session.

    Raises:
        CatalogueError: If the database cannot be read.
    """
    with telling(engine, "read"), Session(engine, expire_on_commit=False) as session:
        yield session


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
    with (
        telling(engine, "written"),
        _connected(writing(engine)) as connection,
        Session(connection, expire_on_commit=False) as session,
        session.begin(),
    ):
        yield session


@contextmanager
def telling(engine: Engine, done: str) -> Iterator[None]:
    """Turn what a database complains of into an error for people.

    Args:
        engine: Of the catalogue.
        done: What cannot be done with it: `read`, `written`.

    Yields:
        While it is done.

    Raises:
        CatalogueError: If it fails; a password is never part of the message.
    """
    try:
        yield
    except DBAPIError as error:  # a full disk, a lock that is never given back, a lost server
        way_out = (
            "" if engine.dialect.name == "sqlite" else "check that the server runs, and try again; "
        )
        raise CatalogueError(
            f"{shown_url(engine.url)}: the catalogue cannot be {done} "
            f"({_cause(error, engine.url)}); {way_out}what was stored before is whole"
        ) from error


def _connected(engine: Engine) -> Connection:
    """A connection; a PostgreSQL server that is being restarted is waited for."""
    pauses = RETRY_SECONDS if engine.dialect.name == "postgresql" else ()
    for pause in pauses:
        try:
            return engine.connect()
        except OperationalError:
            time.sleep(pause)
    return engine.connect()


def _cause(error: Exception, url: URL) -> str:
    cause = " ".join(str(error.orig if isinstance(error, DBAPIError) else error).split())
    secrets = [str(url.password or ""), str(url.query.get("password", ""))]
    for secret in filter(None, secrets):
        cause = cause.replace(secret, "***")
    return cause if len(cause) <= MAX_CAUSE_CHARACTERS else f"{cause[:MAX_CAUSE_CHARACTERS]}..."


def _config() -> Config:
    from alembic.config import Config

    spec = find_spec("migrations")
    if spec is None or spec.origin is None:
        raise CatalogueError("the package `migrations` is missing; reinstall MusiScene")
    config = Config()
    config.set_main_option("script_location", str(Path(spec.origin).parent).replace("%", "%%"))
    return config

"""Runs the migrations over the connection that the catalogue hands in, or over one's own.

From the command line, the database is named by `alembic -x database=URL`, else by
`MUSISCENE_DATABASE_URL`; a URL, or the path of a SQLite file.
"""

from __future__ import annotations

import os

from alembic import context
from alembic.util import CommandError
from sqlalchemy import Connection

from indexer.catalogue.database import connect, writing
from indexer.catalogue.models import Base
from indexer.catalogue.repository import Catalogue  # noqa: F401  with every table
from indexer.errors import CatalogueError


def run_migrations() -> None:
    """Migrate over the given connection, or over the database that a person names.

    Raises:
        CommandError: If there is neither, or the database cannot be reached.
    """
    connection = context.config.attributes.get("connection")
    if isinstance(connection, Connection):
        _migrate(connection)
        return
    named = context.get_x_argument(as_dictionary=True).get("database")
    location = named or os.environ.get("MUSISCENE_DATABASE_URL")
    if not location:
        raise CommandError(
            "name the database: alembic -x database=URL COMMAND, or set MUSISCENE_DATABASE_URL"
        )
    try:
        engine = connect(location)
    except CatalogueError as error:
        raise CommandError(str(error)) from error
    with writing(engine).begin() as opened:
        _migrate(opened)
    engine.dispose()


def _migrate(connection: Connection) -> None:
    def is_compared(item: object, name: str | None, kind: str, *_others: object) -> bool:
        # PostgreSQL has an exclusion in its place, which Alembic does not compare.
        _ = item
        is_path = (kind, name) == ("unique_constraint", "uq_track_path")
        return not (is_path and connection.dialect.name == "postgresql")

    context.configure(
        connection=connection,
        target_metadata=Base.metadata,
        render_as_batch=True,  # SQLite can alter a table only by copying it
        transaction_per_migration=False,
        include_object=is_compared,
    )
    context.run_migrations()


run_migrations()

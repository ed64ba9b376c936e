"""Runs the migrations over the connection that the catalogue hands in."""

from __future__ import annotations

from alembic import context
from sqlalchemy import create_engine

from indexer.catalogue.models import Base


def run_migrations() -> None:
    """Migrate over the given connection, or over `sqlalchemy.url` from the command line.

    Raises:
        ValueError: If there is neither.
    """
    connection = context.config.attributes.get("connection")
    if connection is None:
        url = context.config.get_main_option("sqlalchemy.url")
        if url is None:
            raise ValueError("set sqlalchemy.url, or migrate through indexer.catalogue.database")
        with create_engine(url).connect() as opened, opened.begin():
            _migrate(opened)
    else:
        _migrate(connection)


def _migrate(connection: object) -> None:
    context.configure(
        connection=connection,  # type: ignore[arg-type]  # alembic's attributes are untyped
        target_metadata=Base.metadata,
        render_as_batch=True,  # SQLite can alter a table only by copying it
        transaction_per_migration=False,
    )
    context.run_migrations()


run_migrations()

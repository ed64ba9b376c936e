from __future__ import annotations

import sqlite3
from multiprocessing import get_context
from typing import TYPE_CHECKING

import pytest
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import inspect, text

from indexer.catalogue import database
from indexer.catalogue.models import Base
from indexer.catalogue.repository import Catalogue
from indexer.errors import CatalogueError
from tests.support.listening import listening, store

if TYPE_CHECKING:
    from pathlib import Path


def open_and_store(file: str, number: int) -> None:
    """What each of several processes does at once."""
    with Catalogue.open(file) as catalogue:
        store(catalogue, listening(f"/music/{number}.wav"))


class TestMigrations:
    def test_head_constant_is_the_newest_migration(self):
        scripts = ScriptDirectory.from_config(database._config())
        assert scripts.get_current_head() == database.HEAD_REVISION

    def test_tables_equal_the_models(self, tmp_path: Path):
        engine = database.open_database(tmp_path / "c.sqlite")
        with engine.connect() as connection:
            context = MigrationContext.configure(connection)
            assert compare_metadata(context, Base.metadata) == []
        engine.dispose()

    def test_up_down_up_leaves_a_working_catalogue(self, tmp_path: Path):
        file = tmp_path / "c.sqlite"
        engine = database.open_database(file)
        database.downgrade(engine, revision="base")
        assert set(inspect(engine).get_table_names()) == {"alembic_version"}
        database.upgrade(engine)
        engine.dispose()
        with Catalogue.open(file) as catalogue:
            assert store(catalogue, listening()) is not None
            assert catalogue.count_tracks() == 1


class TestOpenDatabase:
    def test_uses_write_ahead_logging_and_foreign_keys(self, tmp_path: Path):
        engine = database.open_database(tmp_path / "c.sqlite")
        with engine.connect() as connection:
            assert connection.execute(text("PRAGMA journal_mode")).scalar() == "wal"
            assert connection.execute(text("PRAGMA foreign_keys")).scalar() == 1
        engine.dispose()

    def test_refuses_a_file_that_is_no_database(self, tmp_path: Path):
        file = tmp_path / "c.sqlite"
        file.write_text("this is a shopping list\n" * 100)
        with pytest.raises(CatalogueError, match=r"c\.sqlite.*not a database"):
            database.open_database(file)
        assert file.read_text().startswith("this is a shopping list")

    def test_refuses_a_catalogue_from_the_future(self, tmp_path: Path):
        file = tmp_path / "c.sqlite"
        database.open_database(file).dispose()
        with sqlite3.connect(file) as connection:
            connection.execute("UPDATE alembic_version SET version_num = '9999'")
        connection.close()
        with pytest.raises(CatalogueError, match="upgrade MusiScene"):
            database.open_database(file)

    def test_refuses_a_folder_that_does_not_exist(self, tmp_path: Path):
        with pytest.raises(CatalogueError, match="cannot be opened"):
            database.open_database(tmp_path / "nowhere" / "c.sqlite")

    def test_never_shows_a_password(self):
        with pytest.raises(CatalogueError) as caught:
            database.open_database("nosuchdriver://user:secret@host/name")
        assert "secret" not in str(caught.value)

    def test_processes_that_open_at_once_share_one_catalogue(self, tmp_path: Path):
        file = tmp_path / "c.sqlite"
        context = get_context("spawn")
        processes = [
            context.Process(target=open_and_store, args=(str(file), number)) for number in range(3)
        ]
        for process in processes:
            process.start()
        for process in processes:
            process.join()
        assert [process.exitcode for process in processes] == [0, 0, 0]
        with Catalogue.open(file) as catalogue:
            assert catalogue.count_tracks() == 3
            assert catalogue.revision() == 3

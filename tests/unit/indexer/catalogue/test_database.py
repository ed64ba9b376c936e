from __future__ import annotations

import sqlite3
import sys
from multiprocessing import get_context
from threading import Barrier, Thread
from types import SimpleNamespace
from typing import TYPE_CHECKING

import pytest
from sqlalchemy import select, text

from indexer.catalogue import database
from indexer.catalogue.models import Caption, Track
from indexer.catalogue.opinions import NewOpinion
from indexer.catalogue.repository import Catalogue
from indexer.errors import CatalogueError, DriverMissingError
from tests.support.listening import listening, store

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path
    from uuid import UUID

    from tests.support.postgres import PostgresServer


def open_and_store(location: str, number: int) -> None:
    """What each of several processes does at once."""
    with Catalogue.open(location) as catalogue:
        store(catalogue, listening(f"/music/{number}.wav"))


@pytest.fixture
def catalogue(catalogue_location: str) -> Iterator[Catalogue]:
    with Catalogue.open(catalogue_location) as opened:
        yield opened


class TestOpenDatabase:
    def test_uses_write_ahead_logging_and_foreign_keys(self, tmp_path: Path):
        engine = database.open_database(tmp_path / "c.sqlite")
        with engine.connect() as connection:
            assert connection.execute(text("PRAGMA journal_mode")).scalar() == "wal"
            assert connection.execute(text("PRAGMA foreign_keys")).scalar() == 1
        engine.dispose()

    def test_a_file_may_be_called_anything(self, tmp_path: Path):
        file = tmp_path / "100% sure? yes#1.sqlite"
        with Catalogue.open(file) as catalogue:
            store(catalogue, listening())
        assert file.exists()

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

    def test_processes_that_open_at_once_share_one_catalogue(self, empty_database: str):
        context = get_context("spawn")
        processes = [
            context.Process(target=open_and_store, args=(empty_database, number))
            for number in range(3)
        ]
        for process in processes:
            process.start()
        for process in processes:
            process.join()
        assert [process.exitcode for process in processes] == [0, 0, 0]
        with Catalogue.open(empty_database) as catalogue:
            assert catalogue.count_tracks() == 3
            assert catalogue.revision() == 3


class TestUrls:
    @pytest.mark.parametrize(
        "url",
        [
            "nosuchdriver://user:secret@host/name",
            "mysql://user:secret@host/name",
            "postgresql://user:secret@host:port/name",
            "postgresql://user:secret@127.0.0.1:1/name",
            "postgresql://127.0.0.1:1/name?user=user&password=secret",
            "postgresql://user:secret@/name?host=/nowhere",
            "postgres://user:secret@127.0.0.1:1/name?connect_timeout=secret",
            "postgresql://user:secret",
            "://user:secret@host",
        ],
    )
    def test_what_cannot_be_opened_is_told_without_the_password(self, url: str):
        with pytest.raises(CatalogueError) as caught:
            database.open_database(url)
        assert "secret" not in str(caught.value)
        assert len(str(caught.value)) > 40

    def test_every_spelling_of_postgresql_uses_one_driver(self):
        for scheme in ("postgres", "postgresql", "postgresql+psycopg2", "postgresql+asyncpg"):
            assert database.database_url(f"{scheme}://h/n").drivername == "postgresql+psycopg"

    def test_a_missing_driver_says_how_to_get_it(self, monkeypatch: pytest.MonkeyPatch):
        monkeypatch.setitem(sys.modules, "psycopg", None)
        with pytest.raises(DriverMissingError, match=r"pip install 'musiscene\[postgres\]'"):
            database.open_database("postgresql://host/name")

    def test_a_database_that_cannot_hold_every_text_is_refused(
        self, postgres_server: PostgresServer
    ):
        latin = "TEMPLATE template0 ENCODING 'LATIN1' LOCALE 'C' LOCALE_PROVIDER libc"
        with (
            postgres_server.new_database(latin) as url,
            pytest.raises(CatalogueError, match=r"LATIN1.*createdb --encoding=UTF8"),
        ):
            database.open_database(url)


class TestSessions:
    def test_a_reader_sees_all_of_a_track_or_none(self, catalogue: Catalogue):
        track_id = store(catalogue, listening(), scenes=["old", "old"])
        with database.read_session(catalogue._engine) as session:
            assert session.get_one(Track, track_id).bpm == 120.0
            store(catalogue, listening(bpm=90), scenes=["new", "new"])
            texts = session.scalars(select(Caption.text).where(Caption.kind == "scene")).all()
            assert set(texts) == {"old"}
        scenes = [one.text for one in catalogue.track(track_id).captions if one.kind == "scene"]
        assert scenes == ["new", "new"]

    def test_writers_at_once_lose_nothing_and_do_not_deadlock(self, catalogue: Catalogue):
        tracks = [store(catalogue, listening(f"/m/{number}.wav")) for number in range(4)]
        barrier = Barrier(4)
        failures: list[Exception] = []

        def write(order: list[UUID]) -> None:
            try:
                barrier.wait()
                for turn in range(5):
                    opinions = [
                        NewOpinion(track_id=one, brief="rain", verdict="accept", vector=b"")
                        for one in order
                    ]
                    catalogue.opinions.add(opinions, embedder="words-1")
                    catalogue.set_status(order, "missing" if turn % 2 else "ready")
            except Exception as error:  # noqa: BLE001  a thread's failure would be lost
                failures.append(error)

        orders = [tracks, tracks[::-1], tracks[2:] + tracks[:2], tracks]
        threads = [Thread(target=write, args=(order,)) for order in orders]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert failures == []
        assert len(catalogue.opinions.page()) == 4  # one for each brief about each track
        assert catalogue.revision() == 4 + 4 * 5

    def test_a_value_that_a_column_cannot_hold_is_told(self, catalogue: Catalogue):
        with (
            pytest.raises(CatalogueError, match=r"cannot be written.*(NOT NULL|not-null)"),
            database.write_session(catalogue._engine) as session,
        ):
            session.add(Track(path="/m/a.wav"))
        assert catalogue.known_files() == {}


class TestLostServer:
    @pytest.fixture
    def url(self, postgres_server: PostgresServer) -> Iterator[str]:
        with postgres_server.new_catalogue() as url:
            yield url

    def test_the_next_transaction_finds_it_again(self, url: str, postgres_server: PostgresServer):
        with Catalogue.open(url) as catalogue:
            store(catalogue, listening("/m/a.wav"))
            postgres_server.drop_connections(name_of(url))
            assert catalogue.count_tracks() == 1
            postgres_server.drop_connections(name_of(url))
            store(catalogue, listening("/m/b.wav"))
            assert catalogue.count_tracks() == 2

    def test_a_transaction_that_loses_it_is_undone_and_told(
        self, url: str, postgres_server: PostgresServer
    ):
        with Catalogue.open(url) as catalogue:
            track_id = store(catalogue, listening("/m/a.wav"))
            with (  # noqa: PT012 - it is the end of the block that fails
                pytest.raises(CatalogueError, match=r"cannot be written.*try again.*is whole"),
                database.write_session(catalogue._engine) as session,
            ):
                session.delete(session.get_one(Track, track_id))
                session.flush()
                postgres_server.drop_connections(name_of(url))
            assert catalogue.count_tracks() == 1

    def test_a_writer_waits_for_a_restart_and_a_reader_tells(
        self, url: str, postgres_server: PostgresServer, monkeypatch: pytest.MonkeyPatch
    ):
        pauses: list[float] = []

        def start_again(pause: float) -> None:
            pauses.append(pause)
            postgres_server.start()

        with Catalogue.open(url) as catalogue:
            store(catalogue, listening("/m/a.wav"))
            postgres_server.stop()
            with pytest.raises(CatalogueError, match=r"cannot be read.*check that the server runs"):
                catalogue.count_tracks()
            monkeypatch.setattr(database, "time", SimpleNamespace(sleep=start_again))
            store(catalogue, listening("/m/b.wav"))
            monkeypatch.undo()
            assert pauses == [database.RETRY_SECONDS[0]]
            assert set(catalogue.known_files()) >= {"/m/b.wav"}


def name_of(url: str) -> str:
    return url.split("/")[3].split("?", maxsplit=1)[0]

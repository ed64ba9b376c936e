from __future__ import annotations

import time
from multiprocessing import get_context
from typing import TYPE_CHECKING

import pytest

from indexer.catalogue.repository import Catalogue
from indexer.errors import LibraryBusyError

if TYPE_CHECKING:
    from collections.abc import Iterator
    from multiprocessing.connection import Connection

    from tests.support.postgres import PostgresServer


@pytest.fixture
def location(postgres_server: PostgresServer) -> Iterator[str]:
    with postgres_server.new_catalogue() as url:
        yield url


def hold_until_told(location: str, pipe: Connection) -> None:
    """What an indexer on another machine does."""
    with Catalogue.open(location) as catalogue, catalogue.indexing():
        pipe.send("held")
        pipe.recv()


class TestIndexing:
    def test_one_indexer_among_all_machines_until_its_process_dies(self, location: str):
        context = get_context("spawn")
        ours, theirs = context.Pipe()
        other = context.Process(target=hold_until_told, args=(location, theirs))
        other.start()
        try:
            assert ours.recv() == "held"
            with Catalogue.open(location) as catalogue:
                with pytest.raises(LibraryBusyError, match="another machine"), catalogue.indexing():
                    pass
                other.kill()
                other.join()
                wait_for_lock(catalogue)
        finally:
            other.kill()
            other.join()

    def test_the_same_process_can_hold_it_again(self, location: str):
        with Catalogue.open(location) as catalogue:
            for _ in range(3):
                with catalogue.indexing():
                    pass

    def test_other_databases_of_the_server_are_free(
        self, location: str, postgres_server: PostgresServer
    ):
        with (
            postgres_server.new_catalogue() as another,
            Catalogue.open(location) as one,
            Catalogue.open(another) as two,
            one.indexing(),
            two.indexing(),
        ):
            pass

    def test_a_lost_connection_ends_the_hold_without_a_complaint(
        self, location: str, postgres_server: PostgresServer
    ):
        database = location.split("/")[3].split("?", maxsplit=1)[0]
        with Catalogue.open(location) as catalogue:
            with catalogue.indexing():
                postgres_server.drop_connections(database)
            with catalogue.indexing():
                pass


def wait_for_lock(catalogue: Catalogue) -> None:
    """The server notices within moments that a process is gone."""
    for _ in range(200):
        try:
            with catalogue.indexing():
                return
        except LibraryBusyError:
            time.sleep(0.05)
    pytest.fail("the lock of a dead process is still held")

"""The databases that tests of the catalogue run on."""

from __future__ import annotations

from contextlib import ExitStack
from typing import TYPE_CHECKING

import pytest
from litestar.testing import TestClient

from tests.support.postgres import MISSING, PostgresServer, find_binaries

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

DATABASES = ("sqlite", "postgresql")


@pytest.fixture(scope="session")
def postgres_server() -> Iterator[PostgresServer]:
    """A PostgreSQL server; the test is skipped where the machine has none."""
    pytest.importorskip("psycopg", reason="psycopg is not installed: pip install -e '.[dev]'")
    binaries = find_binaries()
    if binaries is None:
        pytest.skip(MISSING)
    with PostgresServer(binaries) as server:
        yield server


def location_in(
    kind: str, request: pytest.FixtureRequest, folder: Path, stack: ExitStack, *, empty: bool
) -> str:
    if kind == "sqlite":
        return str(folder / "catalogue.sqlite")
    server: PostgresServer = request.getfixturevalue("postgres_server")
    return stack.enter_context(server.new_database() if empty else server.new_catalogue())


@pytest.fixture(params=DATABASES)
def catalogue_location(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[str]:
    """Where an empty catalogue is or can be: a file, and once more a PostgreSQL URL."""
    with ExitStack() as stack:
        yield location_in(request.param, request, tmp_path, stack, empty=False)


@pytest.fixture(params=DATABASES)
def empty_database(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[str]:
    """Where there is no table yet: a file, and once more a PostgreSQL URL."""
    with ExitStack() as stack:
        yield location_in(request.param, request, tmp_path, stack, empty=True)


@pytest.fixture(scope="module", params=DATABASES)
def module_catalogue_location(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[str]:
    """As `catalogue_location`, one for all tests of a module."""
    with ExitStack() as stack:
        folder: Path = tmp_path_factory.mktemp("catalogue")
        yield location_in(request.param, request, folder, stack, empty=False)


@pytest.fixture(scope="session", autouse=True)
def loopback_name() -> Iterator[None]:
    """Clients in tests call the service by a loopback name, as people at this machine do."""
    usual = TestClient.__init__.__defaults__
    TestClient.__init__.__defaults__ = ("http://127.0.0.1", *(usual or ())[1:])
    yield
    TestClient.__init__.__defaults__ = usual

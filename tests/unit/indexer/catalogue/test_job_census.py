from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING

import pytest
from sqlalchemy import update

from indexer.catalogue.database import open_database, write_session
from indexer.catalogue.job_census import job_seconds
from indexer.catalogue.models import Job, utc_now

if TYPE_CHECKING:
    from collections.abc import Iterator

    from sqlalchemy import Engine


@pytest.fixture
def engine(catalogue_location: str) -> Iterator[Engine]:
    opened = open_database(catalogue_location)
    yield opened
    opened.dispose()


def add(engine: Engine, kind: str, seconds: float | None, *, status: str = "done") -> None:
    began = utc_now()
    ended = None if seconds is None else began + timedelta(seconds=seconds)
    with write_session(engine) as session:
        session.add(
            Job(
                kind=kind, status=status, request="{}", request_digest="d", max_attempts=1,
                started_at=began, finished_at=ended,
            )
        )  # fmt: skip


class TestJobSeconds:
    def test_jobs_that_are_done_are_added_up_by_kind(self, engine: Engine):
        add(engine, "scan", 90.25)
        add(engine, "scan", 0.5)
        add(engine, "generation", 86_400.0 * 3)
        add(engine, "generation", 7.0, status="failed")
        add(engine, "generation", None, status="running")
        found = job_seconds(engine)
        assert {kind: count for kind, (count, _) in found.items()} == {"scan": 2, "generation": 1}
        assert found["scan"][1] == pytest.approx(90.75, abs=0.01)
        assert found["generation"][1] == pytest.approx(259_200, abs=0.01)

    def test_none(self, engine: Engine):
        assert job_seconds(engine) == {}

    def test_one_that_never_began_counts_for_nothing(self, engine: Engine):
        add(engine, "scan", 1.0)
        with write_session(engine) as session:
            session.execute(update(Job).values(started_at=None))
        assert job_seconds(engine) == {}

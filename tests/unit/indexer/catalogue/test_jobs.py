from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from typing import TYPE_CHECKING, Any
from uuid import uuid4

import pytest

from indexer.catalogue.generations import NewGeneration
from indexer.catalogue.job_rows import Claim, JobProgress, JobRow, NewJob
from indexer.catalogue.repository import Catalogue
from indexer.errors import IdempotencyKeyError, JobNotFoundError, QueueFullError
from tests.support.listening import listening, store

if TYPE_CHECKING:
    from collections.abc import Iterator

    from indexer.catalogue.jobs import Jobs


@pytest.fixture
def catalogue(catalogue_location: str) -> Iterator[Catalogue]:
    with Catalogue.open(catalogue_location) as opened:
        yield opened


@pytest.fixture
def jobs(catalogue: Catalogue) -> Jobs:
    return catalogue.jobs


def submit(
    jobs: Jobs,
    paths: list[str] | None = None,
    *,
    most: int = 9,
    **more: Any,  # noqa: ANN401  fields of `NewJob`
) -> JobRow:
    new = NewJob(kind="scan", request={"paths": paths or ["/m"]}, **more)
    return jobs.submit(new, most_queued=most).job


def begun(jobs: Jobs, worker: str = "w", **more: Any) -> JobRow:  # noqa: ANN401
    job = jobs.claim(submit(jobs, **more).id, worker=worker)
    assert job is not None
    return job


def everybody(_job: JobRow) -> bool:
    return True


class TestSubmit:
    def test_a_job_waits_and_is_due(self, jobs: Jobs):
        first, second = submit(jobs), submit(jobs)
        assert first.status == "queued"
        assert jobs.due() == [first.id, second.id]
        assert [job.id for job in jobs.page()] == [second.id, first.id]
        assert [job.id for job in jobs.page(before=second.id)] == [first.id]

    def test_a_key_gives_the_same_job_however_it_went(self, jobs: Jobs):
        first = submit(jobs, idempotency_key="k")
        jobs.cancel(first.id)
        assert submit(jobs, idempotency_key="k").id == first.id
        with pytest.raises(IdempotencyKeyError):
            submit(jobs, ["/other"], idempotency_key="k")

    def test_the_same_request_is_found_while_it_is_worth_it(self, jobs: Jobs):
        day = timedelta(days=1)
        first = begun(jobs, reuse_after=day)
        assert submit(jobs, reuse_after=day).id == first.id
        jobs.finish(first.claim, status="done")
        assert submit(jobs, reuse_after=day).id == first.id
        assert submit(jobs, reuse_after=timedelta()).id != first.id

    def test_a_failed_or_cancelled_one_is_made_anew(self, jobs: Jobs):
        day = timedelta(days=1)
        first = begun(jobs, reuse_after=day)
        jobs.finish(first.claim, status="failed", error=("c", "m"))
        second = begun(jobs, reuse_after=day)
        assert second.id != first.id
        jobs.cancel(second.id)
        assert submit(jobs, reuse_after=day).id != second.id

    def test_many_at_once_are_one(self, jobs: Jobs):
        new = NewJob(kind="scan", request={"a": 1}, reuse_after=timedelta(days=1))
        with ThreadPoolExecutor(8) as pool:
            found = list(pool.map(lambda _: jobs.submit(new, most_queued=9), range(8)))
        assert len({one.job.id for one in found}) == 1
        assert sum(one.is_new for one in found) == 1

    def test_a_full_queue_takes_no_more(self, jobs: Jobs):
        submit(jobs, most=1)
        with pytest.raises(QueueFullError):
            submit(jobs, most=1)

    def test_an_unknown_job_is_said(self, jobs: Jobs):
        with pytest.raises(JobNotFoundError):
            jobs.get(uuid4())
        with pytest.raises(JobNotFoundError):
            jobs.cancel(submit(jobs).id, kind="generation")


class TestClaim:
    def test_one_of_many_workers_gets_a_job(self, jobs: Jobs):
        for _ in range(5):
            job_id = submit(jobs).id
            with ThreadPoolExecutor(8) as pool:
                won = list(pool.map(lambda n, j=job_id: jobs.claim(j, worker=f"w{n}"), range(8)))
            assert sum(job is not None for job in won) == 1

    def test_what_is_not_due_is_not_begun(self, jobs: Jobs):
        job = begun(jobs)
        jobs.put_back(job.claim, message="later", wait_seconds=60)
        assert jobs.claim(job.id, worker="w") is None
        assert jobs.due() == []

    def test_a_claim_that_was_lost_changes_nothing(self, jobs: Jobs):
        job = begun(jobs)
        jobs.recover(everybody)
        again = jobs.claim(job.id, worker="w")
        assert again is not None
        for lost in (job.claim, Claim(job_id=job.id, worker="x", attempt=again.attempts)):
            assert not jobs.finish(lost, status="done", result="1")
            assert not jobs.report(lost, JobProgress(stage="s"))
            assert not jobs.put_back(lost, message="m")
            assert jobs.beat([lost]) == (set(), {job.id})
        assert jobs.finish(again.claim, status="done", result="2")
        assert not jobs.finish(again.claim, status="failed")
        assert (jobs.get(job.id).status, jobs.get(job.id).result) == ("done", "2")

    def test_every_change_that_is_shown_raises_the_version(self, jobs: Jobs):
        job = begun(jobs)
        jobs.report(job.claim, JobProgress(stage="s", done=1, total=2, rate=0.5))
        shown = jobs.get(job.id)
        assert (shown.done, shown.total, shown.rate) == (1, 2, 0.5)
        jobs.finish(job.claim, status="done")
        assert job.version < shown.version < jobs.get(job.id).version


class TestEnds:
    def test_a_waiting_job_is_cancelled_at_once(self, jobs: Jobs):
        job = jobs.cancel(submit(jobs).id)
        assert job.status == "cancelled"
        assert job.finished_at is not None
        assert jobs.claim(job.id, worker="w") is None

    def test_the_worker_of_a_running_one_is_told(self, jobs: Jobs):
        job = begun(jobs)
        assert jobs.beat([job.claim]) == (set(), set())
        assert jobs.cancel(job.id).status == "running"
        assert jobs.beat([job.claim]) == ({job.id}, set())
        jobs.finish(job.claim, status="cancelled")
        assert jobs.cancel(job.id).status == "cancelled"

    def test_a_dead_workers_job_goes_on_and_then_fails(self, jobs: Jobs):
        job = begun(jobs, max_attempts=2)
        assert [one.status for one in jobs.recover(everybody)] == ["queued"]
        assert jobs.claim(job.id, worker="w") is not None
        assert [one.status for one in jobs.recover(everybody)] == ["failed"]
        ended = jobs.get(job.id)
        assert (ended.error_code, ended.attempts) == ("worker-died", 2)
        assert jobs.recover(everybody) == []

    def test_a_dead_workers_job_that_was_to_stop_is_cancelled(self, jobs: Jobs):
        job = begun(jobs)
        jobs.cancel(job.id)
        assert [one.status for one in jobs.recover(everybody)] == ["cancelled"]

    def test_a_worker_that_beats_meanwhile_keeps_its_job(self, jobs: Jobs):
        job = begun(jobs)

        def dead_as_it_seems(_row: JobRow) -> bool:
            jobs.beat([job.claim])
            return True

        assert jobs.recover(dead_as_it_seems) == []

    def test_handing_back_is_no_attempt(self, jobs: Jobs):
        job = begun(jobs)
        jobs.put_back(job.claim, message="stopped")
        assert jobs.get(job.id).attempts == 0
        job = begun(jobs)
        jobs.put_back(job.claim, message="failed", counts=True)
        assert jobs.get(job.id).attempts == 1

    def test_jobs_are_counted(self, jobs: Jobs):
        submit(jobs)
        begun(jobs)
        assert jobs.counts() == {("scan", "queued"): 1, ("scan", "running"): 1}


class TestGenerations:
    def new(self, job: JobRow) -> NewGeneration:
        return NewGeneration(
            job_id=job.id, brief="rain", prompt="sad", seconds=30.0, seed=2**32 - 1,
            backend="composer", model_version="composer-1", weights_licence="none",
            commercial_use="yes", audio_path="/d/generated/a.flac", audio_hash="0" * 64,
            provenance="{}",
        )  # fmt: skip

    def test_the_track_of_its_file_is_marked(self, catalogue: Catalogue):
        made = catalogue.generations.add(self.new(submit(catalogue.jobs)))
        track_id = store(catalogue, listening(made.audio_path))
        other = store(catalogue, listening("/m/b.wav"))
        assert catalogue.track(track_id).generated
        assert catalogue.track(track_id).licence is not None
        assert not catalogue.track(other).generated
        assert made.job_id is not None
        found = catalogue.generations.of_job(made.job_id)
        assert found is not None
        assert found.track_id == track_id
        store(catalogue, listening(made.audio_path))
        assert catalogue.track(track_id).generated

    def test_a_jobs_music_is_noted_once_and_outlives_its_track(self, catalogue: Catalogue):
        new = self.new(submit(catalogue.jobs))
        made = catalogue.generations.add(new)
        assert catalogue.generations.add(new).id == made.id
        track_id = store(catalogue, listening(made.audio_path))
        catalogue.delete_tracks([track_id])
        assert made.job_id is not None
        found = catalogue.generations.link(made.job_id)
        assert found is not None
        assert found.track_id is None

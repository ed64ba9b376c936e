from __future__ import annotations

import shutil
import socket
import subprocess
import time
from threading import Event, Thread
from typing import TYPE_CHECKING

import pytest

from indexer.catalogue.job_rows import JobProgress, JobRow, NewJob
from indexer.catalogue.repository import Catalogue
from indexer.errors import LibraryBusyError, LibraryPathError
from service.jobs import worker as worker_module
from service.jobs.errors import JobStoppedError
from service.jobs.presence import Presence
from service.jobs.queue import FILE_NAME, JobQueue
from service.jobs.worker import Worker

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from service.jobs.task import Task


@pytest.fixture
def catalogue(catalogue_location: str) -> Iterator[Catalogue]:
    with Catalogue.open(catalogue_location) as opened:
        yield opened


class Crew:
    """A worker in a thread, and the table it works on."""

    def __init__(
        self,
        catalogue: Catalogue,
        folder: Path,
        run: Callable[[Task], str],
        redis: str | None = None,
    ) -> None:
        self.jobs = catalogue.jobs
        self.queue = JobQueue(folder, database=None, redis=redis)
        self.presence = Presence(folder)
        self.worker = Worker(
            self.jobs, self.queue, self.presence, {"scan": run}, threads=2, stale_seconds=30
        )
        self.stopping = Event()
        self.thread = Thread(target=self.worker.run, args=(self.stopping,))

    def __enter__(self) -> Crew:
        self.presence.__enter__()
        self.thread.start()
        return self

    def __exit__(self, *_exception: object) -> None:
        self.stopping.set()
        self.thread.join()
        self.presence.__exit__()

    def submit(self, *, attempts: int = 3) -> JobRow:
        new = NewJob(kind="scan", request={}, max_attempts=attempts)
        job = self.jobs.submit(new, most_queued=99).job
        self.queue.put(job.id)
        return job

    def until(self, job: JobRow, is_so: Callable[[JobRow], bool]) -> JobRow:
        until = time.monotonic() + 30
        while not is_so(found := self.jobs.get(job.id)):
            assert time.monotonic() < until, found
            time.sleep(0.02)
        return found

    def ended(self, job: JobRow) -> JobRow:
        return self.until(job, lambda one: one.has_ended)


def wait_to_stop(task: Task) -> str:
    task.report(JobProgress(stage="at it"))
    task.stop.wait(30)
    raise JobStoppedError("{}")


class TestWorker:
    def test_a_job_that_comes_twice_is_done_once(self, catalogue: Catalogue, tmp_path: Path):
        runs: list[str] = []

        def run(task: Task) -> str:
            runs.append(str(task.job.id))
            return '"result"'

        with Crew(catalogue, tmp_path, run) as crew:
            jobs = [crew.submit() for _ in range(5)]
            for job in jobs:
                crew.queue.put(job.id)
            assert {crew.ended(job).result for job in jobs} == {'"result"'}
        assert sorted(runs) == sorted(str(job.id) for job in jobs)

    def test_what_the_queue_lost_is_done_all_the_same(self, catalogue: Catalogue, tmp_path: Path):
        new = NewJob(kind="scan", request={})
        job = catalogue.jobs.submit(new, most_queued=9).job
        (tmp_path / FILE_NAME).write_bytes(b"damaged" * 1_000)
        with Crew(catalogue, tmp_path, lambda _task: "1") as crew:
            assert crew.ended(job).status == "done"

    def test_tries_again_and_then_fails(
        self, catalogue: Catalogue, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ):
        monkeypatch.setattr(worker_module, "BACK_OFF_SECONDS", 0.01)

        def run(_task: Task) -> str:
            raise OSError("no room")

        with Crew(catalogue, tmp_path, run) as crew:
            failed = crew.ended(crew.submit(attempts=2))
        assert (failed.status, failed.attempts, failed.error_message) == ("failed", 2, "no room")

    def test_what_comes_again_in_any_case_fails_at_once(self, catalogue: Catalogue, tmp_path: Path):
        def run(_task: Task) -> str:
            raise LibraryPathError("/m", "does not exist")

        with Crew(catalogue, tmp_path, run) as crew:
            failed = crew.ended(crew.submit())
        assert (failed.attempts, failed.error_code) == (1, "path-missing")

    def test_a_crash_of_a_library_tells_nothing_of_itself(
        self, catalogue: Catalogue, tmp_path: Path
    ):
        def run(_task: Task) -> str:
            raise ZeroDivisionError("secret")

        with Crew(catalogue, tmp_path, run) as crew:
            failed = crew.ended(crew.submit(attempts=1))
        assert failed.error_code == "internal"
        assert "secret" not in (failed.error_message or "")

    def test_waits_for_another_indexer_without_counting(
        self, catalogue: Catalogue, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ):
        monkeypatch.setattr(worker_module, "BUSY_SECONDS", 0.01)
        tries: list[int] = []

        def run(task: Task) -> str:
            tries.append(task.job.attempts)
            if len(tries) < 4:
                raise LibraryBusyError("busy")
            return "1"

        with Crew(catalogue, tmp_path, run) as crew:
            assert crew.ended(crew.submit(attempts=1)).status == "done"
        assert tries == [1, 1, 1, 1]

    def test_a_running_job_is_cancelled(self, catalogue: Catalogue, tmp_path: Path):
        with Crew(catalogue, tmp_path, wait_to_stop) as crew:
            job = crew.submit()
            crew.until(job, lambda one: one.stage == "at it")
            crew.jobs.cancel(job.id)
            ended = crew.ended(job)
        assert (ended.status, ended.result) == ("cancelled", "{}")

    def test_what_cannot_be_finished_is_handed_back(self, catalogue: Catalogue, tmp_path: Path):
        with Crew(catalogue, tmp_path, wait_to_stop) as crew:
            job = crew.submit()
            crew.until(job, lambda one: one.stage == "at it")
        left = catalogue.jobs.get(job.id)
        assert (left.status, left.attempts) == ("queued", 0)

    def test_the_jobs_of_the_dead_are_taken_over(self, catalogue: Catalogue, tmp_path: Path):
        dead = Presence(tmp_path)
        with dead:
            job = catalogue.jobs.submit(NewJob(kind="scan", request={}), most_queued=9).job
            assert catalogue.jobs.claim(job.id, worker=dead.name) is not None
        (tmp_path / "workers" / f"{dead.name}.lock").touch()  # as a kill leaves it
        with Crew(catalogue, tmp_path, lambda _task: "1") as crew:
            assert crew.ended(job).attempts == 2

    def test_the_jobs_of_the_living_are_left_alone(self, catalogue: Catalogue, tmp_path: Path):
        with Presence(tmp_path) as other:
            job = catalogue.jobs.submit(NewJob(kind="scan", request={}), most_queued=9).job
            assert catalogue.jobs.claim(job.id, worker=other.name) is not None
            with Crew(catalogue, tmp_path, lambda _task: "1") as crew:
                crew.worker.keep_once()
                assert crew.jobs.get(job.id).worker == other.name

    def test_redis_brings_jobs_too(self, catalogue: Catalogue, tmp_path: Path):
        pytest.importorskip("redis", reason="redis is not installed: pip install '.[redis]'")
        server = shutil.which("redis-server")
        if server is None:
            pytest.skip("no Redis on this machine; to run this: apt-get install redis-server")
        with socket.socket() as opened:
            opened.bind(("127.0.0.1", 0))
            port = opened.getsockname()[1]
        process = subprocess.Popen(  # noqa: S603
            [server, "--port", str(port), "--save", "", "--bind", "127.0.0.1"],
            cwd=tmp_path, stdout=subprocess.DEVNULL,
        )  # fmt: skip
        try:
            url = f"redis://127.0.0.1:{port}/0"
            with Crew(catalogue, tmp_path, lambda _task: "1", redis=url) as crew:
                assert crew.ended(crew.submit()).status == "done"
        finally:
            process.terminate()
            process.wait()

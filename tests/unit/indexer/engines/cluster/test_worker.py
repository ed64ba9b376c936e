from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec
import pytest

from indexer.engines.cluster import worker as worker_module
from indexer.engines.cluster.settled import pack_hashes
from indexer.engines.cluster.wire import ANSWERS, Broken, Did, Hello, Knew, Parcel, Unseen, task_of
from indexer.engines.cluster.worker import Equipment, Worker
from indexer.engines.jobs import Job
from indexer.walk import FoundFile
from musiscene.audio.read import identify_audio
from tests.support.audio import sine, write_audio
from tests.support.scanning import SAMPLE_RATE, QuickEngine

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterator
    from pathlib import Path

    from indexer.engines.cluster.wire import Answer
    from indexer.engines.jobs import Engine, Outcome


class BrokenEngine:
    def run(
        self, next_job: Callable[[], Job | None], settled: Collection[str]
    ) -> Iterator[Outcome]:
        del settled
        while next_job() is not None:
            raise OSError("no room")
        yield from ()


def new_worker(engine: Engine, *, settled: Collection[str] = ()) -> Worker:
    versions = QuickEngine().versions
    worker = Worker(lambda _: Equipment(engine=engine, versions=versions, embedder="c-1"), 1)
    hello = msgspec.msgpack.decode(worker.hello(pack_hashes(settled)), type=Hello)
    assert hello == Hello(versions=versions, embedder="c-1")
    return worker


def exchange(worker: Worker, *files: Path, settled: Collection[str] = ()) -> list[Answer]:
    """Answers to some files, numbered from 0."""
    jobs = [Job(file=FoundFile(str(file), 1, 1), kind="hear") for file in files]
    tasks = tuple(task_of(number, job) for number, job in enumerate(jobs))
    parcel = Parcel(tasks=tasks, settled=pack_hashes(settled).astype("<u8").tobytes())
    answers: list[Answer] = []
    while len(answers) < len(files):
        answers += ANSWERS.decode(worker.exchange(msgspec.msgpack.encode(parcel)))
        parcel = Parcel(tasks=(), settled=b"")
    return answers


@pytest.fixture
def wave(tmp_path: Path) -> Path:
    tone = sine(440.0, seconds=1, sample_rate=SAMPLE_RATE)
    return write_audio(tmp_path / "tone.wav", tone, sample_rate=SAMPLE_RATE)


class TestWorker:
    def test_works_on_through_several_parcels(self, wave: Path):
        worker = new_worker(QuickEngine())
        for _ in range(3):
            answers = exchange(worker, wave, wave)
            assert sorted((type(one), one.number) for one in answers if isinstance(one, Did)) == [
                (Did, 0),
                (Did, 1),
            ]

    def test_does_not_hear_what_others_heard(self, wave: Path):
        known = identify_audio(wave).audio_hash
        (answer,) = exchange(new_worker(QuickEngine(), settled=[known]), wave)
        assert isinstance(answer, Knew)
        worker = new_worker(QuickEngine())
        (answer,) = exchange(worker, wave, settled=[known])
        assert isinstance(answer, Knew)

    def test_says_which_files_are_not_there(self, wave: Path, tmp_path: Path):
        answers = exchange(new_worker(QuickEngine()), tmp_path / "nowhere.wav", wave)
        assert {one.number for one in answers if isinstance(one, Unseen)} == {0}
        assert {one.number for one in answers if isinstance(one, Did)} == {1}

    def test_says_when_its_engine_broke(self, wave: Path):
        (answer,) = exchange(new_worker(BrokenEngine()), wave)
        assert answer == Broken(reason="OSError: no room")

    def test_with_nothing_to_tell_it_answers_all_the_same(self, monkeypatch: pytest.MonkeyPatch):
        monkeypatch.setattr(worker_module, "POLL_SECONDS", 0.01)
        worker = new_worker(QuickEngine())
        parcel = msgspec.msgpack.encode(Parcel(tasks=(), settled=b""))
        assert ANSWERS.decode(worker.exchange(parcel)) == ()

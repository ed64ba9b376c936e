"""The scan's side, with machines that are made up: what they do is said by the test."""

from __future__ import annotations

import contextlib
import itertools
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

import msgspec
import pytest

from indexer.engines.cluster import engine as engine_module
from indexer.engines.cluster.crew import Crew, posts_of
from indexer.engines.cluster.engine import ClusterEngine
from indexer.engines.cluster.machines import Call, Machine, Post, WorkerLostError
from indexer.engines.cluster.wire import Broken, Hello, Parcel, Refused, Unseen
from indexer.engines.jobs import Failed, Job
from indexer.errors import ClusterError
from indexer.walk import FoundFile
from musiscene.writer import ModelVersions

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from indexer.engines.cluster.wire import Answer, Task
    from indexer.engines.cluster.worker import Equip, Equipment
    from indexer.engines.jobs import Outcome

HELLO = Hello(versions=ModelVersions(listening="a-1", writing="b-1"), embedder="c-1")


def done(task: Task) -> Answer:
    return Refused(number=task.number, stage="decode", reason="done", is_lasting=True)


@dataclass
class MadeMachines:
    """Machines of one core; a worker answers all that it is sent at once."""

    names: list[str]
    behave: Callable[[str, Task], Answer | None] = lambda _, task: done(task)
    """What the worker of a machine answers to a task; it dies for None."""
    greet: Callable[[str], Hello | None] = lambda _: HELLO
    parcels: list[tuple[str, list[str]]] = field(default_factory=list)
    """Machine and files, as they were sent."""
    dismissed: int = 0
    hired: int = 0

    def alive(self) -> list[Machine]:
        return [Machine(machine_id=name, name=name, cores=1, gpus=0) for name in self.names]

    def share(self, hashes: object) -> Call:
        return Call(hashes)

    def hire(self, machine: Machine, _equip: Equip, *, cores: int, gpus: int) -> Post:
        assert (cores, gpus) == (1, 0)
        self.hired += 1
        return Post(machine.name, cores)

    def hello(self, post: Post, _settled: Call) -> Call:
        said = self.greet(post.actor)
        return self._call(None if said is None else msgspec.msgpack.encode(said))

    def exchange(self, post: Post, parcel: bytes) -> Call:
        sent = msgspec.msgpack.decode(parcel, type=Parcel)
        names = [Path(task.file.path).name for task in sent.tasks]
        self.parcels.append((post.actor, names))
        answers = [self.behave(post.actor, task) for task in sent.tasks]
        return self._call(None if None in answers else msgspec.msgpack.encode(answers))

    def wait(self, calls: Sequence[Call], *, seconds: float) -> list[Call]:
        del seconds
        return list(calls)

    def answer(self, call: Call) -> bytes:
        _, said = call.reference
        if said is None:
            raise WorkerLostError("it died")
        assert isinstance(said, bytes)
        return said

    def dismiss(self, _post: Post) -> None:
        self.dismissed += 1

    _numbers: Any = field(default_factory=itertools.count)

    def _call(self, said: bytes | None) -> Call:
        return Call((next(self._numbers), said))


@pytest.fixture
def music(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> list[Job]:
    monkeypatch.setattr(engine_module, "HIRE_SECONDS", 0.0)
    monkeypatch.setattr(engine_module, "TICK_SECONDS", 0.001)
    jobs = []
    for number in range(30):
        path = tmp_path / f"{number:02}"
        path.touch()
        jobs.append(Job(file=FoundFile(str(path), 1, 1), kind="hear"))
    return jobs


def equip(cores: int) -> Equipment:
    raise AssertionError(f"made machines are never equipped: {cores}")


def run(machines: MadeMachines, jobs: list[Job]) -> list[Outcome]:
    waiting = iter(jobs)
    crew = Crew(
        equip=equip,
        hello=HELLO,
        cores_per_worker=1,
        files_ahead=1,
        files_at_first=3,
        patience_seconds=0.05,
    )
    engine = ClusterEngine(lambda: contextlib.nullcontext(machines), crew)
    return list(engine.run(lambda: next(waiting, None), set()))


def reasons(outcomes: list[Outcome]) -> dict[str, str]:
    """Name of the file -> reason, of those that failed by other than the worker's own answer."""
    failed = [one for one in outcomes if isinstance(one, Failed) and one.reason != "done"]
    return {Path(one.job.file.path).name: one.reason for one in failed}


def is_once_each(outcomes: list[Outcome], jobs: list[Job]) -> bool:
    return sorted(one.job.file.path for one in outcomes) == [job.file.path for job in jobs]


class TestClusterEngine:
    def test_every_job_has_one_outcome_and_every_machine_its_part(self, music: list[Job]):
        machines = MadeMachines(["a", "b", "c"])
        assert is_once_each(run(machines, music), music)
        assert {machine for machine, _ in machines.parcels} == {"a", "b", "c"}
        assert [len(names) for _, names in machines.parcels[:6]] == [3, 3, 3, 5, 5, 5]
        assert machines.dismissed == machines.hired == 3

    def test_a_file_that_kills_workers_is_tried_alone_and_fails(self, music: list[Job]):
        machines = MadeMachines(
            ["a", "b"], lambda _, task: None if task.file.path.endswith("07") else done(task)
        )
        outcomes = run(machines, music)
        assert is_once_each(outcomes, music)
        assert list(reasons(outcomes)) == ["07"]
        with_it = [names for _, names in machines.parcels if "07" in names]
        assert len(with_it) == 3
        assert with_it[1:] == [["07"], ["07"]]

    def test_a_machine_that_sees_no_files_is_given_up_and_others_do_them(self, music: list[Job]):
        machines = MadeMachines(
            ["a", "blind"],
            lambda name, task: Unseen(number=task.number) if name == "blind" else done(task),
        )
        outcomes = run(machines, music)
        assert is_once_each(outcomes, music)
        assert not reasons(outcomes)
        assert sum(machine == "blind" for machine, _ in machines.parcels) == 1

    def test_a_file_that_no_machine_sees_fails_by_itself(self, music: list[Job]):
        machines = MadeMachines(
            ["a", "b"],
            lambda _, task: (
                Unseen(number=task.number) if task.file.path.endswith("07") else done(task)
            ),
        )
        outcomes = run(machines, music)
        assert is_once_each(outcomes, music)
        assert reasons(outcomes).keys() == {"07"}
        assert "not on" in reasons(outcomes)["07"]

    def test_a_file_that_is_gone_by_now_is_nobodys_fault(self, music: list[Job]):
        Path(music[7].file.path).unlink()
        machines = MadeMachines(
            ["a"],
            lambda _, task: (
                Unseen(number=task.number) if task.file.path.endswith("07") else done(task)
            ),
        )
        assert reasons(run(machines, music)) == {"07": "it is gone"}

    def test_machines_with_other_models_are_named_and_not_used(self, music: list[Job]):
        other = msgspec.structs.replace(HELLO, embedder="c-2")
        machines = MadeMachines(["a", "b"], greet=lambda name: other if name == "b" else HELLO)
        assert is_once_each(run(machines, music), music)
        assert {machine for machine, _ in machines.parcels} == {"a"}
        with pytest.raises(ClusterError, match=r"b: it has other models: .*embedder c-2"):
            run(MadeMachines(["b"], greet=lambda _: other), music)

    def test_workers_that_never_get_ready_end_the_scan_with_the_reason(self, music: list[Job]):
        machines = MadeMachines(["a"], greet=lambda _: None)
        with pytest.raises(ClusterError, match=r"a: its workers fail before .* \(it died\)"):
            run(machines, music)
        assert machines.hired == engine_module.MAX_LOSSES

    def test_an_engine_that_breaks_again_and_again_ends_the_scan(self, music: list[Job]):
        machines = MadeMachines(["a"], lambda _name, _task: Broken(reason="no room"))
        with pytest.raises(ClusterError, match="no room"):
            run(machines, music)

    def test_no_machine_is_waited_for_and_then_told(self, music: list[Job]):
        with pytest.raises(ClusterError, match="no worker was ready"):
            run(MadeMachines([]), music)

    def test_nothing_to_do_needs_no_machine(self):
        assert run(MadeMachines([]), []) == []


class TestPosts:
    @pytest.mark.parametrize(
        ("cores", "gpus", "posts"),
        [
            (1, 0, [(1, 0)]),
            (4, 0, [(4, 0)]),
            (10, 0, [(3, 0)] * 3),
            (16, 2, [(8, 1)] * 2),
            (1, 2, [(1, 1)]),
        ],
    )
    def test_cores_and_gpus_are_shared_out(
        self, cores: int, gpus: int, posts: list[tuple[int, int]]
    ):
        machine = Machine(machine_id="a", name="a", cores=cores, gpus=gpus)
        assert posts_of(machine, 4) == posts

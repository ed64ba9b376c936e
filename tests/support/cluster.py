"""Clusters of machines for tests: one that is made up, and Ray's own on this machine."""

from __future__ import annotations

import contextlib
import os
import time
from pathlib import Path
from typing import TYPE_CHECKING

import msgspec

from indexer.engines.cluster.crew import Crew
from indexer.engines.cluster.engine import ClusterEngine
from indexer.engines.cluster.machines import RayMachines
from indexer.engines.cluster.wire import Hello
from indexer.engines.cluster.worker import Equipment
from musiscene.writer import ModelVersions
from tests.support.scanning import QuickEngine

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterator

    from indexer.engines.jobs import Job, Outcome

EMBEDDER = "words-1"
ALONE = 3
CROWD_SECONDS = 60.0


class EngineOnAMachine:
    """A `QuickEngine` that notes who heard what, takes its time, and can be made to die.

    Args:
        notes: A folder for the notes.
        seconds: Each file takes.
        crowd: After three files it waits until so many processes have begun.
    """

    def __init__(self, notes: Path, *, seconds: float, crowd: int) -> None:
        self._quick = QuickEngine()
        self._notes = notes
        self._seconds = seconds
        self._crowd = crowd
        self._begun = 0

    def run(
        self, next_job: Callable[[], Job | None], settled: Collection[str]
    ) -> Iterator[Outcome]:
        """One outcome for each job; a file called `poison` ends the process."""
        while (job := next_job()) is not None:
            name = Path(job.file.path).name
            with (self._notes / f"{os.getpid()}").open("a") as notes:
                notes.write(f"{name}\n")
            if name.startswith("poison"):
                os._exit(1)
            self._begun += 1
            if self._begun > ALONE:
                self._wait_for_others()
            time.sleep(self._seconds)
            yield self._quick._do(job, settled)

    def _wait_for_others(self) -> None:
        deadline = time.monotonic() + CROWD_SECONDS
        while len(list(self._notes.iterdir())) < self._crowd and time.monotonic() < deadline:
            time.sleep(0.05)


class QuickModels(msgspec.Struct, frozen=True, kw_only=True):
    """Equips workers with an `EngineOnAMachine`."""

    notes: str
    """A folder."""
    seconds: float = 0.0
    """Each file takes."""
    crowd: int = 0
    """See the engine."""
    listening: str = "ears-1"
    """Version of what it hears."""

    def __call__(self, cores: int) -> Equipment:
        del cores
        return Equipment(
            engine=EngineOnAMachine(Path(self.notes), seconds=self.seconds, crowd=self.crowd),
            versions=ModelVersions(listening=self.listening, writing="words-1"),
            embedder=EMBEDDER,
        )


def crew(
    notes: Path,
    *,
    seconds: float = 0.0,
    crowd: int = 0,
    listening: str = "ears-1",
    patience_seconds: float = 30.0,
) -> Crew:
    """Workers of one core each with `QuickModels`."""
    notes.mkdir(exist_ok=True)
    return Crew(
        equip=QuickModels(notes=str(notes), seconds=seconds, crowd=crowd, listening=listening),
        hello=Hello(
            versions=ModelVersions(listening="ears-1", writing="words-1"), embedder=EMBEDDER
        ),
        cores_per_worker=1,
        files_ahead=1,
        files_at_first=5,
        patience_seconds=patience_seconds,
    )


def ray_engine(crew: Crew) -> ClusterEngine:
    """An engine on the cluster that this process is connected to."""
    return ClusterEngine(lambda: contextlib.nullcontext(RayMachines()), crew)


def heard_by(notes: Path) -> dict[int, list[str]]:
    """Names of the files that each process was given."""
    return {int(file.name): file.read_text().split() for file in notes.iterdir()}

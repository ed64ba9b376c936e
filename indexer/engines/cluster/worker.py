"""What runs on a machine of the cluster: one engine with its models, fed from afar."""

from __future__ import annotations

import logging
import os
import threading
from collections import deque
from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

import msgspec
import numpy as np

from indexer.engines.cluster.settled import SettledHashes
from indexer.engines.cluster.wire import Broken, Hello, Parcel, Unseen, answer_of, job_of

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from indexer.engines.cluster.wire import Answer, Task
    from indexer.engines.jobs import Engine, Job, Outcome
    from musiscene.writer import ModelVersions

logger = logging.getLogger(__name__)

POLL_SECONDS = 10.0
"""How long a worker that has nothing to tell keeps the scan waiting for an answer."""


@dataclass(frozen=True, kw_only=True)
class Equipment:
    """What a worker works with."""

    engine: Engine
    """Does the jobs."""
    versions: ModelVersions
    """Of its models."""
    embedder: str
    """Version of its text embedder."""


class Equip(Protocol):
    """Makes a worker's equipment on its machine; is sent there."""

    def __call__(self, cores: int) -> Equipment:
        """Load or prepare the models.

        Args:
            cores: How many the worker may use.

        Returns:
            The equipment.
        """


class Worker:
    """Keeps one engine busy with what it is sent; the engine runs in a thread of its own.

    Args:
        equip: Makes the equipment.
        cores: How many may be used.
    """

    def __init__(self, equip: Equip, cores: int) -> None:
        self._equip = equip
        self._cores = cores
        self._changed = threading.Condition()
        self._waiting: deque[Task] = deque()
        self._at_work: dict[int, tuple[int, Job]] = {}
        """What the engine has, with its number, by the identity of the job."""
        self._answers: list[Answer] = []
        self._settled = SettledHashes(np.empty(0, np.uint64))

    def hello(self, settled: NDArray[np.uint64]) -> bytes:
        """Get ready.

        Args:
            settled: Audio that need not be heard, from `pack_hashes`.

        Returns:
            A `Hello`.
        """
        self._settled = SettledHashes(settled)
        equipment = self._equip(self._cores)
        threading.Thread(target=self._work, args=(equipment.engine,), daemon=True).start()
        return msgspec.msgpack.encode(
            Hello(versions=equipment.versions, embedder=equipment.embedder)
        )

    def exchange(self, parcel: bytes) -> bytes:
        """Take tasks and give answers, when there are any, or after `POLL_SECONDS`.

        Args:
            parcel: A `Parcel`.

        Returns:
            Some `Answer`s, to these tasks or to earlier ones.
        """
        sent = msgspec.msgpack.decode(parcel, type=Parcel)
        with self._changed:
            self._settled.add(np.frombuffer(sent.settled, "<u8"))
            for task in sent.tasks:
                if task.heard is None and not os.path.lexists(task.file.path):
                    self._answers.append(Unseen(number=task.number))
                else:
                    self._waiting.append(task)
            self._changed.notify_all()
            self._changed.wait_for(lambda: bool(self._answers), POLL_SECONDS)
            answers, self._answers = self._answers, []
        return msgspec.msgpack.encode(answers)

    def _work(self, engine: Engine) -> None:
        """Run the engine as long as the process lives."""
        try:
            while True:
                for outcome in engine.run(self._next_job, self._settled):
                    self._answer(outcome)
        except Exception as error:
            logger.exception("the engine broke")
            with self._changed:
                self._answers.append(Broken(reason=f"{type(error).__name__}: {error}"))
                self._changed.notify_all()

    def _next_job(self) -> Job | None:
        with self._changed:
            # An engine with nothing in hand would go through its start and end in vain.
            self._changed.wait_for(lambda: bool(self._waiting or self._at_work))
            if not self._waiting:
                return None
            task = self._waiting.popleft()
            job = job_of(task)
            self._at_work[id(job)] = task.number, job
            return job

    def _answer(self, outcome: Outcome) -> None:
        with self._changed:
            number, _ = self._at_work.pop(id(outcome.job))
            self._answers.append(answer_of(number, outcome))
            self._changed.notify_all()

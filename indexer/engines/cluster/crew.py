"""Which workers a scan wants, and what each of them has in hand."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from indexer.engines.cluster.machines import Call, Machine, Post
    from indexer.engines.cluster.wire import Hello
    from indexer.engines.cluster.worker import Equip
    from indexer.engines.jobs import Job


@dataclass(frozen=True, kw_only=True)
class Crew:
    """Which workers are wanted."""

    equip: Equip
    """Makes their equipment."""
    hello: Hello
    """What each must say: the versions of the scan's own models."""
    cores_per_worker: int = 4
    """At most; a machine with GPUs has one worker for each."""
    files_ahead: int = 32
    """What a worker has in hand beside four files for each core: a full batch of short ones."""
    files_at_first: int = 8
    """What it is given until it has done one, so that those that start later get some too."""
    patience_seconds: float = 300.0
    """How long a scan waits for a machine when it has none."""


@dataclass(eq=False, kw_only=True)
class Member:
    """One worker, as the scan sees it."""

    machine: Machine
    post: Post
    call: Call | None
    is_ready: bool = False
    is_proven: bool = False
    """Whether it has done something."""
    is_solo: bool = False
    """Whether it has a job that may kill it, and so no other."""
    at_work: dict[int, Job] = field(default_factory=dict)
    """Sent and not answered."""
    outbox: dict[int, Job] = field(default_factory=dict)
    """To be sent with the next parcel."""
    settled_told: int = 0
    """How much of what was settled since the start it knows."""

    @property
    def load(self) -> int:
        """How many jobs it has."""
        return len(self.at_work) + len(self.outbox)


def posts_of(machine: Machine, cores_per_worker: int) -> list[tuple[int, int]]:
    """The workers that a machine gets.

    Args:
        machine: The machine.
        cores_per_worker: At most; where there are GPUs, each gets one worker.

    Returns:
        Cores and GPUs of each.
    """
    if machine.gpus:
        return [(max(1, machine.cores // machine.gpus), 1)] * min(machine.gpus, machine.cores)
    workers = -(-machine.cores // cores_per_worker)
    return [(machine.cores // workers, 0)] * workers

"""The one place that speaks to Ray: machines come and go, and workers are hired on them.

Ray's own restarts and scheduling are not used: where a worker is, and what it was doing when it
was lost, is what a scan has to know.
"""

from __future__ import annotations

import contextlib
import logging
import os
import signal
import socket
import threading
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Protocol

from indexer.engines.cluster.worker import Worker
from indexer.errors import ClusterError, RayMissingError

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    import numpy as np
    from numpy.typing import NDArray

    from indexer.engines.cluster.worker import Equip

HOW_TO_START = (
    "start one with `RAY_USAGE_STATS_ENABLED=0 ray start --head --include-dashboard=false`, or "
    "name another with --ray-address HOST:PORT; see docs/scale.md"
)

KNOCK_SECONDS = 5.0


@dataclass(frozen=True, kw_only=True)
class Machine:
    """One machine of the cluster."""

    machine_id: str
    """Another one each time that it joins."""
    name: str
    """For people."""
    cores: int
    """That may be used."""
    gpus: int
    """That may be used."""


@dataclass(frozen=True, eq=False)
class Post:
    """One worker's place."""

    actor: Any  # Ray's handle, which is not typed
    cores: int
    """It may use."""


@dataclass(frozen=True)
class Call:
    """An answer that is to come."""

    reference: Any  # Ray's too; may be hashed and compared


class WorkerLostError(Exception):
    """A worker died, with what it was doing, or cannot be reached any more."""


class Machines(Protocol):
    """Where workers can be hired."""

    def alive(self) -> list[Machine]:
        """The machines that are there now."""

    def share(self, hashes: NDArray[np.uint64]) -> Call:
        """Lay an array where the processes of each machine can share it."""

    def hire(self, machine: Machine, equip: Equip, *, cores: int, gpus: int) -> Post:
        """Start a worker; that it cannot be started is said by the answer to the first call."""

    def hello(self, post: Post, settled: Call) -> Call:
        """See `Worker.hello`."""

    def exchange(self, post: Post, parcel: bytes) -> Call:
        """See `Worker.exchange`."""

    def wait(self, calls: Sequence[Call], *, seconds: float) -> list[Call]:
        """Those that are answered, as soon as there is one."""

    def answer(self, call: Call) -> bytes:
        """What was answered, or `WorkerLostError` if it never will be."""

    def dismiss(self, post: Post) -> None:
        """End a worker, whatever it does."""


class RayMachines:
    """The machines of a Ray cluster that this process is connected to."""

    def alive(self) -> list[Machine]:
        """The machines that are there now, without those that lend no cores."""
        import ray

        nodes: list[dict[str, Any]] = ray.nodes()  # type: ignore[no-untyped-call]
        return [
            Machine(
                machine_id=node["NodeID"],
                name=f"{node['NodeManagerHostname']} ({node['NodeManagerAddress']})",
                cores=int(node["Resources"].get("CPU", 0)),
                gpus=int(node["Resources"].get("GPU", 0)),
            )
            for node in nodes
            if node["Alive"] and node["Resources"].get("CPU", 0) >= 1
        ]

    def share(self, hashes: NDArray[np.uint64]) -> Call:
        """Put an array into the object store.

        Args:
            hashes: The array.

        Returns:
            Stands for it in `hello`.
        """
        import ray

        return Call(ray.put(hashes))

    def hire(self, machine: Machine, equip: Equip, *, cores: int, gpus: int) -> Post:
        """Start an actor on this very machine.

        Args:
            machine: Where.
            equip: Makes its equipment.
            cores: It may use.
            gpus: It may use.

        Returns:
            Its place.
        """
        import ray
        from ray.util.scheduling_strategies import NodeAffinitySchedulingStrategy

        actor = ray.remote(Worker).options(
            num_cpus=cores,
            num_gpus=gpus,
            max_restarts=0,
            max_task_retries=0,
            scheduling_strategy=NodeAffinitySchedulingStrategy(machine.machine_id, soft=False),
        )
        return Post(actor.remote(equip, cores), cores)

    def hello(self, post: Post, settled: Call) -> Call:
        """Make a worker get ready.

        Args:
            post: The worker.
            settled: From `share`.

        Returns:
            Its `Hello`, to come.
        """
        return Call(post.actor.hello.remote(settled.reference))

    def exchange(self, post: Post, parcel: bytes) -> Call:
        """Send a parcel.

        Args:
            post: The worker.
            parcel: For it.

        Returns:
            Its answers, to come.
        """
        return Call(post.actor.exchange.remote(parcel))

    def wait(self, calls: Sequence[Call], *, seconds: float) -> list[Call]:
        """Wait for the first answer.

        Args:
            calls: Some; not none.
            seconds: At most.

        Returns:
            All that are answered.
        """
        import ray

        references = [call.reference for call in calls]
        ready, _ = ray.wait(references, num_returns=1, timeout=seconds)
        if ready:
            ready, _ = ray.wait(references, num_returns=len(references), timeout=0)
        return [Call(reference) for reference in ready]

    def answer(self, call: Call) -> bytes:
        """Fetch an answer.

        Args:
            call: One that `wait` gave.

        Returns:
            The answer.

        Raises:
            WorkerLostError: If the worker is lost, or could not get ready.
        """
        import ray
        from ray.exceptions import RayError

        try:
            answer: bytes = ray.get(call.reference)
        except RayError as error:
            raise WorkerLostError(_first_line(error)) from error
        return answer

    def dismiss(self, post: Post) -> None:
        """Kill an actor.

        Args:
            post: Where it is.
        """
        import ray
        from ray.exceptions import RayError

        with contextlib.suppress(RayError):
            ray.kill(post.actor, no_restart=True)


def require_ray() -> None:
    """Import Ray, which says nothing of it to its makers.

    Raises:
        RayMissingError: If it is not installed.
    """
    os.environ.setdefault("RAY_USAGE_STATS_ENABLED", "0")
    try:
        import ray  # noqa: F401  whether it can be
    except ImportError as error:
        raise RayMissingError from error


@contextlib.contextmanager
def ray_machines(address: str | None = None) -> Iterator[RayMachines]:
    """Join a Ray cluster for a while.

    Args:
        address: Its head, as `HOST:PORT`; None for RAY_ADDRESS, or the cluster of this machine.

    Yields:
        Its machines.

    Raises:
        RayMissingError: If Ray is not installed.
        ClusterError: If there is no such cluster, or one of another version of Ray or Python.
    """
    require_ray()
    import ray

    if ray.is_initialized():
        yield RayMachines()
        return
    where = f"at {address}" if address else "on this machine"
    with _same_signals():
        try:
            _knock(address)
            ray.init(address or "auto", log_to_driver=False, logging_level=logging.ERROR)
        except (OSError, RuntimeError, ValueError) as error:
            raise ClusterError(
                f"no Ray cluster {where} can be used ({_first_line(error)}); {HOW_TO_START}"
            ) from error
    try:
        yield RayMachines()
    finally:
        ray.shutdown()


def _knock(address: str | None) -> None:
    """Fail at once where nobody answers: Ray would try for many minutes.

    Args:
        address: As `HOST:PORT`; None for that in RAY_ADDRESS, if it is there.

    Raises:
        ValueError: If it is no such address.
        OSError: If nobody answers.
    """
    named = address or os.environ.get("RAY_ADDRESS", "auto")
    if named == "auto":
        return
    host, _, port = named.rpartition(":")
    if not host or not port.isdecimal():
        raise ValueError(f"{named!r} is not HOST:PORT")
    socket.create_connection((host.strip("[]"), int(port)), KNOCK_SECONDS).close()


@contextlib.contextmanager
def _same_signals() -> Iterator[None]:
    """Leave SIGTERM to whom it belongs: Ray takes it when it starts."""
    before = signal.getsignal(signal.SIGTERM)
    try:
        yield
    finally:
        if threading.current_thread() is threading.main_thread():
            signal.signal(signal.SIGTERM, before)


def _first_line(error: BaseException) -> str:
    """What happened, without the trace of another machine's stack."""
    cause = getattr(error, "cause", None)
    told = cause if isinstance(cause, Exception) else error
    lines = str(told).strip().splitlines()
    return f"{type(told).__name__}: {lines[0]}" if lines else type(told).__name__

"""Jobs of a scan, done by workers on many machines.

    next_job -> tasks -> workers, one engine each -> answers -> outcomes

Invariants:
    - Every job ends in one outcome, however many workers are lost on the way.
    - What is lost with a worker is what it had in hand; all else is stored.
    - A file that may have killed a worker is tried alone from then on, `MAX_LOSSES` times in all.
    - Nothing is taken from a worker whose models are not those of the scan.
"""

from __future__ import annotations

import itertools
import logging
import os
import sys
import time
from array import array
from collections import Counter, deque
from typing import TYPE_CHECKING, Final

import msgspec

from indexer.engines.cluster.crew import Member, posts_of
from indexer.engines.cluster.machines import WorkerLostError
from indexer.engines.cluster.settled import pack_hashes, short_hash
from indexer.engines.cluster.wire import (
    ANSWERS,
    Broken,
    Hello,
    Parcel,
    Unseen,
    outcome_of,
    task_of,
)
from indexer.engines.jobs import Failed, Imagined
from indexer.errors import ClusterError

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterator
    from contextlib import AbstractContextManager

    from indexer.engines.cluster.crew import Crew
    from indexer.engines.cluster.machines import Machine, Machines
    from indexer.engines.cluster.wire import Answer
    from indexer.engines.jobs import Job, Outcome

logger = logging.getLogger(__name__)

MAX_LOSSES: Final = 3
"""So many workers may die over a file, or fail on a machine before they have done anything."""
MAX_BLIND: Final = 3
"""So many files in a row may be missing on a machine before it is given up."""
TICK_SECONDS: Final = 1.0
HIRE_SECONDS: Final = 5.0
"""Between two looks at which machines are there."""


class ClusterEngine:
    """Does jobs on the machines of a cluster; see `Engine`.

    Args:
        join: Joins the cluster, for as long as there is something to do.
        crew: Which workers are wanted.
    """

    def __init__(self, join: Callable[[], AbstractContextManager[Machines]], crew: Crew) -> None:
        self._join = join
        self._crew = crew

    def run(
        self, next_job: Callable[[], Job | None], settled: Collection[str]
    ) -> Iterator[Outcome]:
        """Do jobs until there are none; see `Engine.run`.

        Args:
            next_job: Gives a job, or None where there is none at present.
            settled: Hashes of audio that need not be heard again; may grow.

        Yields:
            One outcome for each job, in any order.

        Raises:
            ClusterError: If there is no cluster, or no machine of it can be used.
        """
        with self._join() as machines:
            yield from _Run(machines, self._crew, next_job, settled).outcomes()


class _Run:
    """One scan's jobs, and who has them."""

    def __init__(
        self,
        machines: Machines,
        crew: Crew,
        next_job: Callable[[], Job | None],
        settled: Collection[str],
    ) -> None:
        self._machines = machines
        self._crew = crew
        self._next_job = next_job
        self._settled = settled
        self._shared = machines.share(pack_hashes(settled))
        self._since = array("Q")
        """What was settled since then, as `short_hash` makes it."""
        self._members: list[Member] = []
        self._numbers = itertools.count()
        self._next: Job | None = None
        self._again: deque[tuple[int, Job]] = deque()
        """Jobs that came back undone, by no fault of theirs."""
        self._suspects: deque[tuple[int, Job]] = deque()
        """Jobs that a worker died over, or beside."""
        self._elsewhere: list[tuple[int, Job]] = []
        """Jobs whose file some machines do not see."""
        self._blind: dict[int, dict[str, str]] = {}
        """Which machines those are, and their names, by job."""
        self._losses: Counter[int] = Counter()
        self._troubles: Counter[str] = Counter()
        self._unseen: Counter[str] = Counter()
        self._given_up: dict[str, str] = {}
        """Machines that cannot be used, and why."""
        self._hire_at = 0.0
        self._last_ready = time.monotonic()

    def outcomes(self) -> Iterator[Outcome]:
        try:
            while True:
                self._hand_out()
                if not self._is_work_left():
                    return
                self._hire()
                self._send()
                yield from self._hopeless()
                yield from self._collect()
        finally:
            for member in self._members:
                self._machines.dismiss(member.post)

    def _is_work_left(self) -> bool:
        return bool(
            self._next
            or self._again
            or self._suspects
            or self._elsewhere
            or any(member.load for member in self._members)
        )

    # ---- who is there ---------------------------------------------------------------------

    def _hire(self) -> None:
        now = time.monotonic()
        if any(member.is_ready for member in self._members):
            self._last_ready = now
        if now < self._hire_at:
            return
        self._hire_at = now + HIRE_SECONDS
        alive = self._machines.alive()
        usable = [machine for machine in alive if machine.machine_id not in self._given_up]
        if (alive and not usable and not self._members) or (
            now - self._last_ready > self._crew.patience_seconds
        ):
            raise self._nobody()
        for machine in usable:
            here = sum(one.machine.machine_id == machine.machine_id for one in self._members)
            for cores, gpus in posts_of(machine, self._crew.cores_per_worker)[here:]:
                post = self._machines.hire(machine, self._crew.equip, cores=cores, gpus=gpus)
                call = self._machines.hello(post, self._shared)
                self._members.append(Member(machine=machine, post=post, call=call))

    def _nobody(self) -> ClusterError:
        reasons = "".join(f"\n  {reason}" for reason in self._given_up.values())
        if not reasons:
            reasons = f" no worker was ready for {self._crew.patience_seconds:.0f} s"
        return ClusterError(
            f"no machine of the cluster can be used:{reasons}\nwhat was stored before is whole; "
            "run the same command again to go on"
        )

    def _welcome(self, member: Member, said: bytes) -> None:
        try:
            hello = msgspec.msgpack.decode(said, type=Hello)
        except msgspec.DecodeError:
            self._give_up(member.machine, "it has another version of MusiScene")
            return
        if hello != self._crew.hello:
            self._give_up(
                member.machine,
                f"it has other models: {_said(hello)}; this scan's are {_said(self._crew.hello)}",
            )
            return
        member.is_ready = True
        logger.info("%s: a worker is ready", member.machine.name)

    def _give_up(self, machine: Machine, reason: str) -> None:
        """Use a machine no more; what its workers have is given to others."""
        self._given_up[machine.machine_id] = f"{machine.name}: {reason}"
        logger.warning("%s is not used: %s", machine.name, reason)
        for member in [
            one for one in self._members if one.machine.machine_id == machine.machine_id
        ]:
            self._again.extend(self._let_go(member))

    def _let_go(self, member: Member) -> list[tuple[int, Job]]:
        """End a worker; gives back what it had in hand."""
        self._members.remove(member)
        self._machines.dismiss(member.post)
        self._again.extend(member.outbox.items())
        self._hire_at = 0.0
        in_hand, member.at_work = list(member.at_work.items()), {}
        return in_hand

    def _lose(self, member: Member, reason: str) -> Iterator[Outcome]:
        """Find out what is lost with a worker, and who may have killed it."""
        in_hand = self._let_go(member)
        if not member.is_ready:
            self._count_trouble(member.machine, reason)
            return
        logger.warning(
            "%s: a worker was lost with %d files, which are given to others (%s)",
            member.machine.name,
            len(in_hand),
            reason,
        )
        for number, job in in_hand:
            self._losses[number] += 1
            if self._losses[number] < MAX_LOSSES:
                self._suspects.append((number, job))
                continue
            reason = f"{MAX_LOSSES} workers died over it, the last on {member.machine.name}"
            yield Failed(job=job, stage="listen", reason=reason, is_lasting=False)

    def _count_trouble(self, machine: Machine, reason: str) -> None:
        self._troubles[machine.machine_id] += 1
        if self._troubles[machine.machine_id] >= MAX_LOSSES:
            self._give_up(machine, f"its workers fail before they have done anything ({reason})")

    # ---- who does what --------------------------------------------------------------------

    def _hand_out(self) -> None:
        ready = sorted((one for one in self._members if one.is_ready), key=lambda one: one.load)
        draining: Member | None = None
        for member in ready if self._suspects else ():
            if member.load:
                draining = member
                break
            if self._suspects:
                number, job = self._suspects.popleft()
                member.outbox[number] = job
                member.is_solo = True
        while True:
            if self._next is None:
                self._next = self._next_job()
            free = [
                one
                for one in ready
                if not one.is_solo and one is not draining and self._has_room(one)
            ]
            if not any(self._give_next(one) for one in sorted(free, key=lambda one: one.load)):
                return

    def _has_room(self, member: Member) -> bool:
        room = self._crew.files_ahead + 4 * member.post.cores
        return member.load < (room if member.is_proven else self._crew.files_at_first)

    def _give_next(self, member: Member) -> bool:
        """Give a worker one job, if there is one for it."""
        for position, (number, job) in enumerate(self._elsewhere):
            if member.machine.machine_id not in self._blind[number]:
                del self._elsewhere[position]
                member.outbox[number] = job
                return True
        if self._again:
            number, job = self._again.popleft()
            member.outbox[number] = job
        elif self._next is not None:
            member.outbox[next(self._numbers)] = self._next
            self._next = None
        else:
            return False
        return True

    def _send(self) -> None:
        for member in self._members:
            if member.call is None and member.load:
                tasks = tuple(task_of(number, job) for number, job in member.outbox.items())
                member.at_work |= member.outbox
                member.outbox = {}
                parcel = Parcel(tasks=tasks, settled=self._untold(member))
                member.call = self._machines.exchange(member.post, msgspec.msgpack.encode(parcel))

    def _untold(self, member: Member) -> bytes:
        new = self._since[member.settled_told :]
        member.settled_told = len(self._since)
        if sys.byteorder == "big":
            new.byteswap()
        return new.tobytes()

    # ---- what comes back ------------------------------------------------------------------

    def _collect(self) -> Iterator[Outcome]:
        calls = {member.call: member for member in self._members if member.call is not None}
        if not calls:
            time.sleep(TICK_SECONDS)
            return
        for call in self._machines.wait(list(calls), seconds=TICK_SECONDS):
            member = calls[call]
            member.call = None
            if member not in self._members:  # given up while this answer was on its way
                continue
            try:
                said = self._machines.answer(call)
            except WorkerLostError as error:
                yield from self._lose(member, str(error))
                continue
            if not member.is_ready:
                self._welcome(member, said)
                continue
            for answer in ANSWERS.decode(said):
                yield from self._take(member, answer)

    def _take(self, member: Member, answer: Answer) -> Iterator[Outcome]:
        if isinstance(answer, Broken):
            self._break(member, answer.reason)
            return
        job = member.at_work.pop(answer.number, None)
        if job is None:
            return
        member.is_solo = False
        if isinstance(answer, Unseen):
            yield from self._take_unseen(member.machine, answer.number, job)
            return
        self._unseen[member.machine.machine_id] = 0
        self._troubles[member.machine.machine_id] = 0
        member.is_proven = True
        self._losses.pop(answer.number, None)
        self._blind.pop(answer.number, None)
        outcome = outcome_of(job, answer)
        yield outcome
        if isinstance(outcome, Imagined) and outcome.listening.audio_hash in self._settled:
            self._since.append(short_hash(outcome.listening.audio_hash))

    def _break(self, member: Member, reason: str) -> None:
        """A worker whose engine broke is replaced; where that goes on, its machine is given up."""
        if member not in self._members:
            return
        self._again.extend(self._let_go(member))
        logger.warning("%s: a worker broke: %s", member.machine.name, reason)
        self._count_trouble(member.machine, reason)

    def _take_unseen(self, machine: Machine, number: int, job: Job) -> Iterator[Outcome]:
        if not os.path.lexists(job.file.path):
            yield Failed(job=job, stage="decode", reason="it is gone", is_lasting=False)
            return
        self._blind.setdefault(number, {})[machine.machine_id] = machine.name
        self._elsewhere.append((number, job))
        self._unseen[machine.machine_id] += 1
        if self._unseen[machine.machine_id] >= MAX_BLIND and self._members:
            self._give_up(
                machine,
                f"it does not see {job.file.path}; mount the music at the same path on every "
                "machine",
            )

    def _hopeless(self) -> Iterator[Outcome]:
        """Fail the jobs whose file no machine sees."""
        there = {member.machine.machine_id for member in self._members}
        for number, job in list(self._elsewhere):
            if there and there <= self._blind[number].keys():
                self._elsewhere.remove((number, job))
                names = ", ".join(self._blind[number].values())
                reason = f"it is there, but not on {names}; mount it at the same path"
                yield Failed(job=job, stage="decode", reason=reason, is_lasting=False)


def _said(hello: Hello) -> str:
    versions = hello.versions
    return f"listening {versions.listening}, writing {versions.writing}, embedder {hello.embedder}"

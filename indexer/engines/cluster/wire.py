"""What passes between a scan and its workers: MessagePack, a few kilobytes a track, no audio."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, Literal, TypeAlias

import msgspec

from indexer.catalogue.rows import NewCaption
from indexer.engines.jobs import Failed, Identified, Imagined, Job, Stage
from indexer.walk import FoundFile
from musiscene.audio.read import AudioInfo
from musiscene.packing import pack_listening, unpack_listening
from musiscene.writer import ModelVersions

if TYPE_CHECKING:
    from indexer.engines.jobs import Outcome


class Hello(msgspec.Struct, frozen=True, kw_only=True):
    """A worker is ready."""

    versions: ModelVersions
    """Of what listens and imagines."""
    embedder: str
    """Version of what makes the vectors."""


class Task(msgspec.Struct, frozen=True, kw_only=True):
    """A job, without what only the scan needs."""

    number: int
    """Which job it is."""
    file: FoundFile
    """As in the job."""
    kind: Literal["identify", "hear", "imagine"]
    """As in the job."""
    must_hear: bool
    """As in the job."""
    heard: bytes | None
    """What was heard before, packed."""
    fingerprint: bytes | None
    """As in the job."""


class Parcel(msgspec.Struct, frozen=True, kw_only=True):
    """What a worker is sent."""

    tasks: tuple[Task, ...]
    """To be done beside those that it has."""
    settled: bytes
    """Audio that was heard since it was last told: `short_hash` of each, as little-endian."""


class Knew(msgspec.Struct, frozen=True, kw_only=True, tag=True):
    """An `Identified`."""

    number: int
    """Of the job."""
    info: AudioInfo
    """The file."""
    audio_hash: str
    """Of its packets."""


class Did(msgspec.Struct, frozen=True, kw_only=True, tag=True):
    """An `Imagined`."""

    number: int
    """Of the job."""
    heard: bytes
    """The listening, packed."""
    captions: tuple[NewCaption, ...]
    """With their vectors."""
    fingerprint: bytes | None
    """Of the sound."""


class Refused(msgspec.Struct, frozen=True, kw_only=True, tag=True):
    """A `Failed`."""

    number: int
    """Of the job."""
    stage: Stage
    """In which it failed."""
    reason: str
    """What is wrong."""
    is_lasting: bool
    """Whether it would fail again."""


class Unseen(msgspec.Struct, frozen=True, kw_only=True, tag=True):
    """The file is not where the scan found it, seen from this machine."""

    number: int
    """Of the job."""


class Broken(msgspec.Struct, frozen=True, kw_only=True, tag=True):
    """The worker can do no more, by no fault of one file."""

    reason: str
    """Why."""


Answer: TypeAlias = Knew | Did | Refused | Unseen | Broken
ANSWERS: Final[msgspec.msgpack.Decoder[tuple[Answer, ...]]] = msgspec.msgpack.Decoder(
    tuple[Answer, ...]
)


def task_of(number: int, job: Job) -> Task:
    """Make a job ready for the wire.

    Args:
        number: Which it is.
        job: The job.

    Returns:
        What a worker needs of it.
    """
    return Task(
        number=number,
        file=job.file,
        kind=job.kind,
        must_hear=job.must_hear,
        heard=None if job.listening is None else pack_listening(job.listening),
        fingerprint=job.fingerprint,
    )


def job_of(task: Task) -> Job:
    """Take a job off the wire.

    Args:
        task: From `task_of`.

    Returns:
        The job.
    """
    return Job(
        file=task.file,
        kind=task.kind,
        must_hear=task.must_hear,
        listening=None if task.heard is None else unpack_listening(task.heard),
        fingerprint=task.fingerprint,
    )


def answer_of(number: int, outcome: Outcome) -> Answer:
    """Make an outcome ready for the wire.

    Args:
        number: Of its job.
        outcome: The outcome.

    Returns:
        The outcome without its job.
    """
    if isinstance(outcome, Identified):
        return Knew(number=number, info=outcome.info, audio_hash=outcome.audio_hash)
    if isinstance(outcome, Failed):
        return Refused(
            number=number,
            stage=outcome.stage,
            reason=outcome.reason,
            is_lasting=outcome.is_lasting,
        )
    return Did(
        number=number,
        heard=pack_listening(outcome.listening),
        captions=outcome.captions,
        fingerprint=outcome.fingerprint,
    )


def outcome_of(job: Job, answer: Knew | Did | Refused) -> Outcome:
    """Take an outcome off the wire.

    Args:
        job: What was asked.
        answer: From `answer_of`.

    Returns:
        The outcome; a failure where what was heard arrived damaged.
    """
    if isinstance(answer, Knew):
        return Identified(job=job, info=answer.info, audio_hash=answer.audio_hash)
    if isinstance(answer, Refused):
        return Failed(
            job=job, stage=answer.stage, reason=answer.reason, is_lasting=answer.is_lasting
        )
    listening = unpack_listening(answer.heard)
    if listening is None:
        reason = "what was heard came back damaged"
        return Failed(job=job, stage="listen", reason=reason, is_lasting=False)
    return Imagined(
        job=job,
        listening=listening,
        captions=answer.captions,
        fingerprint=answer.fingerprint,
    )

"""What an engine is asked, and what it answers."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal, Protocol, TypeAlias
from uuid import UUID

import msgspec

from indexer.catalogue.rows import NewCaption
from indexer.walk import FoundFile
from musiscene.audio.read import AudioInfo
from musiscene.listen import Listening

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterator

Stage = Literal["walk", "decode", "listen", "imagine"]


class Job(msgspec.Struct, frozen=True, kw_only=True):
    """One file and what is to be done with it."""

    file: FoundFile
    kind: Literal["identify", "hear", "imagine"]
    """Only hash its audio; decode it and hear it; or imagine from what was heard before."""
    must_hear: bool = False
    """Also if its audio is known."""
    listening: Listening | None = None
    """What was heard before, for `imagine`."""
    track_id: UUID | None = None
    """Which track it is, where that is known; None for one that may be new."""
    fingerprint: bytes | None = None
    """Of what was heard before."""


class Identified(msgspec.Struct, frozen=True, kw_only=True):
    """A file whose audio was hashed and, unless that was all it was asked for, is known."""

    job: Job
    info: AudioInfo
    """The file."""
    audio_hash: str
    """SHA-256 of its packets."""


class Imagined(msgspec.Struct, frozen=True, kw_only=True):
    """A file with everything that there is to know about it."""

    job: Job
    listening: Listening
    """What is heard."""
    captions: tuple[NewCaption, ...]
    """About its segments, with their vectors."""
    fingerprint: bytes | None
    """Of its sound."""


class Failed(msgspec.Struct, frozen=True, kw_only=True):
    """A file that could not be taken in."""

    job: Job
    stage: Stage
    """In which it failed."""
    reason: str
    """What is wrong."""
    is_lasting: bool
    """Whether it would fail again as long as it stays as it is."""


Outcome: TypeAlias = Identified | Imagined | Failed


class Engine(Protocol):
    """Does jobs, several at once."""

    def run(
        self, next_job: Callable[[], Job | None], settled: Collection[str]
    ) -> Iterator[Outcome]:
        """Do jobs until there are none.

        Args:
            next_job: Gives a job, or None where there is none at present; called between outcomes
                and from the thread that takes them. Jobs may come again after an outcome was taken.
            settled: Hashes of audio that need not be heard again; may grow.

        Returns:
            One outcome for each job, in any order.
        """

"""Music for a brief that nothing fits: the job that makes it."""

from __future__ import annotations

import secrets
from datetime import timedelta
from typing import TYPE_CHECKING, Final

import msgspec

from indexer.catalogue.job_rows import NewJob
from indexer.matching.results import GenerationLink
from musiscene.generate.prompts import short_prompt
from musiscene.generate.protocol import LEAST_SECONDS, MAX_SEED, MOST_SECONDS, HitPoint
from musiscene.generate.takes import DEFAULT_TAKES

if TYPE_CHECKING:
    from collections.abc import Sequence
    from typing import Literal

    from indexer.catalogue.job_rows import JobRow
    from indexer.matching.results import MatchResult, Reading

    Fallback = Literal["never", "auto", "always"]

DEFAULT_SECONDS: Final = 30.0
LONGEST_BRIEF: Final = 4_000
"""Characters that are kept of a brief."""
REUSE_SECONDS: Final = 86_400.0
ATTEMPTS: Final = 3


class GenerationJob(msgspec.Struct, frozen=True, kw_only=True):
    """The music that is wanted, as its job's row has it."""

    brief: str | None
    """None where a prompt was given."""
    prompt: str
    seconds: float
    seed: int
    backend: str
    hits: tuple[HitPoint, ...] = ()
    takes: int = DEFAULT_TAKES
    """How many are made and heard, of which the best is kept."""


def is_wanted(fallback: Fallback, result: MatchResult) -> bool:
    """Whether music is to be made for an answer."""
    return fallback == "always" or (fallback == "auto" and result.decision == "nothing_fits")


def stand_in(
    captions: Sequence[str],
    reading: Reading,
    *,
    seconds: float | None,
    key: str | None = None,
    attempts: int = ATTEMPTS,
    reuse_seconds: float = REUSE_SECONDS,
) -> NewJob:
    """The job that makes music for a brief; the same brief and length give the same job.

    Args:
        captions: The brief.
        reading: As the matcher read it.
        seconds: Wanted length; None for any.
        key: The client's idempotency key.
        attempts: How often it may be begun.
        reuse_seconds: A job that was done so long ago is given again.

    Returns:
        What to submit.
    """
    length = min(max(seconds or DEFAULT_SECONDS, LEAST_SECONDS), MOST_SECONDS)
    brief = "\n".join(captions)
    job = GenerationJob(
        brief=brief[:LONGEST_BRIEF],
        prompt=prompt_of(reading),
        seconds=length,
        seed=any_seed(),
        backend="auto",
    )
    return NewJob(
        kind="generation",
        request=msgspec.to_builtins(job),
        max_attempts=attempts,
        idempotency_key=key,
        same_as={"brief": " ".join(brief.split()).lower(), "seconds": length},
        reuse_after=timedelta(seconds=reuse_seconds),
    )


def linked(result: MatchResult, job: JobRow) -> MatchResult:
    """An answer that names the music that is made for it."""
    link = GenerationLink(id=job.id, status=job.status, url=f"/v1/generations/{job.id}")
    return msgspec.structs.replace(result, generation=link)


def prompt_of(reading: Reading) -> str:
    """A short prompt from what a brief calls for."""
    return short_prompt([mood.mood for mood in reading.moods], reading.music, reading.wishes)


def any_seed() -> int:
    """One that was not used before, most likely."""
    return secrets.randbelow(MAX_SEED + 1)

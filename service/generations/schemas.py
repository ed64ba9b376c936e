"""What a generation is asked, and how it is shown."""

from __future__ import annotations

from typing import Annotated, Any, cast
from uuid import UUID

import msgspec
from msgspec import Meta

from indexer.catalogue.generations import GenerationRow
from indexer.catalogue.job_rows import JobRow
from indexer.fallback import DEFAULT_SECONDS, GenerationJob
from indexer.matching.brief import MAX_CAPTIONS
from musiscene.generate.backends import BackendName
from musiscene.generate.protocol import (
    LEAST_SECONDS,
    MAX_PROMPT_CHARACTERS,
    MAX_SEED,
    MOST_HITS,
    MOST_SECONDS,
    CommercialUse,
    HitPoint,
    Provenance,
)
from musiscene.generate.takes import DEFAULT_TAKES, MOST_TAKES
from service.jobs.schemas import JobView, job_fields

Seconds = Annotated[
    float, Meta(ge=LEAST_SECONDS, le=MOST_SECONDS, description="Exact length of the music.")
]
Caption = Annotated[str, Meta(min_length=1, max_length=10_000)]


class GenerationRequest(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The music that is wanted: a prompt, or captions that a prompt is made from."""

    prompt: (
        Annotated[
            str,
            Meta(
                min_length=1,
                max_length=MAX_PROMPT_CHARACTERS,
                description="Short: genre, mood, instruments, tempo.",
                examples=["folk, joyful, acoustic guitar, 110 bpm"],
            ),
        ]
        | None
    ) = None
    captions: (
        Annotated[
            list[Caption],
            Meta(
                min_length=1,
                max_length=MAX_CAPTIONS,
                description="What is seen; in place of a prompt.",
                examples=[["rain on the window of a night train"]],
            ),
        ]
        | None
    ) = None
    seconds: Seconds = DEFAULT_SECONDS
    seed: (
        Annotated[int, Meta(ge=0, le=MAX_SEED, description="The same one gives the same music.")]
        | None
    ) = None
    backend: BackendName = "auto"
    hits: Annotated[
        list[HitPoint],
        Meta(
            max_length=MOST_HITS,
            description="Points of the picture that the music should meet, in the order of time.",
        ),
    ] = []
    takes: Annotated[
        int,
        Meta(
            ge=1,
            le=MOST_TAKES,
            description="How many are made and heard, of which the best is kept.",
        ),
    ] = DEFAULT_TAKES


class GenerationResult(msgspec.Struct, frozen=True, kw_only=True):
    """What came of a generation."""

    track_id: UUID | None
    provenance: Provenance


class GenerationView(JobView, frozen=True, kw_only=True):
    """One generation."""

    brief: str | None
    """That nothing fitted, or that the prompt was made from."""
    prompt: str
    seconds: float
    seed: int
    backend: str
    """As asked for; `provenance` says which one it was."""
    audio_url: str | None
    """None until there is audio."""
    track_id: UUID | None
    """Of the library; None until it is indexed."""
    track_url: str | None
    weights_licence: str | None
    """None until there is audio."""
    commercial_use: CommercialUse | None
    """Whether that licence allows it; None until there is audio."""
    provenance: dict[str, Any] | None
    """All that is known of how it was made; None until there is audio."""


class GenerationPage(msgspec.Struct, frozen=True, kw_only=True):
    """Some of the generations."""

    generations: list[GenerationView]
    """Newest first."""
    after: str | None
    """To ask for the next page with; None on the last one."""


def generation_view(job: JobRow, made: GenerationRow | None) -> GenerationView:
    """How a generation is shown.

    Args:
        job: As the table has it.
        made: Its music, if there is any yet.

    Returns:
        The view.
    """
    asked = msgspec.json.decode(job.request, type=GenerationJob)
    track_id = None if made is None else made.track_id
    return GenerationView(
        **job_fields(job),
        brief=asked.brief,
        prompt=asked.prompt,
        seconds=asked.seconds,
        seed=asked.seed,
        backend=asked.backend,
        audio_url=None if made is None else f"/v1/generations/{job.id}/audio",
        track_id=track_id,
        track_url=None if track_id is None else f"/v1/tracks/{track_id}",
        weights_licence=None if made is None else made.weights_licence,
        commercial_use=None if made is None else cast("CommercialUse", made.commercial_use),
        provenance=None if made is None else msgspec.json.decode(made.provenance),
    )

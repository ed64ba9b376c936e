"""Asks for music: from a prompt, from captions, or because nothing fits a brief."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import msgspec

from indexer.catalogue.job_rows import NewJob
from indexer.fallback import LONGEST_BRIEF, GenerationJob, any_seed, prompt_of, stand_in
from musiscene.errors import GenerationError
from musiscene.generate.protocol import MusicRequest, check_request
from service.generations.schemas import generation_view
from service.jobs.errors import GeneratedAudioError

if TYPE_CHECKING:
    from collections.abc import Sequence
    from uuid import UUID

    from indexer.catalogue.job_rows import JobRow, Submitted
    from indexer.matching.results import Reading
    from service.generations.schemas import GenerationRequest, GenerationView
    from service.jobs.desk import JobDesk
    from service.serving import Serving


class GenerationService:
    """Queues generations, and shows them.

    Args:
        serving: Reads captions.
        desk: Takes the jobs.
    """

    def __init__(self, serving: Serving, desk: JobDesk) -> None:
        self._serving = serving
        self._desk = desk
        self._made = serving.library.catalogue.generations

    def request(self, asked: GenerationRequest, *, key: str | None) -> Submitted:
        """Queue what a client asks for.

        Args:
            asked: A prompt or captions.
            key: The client's idempotency key.

        Returns:
            The job.

        Raises:
            GenerationError: If there is neither prompt nor captions, or both, or it cannot be made.
            BriefError: If the captions cannot be read.
            QueueLimitError: If too many jobs wait.
        """
        if (asked.prompt is None) == (asked.captions is None):
            raise GenerationError("give either a prompt or captions")
        brief = None if asked.captions is None else "\n".join(asked.captions)[:LONGEST_BRIEF]
        prompt = asked.prompt or prompt_of(self._serving.reading(asked.captions or []))
        job = GenerationJob(
            brief=brief,
            prompt=prompt,
            seconds=asked.seconds,
            seed=any_seed() if asked.seed is None else asked.seed,
            backend=asked.backend,
            hits=tuple(asked.hits),
            takes=asked.takes,
        )
        check_request(
            MusicRequest(prompt=prompt, seconds=job.seconds, seed=job.seed, hits=job.hits)
        )
        return self._desk.submit(
            NewJob(
                kind="generation",
                request=msgspec.to_builtins(job),
                max_attempts=self._desk.settings.attempts,
                idempotency_key=key,
                same_as=msgspec.to_builtins(asked),
            )
        )

    def stand_in(
        self,
        captions: Sequence[str],
        reading: Reading,
        *,
        seconds: float | None,
        key: str | None,
    ) -> JobRow:
        """Queue music for a brief that nothing fits, or find what was queued for it before.

        Args:
            captions: The brief.
            reading: As the matcher read it.
            seconds: Wanted length; None for any.
            key: The client's idempotency key.

        Returns:
            The job.

        Raises:
            QueueLimitError: If too many jobs wait.
        """
        settings = self._desk.settings
        new = stand_in(
            captions,
            reading,
            seconds=seconds,
            key=key,
            attempts=settings.attempts,
            reuse_seconds=settings.reuse_seconds,
        )
        return self._desk.submit(new).job

    def view(self, job: JobRow) -> GenerationView:
        """How a generation is shown."""
        return generation_view(job, self._made.of_job(job.id))

    def audio_of(self, job_id: UUID) -> Path:
        """A generation's file.

        Args:
            job_id: Of the generation.

        Returns:
            Its path.

        Raises:
            JobNotFoundError: If there is no such generation.
            GeneratedAudioError: If there is no file, or not yet.
        """
        self._desk.jobs.get(job_id, kind="generation")
        made = self._made.of_job(job_id)
        if made is None or not Path(made.audio_path).is_file():
            raise GeneratedAudioError
        return Path(made.audio_path)

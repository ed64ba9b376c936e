"""Music that was generated, and where it comes from: the table `generation`."""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING, Final
from uuid import UUID

import msgspec
from sqlalchemy import select

from indexer.catalogue.database import read_session, write_session
from indexer.catalogue.models import Generation, Track

if TYPE_CHECKING:
    from sqlalchemy import Engine
    from sqlalchemy.orm import Session

GENERATED: Final = "generated"
"""Folder below the library's own of the music that was generated."""


class NewGeneration(msgspec.Struct, frozen=True, kw_only=True):
    """A piece of music that lies in a file, on its way into the catalogue."""

    job_id: UUID | None
    brief: str | None
    prompt: str
    seconds: float
    seed: int
    backend: str
    model_version: str
    weights_licence: str
    commercial_use: str
    audio_path: str
    audio_hash: str
    """SHA-256 of the file."""
    provenance: str
    """JSON."""


class GenerationRow(NewGeneration, frozen=True, kw_only=True):
    """A piece of generated music as the table has it."""

    id: UUID
    track_id: UUID | None
    created_at: datetime


class Generations:
    """The generated music of one catalogue.

    Args:
        engine: Of the catalogue, which disposes of it.
    """

    def __init__(self, engine: Engine) -> None:
        self._engine = engine

    def add(self, new: NewGeneration) -> GenerationRow:
        """Note a piece of music; that of a job is noted once, however often it is made."""
        with write_session(self._engine) as session:
            row = None
            if new.job_id is not None:
                row = session.scalar(select(Generation).where(Generation.job_id == new.job_id))
            if row is None:
                row = Generation(**msgspec.structs.asdict(new))
                session.add(row)
                session.flush()
            return _row(row)

    def of_job(self, job_id: UUID) -> GenerationRow | None:
        """The music that a job made; None as long as there is none."""
        with read_session(self._engine) as session:
            row = session.scalar(select(Generation).where(Generation.job_id == job_id))
            return None if row is None else _row(row)

    def link(self, job_id: UUID) -> GenerationRow | None:
        """The music that a job made, tied to the track that its file is by now, if it is one."""
        with write_session(self._engine) as session:
            row = session.scalar(select(Generation).where(Generation.job_id == job_id))
            if row is None:
                return None
            track = session.scalar(select(Track).where(Track.path == row.audio_path))
            if track is not None:
                link_generation(session, track)
                session.flush()
            return _row(row)


def link_generation(session: Session, track: Track) -> None:
    """Mark a track whose file was generated, in the transaction that stores it.

    Args:
        session: It writes.
        track: Just stored.
    """
    made = session.scalar(select(Generation).where(Generation.audio_path == track.path))
    if made is not None:
        made.track_id = track.id
        track.generated = True
        track.licence = track.licence or made.weights_licence


def _row(row: Generation) -> GenerationRow:
    return GenerationRow(**{name: getattr(row, name) for name in GenerationRow.__struct_fields__})

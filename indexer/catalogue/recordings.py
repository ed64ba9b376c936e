"""Which tracks are files of one recording: the columns `fingerprint` and `recording_id`.

Invariants:
    - A track with a recording has been held against all that had one before it.
    - A recording bears the id of the track that was its first.
    - Which recording a track belongs to changes no vector, so the revision stays as it is.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final
from uuid import UUID

import msgspec
from sqlalchemy import func, select, update

from indexer.catalogue.database import read_session, write_session
from indexer.catalogue.models import Track
from musiscene.audio.fingerprint import HEADER_BYTES

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from sqlalchemy import Engine

IDS_AT_ONCE: Final = 500
"""How many ids one statement names."""


class Sound(msgspec.Struct, frozen=True):
    """What a track is found again by."""

    track_id: UUID
    audio_hash: str
    recording_id: UUID | None
    """None for a track that was held against no other one yet."""
    header: bytes
    """The first bytes of its fingerprint; empty without one."""


class Print(msgspec.Struct, frozen=True):
    """A track's fingerprint."""

    path: str
    fingerprint: bytes


class RecordingFile(msgspec.Struct, frozen=True, kw_only=True):
    """One file of a recording that has several."""

    recording_id: UUID
    track_id: UUID
    path: str
    codec: str
    duration_seconds: float
    size_bytes: int
    sample_rate: int
    channels: int


class Recordings:
    """The recordings of one catalogue.

    Args:
        engine: Of the catalogue, which disposes of it.
    """

    def __init__(self, engine: Engine) -> None:
        self._engine = engine

    def count_unassigned(self) -> int:
        """How many tracks were held against no other one yet."""
        query = select(func.count()).select_from(Track).where(Track.recording_id.is_(None))
        with read_session(self._engine) as session:
            return session.scalar(query) or 0

    def sounds(self) -> Iterator[Sound]:
        """Every track, whether its file is there or not, in the order of their ids."""
        header = func.substr(Track.fingerprint, 1, HEADER_BYTES)
        query = select(Track.id, Track.audio_hash, Track.recording_id, header).order_by(Track.id)
        with read_session(self._engine) as session:
            for row in session.execute(query.execution_options(yield_per=10_000)):
                yield Sound(row[0], row[1], row[2], bytes(row[3] or b""))

    def prints(self, track_ids: Sequence[UUID]) -> dict[UUID, Print]:
        """Fingerprints of tracks; those without one are left out."""
        query = select(Track.id, Track.path, Track.fingerprint)
        with read_session(self._engine) as session:
            return {
                row.id: Print(row.path, bytes(row.fingerprint))
                for start in range(0, len(track_ids), IDS_AT_ONCE)
                for row in session.execute(
                    query.where(
                        Track.id.in_(track_ids[start : start + IDS_AT_ONCE]),
                        Track.fingerprint.is_not(None),
                    )
                )
            }

    def of(self, track_ids: Sequence[UUID]) -> dict[UUID, UUID]:
        """The recordings of tracks; those without one are left out."""
        query = select(Track.id, Track.recording_id).where(Track.recording_id.is_not(None))
        with read_session(self._engine) as session:
            return {
                row.id: row.recording_id
                for start in range(0, len(track_ids), IDS_AT_ONCE)
                for row in session.execute(
                    query.where(Track.id.in_(track_ids[start : start + IDS_AT_ONCE]))
                )
            }

    def assign(self, recording_of: Mapping[UUID, UUID]) -> None:
        """Say which recording tracks belong to, all of them in one transaction.

        Args:
            recording_of: Track's id -> recording's id.
        """
        if not recording_of:
            return
        rows = [{"id": track, "recording_id": one} for track, one in recording_of.items()]
        with write_session(self._engine) as session:
            session.execute(update(Track), rows)

    def files(self) -> list[RecordingFile]:
        """The files of the recordings that have more than one, sorted by recording and path."""
        several = (
            select(Track.recording_id)
            .where(Track.status == "ready", Track.recording_id.is_not(None))
            .group_by(Track.recording_id)
            .having(func.count() > 1)
        )
        names = [name for name in RecordingFile.__struct_fields__ if name != "track_id"]
        query = (
            select(Track.id.label("track_id"), *(getattr(Track, name) for name in names))
            .where(Track.status == "ready", Track.recording_id.in_(several))
            .order_by(Track.recording_id, Track.path)
        )
        with read_session(self._engine) as session:
            return [RecordingFile(**row) for row in session.execute(query).mappings()]

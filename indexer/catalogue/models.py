"""SQLAlchemy tables of the catalogue.

Times are UTC. Ids of tracks and scans are UUIDv7, so that they sort by age. Everything below a
track is deleted with it.
"""

from __future__ import annotations

from datetime import UTC, datetime
from uuid import UUID

import uuid_utils.compat
from sqlalchemy import (
    BigInteger,
    CheckConstraint,
    ForeignKey,
    Index,
    Integer,
    LargeBinary,
    MetaData,
    String,
    Uuid,
)
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column, relationship

from indexer.catalogue.columns import CleanText, UtcDateTime

BIG_ID = BigInteger().with_variant(Integer, "sqlite")  # SQLite counts up only an INTEGER key

NAMING_CONVENTION = {
    "ix": "ix_%(table_name)s_%(column_0_N_name)s",
    "uq": "uq_%(table_name)s_%(column_0_N_name)s",
    "ck": "ck_%(table_name)s_%(constraint_name)s",
    "fk": "fk_%(table_name)s_%(column_0_N_name)s_%(referred_table_name)s",
    "pk": "pk_%(table_name)s",
}


def new_id() -> UUID:
    """A fresh UUIDv7 (RFC 9562, section 5.7): sorts by the time it was made."""
    return uuid_utils.compat.uuid7()


def utc_now() -> datetime:
    """The present moment, with its time zone."""
    return datetime.now(UTC)


class Base(DeclarativeBase):
    """Names every constraint, so that a migration can drop it again."""

    metadata = MetaData(naming_convention=NAMING_CONVENTION)


class CatalogueState(Base):
    """One row: the revision, raised by every change to what the vectors are made from."""

    __tablename__ = "catalogue_state"
    __table_args__ = (CheckConstraint("id = 1", name="single_row"),)

    id: Mapped[int] = mapped_column(primary_key=True, default=1)
    revision: Mapped[int] = mapped_column(BigInteger, default=0)


class Track(Base):
    """One audio file of the library and what is heard in the whole of it."""

    __tablename__ = "track"

    id: Mapped[UUID] = mapped_column(Uuid, primary_key=True, default=new_id)
    path: Mapped[str] = mapped_column(CleanText, unique=True)
    size_bytes: Mapped[int] = mapped_column(BigInteger)
    modified_ns: Mapped[int] = mapped_column(BigInteger)
    cue_stamp: Mapped[str | None] = mapped_column(CleanText)
    """Of the cue sheet that named its songs, as `indexer.cues` makes it; None without one."""
    audio_hash: Mapped[str] = mapped_column(String(64), index=True)
    status: Mapped[str] = mapped_column(String(16), default="ready", index=True)
    added_at: Mapped[datetime] = mapped_column(UtcDateTime, default=utc_now, index=True)
    revision: Mapped[int] = mapped_column(BigInteger, default=0, server_default="0", index=True)
    """The catalogue's when the track was last stored or changed its status."""
    listening_version: Mapped[str] = mapped_column(String(200), server_default="")
    """Of what measured and tagged it."""
    model_version: Mapped[str] = mapped_column(String(200))
    """Of what imagined its captions."""
    fingerprint: Mapped[bytes | None] = mapped_column(LargeBinary)
    """Of its sound, to find other files of the same recording."""
    recording_id: Mapped[UUID | None] = mapped_column(Uuid, index=True)
    """The same for all files of one recording; None where it has only one."""
    generated: Mapped[bool] = mapped_column(default=False)

    codec: Mapped[str] = mapped_column(String(40))
    duration_seconds: Mapped[float] = mapped_column(index=True)
    sample_rate: Mapped[int]
    channels: Mapped[int]
    title: Mapped[str | None] = mapped_column(CleanText)
    artist: Mapped[str | None] = mapped_column(CleanText)
    album: Mapped[str | None] = mapped_column(CleanText)
    album_artist: Mapped[str | None] = mapped_column(CleanText)
    disc_number: Mapped[int | None]
    track_number: Mapped[int | None]
    licence: Mapped[str | None] = mapped_column(CleanText)

    bpm: Mapped[float] = mapped_column(index=True)
    bpm_confidence: Mapped[float]
    key: Mapped[str] = mapped_column(String(12), index=True)
    key_confidence: Mapped[float]
    loudness_lufs: Mapped[float | None]
    vocal_probability: Mapped[float]
    vocal_confidence: Mapped[float]
    valence: Mapped[float]
    arousal: Mapped[float]
    energy_curve: Mapped[bytes] = mapped_column(LargeBinary)
    """One float16 a second, 0 to 1, little-endian."""
    beat_times: Mapped[bytes | None] = mapped_column(LargeBinary)
    """One float32 a beat, in seconds, little-endian; None in a track heard before beats were."""
    downbeat_times: Mapped[bytes | None] = mapped_column(LargeBinary)
    """Those of the beats that begin a bar, likewise."""

    segments: Mapped[list[Segment]] = relationship(
        back_populates="track", cascade="all, delete-orphan", order_by="Segment.start_seconds"
    )
    captions: Mapped[list[Caption]] = relationship(
        back_populates="track", cascade="all, delete-orphan", order_by="Caption.id"
    )
    tags: Mapped[list[Tag]] = relationship(
        back_populates="track", cascade="all, delete-orphan", order_by="Tag.id"
    )


class Heard(Base):
    """What was heard in a track, packed, so that scenes can be imagined anew without the file."""

    __tablename__ = "heard"

    track_id: Mapped[UUID] = mapped_column(
        ForeignKey("track.id", ondelete="CASCADE"), primary_key=True
    )
    data: Mapped[bytes] = mapped_column(LargeBinary)
    """As `musiscene.packing` writes it."""


class Segment(Base):
    """A stretch of a track between two musical boundaries."""

    __tablename__ = "segment"

    id: Mapped[int] = mapped_column(BIG_ID, primary_key=True)
    track_id: Mapped[UUID] = mapped_column(ForeignKey("track.id", ondelete="CASCADE"), index=True)
    start_seconds: Mapped[float]
    end_seconds: Mapped[float]
    energy: Mapped[float]
    title: Mapped[str | None] = mapped_column(CleanText)
    """Of its song, where the track is a file that holds several."""

    track: Mapped[Track] = relationship(back_populates="segments")


class Caption(Base):
    """A sentence about a segment: what is heard (`music`) or the scene it suits (`scene`)."""

    __tablename__ = "caption"
    __table_args__ = (CheckConstraint("kind IN ('music', 'scene')", name="kind"),)

    id: Mapped[int] = mapped_column(BIG_ID, primary_key=True)
    track_id: Mapped[UUID] = mapped_column(ForeignKey("track.id", ondelete="CASCADE"), index=True)
    segment_id: Mapped[int] = mapped_column(
        ForeignKey("segment.id", ondelete="CASCADE"), index=True
    )
    kind: Mapped[str] = mapped_column(String(8))
    text: Mapped[str] = mapped_column(CleanText)
    origin: Mapped[str] = mapped_column(String(16))
    """`facts` for a music caption, `model` or `fallback` for a scene caption."""
    rank: Mapped[int]

    track: Mapped[Track] = relationship(back_populates="captions")
    segment: Mapped[Segment] = relationship()
    vector: Mapped[Vector | None] = relationship(
        back_populates="caption", cascade="all, delete-orphan"
    )


class Tag(Base):
    """One word of a vocabulary, as strongly as it is heard over the whole track."""

    __tablename__ = "tag"
    __table_args__ = (Index(None, "name", "score"),)

    id: Mapped[int] = mapped_column(BIG_ID, primary_key=True)
    track_id: Mapped[UUID] = mapped_column(ForeignKey("track.id", ondelete="CASCADE"), index=True)
    vocabulary: Mapped[str] = mapped_column(String(16))
    name: Mapped[str] = mapped_column(String(60))
    score: Mapped[float]

    track: Mapped[Track] = relationship(back_populates="tags")


class Vector(Base):
    """A caption's unit vector, float16, little-endian, by one version of the text embedder."""

    __tablename__ = "vector"

    caption_id: Mapped[int] = mapped_column(
        ForeignKey("caption.id", ondelete="CASCADE"), primary_key=True
    )
    embedder: Mapped[str] = mapped_column(String(120), index=True)
    data: Mapped[bytes] = mapped_column(LargeBinary)

    caption: Mapped[Caption] = relationship(back_populates="vector")


class Feedback(Base):
    """What a person said about one track as the answer to a brief."""

    __tablename__ = "feedback"
    __table_args__ = (CheckConstraint("verdict IN ('accept', 'reject')", name="verdict"),)

    id: Mapped[UUID] = mapped_column(Uuid, primary_key=True, default=new_id)
    track_id: Mapped[UUID] = mapped_column(ForeignKey("track.id", ondelete="CASCADE"), index=True)
    brief: Mapped[str] = mapped_column(CleanText)
    verdict: Mapped[str] = mapped_column(String(8))
    note: Mapped[str | None] = mapped_column(CleanText)
    created_at: Mapped[datetime] = mapped_column(UtcDateTime, default=utc_now)
    embedder: Mapped[str] = mapped_column(String(120))
    """Version of the text embedder that made the vector."""
    vector: Mapped[bytes] = mapped_column(LargeBinary)
    """The brief's unit vector, float16, little-endian."""


class Scan(Base):
    """One run over a library."""

    __tablename__ = "scan"

    id: Mapped[UUID] = mapped_column(Uuid, primary_key=True, default=new_id)
    roots: Mapped[str] = mapped_column(CleanText)
    """The paths asked for, as a JSON list."""
    status: Mapped[str] = mapped_column(String(16), default="running")
    started_at: Mapped[datetime] = mapped_column(UtcDateTime, default=utc_now)
    finished_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    files_found: Mapped[int] = mapped_column(default=0)
    tracks_indexed: Mapped[int] = mapped_column(default=0)
    tracks_unchanged: Mapped[int] = mapped_column(default=0)
    tracks_moved: Mapped[int] = mapped_column(default=0)
    tracks_missing: Mapped[int] = mapped_column(default=0)
    tracks_imagined: Mapped[int] = mapped_column(default=0, server_default="0")

    failures: Mapped[list[ScanFailure]] = relationship(
        back_populates="scan", cascade="all, delete-orphan", order_by="ScanFailure.id"
    )


class ScanFailure(Base):
    """One file that a scan could not take in, and why."""

    __tablename__ = "scan_failure"

    id: Mapped[int] = mapped_column(BIG_ID, primary_key=True)
    scan_id: Mapped[UUID] = mapped_column(ForeignKey("scan.id", ondelete="CASCADE"), index=True)
    path: Mapped[str] = mapped_column(CleanText)
    stage: Mapped[str] = mapped_column(String(16))
    reason: Mapped[str] = mapped_column(CleanText)
    size_bytes: Mapped[int | None] = mapped_column(BigInteger)
    modified_ns: Mapped[int | None] = mapped_column(BigInteger)
    """Of the file; None where there was none to look at."""
    reader: Mapped[str | None] = mapped_column(String(80))
    """What could not read it; None where trying again may help."""

    scan: Mapped[Scan] = relationship(back_populates="failures")


class Job(Base):
    """One long task that the service was asked for; the queue beside it only carries ids."""

    __tablename__ = "job"
    __table_args__ = (
        CheckConstraint("kind IN ('scan', 'generation', 'cue_plan', 'preview')", name="kind"),
        CheckConstraint(
            "status IN ('queued', 'running', 'done', 'failed', 'cancelled')", name="status"
        ),
        Index(None, "status", "created_at"),
    )

    id: Mapped[UUID] = mapped_column(Uuid, primary_key=True, default=new_id)
    kind: Mapped[str] = mapped_column(String(16))
    status: Mapped[str] = mapped_column(String(16), default="queued")
    request: Mapped[str] = mapped_column(CleanText)
    """What was asked for, as JSON."""
    request_digest: Mapped[str] = mapped_column(String(64), index=True)
    """The same for requests that ask for the same."""
    idempotency_key: Mapped[str | None] = mapped_column(String(255), unique=True)
    """The client's; it gets this job again when it asks with it once more."""
    result: Mapped[str | None] = mapped_column(CleanText)
    """What came of it, as JSON; None until it is done."""
    error_code: Mapped[str | None] = mapped_column(String(60))
    error_message: Mapped[str | None] = mapped_column(CleanText)
    stage: Mapped[str] = mapped_column(String(40), default="")
    """What it is at, in one word."""
    message: Mapped[str] = mapped_column(CleanText, default="")
    """The same, for people."""
    done: Mapped[int] = mapped_column(default=0)
    total: Mapped[int | None]
    """None while it is not known."""
    rate: Mapped[float | None]
    """Of what is counted, a second."""
    detail: Mapped[str | None] = mapped_column(CleanText)
    """What else there is to show of a running job, as JSON."""
    version: Mapped[int] = mapped_column(default=0)
    """Raised by every change that is to be shown."""
    attempts: Mapped[int] = mapped_column(default=0)
    """How often it was begun."""
    max_attempts: Mapped[int]
    cancel_requested: Mapped[bool] = mapped_column(default=False)
    worker: Mapped[str | None] = mapped_column(String(120))
    """Who works on it, or did last."""
    created_at: Mapped[datetime] = mapped_column(UtcDateTime, default=utc_now)
    not_before: Mapped[datetime | None] = mapped_column(UtcDateTime)
    """A queued job waits until then, after an attempt that failed."""
    started_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    """Of the present or last attempt."""
    heartbeat_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    """When its worker was last known to be alive."""
    finished_at: Mapped[datetime | None] = mapped_column(UtcDateTime)


class Generation(Base):
    """One piece of music that was generated, and where it comes from."""

    __tablename__ = "generation"
    __table_args__ = (
        CheckConstraint("commercial_use IN ('yes', 'no', 'unknown')", name="commercial_use"),
    )

    id: Mapped[UUID] = mapped_column(Uuid, primary_key=True, default=new_id)
    job_id: Mapped[UUID | None] = mapped_column(
        ForeignKey("job.id", ondelete="SET NULL"), unique=True
    )
    brief: Mapped[str | None] = mapped_column(CleanText)
    """That nothing fitted; None where the prompt itself was given."""
    prompt: Mapped[str] = mapped_column(CleanText)
    seconds: Mapped[float]
    seed: Mapped[int] = mapped_column(BigInteger)
    backend: Mapped[str] = mapped_column(String(40))
    model_version: Mapped[str] = mapped_column(String(200))
    weights_licence: Mapped[str] = mapped_column(String(120))
    commercial_use: Mapped[str] = mapped_column(String(8))
    """`yes`, `no` or `unknown`."""
    audio_path: Mapped[str] = mapped_column(CleanText, index=True)
    audio_hash: Mapped[str] = mapped_column(String(64))
    """SHA-256 of the file."""
    track_id: Mapped[UUID | None] = mapped_column(
        ForeignKey("track.id", ondelete="SET NULL"), index=True
    )
    """None until it is indexed."""
    provenance: Mapped[str] = mapped_column(CleanText)
    """All that is known of how it was made, as JSON."""
    created_at: Mapped[datetime] = mapped_column(UtcDateTime, default=utc_now)


class ApiKey(Base):
    """One key to the service; its secret is only known to who holds it."""

    __tablename__ = "api_key"

    id: Mapped[str] = mapped_column(String(16), primary_key=True)
    """The public part of the key, by which people tell keys apart."""
    digest: Mapped[bytes] = mapped_column(LargeBinary)
    """SHA-256 of the secret part."""
    name: Mapped[str] = mapped_column(CleanText)
    """What it is for, in a person's words."""
    scopes: Mapped[str] = mapped_column(String(60))
    """What it opens, with commas between."""
    created_at: Mapped[datetime] = mapped_column(UtcDateTime, default=utc_now)
    last_used_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    """To the minute."""
    expires_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    revoked_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    """Kept after that, so that what was once locked does not come open."""

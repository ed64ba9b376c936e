"""The only module that reads or writes the catalogue's rows.

Invariants:
    - A track and everything below it change in one transaction: a reader sees all of it or none.
    - Every such transaction raises `CatalogueState.revision` by one, so a vector snapshot can tell
      whether it is still true.
    - A track keeps its id as long as its audio packets are the same, wherever its file moves and
      however it is retagged.
"""

from __future__ import annotations

from contextlib import contextmanager
from itertools import groupby
from typing import TYPE_CHECKING, Self, TypeVar

from sqlalchemy import ColumnElement, delete, func, select, update
from sqlalchemy.orm import Session, selectinload

from indexer.catalogue.database import open_database, write_session
from indexer.catalogue.filling import fill_from_file, fill_from_listening
from indexer.catalogue.models import Caption, CatalogueState, Heard, Tag, Track, Vector
from indexer.catalogue.names import track_called
from indexer.catalogue.opinions import Opinions
from indexer.catalogue.rows import KnownFile, SoundRow, VectorRow
from indexer.catalogue.scans import Scans
from indexer.errors import TrackNotFoundError

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence
    from pathlib import Path
    from uuid import UUID

    from sqlalchemy import Engine

    from indexer.catalogue.rows import MadeBy, NewCaption
    from musiscene.audio.read import AudioInfo
    from musiscene.listen import Listening

T = TypeVar("T")

SQL_VARIABLES = 500
"""How many ids one statement may name; SQLite's older limit is 999."""


class Catalogue:
    """Tracks, what is heard in them, and the scans that brought them in.

    Args:
        engine: From `open_database`; disposed of by `close`.
    """

    def __init__(self, engine: Engine) -> None:
        self._engine = engine

    @classmethod
    def open(cls, location: str | Path) -> Self:
        """Open the catalogue at a SQLite file or a database URL, creating it where needed.

        Args:
            location: A path, or a URL such as `postgresql+psycopg://host/name`.

        Returns:
            The catalogue, up to date.

        Raises:
            CatalogueError: If the database cannot be opened or brought up to date.
        """
        return cls(open_database(location))

    def close(self) -> None:
        """Give the connections back."""
        self._engine.dispose()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_exception: object) -> None:
        self.close()

    # ---- what is there --------------------------------------------------------------------

    @property
    def scans(self) -> Scans:
        """The runs over the library."""
        return Scans(self._engine)

    @property
    def opinions(self) -> Opinions:
        """What people said about the tracks."""
        return Opinions(self._engine)

    def revision(self) -> int:
        """A number that grows with every change to the tracks; 0 for an empty catalogue."""
        with Session(self._engine) as session:
            return session.scalar(select(CatalogueState.revision)) or 0

    def known_files(self) -> dict[str, KnownFile]:
        """Every file in the catalogue, by its path."""
        columns = (
            Track.id,
            Track.path,
            Track.size_bytes,
            Track.modified_ns,
            Track.audio_hash,
            Track.status,
            Track.listening_version,
            Track.model_version,
        )
        with Session(self._engine) as session:
            return {row.path: KnownFile(*row) for row in session.execute(select(*columns))}

    def count_tracks(self) -> int:
        """How many tracks can be found."""
        with Session(self._engine) as session:
            found = session.scalar(
                select(func.count()).select_from(Track).where(Track.status == "ready")
            )
            return found or 0

    def track(self, track_id: UUID) -> Track:
        """Load one track.

        Args:
            track_id: Its id.

        Returns:
            The track with its segments, captions and tags, detached from the database.

        Raises:
            TrackNotFoundError: If no track has this id.
        """
        found = self.tracks([track_id])
        if not found:
            raise TrackNotFoundError(track_id)
        return found[track_id]

    def tracks(self, track_ids: Sequence[UUID]) -> dict[UUID, Track]:
        """Tracks by id, with segments, captions and tags; ids without a track are left out."""
        query = select(Track).options(
            selectinload(Track.segments), selectinload(Track.captions), selectinload(Track.tags)
        )
        with Session(self._engine, expire_on_commit=False) as session:
            return {
                track.id: track
                for ids in _slices(track_ids)
                for track in session.scalars(query.where(Track.id.in_(ids)))
            }

    def heard(self, track_id: UUID) -> Listening | None:
        """What was heard in a track, as it was; None where that was not kept, or is damaged."""
        from musiscene.packing import unpack_listening

        with Session(self._engine) as session:
            data = session.scalar(select(Heard.data).where(Heard.track_id == track_id))
        return None if data is None else unpack_listening(data)

    def track_called(self, name: str) -> UUID:
        """The id of the track that a person means; see `indexer.catalogue.names`."""
        return track_called(self._engine, name)

    def track_ids(self, *conditions: ColumnElement[bool]) -> set[UUID]:
        """Ids of the tracks that are there and fulfil every condition."""
        query = select(Track.id).where(Track.status == "ready", *conditions)
        with Session(self._engine) as session:
            return set(session.scalars(query))

    def vectors(self, *, embedder: str) -> Iterator[VectorRow]:
        """Every vector of the tracks that are there, in the order of caption ids."""
        query = (
            select(
                Vector.caption_id, Caption.track_id, Caption.segment_id, Caption.kind, Vector.data
            )
            .join(Caption, Caption.id == Vector.caption_id)
            .join(Track, Track.id == Caption.track_id)
            .where(Vector.embedder == embedder, Track.status == "ready")
            .order_by(Vector.caption_id)
            .execution_options(yield_per=10_000)
        )
        with Session(self._engine) as session:
            for row in session.execute(query):
                yield VectorRow(*row)

    def sounds(self) -> Iterator[SoundRow]:
        """What was measured in the tracks that are there, in the order of their ids."""
        columns = [getattr(Track, name) for name in SoundRow.__struct_fields__ if name != "tags"]
        query = select(*columns).where(Track.status == "ready").order_by(Track.id)
        tags = (
            select(Tag.track_id, Tag.vocabulary, Tag.name, Tag.score)
            .join(Track, Track.id == Tag.track_id)
            .where(Track.status == "ready")
            .order_by(Tag.track_id)
        )
        with Session(self._engine) as session:
            rows = session.execute(tags.execution_options(yield_per=10_000))
            by_track = groupby(rows, key=lambda row: row.track_id)
            waiting = next(by_track, None)
            for track in session.execute(query).mappings():
                heard = {}
                if waiting is not None and waiting[0] == track["id"]:
                    heard = {(row.vocabulary, row.name): row.score for row in waiting[1]}
                    waiting = next(by_track, None)
                yield SoundRow(**track, tags=heard)

    def captions_of_others(self, *, embedder: str, limit: int) -> dict[int, str]:
        """Captions whose vectors another embedder made: id -> text, at most `limit` of them."""
        query = (
            select(Caption.id, Caption.text)
            .join(Vector, Vector.caption_id == Caption.id)
            .where(Vector.embedder != embedder)
            .order_by(Caption.id)
            .limit(limit)
        )
        with Session(self._engine) as session:
            return {row.id: row.text for row in session.execute(query)}

    # ---- what changes ---------------------------------------------------------------------

    def store_track(
        self,
        listening: Listening,
        captions: Iterable[NewCaption],
        *,
        path: str,
        modified_ns: int,
        made_by: MadeBy,
        fingerprint: bytes | None = None,
    ) -> UUID:
        """Write a track and everything below it, in place of what was there under its path.

        Args:
            listening: What is heard.
            captions: About its segments.
            path: Absolute path of the file.
            modified_ns: Its modification time when it was read, in nanoseconds.
            made_by: Which models made it all.
            fingerprint: Of its sound.

        Returns:
            The track's id, the same as before for a path that is known.
        """
        from musiscene.packing import pack_listening

        with self._changing() as (session, revision):
            track = session.scalar(select(Track).where(Track.path == path))
            if track is None:
                track = Track(path=path)
                session.add(track)
            else:
                track.captions, track.segments, track.tags = [], [], []
                session.flush()
            track.modified_ns = modified_ns
            track.listening_version, track.model_version = made_by.listening, made_by.model
            if track.fingerprint != fingerprint:
                track.fingerprint, track.recording_id = fingerprint, None
            track.status, track.revision = "ready", revision
            fill_from_listening(track, listening)
            _add_captions(track, captions, embedder=made_by.embedder)
            session.flush()
            session.merge(Heard(track_id=track.id, data=pack_listening(listening)))
            return track.id

    def store_captions(
        self, track_id: UUID, captions: Iterable[NewCaption], *, made_by: MadeBy
    ) -> None:
        """Give a track other captions, and leave what is heard in it as it is.

        Args:
            track_id: Its id.
            captions: About its segments.
            made_by: Which models made them.
        """
        with self._changing() as (session, revision):
            track = session.get_one(Track, track_id)
            track.captions = []
            session.flush()
            track.model_version, track.revision = made_by.model, revision
            _add_captions(track, captions, embedder=made_by.embedder)

    def follow_file(self, track_id: UUID, info: AudioInfo, *, path: str, modified_ns: int) -> None:
        """Give a track the path and tags of the file that now holds its audio."""
        with self._changing() as (session, revision):
            track = session.get_one(Track, track_id)
            track.path, track.modified_ns = path, modified_ns
            if track.status != "ready":
                track.status, track.revision = "ready", revision
            fill_from_file(track, info)

    def replace_vectors(self, vectors: dict[int, bytes], *, embedder: str) -> None:
        """Give captions the vectors that another embedder made: caption's id -> float16 bytes."""
        with self._changing() as (session, revision):
            session.execute(
                update(Vector),
                [
                    {"caption_id": caption_id, "embedder": embedder, "data": data}
                    for caption_id, data in vectors.items()
                ],
            )
            for ids in _slices(list(vectors)):
                tracks = select(Caption.track_id).where(Caption.id.in_(ids))
                session.execute(update(Track).where(Track.id.in_(tracks)).values(revision=revision))

    def set_status(self, track_ids: Sequence[UUID], status: str) -> None:
        """Mark tracks as `ready` or `missing`; nothing is deleted."""
        if not track_ids:
            return
        with self._changing() as (session, revision):
            for ids in _slices(track_ids):
                session.execute(
                    update(Track).where(Track.id.in_(ids)).values(status=status, revision=revision)
                )

    def delete_tracks(self, track_ids: Sequence[UUID]) -> None:
        """Delete tracks and everything below them."""
        if not track_ids:
            return
        with self._changing() as (session, _):
            for ids in _slices(track_ids):
                session.execute(delete(Track).where(Track.id.in_(ids)))

    @contextmanager
    def _changing(self) -> Iterator[tuple[Session, int]]:
        """A transaction that raises the revision, and the revision that it makes."""
        raised = update(CatalogueState).values(revision=CatalogueState.revision + 1)
        with write_session(self._engine) as session:
            yield session, session.scalars(raised.returning(CatalogueState.revision)).one()


def _add_captions(track: Track, captions: Iterable[NewCaption], *, embedder: str) -> None:
    for caption in captions:
        track.captions.append(
            Caption(
                segment=track.segments[caption.segment],
                kind=caption.kind,
                text=caption.text,
                origin=caption.origin,
                rank=caption.rank,
                vector=Vector(embedder=embedder, data=caption.vector),
            )
        )


def _slices(values: Sequence[T]) -> Iterator[Sequence[T]]:
    for start in range(0, len(values), SQL_VARIABLES):
        yield values[start : start + SQL_VARIABLES]

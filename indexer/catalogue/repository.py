"""The only module that reads or writes the catalogue's rows.

Invariants:
    - A track and everything below it change in one transaction: a reader sees all of it or none.
    - Every transaction that changes what is searched raises `CatalogueState.revision` by one, so a
      vector snapshot can tell whether it is still true.
    - A track keeps its id as long as its audio packets are the same, wherever its file moves and
      however it is retagged.
"""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, Self, TypeVar

from sqlalchemy import ColumnElement, delete, func, select, update
from sqlalchemy.orm import selectinload

from indexer.catalogue.areas import Areas
from indexer.catalogue.database import open_database, read_session, write_session
from indexer.catalogue.filling import (
    add_captions,
    fill_from_file,
    fill_from_listening,
    packed,
    remembered,
)
from indexer.catalogue.generations import link_generation
from indexer.catalogue.locks import indexing
from indexer.catalogue.models import Caption, CatalogueState, Heard, Track, Vector
from indexer.catalogue.names import track_called
from indexer.catalogue.records import TakingIn, read_records
from indexer.catalogue.rows import KnownFile, Remembered
from indexer.catalogue.shown import shown_tracks
from indexer.catalogue.vector_rows import VectorRows, vector_rows
from indexer.catalogue.words import remember_words
from indexer.errors import TrackNotFoundError

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence
    from pathlib import Path
    from uuid import UUID

    from sqlalchemy.orm import Session

    from indexer.catalogue.rows import MadeBy, NewCaption, SoundRow, VectorRow
    from indexer.catalogue.shown import ShownTrack
    from musiscene.audio.read import AudioInfo
    from musiscene.listen import Listening

T = TypeVar("T")

SQL_VARIABLES = 500
"""How many ids one statement may name; SQLite's older limit is 999."""


class Catalogue(Areas):
    """Tracks, what is heard in them, and the scans that brought them in.

    Args:
        engine: From `open_database`; disposed of by `close`.
    """

    @classmethod
    def open(cls, location: str | Path) -> Self:
        """Open the catalogue at a SQLite file or a database URL, creating it where needed.

        Args:
            location: A path, or a URL such as `postgresql://host/name`.

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

    @contextmanager
    def indexing(self) -> Iterator[None]:
        """Hold the catalogue for one indexer among all machines; see `indexer.catalogue.locks`.

        Yields:
            While nobody else can index.

        Raises:
            LibraryBusyError: If another process is indexing.
            CatalogueError: If the database cannot be reached.
        """
        with indexing(self._engine):
            yield

    # ---- what is there --------------------------------------------------------------------

    def revision(self) -> int:
        """A number that grows with every change to the tracks; 0 for an empty catalogue."""
        with read_session(self._engine) as session:
            return session.scalar(select(CatalogueState.revision)) or 0

    def known_files(self) -> dict[str, KnownFile]:
        """Every file in the catalogue, by its path."""
        columns = [getattr(Track, name) for name in KnownFile.__struct_fields__[1:]]
        with read_session(self._engine) as session:
            return {
                row.path: KnownFile(*row) for row in session.execute(select(Track.id, *columns))
            }

    def count_tracks(self) -> int:
        """How many tracks can be found."""
        with read_session(self._engine) as session:
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
        with read_session(self._engine) as session:
            return {
                track.id: track
                for ids in _slices(track_ids)
                for track in session.scalars(query.where(Track.id.in_(ids)))
            }

    def shown(self, track_ids: Sequence[UUID]) -> dict[UUID, ShownTrack]:
        """What an answer shows of tracks, by id; ids without a track are left out."""
        with read_session(self._engine) as session:
            return {
                track_id: track
                for ids in _slices(track_ids)
                for track_id, track in shown_tracks(session, ids).items()
            }

    def heard(self, track_id: UUID) -> Remembered | None:
        """What was heard in a track; None where that was not kept, or is damaged."""
        query = select(Heard.data, Track.fingerprint).join(Track, Track.id == Heard.track_id)
        with read_session(self._engine) as session:
            row = session.execute(query.where(Heard.track_id == track_id)).one_or_none()
        return None if row is None else remembered(row.data, row.fingerprint)

    def track_called(self, name: str) -> UUID:
        """The id of the track that a person means; see `indexer.catalogue.names`."""
        return track_called(self._engine, name)

    def track_ids(self, *conditions: ColumnElement[bool]) -> set[UUID]:
        """Ids of the tracks that are there and fulfil every condition."""
        query = select(Track.id).where(Track.status == "ready", *conditions)
        with read_session(self._engine) as session:
            return set(session.scalars(query))

    @contextmanager
    def vector_rows(self) -> Iterator[VectorRows]:
        """What vector snapshots are made from; see `indexer.catalogue.vector_rows`.

        Yields:
            The rows as they are at this moment.
        """
        with vector_rows(self._engine) as rows:
            yield rows

    def vectors(self, *, embedder: str) -> Iterator[VectorRow]:
        """Every vector of the tracks that are there, in the order of caption ids."""
        with self.vector_rows() as rows:
            yield from rows.vectors(embedder=embedder)

    def sounds(self) -> Iterator[SoundRow]:
        """What was measured in the tracks that are there, in the order of their ids."""
        with self.vector_rows() as rows:
            yield from rows.sounds()

    def records(self) -> Iterator[dict[str, Any]]:
        """Every track with all that belongs to it; see `indexer.catalogue.records`."""
        with read_session(self._engine) as session:
            yield from read_records(session)

    def captions_of_others(self, *, embedder: str, limit: int) -> dict[int, str]:
        """Captions whose vectors another embedder made: id -> text, at most `limit` of them."""
        query = (
            select(Caption.id, Caption.text)
            .join(Vector, Vector.caption_id == Caption.id)
            .where(Vector.embedder != embedder)
            .order_by(Caption.id)
            .limit(limit)
        )
        with read_session(self._engine) as session:
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
        cue_stamp: str | None = None,
    ) -> UUID:
        """Write a track and everything below it, in place of what was there under its path.

        Args:
            listening: What is heard.
            captions: About its segments.
            path: Absolute path of the file.
            modified_ns: Its modification time when it was read, in nanoseconds.
            made_by: Which models made it all.
            fingerprint: Of its sound.
            cue_stamp: Of the cue sheet that names its songs.

        Returns:
            The track's id, the same as before for a path that is known.
        """
        with self._changing() as (session, revision):
            track = session.scalar(select(Track).where(Track.path == path))
            if track is None:
                track = Track(path=path)
                session.add(track)
            else:
                track.captions, track.segments, track.tags = [], [], []
                session.flush()
            track.modified_ns, track.cue_stamp = modified_ns, cue_stamp
            track.listening_version, track.model_version = made_by.listening, made_by.model
            if (track.fingerprint, track.audio_hash) != (fingerprint, listening.audio_hash):
                track.fingerprint, track.recording_id = fingerprint, None
            track.status, track.revision = "ready", revision
            fill_from_listening(track, listening)
            add_captions(track, captions, embedder=made_by.embedder)
            session.flush()
            link_generation(session, track)
            session.merge(packed(track.id, listening))
            remember_words(session, track)
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
            add_captions(track, captions, embedder=made_by.embedder)
            remember_words(session, track)

    def follow_file(
        self,
        track_id: UUID,
        info: AudioInfo,
        *,
        path: str,
        modified_ns: int,
        cue_stamp: str | None = None,
    ) -> None:
        """Give a track the path and tags of the file that now holds its audio.

        Another track that was at this path has lost its file: it is `missing` until its audio is
        found somewhere, and its path says so.

        Args:
            track_id: Of the track.
            info: The file, as it describes itself.
            path: Its absolute path.
            modified_ns: Its modification time, in nanoseconds.
            cue_stamp: Of the cue sheet that names its songs.
        """
        others = select(Track).where(Track.path == path, Track.id != track_id)
        with write_session(self._engine) as session:
            displaced = list(session.scalars(others))
            track = session.get_one(Track, track_id)
            if displaced or track.status != "ready":  # else nothing changes that is searched
                revision = _raise_revision(session)
                for other in displaced:
                    other.path = f"{path} (replaced, was {other.id})"
                    other.status, other.revision = "missing", revision
                session.flush()  # its place must be free before it is taken
                if track.status != "ready":
                    track.status, track.revision = "ready", revision
            track.path, track.modified_ns, track.cue_stamp = path, modified_ns, cue_stamp
            fill_from_file(track, info)
            remember_words(session, track)

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
    def taking_in(self) -> Iterator[TakingIn]:
        """Take in tracks of another catalogue, all of them or none.

        Yields:
            What takes one after another.
        """
        with self._changing() as (session, revision):
            yield TakingIn(session, revision)

    @contextmanager
    def _changing(self) -> Iterator[tuple[Session, int]]:
        """A transaction that raises the revision, and the revision that it makes."""
        with write_session(self._engine) as session:
            yield session, _raise_revision(session)


def _raise_revision(session: Session) -> int:
    raised = update(CatalogueState).values(revision=CatalogueState.revision + 1)
    return session.scalars(raised.returning(CatalogueState.revision)).one()


def _slices(values: Sequence[T]) -> Iterator[Sequence[T]]:
    for start in range(0, len(values), SQL_VARIABLES):
        yield values[start : start + SQL_VARIABLES]

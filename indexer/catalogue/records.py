"""Whole tracks as plain values and back, whatever the database: for exported libraries."""

from __future__ import annotations

from base64 import b64decode
from datetime import datetime
from functools import partial
from typing import TYPE_CHECKING, Any, Final
from uuid import UUID

from sqlalchemy import inspect, select
from sqlalchemy.exc import DataError, IntegrityError
from sqlalchemy.orm import selectinload
from sqlalchemy.types import TypeDecorator

from indexer.catalogue.models import (
    Base,
    Caption,
    Feedback,
    Heard,
    Segment,
    Tag,
    Track,
    Vector,
    new_id,
)
from indexer.catalogue.words import remember_words
from indexer.errors import ExchangeError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from sqlalchemy.orm import Session

Record = dict[str, Any]

FROM_TEXT: Final[dict[type, Callable[[str], Any]]] = {
    bytes: partial(b64decode, validate=True),
    UUID: UUID,
    datetime: datetime.fromisoformat,
}
"""What JSON has no form of its own for."""
TRACKS_AT_ONCE: Final = 200
OWN: Final = frozenset({"id", "track_id", "segment_id", "caption_id"})
"""Columns that tie rows together in one database only."""


def read_records(session: Session) -> Iterator[dict[str, Any]]:
    """Every track with all that belongs to it, in the order of ids.

    Args:
        session: One transaction.

    Yields:
        A document as `indexer.exchange.layout.TrackRecord`.
    """
    ids = list(session.scalars(select(Track.id).order_by(Track.id)))
    query = select(Track).options(
        selectinload(Track.segments),
        selectinload(Track.tags),
        selectinload(Track.captions).selectinload(Caption.vector),
    )
    for first in range(0, len(ids), TRACKS_AT_ONCE):
        some = ids[first : first + TRACKS_AT_ONCE]
        opinions: dict[UUID, list[Record]] = {}
        for one in session.scalars(select(Feedback).where(Feedback.track_id.in_(some))):
            opinions.setdefault(one.track_id, []).append({"id": one.id, **_values(one)})
        heard = {
            one.track_id: _values(one)
            for one in session.scalars(select(Heard).where(Heard.track_id.in_(some)))
        }
        for track in session.scalars(query.where(Track.id.in_(some)).order_by(Track.id)):
            yield _record(track, opinions.get(track.id, []), heard.get(track.id))
        session.expunge_all()


class TakingIn:
    """Merges tracks of another catalogue into this one, by path and audio.

    Args:
        session: One transaction that writes.
        revision: That it makes.

    Attributes:
        added: Tracks that were new.
        known: Tracks that were here, the same audio under the same path.
        kept: Paths under which other audio was here, which was kept.
        opinions: Of people, that were new.
    """

    def __init__(self, session: Session, revision: int) -> None:
        self._session = session
        self._revision = revision
        columns = (Track.path, Track.id, Track.audio_hash)
        self._here = {
            row.path: (row.id, row.audio_hash) for row in session.execute(select(*columns))
        }
        self._ids = {track_id for track_id, _ in self._here.values()}
        self.added = self.known = self.opinions = 0
        self.kept: list[str] = []

    def take(self, record: dict[str, Any]) -> None:
        """Add a track that is not here, and what people said about it.

        Args:
            record: As `read_records` gives it, or as it was read from JSON.

        Raises:
            ExchangeError: If a value is missing, or none that its column takes.
        """
        track = record["track"]
        path, audio_hash = (
            _converted(Track, name, track.get(name)) for name in ("path", "audio_hash")
        )
        here = self._here.get(path)
        if here is not None and here[1] != audio_hash:
            self.kept.append(path)
            return
        try:
            if here is None:
                track_id = _converted(Track, "id", track.get("id"))
                here = (new_id() if track_id in self._ids else track_id, audio_hash)
                _add_record(self._session, record, revision=self._revision, track_id=here[0])
                self._here[path] = here
                self._ids.add(here[0])
                self.added += 1
            else:
                self.known += 1
            self.opinions += _add_opinions(self._session, record["feedback"], track_id=here[0])
        except (IntegrityError, DataError) as error:
            raise ExchangeError(f"{path}: the catalogue does not take it ({error.orig})") from error


def _add_record(session: Session, record: dict[str, Any], *, revision: int, track_id: UUID) -> None:
    track = Track(**_columns(Track, record["track"]), id=track_id)
    track.revision = revision
    track.segments = [Segment(**_columns(Segment, one)) for one in record["segments"]]
    track.tags = [Tag(**_columns(Tag, one)) for one in record["tags"]]
    for one in record["captions"]:
        number = one.get("segment")
        if type(number) is not int or not 0 <= number < len(track.segments):
            raise ExchangeError(f"a caption of {track.path} is about segment {number!r}")
        values = {name: value for name, value in one.items() if name not in {"segment", "vector"}}
        caption = Caption(**_columns(Caption, values), segment=track.segments[number])
        if one.get("vector") is not None:
            caption.vector = Vector(**_columns(Vector, one["vector"]))
        track.captions.append(caption)
    session.add(track)
    session.flush()
    if record.get("heard") is not None:
        session.add(Heard(track_id=track_id, **_columns(Heard, record["heard"])))
    remember_words(session, track)
    session.flush()
    session.expunge_all()


def _add_opinions(session: Session, rows: Sequence[Record], *, track_id: UUID) -> int:
    """Note what people said elsewhere about a track, unless it is noted here."""
    added = 0
    for row in rows:
        opinion_id = _converted(Feedback, "id", row.get("id"))
        if session.get(Feedback, opinion_id) is None:
            values = {name: value for name, value in row.items() if name != "id"}
            session.add(Feedback(id=opinion_id, track_id=track_id, **_columns(Feedback, values)))
            added += 1
    session.flush()
    session.expunge_all()
    return added


def _record(track: Track, opinions: list[Record], heard: Record | None) -> dict[str, Any]:
    number = {segment.id: place for place, segment in enumerate(track.segments)}
    return {
        "track": {"id": track.id, **_values(track)},
        "segments": [_values(one) for one in track.segments],
        "captions": [
            {
                **_values(one),
                "segment": number[one.segment_id],
                "vector": None if one.vector is None else _values(one.vector),
            }
            for one in sorted(track.captions, key=lambda caption: caption.id)
        ],
        "tags": [_values(one) for one in sorted(track.tags, key=lambda tag: tag.id)],
        "feedback": opinions,
        "heard": heard,
    }


def _values(row: Base) -> Record:
    return {
        attribute.key: getattr(row, attribute.key)
        for attribute in inspect(type(row)).column_attrs
        if attribute.key not in OWN and attribute.key != "revision"
    }


def _columns(table: type[Base], values: Record) -> Record:
    """Values for the columns of a table.

    Args:
        table: The table.
        values: Column -> value, as JSON has it.

    Returns:
        Column -> value, as the column takes it.

    Raises:
        ExchangeError: If there is no such column, or one does not take its value.
    """
    known = {one.key for one in inspect(table).column_attrs} - OWN - {"revision"}
    if unknown := values.keys() - known - OWN:
        raise ExchangeError(
            f"{table.__tablename__} has no {', '.join(sorted(unknown))}: the file was made by a "
            "newer MusiScene; upgrade this one"
        )
    return {name: _converted(table, name, value) for name, value in values.items() if name in known}


def _converted(table: type[Base], name: str, value: Any) -> Any:  # noqa: ANN401
    """A value as its column takes it.

    Args:
        table: The table.
        name: Of the column.
        value: As JSON has it, or as it was read from a table.

    Returns:
        The value.

    Raises:
        ExchangeError: If it takes no such value.
    """
    column = inspect(table).columns[name]
    stored = column.type
    if isinstance(stored, TypeDecorator):
        stored = stored.impl_instance
    kind = stored.python_type
    if value is None:
        if not column.nullable:
            raise ExchangeError(f"{table.__tablename__}.{name} is missing")
        return None
    try:
        if isinstance(value, str) and kind in FROM_TEXT:
            value = FROM_TEXT[kind](value)
    except ValueError as error:
        raise ExchangeError(f"{table.__tablename__}.{name} is {value[:40]!r}") from error
    if kind is float and type(value) is int:
        return float(value)
    if type(value) is not kind:
        raise ExchangeError(f"{table.__tablename__}.{name} is {str(value)[:40]!r}")
    if kind is str and len(value) > (getattr(stored, "length", None) or len(value)):
        raise ExchangeError(f"{table.__tablename__}.{name} is too long")
    return value

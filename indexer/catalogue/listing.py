"""Tracks page by page, found by words and filters, in an order that stays while a person pages.

A page begins behind the last track of the one before, by its place in the order and not by a count
(keyset paging), so that every page costs the same and tracks that come in meanwhile shift nothing.
"""

from __future__ import annotations

from datetime import datetime
from pathlib import PurePath
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, Final, Literal
from uuid import UUID

import msgspec
from sqlalchemy import func, literal, select, tuple_

from indexer.catalogue.database import read_session
from indexer.catalogue.models import Caption, Tag, Track
from indexer.catalogue.words import SearchText, holds_words

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from sqlalchemy import ColumnElement, Engine
    from sqlalchemy.orm import InstrumentedAttribute, Session

Order = Literal[
    "added", "-added", "title", "-title", "artist", "-artist", "bpm", "-bpm", "duration",
    "-duration",
]  # fmt: skip
"""What tracks are sorted by, rising; with `-` falling."""

COLUMNS: Final[Mapping[str, InstrumentedAttribute[Any]]] = MappingProxyType(
    {
        "added": Track.added_at,
        "title": SearchText.title_key,
        "artist": SearchText.artist_key,
        "bpm": Track.bpm,
        "duration": Track.duration_seconds,
    }
)
SHOWN_TAGS: Final = 5
_READY: Final = Track.status == "ready"


class Place(msgspec.Struct, frozen=True):
    """Where a page ended."""

    value: str | float
    """Of what is sorted by, in the last track."""
    track_id: UUID
    """The last track."""


class TrackSummary(msgspec.Struct, frozen=True, kw_only=True):
    """What a list shows of a track."""

    id: UUID
    path: str
    title: str | None
    artist: str | None
    album: str | None
    album_artist: str | None
    disc_number: int | None
    track_number: int | None
    licence: str | None
    generated: bool
    duration_seconds: float
    bpm: float
    key: str
    loudness_lufs: float | None
    vocal_probability: float
    valence: float
    arousal: float
    added_at: datetime
    scene_caption: str | None = None
    """The first scene that was imagined for it."""
    tags: tuple[str, ...] = ()
    """Its strongest, strongest first."""


class ListedTracks(msgspec.Struct, frozen=True):
    """One page."""

    tracks: list[TrackSummary]
    """In order."""
    end: Place | None
    """To ask for the next page with; None on the last one."""


class Listing:
    """The tracks of one catalogue that can be found, as lists.

    Args:
        engine: Of the catalogue, which disposes of it.
    """

    def __init__(self, engine: Engine) -> None:
        self._engine = engine

    def count(self, conditions: Sequence[ColumnElement[bool]] = (), *, words: str = "") -> int:
        """How many tracks there are on all pages.

        Args:
            conditions: On `Track`, that must all hold.
            words: That must all be in a track's names, path or captions.

        Returns:
            The number.
        """
        query = select(func.count()).select_from(Track).where(_READY, *conditions)
        if found := holds_words(words):
            query = query.join(SearchText, SearchText.track_id == Track.id).where(*found)
        with read_session(self._engine) as session:
            return session.scalar(query) or 0

    def page(
        self,
        conditions: Sequence[ColumnElement[bool]] = (),
        *,
        words: str = "",
        order: Order = "added",
        after: Place | None = None,
        limit: int = 50,
    ) -> ListedTracks:
        """Some tracks.

        Args:
            conditions: On `Track`, that must all hold.
            words: That must all be in a track's names, path or captions.
            order: What to sort by; ties by the track's id.
            after: Where the page before ended; None for the first.
            limit: At most so many tracks.

        Returns:
            The page.
        """
        column, falls = COLUMNS[order.removeprefix("-")], order.startswith("-")
        fields = [getattr(Track, name) for name in TrackSummary.__struct_fields__[:-2]]
        # Not by the index of the status, which nearly every track shares: by that of the order.
        query = select(*fields, column.label("place")).where(_READY.is_(True), *conditions)
        found = holds_words(words)
        if found or column.class_ is SearchText:
            query = query.join(SearchText, SearchText.track_id == Track.id).where(*found)
        if after is not None:
            query = query.where(_behind(column, after, falls=falls))
        order_by = (column.desc(), Track.id.desc()) if falls else (column, Track.id)
        with read_session(self._engine) as session:
            rows = session.execute(query.order_by(*order_by).limit(limit + 1)).mappings().all()
            shown = [dict(row) for row in rows[:limit]]
            places = [row.pop("place") for row in shown]
            ids = [row["id"] for row in shown]
            tags, captions = _strongest_tags(session, ids), _first_scenes(session, ids)
        tracks = [
            TrackSummary(**row, tags=tags.get(row["id"], ()), scene_caption=captions.get(row["id"]))
            for row in shown
        ]
        if len(rows) <= limit:
            return ListedTracks(tracks, None)
        last = places[-1].isoformat() if isinstance(places[-1], datetime) else places[-1]
        return ListedTracks(tracks, Place(last, ids[-1]))

    def names(self, track_ids: Sequence[UUID]) -> dict[UUID, tuple[str, str | None]]:
        """Title (or the file's name) and artist by id; ids without a track are left out."""
        wanted, found = set(track_ids), {}
        query = select(Track.id, Track.title, Track.path, Track.artist)
        with read_session(self._engine) as session:
            for track_id, title, path, artist in session.execute(query.where(_READY)):
                if track_id in wanted:
                    found[track_id] = (title or PurePath(path).stem, artist)
        return found


def _behind(
    column: InstrumentedAttribute[Any], place: Place, *, falls: bool
) -> ColumnElement[bool]:
    """Whether a track comes after a place.

    Args:
        column: What is sorted by.
        place: Where a page ended.
        falls: Whether the order does.

    Returns:
        A condition.

    Raises:
        ValueError: If the place is none in such an order.
    """
    value: object = place.value
    if column is Track.added_at:
        value = datetime.fromisoformat(str(value))
    elif (column.class_ is SearchText) != isinstance(value, str):
        raise ValueError(f"{value!r} is no place in this order")
    mine = tuple_(column, Track.id)
    theirs = tuple_(literal(value, column.type), literal(place.track_id, Track.id.type))
    return mine < theirs if falls else mine > theirs


def _strongest_tags(session: Session, ids: Sequence[UUID]) -> dict[UUID, tuple[str, ...]]:
    query = (
        select(Tag.track_id, Tag.name)
        .where(Tag.track_id.in_(ids))
        .order_by(Tag.score.desc(), Tag.id)
    )
    found: dict[UUID, dict[str, None]] = {}  # both vocabularies may have a word
    for track_id, name in session.execute(query):
        names = found.setdefault(track_id, {})
        if len(names) < SHOWN_TAGS:
            names[name] = None
    return {track_id: tuple(names) for track_id, names in found.items()}


def _first_scenes(session: Session, ids: Sequence[UUID]) -> dict[UUID, str]:
    first = (
        select(func.min(Caption.id))
        .where(Caption.track_id.in_(ids), Caption.kind == "scene")
        .group_by(Caption.track_id)
    )
    query = select(Caption.track_id, Caption.text).where(Caption.id.in_(first))
    return {row.track_id: row.text for row in session.execute(query)}

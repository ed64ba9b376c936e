"""The words of each track, in one form whatever their case: the table `search_text`.

Made by Python and not by the database, so that both databases find and sort the same in every
alphabet. A search reads the whole table: at 100,000 tracks that is 70 MB and a tenth of a second.

Invariant: every track has one row, written in the transaction that changes its names or captions.
"""

from __future__ import annotations

import re
import unicodedata
from pathlib import PurePath
from typing import TYPE_CHECKING, Final
from uuid import UUID

from sqlalchemy import ColumnElement, ForeignKey, String, select
from sqlalchemy.orm import Mapped, mapped_column

from indexer.catalogue.columns import CleanText
from indexer.catalogue.models import Base, Caption

if TYPE_CHECKING:
    from collections.abc import Iterable

    from sqlalchemy.orm import Session

    from indexer.catalogue.models import Track

KEY_CHARACTERS: Final = 200
"""Of a title or an artist that are sorted by; PostgreSQL indexes no longer ones."""
MAX_WORDS: Final = 20
"""That one search looks for; the rest is left out."""
LAST: Final = "\U0010ffff"
"""Sorts behind every name: tracks without an artist."""
_WORD: Final = re.compile(r'"([^"]+)"?|([^\s"]+)')

BY_CODE_POINT: Final = String(KEY_CHARACTERS).with_variant(
    String(KEY_CHARACTERS, collation="C"), "postgresql"
)
"""Sorts the same in both databases."""


class SearchText(Base):
    """What a track is found and sorted by."""

    __tablename__ = "search_text"

    track_id: Mapped[UUID] = mapped_column(
        ForeignKey("track.id", ondelete="CASCADE"), primary_key=True
    )
    title_key: Mapped[str] = mapped_column(BY_CODE_POINT, index=True)
    """The title, or the file's name where there is none, as `folded` has it."""
    artist_key: Mapped[str] = mapped_column(BY_CODE_POINT, index=True)
    """Likewise; `LAST` where there is none."""
    text: Mapped[str] = mapped_column(CleanText)
    """Title, artist, album, path and captions, one a line, as `folded` has them."""


def folded(text: str) -> str:
    """A text in the one form that is searched: without case, and of compatible characters one.

    Args:
        text: Any.

    Returns:
        The text, without NUL and halves of surrogate pairs.

    Example:
        >>> folded("ＢＪÖＲＫ Straße")
        'björk strasse'
    """
    clean = text.replace("\0", "").encode("utf-8", "replace").decode("utf-8")
    return unicodedata.normalize("NFKC", unicodedata.normalize("NFKC", clean).casefold())


def text_row(
    *, path: str, title: str | None, artist: str | None, others: Iterable[str | None]
) -> dict[str, str]:
    """The columns of a track's row.

    Args:
        path: Of its file.
        title: From its tags.
        artist: From its tags.
        others: What else it is found by.

    Returns:
        Column -> value, but for the track's id.
    """
    lines = [folded(one) for one in (title, artist, path, *others) if one]
    return {
        "title_key": folded(title or PurePath(path).stem)[:KEY_CHARACTERS],
        "artist_key": folded(artist)[:KEY_CHARACTERS] if artist else LAST,
        "text": "\n".join(lines),
    }


def remember_words(session: Session, track: Track) -> None:
    """Write a track's row anew.

    Args:
        session: The transaction that changed the track.
        track: With its names and captions as they are to be.
    """
    session.flush()
    captions = session.scalars(
        select(Caption.text).where(Caption.track_id == track.id).order_by(Caption.id)
    )
    row = text_row(
        path=track.path,
        title=track.title,
        artist=track.artist,
        others=[track.album, track.album_artist, *captions],
    )
    session.merge(SearchText(track_id=track.id, **row))


def words_of(query: str) -> list[str]:
    """What a person looks for: words, and phrases in double quotes.

    Args:
        query: As it was typed.

    Returns:
        The words, folded, at most `MAX_WORDS`.

    Example:
        >>> words_of('Rain "on a Window"')
        ['rain', 'on a window']
    """
    found = (folded(phrase or word).strip() for phrase, word in _WORD.findall(query))
    return [word for word in found if word][:MAX_WORDS]


def holds_words(query: str) -> list[ColumnElement[bool]]:
    """The conditions of a search on `SearchText`: every word is in it, wherever.

    Args:
        query: As it was typed.

    Returns:
        One condition a word; none for an empty query.
    """
    return [SearchText.text.contains(word, autoescape=True) for word in words_of(query)]

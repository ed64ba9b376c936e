"""Where a list goes on: one word for clients, which only we can read."""

from __future__ import annotations

from base64 import urlsafe_b64decode, urlsafe_b64encode
from binascii import Error as Base64Error
from collections.abc import Callable, Sequence
from hashlib import blake2b
from typing import Annotated, Final, Protocol, TypeVar
from uuid import UUID

import msgspec
from litestar.params import QueryParameter

from indexer.catalogue.listing import Place
from indexer.errors import CursorError

MAX_CHARACTERS: Final = 2_000

After = Annotated[
    str | None,
    QueryParameter(
        max_length=MAX_CHARACTERS,
        description="The `after` of the page before, for the next one; the first page without it. "
        "The other parameters stay as they were.",
    ),
]


PageSize = Annotated[int, QueryParameter(ge=1, le=200, description="How many to return at most.")]


class HasId(Protocol):
    """A row of a list."""

    @property
    def id(self) -> UUID:
        """Its place in the order."""


R = TypeVar("R", bound=HasId)


class Cursor(msgspec.Struct, frozen=True, array_like=True):
    """Where a page ended."""

    asked: str
    """Digest of what the list was asked for."""
    place: Place
    """Of the page's last item."""
    total: int = 0
    """On all pages, counted for the first."""


def digest_of(*asked: object) -> str:
    """What tells one list from another: its filter, words and order."""
    return blake2b(msgspec.json.encode(asked), digest_size=6).hexdigest()


def write_cursor(cursor: Cursor) -> str:
    """The word for a place."""
    return urlsafe_b64encode(msgspec.msgpack.encode(cursor)).decode().rstrip("=")


def read_cursor(text: str, *, asked: str) -> Cursor:
    """The place that a word stands for.

    Args:
        text: From a client.
        asked: Digest of what the list is asked for now.

    Returns:
        The place.

    Raises:
        CursorError: If it is no such word, or one of another list.
    """
    try:
        packed = urlsafe_b64decode(text.encode("ascii") + b"=" * (-len(text) % 4))
        cursor = msgspec.msgpack.decode(packed, type=Cursor)
    except (Base64Error, UnicodeError, msgspec.DecodeError, ValueError) as error:
        raise CursorError from error
    if cursor.asked != asked:
        raise CursorError
    return cursor


def page_by_id(
    find: Callable[[UUID | None, int], Sequence[R]], *, asked: str, limit: int, after: str | None
) -> tuple[Sequence[R], str | None]:
    """A page of a list in the order of ids.

    Args:
        find: Gives at most so many rows that come behind an id, or the first ones.
        asked: Digest of what the list is asked for.
        limit: Rows on a page.
        after: From the client.

    Returns:
        The rows, and the word for the next page; None on the last one.

    Raises:
        CursorError: If `after` is no such word, or one of another list.
    """
    before = None if after is None else read_cursor(after, asked=asked).place.track_id
    found = find(before, limit + 1)
    shown = found[:limit]
    if len(found) <= limit:
        return shown, None
    return shown, write_cursor(Cursor(asked, Place("", shown[-1].id)))

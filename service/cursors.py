"""Where a list goes on: one word for clients, which only we can read."""

from __future__ import annotations

from base64 import urlsafe_b64decode, urlsafe_b64encode
from binascii import Error as Base64Error
from hashlib import blake2b
from typing import Annotated, Final
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


def id_cursor(asked: str, last: UUID) -> str:
    """The word for a place in a list that is in the order of ids."""
    return write_cursor(Cursor(asked, Place("", last)))

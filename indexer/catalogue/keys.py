"""Keys to the service: the table `api_key`.

Only digests of secrets come here. A key that is revoked keeps its row: as long as there is any row,
the library was locked by somebody, and nobody but its owner may find it open again.
"""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Final, Literal, get_args

import msgspec
from sqlalchemy import or_, select, update

from indexer.catalogue.database import read_session, write_session
from indexer.catalogue.models import ApiKey, utc_now
from indexer.errors import KeyNotFoundError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from sqlalchemy import Engine

Scope = Literal["read", "write", "admin"]
SCOPES: Final[tuple[Scope, ...]] = get_args(Scope)

USED_EVERY: Final = timedelta(minutes=1)
"""How often it is noted at most that a key is in use."""


class KeyRecord(msgspec.Struct, frozen=True, kw_only=True):
    """What is known of one key."""

    id: str
    """Its public part."""
    name: str
    scopes: tuple[Scope, ...]
    """What it opens."""
    created_at: datetime
    last_used_at: datetime | None = None
    """To the minute; None if never."""
    expires_at: datetime | None = None
    """None for never."""
    revoked_at: datetime | None = None

    def is_valid(self, now: datetime) -> bool:
        """Whether it opens anything at a moment."""
        return self.revoked_at is None and (self.expires_at is None or now < self.expires_at)


class StoredKey(msgspec.Struct, frozen=True):
    """A key and what its secret is recognised by."""

    record: KeyRecord
    digest: bytes
    """SHA-256 of the secret."""


class Keys:
    """The keys of one catalogue.

    Args:
        engine: Of the catalogue, which disposes of it.
    """

    def __init__(self, engine: Engine) -> None:
        self._engine = engine

    def all(self) -> list[StoredKey]:
        """Every key that was ever made, the oldest first."""
        with read_session(self._engine) as session:
            rows = session.scalars(select(ApiKey).order_by(ApiKey.created_at, ApiKey.id))
            return [StoredKey(_record(row), row.digest) for row in rows]

    def add(
        self,
        key_id: str,
        digest: bytes,
        *,
        name: str,
        scopes: Sequence[Scope],
        expires_at: datetime | None = None,
    ) -> KeyRecord:
        """Keep a new key.

        Args:
            key_id: Its public part.
            digest: SHA-256 of its secret part.
            name: What it is for.
            scopes: What it opens.
            expires_at: From when on it opens nothing; None for never.

        Returns:
            What is known of it.
        """
        row = ApiKey(
            id=key_id, digest=digest, name=name, scopes=",".join(scopes), expires_at=expires_at
        )
        with write_session(self._engine) as session:
            session.add(row)
            session.flush()
            return _record(row)

    def revoke(self, key_id: str) -> KeyRecord:
        """Make a key open nothing any more; a second time changes nothing.

        Args:
            key_id: Its public part.

        Returns:
            What is known of it.

        Raises:
            KeyNotFoundError: If there is no such key.
        """
        with write_session(self._engine) as session:
            row = session.get(ApiKey, key_id)
            if row is None:
                raise KeyNotFoundError(f"no key has the id {key_id!r}; see `musiscene keys list`")
            row.revoked_at = row.revoked_at or utc_now()
            session.flush()
            return _record(row)

    def note_use(self, key_id: str, now: datetime) -> None:
        """Remember that a key was used, unless that was noted within the last minute.

        Args:
            key_id: Its public part.
            now: The moment of use.
        """
        stale = or_(ApiKey.last_used_at.is_(None), ApiKey.last_used_at <= now - USED_EVERY)
        with write_session(self._engine) as session:
            session.execute(
                update(ApiKey).where(ApiKey.id == key_id, stale).values(last_used_at=now)
            )


def _record(row: ApiKey) -> KeyRecord:
    return KeyRecord(
        id=row.id,
        name=row.name,
        scopes=tuple(scope for scope in SCOPES if scope in row.scopes.split(",")),
        created_at=row.created_at,
        last_used_at=row.last_used_at,
        expires_at=row.expires_at,
        revoked_at=row.revoked_at,
    )

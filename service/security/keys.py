"""A key: `mus_`, twelve characters by which people tell it apart, `_`, and a secret of 256 bits.

Only SHA-256 of the secret is kept. That is enough, since nobody can try 2^256 secrets; slow hashes
are for passwords that people choose (docs/decisions/0012-keys.md).
"""

from __future__ import annotations

import hmac
import re
import secrets
import time
from datetime import UTC, datetime
from hashlib import sha256
from threading import Lock
from typing import TYPE_CHECKING, Final

import msgspec

if TYPE_CHECKING:
    from collections.abc import Callable

    from indexer.catalogue.keys import KeyRecord, Keys, StoredKey

KEY: Final = re.compile(r"mus_([0-9a-f]{12})_([0-9a-f]{64})", re.ASCII)
LOOKED_AGAIN_SECONDS: Final = 2.0
"""A key that is made or revoked is noticed within this time by every process."""
NO_DIGEST: Final = bytes(32)


class NewKey(msgspec.Struct, frozen=True):
    """A key as it is shown to its owner, once."""

    id: str
    """Its public part."""
    text: str
    """All of it."""
    digest: bytes
    """SHA-256 of its secret part."""


def make_key() -> NewKey:
    """A key of fresh randomness."""
    key_id, secret = secrets.token_hex(6), secrets.token_hex(32)
    return NewKey(key_id, f"mus_{key_id}_{secret}", _digest(secret))


class KeyRing:
    """The keys of the catalogue, held for a moment so that not every request asks the database.

    Args:
        keys: Of the catalogue.
        clock: Seconds that never go back.
    """

    def __init__(self, keys: Keys, clock: Callable[[], float] = time.monotonic) -> None:
        self._keys = keys
        self._clock = clock
        self._lock = Lock()
        self._read_at: float | None = None
        self._held: dict[str, StoredKey] = {}

    @property
    def is_stale(self) -> bool:
        """Whether it is time to look again."""
        return self._read_at is None or self._clock() - self._read_at >= LOOKED_AGAIN_SECONDS

    @property
    def is_locked(self) -> bool:
        """Whether there ever was a key."""
        return bool(self._held)

    def refresh(self) -> None:
        """Read the keys again, if it is time.

        Raises:
            CatalogueError: If they cannot be read; nobody is let in then.
        """
        with self._lock:
            if self.is_stale:
                self._held = {stored.record.id: stored for stored in self._keys.all()}
                self._read_at = self._clock()

    def recognise(self, text: str, now: datetime | None = None) -> KeyRecord | None:
        """The key that somebody shows.

        It takes as long for an unknown id as for a wrong secret.

        Args:
            text: What was shown.
            now: The moment; None for the present one.

        Returns:
            What is known of it; None if it opens nothing.
        """
        parts = KEY.fullmatch(text)
        key_id, secret = parts.groups() if parts else ("", text)
        stored = self._held.get(key_id)
        expected = stored.digest if stored else NO_DIGEST
        is_same = hmac.compare_digest(_digest(secret), expected)
        if not is_same or stored is None:
            return None
        return stored.record if stored.record.is_valid(now or datetime.now(UTC)) else None


def _digest(secret: str) -> bytes:
    return sha256(secret.encode("utf-8", "surrogatepass")).digest()

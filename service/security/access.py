"""The guard of every route: which key, and does it open this.

As long as nobody made a key, people at this machine may do everything. From the first key on
everybody needs one, also on this machine: a proxy on it makes all the world look like this machine.
"""

from __future__ import annotations

import logging
import time
from datetime import UTC, datetime
from threading import Thread
from typing import TYPE_CHECKING, Any, Final

import anyio.to_thread
import msgspec

from indexer.errors import CatalogueError
from service.security.errors import (
    KeyMissingError,
    KeyRefusedError,
    NotLocalError,
    ScopeMissingError,
    TooManyFailuresError,
)
from service.security.keys import KeyRing
from service.security.local import require_local
from service.security.scopes import INCLUDED, scope_of
from service.security.throttle import FailureThrottle

if TYPE_CHECKING:
    from litestar.connection import ASGIConnection
    from litestar.handlers import BaseRouteHandler

    from indexer.catalogue.keys import Keys, Scope
    from service.settings import SecuritySettings

logger = logging.getLogger(__name__)

BEARER: Final = "bearer "
NOTED_EVERY_SECONDS: Final = 60.0


class Caller(msgspec.Struct, frozen=True, kw_only=True):
    """Who makes a request."""

    key_id: str | None
    """Public part of the key; None for a person at this machine."""
    scopes: frozenset[Scope]
    """What is open to them."""

    def require(self, scope: Scope) -> None:
        """See that something is open to them.

        Args:
            scope: What is needed.

        Raises:
            ScopeMissingError: If it is not.
        """
        if scope not in self.scopes:
            raise ScopeMissingError(scope)


LOCAL: Final = Caller(key_id=None, scopes=INCLUDED["admin"])


class Access:
    """Lets requests in, or not.

    Args:
        settings: Who may come without a key.
        keys: Of the catalogue.
    """

    def __init__(self, settings: SecuritySettings, keys: Keys) -> None:
        self._settings = settings
        self._keys = keys
        self._ring = KeyRing(keys)
        self._throttle = FailureThrottle(settings.failures_per_minute)
        self._noted: dict[str, float] = {}

    async def guard(
        self, connection: ASGIConnection[Any, Any, Any, Any], handler: BaseRouteHandler
    ) -> None:
        """Let a request in; its `auth` is the `Caller` then.

        Args:
            connection: The request.
            handler: Its route; `opt["open"]` lets everybody in, `opt["local"]` this machine too.

        Raises:
            KeyMissingError: If it needs a key.
            ScopeMissingError: If its key does not open this.
        """
        template = str(connection.scope.get("path_template") or connection.scope["path"])
        scope = scope_of(str(connection.scope.get("method", "GET")), template)
        if scope is None or handler.opt.get("open"):
            return
        caller = await self.caller(connection, is_local_enough=bool(handler.opt.get("local")))
        caller.require(scope)
        connection.scope["auth"] = caller

    async def caller(
        self,
        connection: ASGIConnection[Any, Any, Any, Any],
        *,
        is_local_enough: bool = False,
        shown: str | None = None,
    ) -> Caller:
        """Who makes a request.

        Args:
            connection: The request.
            is_local_enough: This machine needs no key, whatever keys there are.
            shown: What stands for the header `Authorization`, where a key is shown otherwise.

        Returns:
            The caller.

        Raises:
            KeyMissingError: If a key is needed and there is none.
            KeyRefusedError: If the key opens nothing.
            NotLocalError: If there is no key at all, and this does not come from this machine.
            TooManyFailuresError: If that happened too often.
        """
        if self._ring.is_stale:
            await anyio.to_thread.run_sync(self._ring.refresh)
        address = connection.client.host if connection.client else None
        shown = connection.headers.get("authorization") if shown is None else shown
        if shown is not None:
            return self._by_key(shown, address or "")
        if not self._ring.is_locked or self._settings.loopback_without_key or is_local_enough:
            try:
                require_local(address, connection.headers, self._settings)
            except NotLocalError:
                if self._ring.is_locked:
                    raise KeyMissingError from None
                raise
            return LOCAL
        raise KeyMissingError

    def _by_key(self, shown: str, address: str) -> Caller:
        text = shown[len(BEARER) :].strip() if shown.lower().startswith(BEARER) else ""
        record = self._ring.recognise(text)
        if record is None:
            if wait_seconds := self._throttle.wait_seconds(address):
                raise TooManyFailuresError(wait_seconds)
            self._throttle.note_failure(address)
            raise KeyRefusedError
        self._note_use(record.id)
        scopes = frozenset(one for scope in record.scopes for one in INCLUDED[scope])
        return Caller(key_id=record.id, scopes=scopes)

    def _note_use(self, key_id: str) -> None:
        """Have it written down that a key is in use, once a minute; no answer waits for it."""
        now = time.monotonic()
        if now - self._noted.get(key_id, -NOTED_EVERY_SECONDS) < NOTED_EVERY_SECONDS:
            return
        self._noted[key_id] = now
        Thread(target=self._write_use, args=(key_id,), daemon=True).start()

    def _write_use(self, key_id: str) -> None:
        try:
            self._keys.note_use(key_id, datetime.now(UTC))
        except CatalogueError:
            logger.warning("the use of key %s could not be noted", key_id, exc_info=True)

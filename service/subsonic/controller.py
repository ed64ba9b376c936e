"""HTTP for players: `/rest/METHOD` and `/rest/METHOD.view`, always 200, errors in the document."""

from __future__ import annotations

import logging
from binascii import unhexlify
from collections.abc import Mapping
from typing import Any, Final

import anyio.to_thread
from litestar import Controller, Request, Response, route
from litestar.di import NamedDependency
from litestar.params import FromPath
from litestar.types import ASGIApp

from indexer.errors import NothingIndexedError, SeedError, TrackNotFoundError
from service.problems import WarmingError
from service.security.access import Access
from service.security.errors import (
    KeyMissingError,
    KeyRefusedError,
    NotLocalError,
    ScopeMissingError,
    TooManyFailuresError,
)
from service.subsonic.answers import (
    CONFLICTING,
    GENERIC,
    MISSING_PARAMETER,
    NO_TOKENS,
    NOT_ALLOWED,
    NOT_FOUND,
    WRONG_KEY,
    WRONG_PASSWORD,
    SubsonicError,
    as_json,
    as_xml,
    envelope,
)
from service.subsonic.service import SubsonicService
from service.tracks.audio import AudioFile
from service.tracks.errors import AudioGoneError

logger = logging.getLogger(__name__)

OPEN: Final = frozenset({"getOpenSubsonicExtensions"})
"""The protocol has it answered to everybody."""
STREAMS: Final = frozenset({"stream", "download"})
CODES: Final[dict[type[Exception], int]] = {
    TrackNotFoundError: NOT_FOUND,
    AudioGoneError: NOT_FOUND,
    SeedError: GENERIC,
    NothingIndexedError: GENERIC,
    WarmingError: GENERIC,
    KeyMissingError: MISSING_PARAMETER,
    KeyRefusedError: WRONG_KEY,
    TooManyFailuresError: WRONG_KEY,
    NotLocalError: NOT_ALLOWED,
    ScopeMissingError: NOT_ALLOWED,
}


class SubsonicController(Controller):
    """What players of the Subsonic family ask."""

    path = "/rest"
    include_in_schema = False

    @route("/{method:str}", http_method=["GET", "HEAD"], opt={"open": True})
    async def answer(
        self,
        request: Request[Any, Any, Any],
        method: FromPath[str],
        subsonic_service: NamedDependency[SubsonicService],
        access: NamedDependency[Access],
    ) -> ASGIApp:
        """One method of the protocol."""
        asked = dict(request.query_params.items())
        name = method.removesuffix(".view")
        try:
            user = None if name in OPEN else await _user(request, access, asked)
            if name in STREAMS:
                path, roots = await anyio.to_thread.run_sync(subsonic_service.file, asked)
                file: Any = await anyio.to_thread.run_sync(AudioFile, path, roots)
                return file  # type: ignore[no-any-return]
            if name == "tokenInfo":
                found = envelope({"tokenInfo": {"username": user}})
            else:
                found = envelope(await anyio.to_thread.run_sync(subsonic_service.call, name, asked))
        except Exception as error:  # noqa: BLE001  players read errors in the document alone
            found = envelope(error=_as_said(error))
        return _document(request, found, asked)


async def _user(request: Request[Any, Any, Any], access: Access, asked: Mapping[str, str]) -> str:
    """Who asks; what the caller's key is called, or `local`.

    Args:
        request: The request.
        access: Knows the keys.
        asked: Its parameters.

    Returns:
        The name.

    Raises:
        SubsonicError: If it is shown in a way that is refused.
        KeyRefusedError: If the key opens nothing.
    """
    key = asked.get("apiKey")
    if key is not None and asked.keys() & {"u", "p", "t", "s"}:
        raise SubsonicError(CONFLICTING, "give apiKey alone, without u, p, t and s")
    if "t" in asked or "s" in asked:
        raise SubsonicError(
            NO_TOKENS, "tokens cannot be checked here: keys are stored as hashes; use apiKey"
        )
    is_password = key is None and "p" in asked
    if is_password:
        key = _password(asked["p"])
    caller = None
    try:
        caller = await access.caller(request, shown=None if key is None else f"Bearer {key}")
    except KeyRefusedError as error:
        if is_password:
            raise SubsonicError(WRONG_PASSWORD, "the password must be an API key") from error
        raise
    caller.require("read")
    return caller.key_id or "local"


def _password(given: str) -> str:
    """A password as it was before it was written in hexadecimal.

    Args:
        given: As the player sent it.

    Returns:
        The password.

    Raises:
        SubsonicError: If it cannot be read.
    """
    if not given.startswith("enc:"):
        return given
    try:
        return unhexlify(given.removeprefix("enc:")).decode()
    except ValueError as error:
        raise SubsonicError(WRONG_PASSWORD, "the password cannot be read") from error


def _as_said(error: Exception) -> SubsonicError:
    if isinstance(error, SubsonicError):
        return error
    for kind, code in CODES.items():
        if isinstance(error, kind):
            return SubsonicError(code, str(error))
    logger.error("a player could not be answered", exc_info=error)
    return SubsonicError(GENERIC, "The service failed.")


def _document(
    request: Request[Any, Any, Any], found: dict[str, Any], asked: Mapping[str, str]
) -> ASGIApp:
    is_json = asked.get("f") == "json"
    response = Response(
        as_json(found) if is_json else as_xml(found),
        media_type="application/json" if is_json else "application/xml",
        headers={"Cache-Control": "no-store"},
    )
    return response.to_asgi_response(app=None, request=request)

"""A track's own file over HTTP: ranges, and problems in the form of all others."""

from __future__ import annotations

import mimetypes
from pathlib import Path, PurePath
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, Final

from litestar import Request
from starlette.responses import FileResponse

from service.conditional import REVALIDATED, is_known
from service.errors import to_problem
from service.security.files import OpenFile
from service.tracks.errors import RangeError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from starlette.datastructures import MutableHeaders
    from starlette.types import Message, Receive, Scope, Send

AUDIO_TYPES: Final = MappingProxyType(
    {
        ".flac": "audio/flac",
        ".m4a": "audio/mp4",
        ".m4v": "video/mp4",
        ".mka": "audio/x-matroska",
        ".mkv": "video/x-matroska",
        ".mp3": "audio/mpeg",
        ".oga": "audio/ogg",
        ".ogg": "audio/ogg",
        ".opus": "audio/ogg",
        ".wav": "audio/wav",
        ".wma": "audio/x-ms-wma",
    }
)
"""What `mimetypes` leaves to the machine's own table, which may lack it."""
REFUSED: Final = frozenset({400, 416})
"""How Starlette answers ranges that it cannot read and that the file does not have."""


class AudioFile:
    """Answers with a file, or a part of it.

    Args:
        path: As the catalogue has it.
        roots: Folders that it must be in; see `OpenFile`.

    Raises:
        AudioGoneError: If it is not there, or not to be served.
    """

    def __init__(self, path: Path, roots: Sequence[Path]) -> None:
        self._file = OpenFile(path, roots)
        stat = self._file.stat
        self._size_bytes = stat.st_size
        self._response = FileResponse(
            self._file.path,
            media_type=media_type_of(path),
            stat_result=stat,
            headers={"Cache-Control": REVALIDATED},
        )

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request."""
        with self._file:
            await self._answer(scope, receive, send)

    async def _answer(self, scope: Scope, receive: Receive, send: Send) -> None:
        request: Request[Any, Any, Any] = Request(scope)  # type: ignore[arg-type]
        response = self._response
        if is_known(request.headers.get("if-none-match", ""), response.headers["etag"]):
            await _send_not_modified(send, response.headers)
            return
        is_refused = False

        async def watched(message: Message) -> None:
            nonlocal is_refused
            if message["type"] == "http.response.start" and message["status"] in REFUSED:
                is_refused = True
            if not is_refused:
                await send(message)

        await response(scope, receive, watched)
        if is_refused:
            problem = to_problem(request, RangeError(self._size_bytes))
            answer = problem.to_asgi_response(app=None, request=request)
            await answer(scope, receive, send)  # type: ignore[arg-type]


def media_type_of(path: PurePath) -> str:
    """The media type of an audio file, by its name."""
    kind = AUDIO_TYPES.get(path.suffix.lower()) or mimetypes.guess_type(path.name)[0]
    return kind or "application/octet-stream"


async def _send_not_modified(send: Send, headers: MutableHeaders) -> None:
    kept = ("etag", "last-modified", "cache-control")
    raw = [(name.encode(), headers[name].encode("latin-1")) for name in kept]
    await send({"type": "http.response.start", "status": 304, "headers": raw})
    await send({"type": "http.response.body", "body": b"", "more_body": False})

"""Sends the page: a few files that lie beside this module, held in memory."""

from __future__ import annotations

from functools import cache
from hashlib import blake2b
from importlib.resources import files
from pathlib import PurePosixPath
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, Final

import msgspec
from litestar import Controller, Request, Response, route
from litestar.exceptions import NotFoundException
from litestar.params import FromPath

from service.conditional import is_known

if TYPE_CHECKING:
    from collections.abc import Mapping

FOLDER: Final = "page"
INDEX: Final = "index.html"
KINDS: Final = MappingProxyType(
    {
        ".html": "text/html",
        ".css": "text/css",
        ".js": "text/javascript",
        ".svg": "image/svg+xml",
    }
)
CACHED: Final = "no-cache"
"""Kept by browsers, who ask each time whether it still holds: after an update nobody sees a mixture
of old and new files."""


class PageFile(msgspec.Struct, frozen=True, kw_only=True):
    """One file of the page."""

    body: bytes
    kind: str
    """Its media type."""
    tag: str
    """Its entity tag."""


class PageController(Controller):
    """The page at `/`; it tells nothing of the library, so everybody may have it."""

    path = "/"
    include_in_schema = False
    opt = {"open": True}  # noqa: RUF012  Litestar's own way

    @route("/", http_method=["GET", "HEAD"], sync_to_thread=False)
    def index(self, request: Request[Any, Any, Any]) -> Response[bytes]:
        """The page."""
        return send_page_file(request, page_files().get(INDEX))

    @route("/web/{name:str}", http_method=["GET", "HEAD"], sync_to_thread=False)
    def part(self, request: Request[Any, Any, Any], name: FromPath[str]) -> Response[bytes]:
        """A script, a style sheet or a picture of the page."""
        return send_page_file(request, page_files().get(name))


@cache
def page_files(package: str = "service.web") -> Mapping[str, PageFile]:
    """Every file of a package's page by its name."""
    return MappingProxyType({
        found.name: PageFile(
            body=(body := found.read_bytes()),
            kind=KINDS[PurePosixPath(found.name).suffix],
            tag=f'W/"{blake2b(body, digest_size=16).hexdigest()}"',
        )
        for found in files(package).joinpath(FOLDER).iterdir()
        if PurePosixPath(found.name).suffix in KINDS
    })  # fmt: skip


def send_page_file(request: Request[Any, Any, Any], file: PageFile | None) -> Response[bytes]:
    """Answer with a file of a page.

    Args:
        request: Whose browser may have it already.
        file: None where there is none.

    Returns:
        The answer.

    Raises:
        NotFoundException: If there is no file.
    """
    if file is None:
        raise NotFoundException
    headers = {"ETag": file.tag, "Cache-Control": CACHED}
    if is_known(request.headers.get("if-none-match", ""), file.tag):
        return Response(b"", status_code=304, headers=headers)
    body = b"" if request.method == "HEAD" else file.body
    return Response(body, headers=headers, media_type=file.kind)

"""Reads a form with files as it comes; files go to the disk block by block."""

from __future__ import annotations

from hashlib import sha256
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any, Final

import anyio.to_thread
import msgspec
from multipart import MultipartError, MultipartSegment, PushMultipartParser, parse_options_header

from service.cue_plans.errors import FormError, FormTypeError, UploadTooLargeError
from service.cue_plans.store import (
    CAPTION_ENDINGS,
    ENDINGS,
    Received,
    ending_of,
    no_room_is_told,
    shown_name,
)

if TYPE_CHECKING:
    from litestar import Request

    from service.cue_plans.store import VideoStore

BLOCK_BYTES: Final = 1 << 20
CAPTION_BYTES: Final = 4 << 20
"""Longest file of captions."""
TEXT_BYTES: Final = 128 << 10
"""Longest other part."""
BESIDE_BYTES: Final = CAPTION_BYTES + (1 << 20)
"""Of a body, beside its video: captions, texts, boundaries and headers."""
KINDS: Final = {"video": (ENDINGS, ".video"), "captions": (CAPTION_ENDINGS, ".txt")}
"""Part that is a file -> endings that it may be stored with, and the one of others."""


class Form(msgspec.Struct, frozen=True, kw_only=True):
    """A form that has come whole."""

    files: dict[str, Received]
    texts: dict[str, str]

    @property
    def video(self) -> Received:
        """The video.

        Raises:
            FormError: If there is none.
        """
        if "video" not in self.files:
            raise FormError("the form has no file `video`")
        return self.files["video"]


async def receive_form(
    request: Request[Any, Any, Any],
    store: VideoStore,
    folder: Path,
    *,
    most_bytes: int,
    texts: frozenset[str],
) -> Form:
    """Take a form with a video.

    Args:
        request: Whose body is not read yet.
        store: Says whether there is room.
        folder: That files are put in.
        most_bytes: Longest video.
        texts: Names of the parts that are text.

    Returns:
        The form.

    Raises:
        FormTypeError: If the body is none.
        FormError: If it cannot be read, or has other parts, or lacks the video.
        UploadTooLargeError: If a part is too long.
        DiskFullError: If there is no room.
    """
    kind, options = parse_options_header(request.headers.get("content-type", ""))
    if kind != "multipart/form-data" or not options.get("boundary"):
        raise FormTypeError
    announced, come = request.content_length or 0, 0
    if announced > most_bytes + BESIDE_BYTES:
        raise UploadTooLargeError("video", most_bytes)
    store.require_room(folder, announced)
    parts = _Parts(store, folder, {"video": most_bytes, "captions": CAPTION_BYTES}, texts)
    try:
        with PushMultipartParser(
            options["boundary"], max_segment_count=len(KINDS) + len(texts), strict=True
        ) as parser:
            async for chunk in request.stream():
                if not chunk:
                    break
                come += len(chunk)
                if come > most_bytes + BESIDE_BYTES:
                    raise UploadTooLargeError("video", most_bytes)
                for event in parser.parse(chunk):
                    await parts.take(event)
    except MultipartError as error:
        raise FormError(f"the form cannot be read: {error}") from error
    finally:
        parts.close()
    form = Form(files=parts.files, texts=parts.texts)
    _ = form.video
    return form


class _Parts:
    """Takes what a parser gives."""

    def __init__(
        self, store: VideoStore, folder: Path, files: dict[str, int], texts: frozenset[str]
    ) -> None:
        self.files: dict[str, Received] = {}
        self.texts: dict[str, str] = {}
        self._store = store
        self._folder = folder
        self._most = files | dict.fromkeys(texts, TEXT_BYTES)
        self._name = ""
        self._sent_name: str | None = None
        self._file: IO[bytes] | None = None
        self._held = bytearray()
        self._size = 0
        self._digest = sha256()

    def close(self) -> None:
        """Leave no file open."""
        if self._file is not None:
            self._file.close()
            self._file = None

    async def take(self, event: MultipartSegment | bytes | bytearray | None) -> None:
        """Take the beginning, a piece, or the end of a part."""
        if isinstance(event, MultipartSegment):
            self._begin(event)
        elif event is not None:
            await self._add(bytes(event))
        else:
            await self._end()

    def _begin(self, segment: MultipartSegment) -> None:
        name = segment.name
        if name not in self._most or name in self.files or name in self.texts:
            known = ", ".join(self._most)
            raise FormError(f"the form may have each of these parts once: {known}")
        self._name, self._sent_name, self._size = name, segment.filename, 0
        self._held.clear()
        self._digest = sha256()
        if name in KINDS:
            ending = ending_of(shown_name(segment.filename), *KINDS[name])
            with no_room_is_told():
                self._file = (self._folder / f"{name}{ending}").open("xb")

    async def _add(self, piece: bytes) -> None:
        self._size += len(piece)
        if self._size > self._most[self._name]:
            raise UploadTooLargeError(self._name, self._most[self._name])
        self._held += piece
        if self._file is not None and len(self._held) >= BLOCK_BYTES:
            await anyio.to_thread.run_sync(self._write)

    async def _end(self) -> None:
        if self._file is None:
            try:
                self.texts[self._name] = self._held.decode()
            except UnicodeDecodeError as error:
                raise FormError(f"{self._name}: no text in UTF-8") from error
            return
        await anyio.to_thread.run_sync(self._write)
        path = Path(self._file.name)
        self.close()
        if not self._size:
            raise FormError(f"{self._name}: the file is empty")
        self.files[self._name] = Received(
            path=path,
            name=shown_name(self._sent_name),
            size_bytes=self._size,
            sha256=self._digest.hexdigest(),
        )

    def _write(self) -> None:
        block = bytes(self._held)
        self._held.clear()
        self._digest.update(block)
        self._store.require_room(self._folder, self._size)
        if self._file is not None:
            with no_room_is_told():
                self._file.write(block)
                self._file.flush()

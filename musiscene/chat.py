"""Asks a server that speaks OpenAI's chat protocol (vLLM, llama.cpp, Ollama, LM Studio, OpenAI)."""

from __future__ import annotations

from http.client import HTTPException
from typing import TYPE_CHECKING, Any, Final, cast
from urllib.error import HTTPError, URLError
from urllib.parse import urlsplit
from urllib.request import Request, urlopen

import msgspec

from musiscene.errors import MusiSceneError

if TYPE_CHECKING:
    from collections.abc import Sequence

MAX_ANSWER_BYTES: Final = 1 << 20
BUSY_STATUSES: Final = frozenset({408, 409, 425, 429, 500, 502, 503, 504})


class ChatBusyError(MusiSceneError):
    """The server cannot answer now, and may later."""


class _Message(msgspec.Struct, frozen=True):
    content: str | None = None


class _Choice(msgspec.Struct, frozen=True):
    message: _Message


class _Answer(msgspec.Struct, frozen=True):
    choices: tuple[_Choice, ...]


class ChatServer:
    """A server with `chat/completions`.

    Args:
        url: Up to and with `/v1`.
        model: As the server spells it.
        api_key: Sent as a bearer token; None for none.
        timeout_seconds: For one answer.

    Raises:
        MusiSceneError: If the URL is none of a web server.
    """

    def __init__(
        self, url: str, model: str, *, api_key: str | None = None, timeout_seconds: float = 120.0
    ) -> None:
        if urlsplit(url).scheme not in {"http", "https"} or not urlsplit(url).netloc:
            raise MusiSceneError(f"{url}: is not a web address such as http://localhost:8000/v1")
        self._url = url.rstrip("/") + "/chat/completions"
        self.model = model
        self._timeout_seconds = timeout_seconds
        self._headers = {"Content-Type": "application/json"}
        if api_key:
            self._headers["Authorization"] = f"Bearer {api_key}"

    def ask(self, content: str | Sequence[dict[str, Any]], **options: Any) -> str:  # noqa: ANN401
        """Ask the server once.

        Args:
            content: What the user says: text, or parts of text and pictures.
            **options: Of the sampling, as the protocol calls them.

        Returns:
            The answer; empty if the server sends none.

        Raises:
            ChatBusyError: If it is busy, too slow or not reached.
            MusiSceneError: If it refuses, or what it sends is no answer.
        """
        messages = [{"role": "user", "content": content}]
        sent = self._send(
            msgspec.json.encode({"model": self.model, "messages": messages, **options})
        )
        try:
            answer = msgspec.json.decode(sent, type=_Answer)
        except (msgspec.MsgspecError, UnicodeDecodeError) as error:
            raise MusiSceneError(f"{self._url}: what it sends is no answer: {error}") from error
        return (answer.choices[0].message.content or "") if answer.choices else ""

    def _send(self, body: bytes) -> bytes:
        # The scheme is checked above: a file is never opened.
        request = Request(self._url, data=body, headers=self._headers)  # noqa: S310
        try:
            with urlopen(request, timeout=self._timeout_seconds) as response:  # noqa: S310  # nosec B310
                sent = cast("bytes", response.read(MAX_ANSWER_BYTES + 1))
        except HTTPError as error:
            with error:
                said = error.read(500).decode(errors="replace")
            kind = ChatBusyError if error.code in BUSY_STATUSES else MusiSceneError
            raise kind(f"{self._url}: status {error.code}: {said}") from error
        except (URLError, HTTPException, TimeoutError, ConnectionError) as error:
            raise ChatBusyError(f"{self._url}: {error}") from error
        if len(sent) > MAX_ANSWER_BYTES:
            raise MusiSceneError(f"{self._url}: sends more than {MAX_ANSWER_BYTES} bytes")
        return sent

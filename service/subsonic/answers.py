"""What is answered under `/rest/`, in JSON and in XML.

Source: OpenSubsonic, https://opensubsonic.netlify.app, responses `subsonic-response`, `error`,
`Child` and `sonicMatch`.
"""

from __future__ import annotations

import re
from functools import cache
from html import escape
from importlib.metadata import version
from pathlib import PurePath
from typing import TYPE_CHECKING, Any, Final

import msgspec

from service.problems import ServiceError
from service.tracks.audio import media_type_of

if TYPE_CHECKING:
    from indexer.catalogue.models import Track

PROTOCOL: Final = "1.16.1"
NAMESPACE: Final = "http://subsonic.org/restapi"
GENERIC: Final = 0
MISSING_PARAMETER: Final = 10
WRONG_PASSWORD: Final = 40
NO_TOKENS: Final = 41
CONFLICTING: Final = 43
WRONG_KEY: Final = 44
NOT_ALLOWED: Final = 50
NOT_FOUND: Final = 70

_NO_XML = re.compile("[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")
"""Characters that no XML document may hold."""


class SubsonicError(ServiceError):
    """A request under `/rest/` that is refused, as the protocol has it.

    Args:
        code: Of the protocol.
        message: What is wrong, for a person.
    """

    def __init__(self, code: int, message: str) -> None:
        super().__init__(message)
        self.code = code


def song_of(track: Track) -> dict[str, Any]:
    """A track as a `Child`; what is not known is left out."""
    known = {
        "id": str(track.id),
        "isDir": False,
        "isVideo": False,
        "type": "music",
        "mediaType": "song",
        "title": track.title or PurePath(track.path).stem,
        "album": track.album,
        "artist": track.artist,
        "track": track.track_number,
        "discNumber": track.disc_number,
        "duration": round(track.duration_seconds),
        "bpm": round(track.bpm),
        "size": track.size_bytes,
        "suffix": PurePath(track.path).suffix.removeprefix(".").lower(),
        "contentType": media_type_of(PurePath(track.path)),
        "samplingRate": track.sample_rate,
        "channelCount": track.channels,
        "created": track.added_at.isoformat(),
    }
    return {name: value for name, value in known.items() if value is not None}


def envelope(content: dict[str, Any] | None = None, error: SubsonicError | None = None) -> Any:  # noqa: ANN401
    """The answer around some content, or around what went wrong.

    Args:
        content: Element -> what is in it.
        error: Why there is none.

    Returns:
        What `as_json` and `as_xml` take.
    """
    said = {} if error is None else {"error": {"code": error.code, "message": str(error)}}
    return {
        "status": "ok" if error is None else "failed",
        "version": PROTOCOL,
        "type": "musiscene",
        "serverVersion": _server_version(),
        "openSubsonic": True,
        **said,
        **(content or {}),
    }


def as_json(answer: dict[str, Any]) -> bytes:
    """The document for `f=json`."""
    return msgspec.json.encode({"subsonic-response": answer})


def as_xml(answer: dict[str, Any]) -> bytes:
    """The document for `f=xml`: scalars are attributes, objects and lists elements."""
    body = _element("subsonic-response", {"xmlns": NAMESPACE, **answer})
    return f'<?xml version="1.0" encoding="UTF-8"?>\n{body}\n'.encode()


def _element(name: str, value: Any) -> str:  # noqa: ANN401  anything JSON has
    if isinstance(value, list):
        return "".join(_element(name, one) for one in value)
    if not isinstance(value, dict):
        return f"<{name}>{_text(value)}</{name}>"
    inner = {key: one for key, one in value.items() if isinstance(one, dict | list)}
    attributes = "".join(f' {key}="{_text(one)}"' for key, one in value.items() if key not in inner)
    elements = "".join(_element(key, one) for key, one in inner.items())
    return f"<{name}{attributes}>{elements}</{name}>" if elements else f"<{name}{attributes}/>"


def _text(value: object) -> str:
    shown = str(value).lower() if isinstance(value, bool) else str(value)
    return escape(_NO_XML.sub("\ufffd", shown), quote=True)


@cache
def _server_version() -> str:
    return version("musiscene")

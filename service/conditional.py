"""Answers that a client which has them already need not be sent again (RFC 9110, section 13)."""

from __future__ import annotations

import re
from hashlib import blake2b
from types import MappingProxyType
from typing import Any, Final, TypeVar

import msgspec
from litestar import MediaType, Request, Response
from litestar.openapi.datastructures import ResponseSpec

T = TypeVar("T")

NOT_MODIFIED: Final = MappingProxyType(
    {
        304: ResponseSpec(
            None, generate_examples=False, description="The client has the answer already"
        )
    }
)
"""For the `responses` of a handler that answers so."""

REVALIDATED: Final = "private, no-cache"
"""A client may keep the answer, but asks each time whether it still holds."""
KEPT_AN_HOUR: Final = "private, max-age=3600"

_TAGS: Final = re.compile(r'(?:W/)?"[\x21\x23-\x7e\x80-\xff]*"')


def answer(
    request: Request[Any, Any, Any],
    value: T | bytes,
    *,
    cache_control: str = REVALIDATED,
) -> Response[T]:
    """An answer in JSON with its entity tag, or 304 where the client has it.

    Args:
        request: Its `If-None-Match` says what the client has.
        value: What is answered, or its JSON.
        cache_control: Of the answer.

    Returns:
        The answer.
    """
    body = value if isinstance(value, bytes) else msgspec.json.encode(value)
    # Weak: what is compressed on its way is other bytes that say the same.
    tag = f'W/"{blake2b(body, digest_size=16).hexdigest()}"'
    headers = {"ETag": tag, "Cache-Control": cache_control}
    if is_known(request.headers.get("if-none-match", ""), tag):
        return Response(None, status_code=304, headers=headers)  # type: ignore[arg-type]
    return Response(body, headers=headers, media_type=MediaType.JSON)  # type: ignore[arg-type]


def is_known(if_none_match: str, tag: str) -> bool:
    """Whether a client has what a tag stands for, compared weakly.

    Args:
        if_none_match: The header.
        tag: Of what would be answered.

    Returns:
        True for one of the tags, or `*`.

    Example:
        >>> is_known('"a", W/"b"', '"b"'), is_known("*", '"b"'), is_known("b", '"b"')
        (True, True, False)
    """
    if if_none_match.strip() == "*":
        return True
    return tag.removeprefix("W/") in {
        found.removeprefix("W/") for found in _TAGS.findall(if_none_match)
    }

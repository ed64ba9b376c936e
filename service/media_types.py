"""Bodies that are not what a route reads are refused before they are read."""

from __future__ import annotations

from types import MappingProxyType
from typing import Any

from litestar import Request
from litestar.enums import RequestEncodingType
from litestar.params import BodyKwarg

from service.problems import ServiceError


class MediaTypeError(ServiceError):
    """A body is of another type than the route reads."""

    headers = MappingProxyType({"Accept": "application/json"})

    def __init__(self) -> None:
        super().__init__("the body must be JSON, with the header `Content-Type: application/json`")


async def require_json(request: Request[Any, Any, Any]) -> None:
    """See that a body is JSON where its route reads JSON.

    Args:
        request: Whose body is not read yet.

    Raises:
        MediaTypeError: If it says that it is something else.
    """
    body = request.route_handler.parsed_fn_signature.parameters.get("data")
    if body is None:
        return
    kwarg = body.kwarg_definition
    wanted = kwarg.media_type if isinstance(kwarg, BodyKwarg) else RequestEncodingType.JSON
    said = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    is_json = not said or said == "application/json" or said.endswith("+json")
    if wanted == RequestEncodingType.JSON and not is_json:
        raise MediaTypeError

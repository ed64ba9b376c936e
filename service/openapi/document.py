"""Adds to the OpenAPI document what no single handler says.

`examples/TAG.json` holds, by operation id, what may be asked (`request`) and answered (`response`);
a test holds each against its schema.
"""

from __future__ import annotations

from functools import cache
from http import HTTPStatus
from importlib.resources import files
from typing import TYPE_CHECKING, Any, Final

import msgspec
from litestar.openapi.spec import (
    Components,
    Example,
    OpenAPIHeader,
    OpenAPIMediaType,
    OpenAPIResponse,
    Reference,
    Schema,
    SecurityScheme,
)
from litestar.openapi.spec.enums import OpenAPIType

from service.errors import EXAMPLE_PROBLEMS
from service.problems import PROBLEM_JSON

if TYPE_CHECKING:
    from collections.abc import Iterator

    from litestar.openapi.spec import OpenAPI, Operation, PathItem

JSON: Final = "application/json"
EVERYWHERE: Final = (401, 403, 429, 500, 503)
"""Any operation of the API may be answered so."""
METHODS: Final = ("get", "head", "post", "put", "patch", "delete")
API: Final = "/v1/"
BEARER: Final = "bearer"
FIRST_REFUSED: Final = 400


class OperationExample(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What may pass in one operation."""

    response: Any = None
    """The body of the answer."""
    request: Any = None
    """The body of the question; None where it has none."""


class WholeExample(Example):
    """An example that keeps its nulls; Litestar's own leaves them out."""

    def to_schema(self) -> dict[str, Any]:
        """The example, as the document has it."""
        return {"value": self.value}


@cache
def examples() -> dict[str, OperationExample]:
    """Operation id -> what may pass in it."""
    found: dict[str, OperationExample] = {}
    for file in sorted(files("service.openapi").joinpath("examples").iterdir(), key=str):
        if file.name.endswith(".json"):
            text = file.read_text("utf-8")
            found |= msgspec.json.decode(text, type=dict[str, OperationExample])
    return found


def describe(document: OpenAPI) -> None:
    """Complete a document.

    Args:
        document: As the handlers made it; is changed.
    """
    components = document.components or Components()
    components.security_schemes = {
        BEARER: SecurityScheme(
            type="http", scheme="bearer", description="A key, as `musiscene keys create` shows it."
        )
    }
    components.examples = {
        code: WholeExample(value=problem) for code, problem in EXAMPLE_PROBLEMS.items()
    }
    for schema in (components.schemas or {}).values():
        for part in (schema.properties or {}).values():
            _mend(part)
    document.components = components
    document.security = [{}, {BEARER: []}]  # none is needed as long as there is no key
    for path, item in (document.paths or {}).items():
        for operation in _operations(item):
            if path.startswith(API):
                _add_refusals(operation)
            _add_examples(operation)
            for response in (operation.responses or {}).values():
                if isinstance(response, OpenAPIResponse):
                    _add_name(response)


def _mend(schema: Schema | Reference) -> None:
    """Litestar takes the dots in `tuple[X, ...]` for one more type of what it may hold."""
    if not isinstance(schema, Schema):
        return
    for one in schema.one_of or ():
        _mend(one)
    items = schema.items
    if isinstance(items, Schema) and items.one_of and items.one_of[-1] == Schema():
        (schema.items,) = items.one_of[:-1]


def _operations(item: PathItem) -> Iterator[Operation]:
    for method in METHODS:
        operation: Operation | None = getattr(item, method, None)
        if operation is not None:
            yield operation


def _add_refusals(operation: Operation) -> None:
    operation.responses = responses = dict(operation.responses or {})
    for status in EVERYWHERE:
        if str(status) not in responses:
            schema = Reference(ref="#/components/schemas/Problem")
            responses[str(status)] = OpenAPIResponse(
                description=HTTPStatus(status).phrase,
                content={PROBLEM_JSON: OpenAPIMediaType(schema=schema)},
            )


def _add_examples(operation: Operation) -> None:
    example = examples().get(operation.operation_id or "", OperationExample())
    body = operation.request_body
    if example.request is not None and body is not None and not isinstance(body, Reference):
        body.content[JSON].examples = {"example": WholeExample(value=example.request)}
    for status, response in (operation.responses or {}).items():
        if not isinstance(response, OpenAPIResponse) or not response.content:
            continue
        if int(status) >= FIRST_REFUSED:
            response.content[PROBLEM_JSON].examples = {
                code: Reference(ref=f"#/components/examples/{code}")
                for code, problem in EXAMPLE_PROBLEMS.items()
                if problem["status"] == int(status)
            }
        elif example.response is not None and JSON in response.content:
            response.content[JSON].examples = {"example": WholeExample(value=example.response)}


def _add_name(response: OpenAPIResponse) -> None:
    response.headers = {
        **(response.headers or {}),
        "X-Request-ID": OpenAPIHeader(
            schema=Schema(type=OpenAPIType.STRING),
            description="Names the request, also in the service's log: the client's, or a new one.",
        ),
    }

"""The OpenAPI document and the client that is made from it are what the routes are."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import jsonschema
import pytest

from service.openapi.document import examples
from tools.make_client import SCHEMAS, schemas_text
from tools.make_openapi import DOCUMENT, openapi_text

if TYPE_CHECKING:
    from collections.abc import Iterator

pytestmark = pytest.mark.integration


@pytest.fixture(scope="module")
def document() -> dict[str, Any]:
    return json.loads(DOCUMENT.read_text("utf-8"))  # type: ignore[no-any-return]


def operations(document: dict[str, Any]) -> Iterator[tuple[str, str, dict[str, Any]]]:
    for path, item in document["paths"].items():
        for method, operation in item.items():
            yield path, method, operation


class TestDocument:
    def test_is_in_step_with_the_routes(self):
        """Otherwise: python tools/make_openapi.py."""
        assert DOCUMENT.read_text("utf-8") == openapi_text()

    def test_every_operation_is_named_and_described(self, document: dict[str, Any]):
        names = [operation["operationId"] for _, _, operation in operations(document)]
        assert len(names) == len(set(names)) > 15
        for _, _, operation in operations(document):
            assert operation["summary"]
            assert operation["description"]
            assert operation["tags"]

    def test_every_refusal_is_a_problem_with_examples(self, document: dict[str, Any]):
        for _, _, operation in operations(document):
            for status, response in operation["responses"].items():
                if int(status) < 400:
                    continue
                content = response["content"]["application/problem+json"]
                assert content["schema"] == {"$ref": "#/components/schemas/Problem"}
                assert content["examples"], (operation["operationId"], status)

    def test_every_body_has_an_example_that_fits_its_schema(self, document: dict[str, Any]):
        checked = 0
        for _, _, operation in operations(document):
            bodies = [("request", operation.get("requestBody", {}))]
            bodies += [("response", one) for one in operation["responses"].values()]
            for _, body in bodies:
                content = body.get("content", {}).get("application/json")
                if content is None:
                    continue
                assert content.get("examples"), operation["operationId"]
                schema = {**content["schema"], "components": document["components"]}
                for example in content["examples"].values():
                    jsonschema.Draft202012Validator(schema).validate(example["value"])
                    checked += 1
        assert checked >= len(examples())

    def test_no_example_is_of_an_operation_that_is_gone(self, document: dict[str, Any]):
        names = {operation["operationId"] for _, _, operation in operations(document)}
        assert set(examples()) <= names


class TestClientSchemas:
    def test_are_in_step_with_the_document(self):
        """Otherwise: python tools/make_client.py."""
        assert SCHEMAS.read_text("utf-8") == schemas_text()

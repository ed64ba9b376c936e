from __future__ import annotations

import inspect
from typing import TYPE_CHECKING

from litestar import Litestar, get
from litestar.testing import TestClient

import indexer.errors
import musiscene.errors
from indexer.errors import (
    FilterObjectError,
    FilterSyntaxError,
    TornSnapshotError,
    TrackNotFoundError,
)
from service.errors import EXCEPTION_HANDLERS, STATUS_OF

if TYPE_CHECKING:
    from types import ModuleType


def kinds(module: ModuleType) -> list[type[Exception]]:
    return [
        kind
        for _, kind in inspect.getmembers(module, inspect.isclass)
        if issubclass(kind, Exception) and kind.__module__ == module.__name__
    ]


def answer(error: Exception) -> tuple[int, dict[str, object], str]:
    @get("/", sync_to_thread=False)
    def fail() -> None:
        raise error

    app = Litestar([fail], exception_handlers=EXCEPTION_HANDLERS, logging_config=None)
    with TestClient(app, raise_server_exceptions=False) as client:
        response = client.get("/")
    return response.status_code, response.json(), response.headers["content-type"]


class TestStatusOf:
    def test_every_error_has_a_row_by_itself_or_by_its_base(self):
        found = kinds(indexer.errors) + kinds(musiscene.errors)
        assert len(found) > 15
        for kind in found:
            assert any(base in STATUS_OF for base in kind.__mro__), kind

    def test_a_code_always_comes_with_one_status(self):
        status_of_code: dict[str, int] = {}
        for status, code in STATUS_OF.values():
            assert status_of_code.setdefault(code, status) == status, code


class TestToProblem:
    def test_a_persons_mistake_is_explained(self):
        error = FilterSyntaxError("bpm=x", 4, "'x' is not a number", found="x", expected="120")
        status, body, media_type = answer(error)
        assert (status, body["status"], media_type) == (400, 400, "application/problem+json")
        assert body["type"] == "urn:musiscene:filter-invalid"
        assert body["title"] == "filter, column 5: 'x' is not a number; expected 120"
        part = {"key": "filter", "message": "'x' is not a number", "expected": "120"}
        assert body["errors"] == [part | {"position": 4, "found": "x"}]

    def test_a_filter_object_says_where(self):
        status, body, _ = answer(FilterObjectError("$.and[1].op", "no comparison", expected="="))
        assert (status, body["type"]) == (400, "urn:musiscene:filter-invalid")
        part = {"key": "filter", "message": "no comparison", "expected": "="}
        assert body["errors"] == [part | {"path": "$.and[1].op"}]

    def test_a_missing_track_is_named(self):
        status, body, _ = answer(TrackNotFoundError("0190"))
        assert (status, body["type"]) == (404, "urn:musiscene:track-not-found")

    def test_trouble_inside_tells_no_paths(self):
        status, body, _ = answer(TornSnapshotError("/home/me/vectors/r1: missing"))
        assert (status, body["type"]) == (503, "urn:musiscene:index-unusable")
        assert "/home" not in str(body)

    def test_a_bug_tells_nothing(self):
        status, body, _ = answer(RuntimeError("secret in /home/me"))
        assert (status, body["type"]) == (500, "urn:musiscene:internal")
        assert "secret" not in str(body)

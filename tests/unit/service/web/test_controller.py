"""The page's files over HTTP."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import pytest

from service.web.controller import page_files
from tests.support.service import add_key, fresh_keys, service_over

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from litestar import Litestar
    from litestar.testing import TestClient


@pytest.fixture
def client(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[TestClient[Litestar]]:
    with service_over(tmp_path, monkeypatch) as opened:
        add_key(tmp_path, "read")
        fresh_keys(monkeypatch)
        yield opened


class TestPage:
    def test_every_file_is_there_for_those_without_a_key_too(self, client: TestClient[Litestar]):
        assert client.get("/v1/tracks").status_code == 401
        page = client.get("/")
        assert page.headers["content-type"] == "text/html; charset=utf-8"
        for name in re.findall(r'(?:src|href)="(web/[^"]+)"', page.text):
            answer = client.get(f"/{name}")
            assert (answer.status_code, answer.content) == (200, page_files()[name[4:]].body)
            head = client.head(f"/{name}")
            assert (head.status_code, head.content) == (200, b"")

    def test_what_a_browser_has_is_not_sent_again(self, client: TestClient[Litestar]):
        first = client.get("/web/app.js")
        assert first.headers["cache-control"] == "no-cache"
        again = client.get("/web/app.js", headers={"If-None-Match": first.headers["etag"]})
        assert (again.status_code, again.content) == (304, b"")

    @pytest.mark.parametrize("name", ["controller.py", "..%2fcontroller.py", "%2e%2e/app.py", "x"])
    def test_nothing_else_is_sent(self, client: TestClient[Litestar], name: str):
        answer = client.get(f"/web/{name}")
        assert answer.status_code in {401, 404}
        assert answer.headers["content-type"] == "application/problem+json"


class TestFiles:
    def test_modules_import_only_each_other(self):
        for name, file in page_files().items():
            for imported in re.findall(rb'^import .* from "(.*)";$', file.body, re.MULTILINE):
                assert imported.decode().removeprefix("./") in page_files(), name

    def test_the_policy_has_nothing_to_refuse(self):
        page = page_files()["index.html"].body.decode()
        assert not re.search(r"<style|<script(?![^>]* src=)| style=| on\w+=", page)
        for name, file in page_files().items():
            code = file.body.decode()
            assert "innerHTML" not in code, name
            known = {"http://www.w3.org/2000/svg", "http://127.0.0.1"}
            assert set(re.findall(r"https?://[\w./]+", code)) <= known, name

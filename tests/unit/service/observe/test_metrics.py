"""What Prometheus sees, and who may see it."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import pytest

from service.settings import LogSettings, ServiceSettings
from tests.support.service import add_key, bearer, fresh_keys, service_over

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from litestar import Litestar
    from litestar.testing import TestClient


@pytest.fixture
def client(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[TestClient[Litestar]]:
    fresh_keys(monkeypatch)
    with service_over(tmp_path, monkeypatch) as opened:
        yield opened


def value(client: TestClient[Litestar], line: str) -> float | None:
    text = client.get("/metrics").text
    found = re.search(rf"^{re.escape(line)} (\S+)$", text, re.MULTILINE)
    return float(found[1]) if found else None


class TestWhatIsCounted:
    def test_requests_by_route_never_by_path(self, client: TestClient[Litestar]):
        for path in ("/v1/tracks", "/nowhere/1", "/nowhere/2"):
            client.get(path)
        counted = 'musiscene_requests_total{method="GET",route="%s",status="%s"}'
        assert value(client, counted % ("/v1/tracks", 200)) == 1.0
        assert value(client, counted % ("none", 404)) == 2.0
        assert "nowhere" not in client.get("/metrics").text

    def test_matches_and_their_stages(self, client: TestClient[Litestar]):
        decision = client.post("/v1/matches", json={"captions": ["a storm"]}).json()["decision"]
        assert value(client, f'musiscene_matches_total{{decision="{decision}"}}') == 1.0
        assert "musiscene_match_stage_seconds_count" in client.get("/metrics").text

    def test_the_index_that_answers(self, client: TestClient[Litestar]):
        assert value(client, "musiscene_ready") == 1.0
        assert value(client, "musiscene_index_tracks") == 4.0

    def test_a_method_that_is_made_up_is_no_label(self, client: TestClient[Litestar]):
        client.request("BREW", "/v1/tracks")
        assert "BREW" not in client.get("/metrics").text


class TestWhoMaySee:
    def test_this_machine_also_where_there_are_keys(
        self, client: TestClient[Litestar], tmp_path: Path
    ):
        add_key(tmp_path, "read")
        assert client.get("/v1/tracks").status_code == 401
        assert client.get("/metrics").status_code == 200

    @pytest.mark.parametrize("name", ["X-Forwarded-For", "Forwarded", "X-Real-IP", "Via"])
    def test_nobody_through_a_proxy_without_a_key(
        self, client: TestClient[Litestar], tmp_path: Path, name: str
    ):
        headers = {name: "for=203.0.113.9"}
        assert client.get("/metrics", headers=headers).status_code == 403
        key = add_key(tmp_path, "read")
        assert client.get("/metrics", headers=headers).status_code == 401
        assert client.get("/metrics", headers={**headers, **bearer(key)}).status_code == 200

    def test_nobody_where_they_are_off(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
        settings = ServiceSettings(data_dir=tmp_path, logs=LogSettings(metrics=False))
        with service_over(tmp_path, monkeypatch, settings) as client:
            assert client.get("/metrics").status_code == 404

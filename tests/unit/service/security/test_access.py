"""Who is let in, through the whole application."""

from __future__ import annotations

import re
from datetime import UTC, datetime
from typing import TYPE_CHECKING
from uuid import uuid4

import pytest

from service.app import create_app
from service.security.scopes import scope_of
from service.settings import SecuritySettings, ServiceSettings
from tests.support.service import add_key, bearer, fresh_keys, service_over

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from litestar import Litestar
    from litestar.testing import TestClient

TRACKS = "/v1/tracks"


@pytest.fixture
def client(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[TestClient[Litestar]]:
    fresh_keys(monkeypatch)
    with service_over(tmp_path, monkeypatch) as opened:
        yield opened


def code(response: object) -> tuple[int, str]:
    return response.status_code, response.json()["type"].removeprefix("urn:musiscene:")  # type: ignore[attr-defined]


class TestWithoutAnyKey:
    def test_this_machine_may_do_everything(self, client: TestClient[Litestar]):
        assert client.get(TRACKS).status_code == 200
        assert client.post("/v1/matches", json={"captions": ["a storm"]}).status_code == 200

    @pytest.mark.parametrize(
        "headers",
        [
            pytest.param({"Host": "evil.example.org"}, id="rebound name"),
            pytest.param({"Host": "127.0.0.1.evil.org:8000"}, id="name like an address"),
            pytest.param({"Host": "localhost@evil.org"}, id="user in the name"),
            pytest.param({"Host": "[::1"}, id="broken name"),
            pytest.param({"Host": "192.168.1.5"}, id="address of the network"),
            pytest.param({"Origin": "https://evil.example.org"}, id="other origin"),
            pytest.param({"Origin": "http://127.0.0.1:9999"}, id="other port"),
            pytest.param({"Origin": "null"}, id="hidden origin"),
            pytest.param({"Sec-Fetch-Site": "cross-site"}, id="cross site"),
            pytest.param({"Sec-Fetch-Site": "same-site"}, id="same site"),
            pytest.param({"X-Forwarded-For": "203.0.113.9"}, id="proxy"),
            pytest.param({"X-Forwarded-For": "127.0.0.1"}, id="proxy for itself"),
            pytest.param({"Forwarded": "for=127.0.0.1"}, id="proxy by standard"),
        ],
    )
    def test_others_may_not(self, client: TestClient[Litestar], headers: dict[str, str]):
        assert code(client.get(TRACKS, headers=headers)) == (403, "not-local")
        body = {"captions": ["a storm"]}
        response = client.post("/v1/matches", json=body, headers=headers)
        assert code(response) == (403, "not-local")

    @pytest.mark.parametrize(
        "headers",
        [
            {"Host": "localhost:8000"},
            {"Host": "[::1]:8000"},
            {"Host": "LOCALHOST"},
            {"Origin": "http://127.0.0.1", "Sec-Fetch-Site": "same-origin"},
            {"Sec-Fetch-Site": "none"},
        ],
    )
    def test_our_own_page_and_tools_may(
        self, client: TestClient[Litestar], headers: dict[str, str]
    ):
        assert client.get(TRACKS, headers=headers).status_code == 200

    def test_a_wrong_key_is_not_overlooked(self, client: TestClient[Litestar]):
        assert code(client.get(TRACKS, headers=bearer("mus_1"))) == (401, "key-refused")

    def test_named_hosts_and_origins_are_let_in(
        self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ):
        security = SecuritySettings(
            allowed_hosts=("music.lan",), allowed_origins=("https://cut.example.org",)
        )
        settings = ServiceSettings(data_dir=tmp_path, security=security)
        with service_over(tmp_path, monkeypatch, settings) as client:
            assert client.get(TRACKS, headers={"Host": "music.lan:8000"}).status_code == 200
            there = {"Origin": "https://cut.example.org", "Sec-Fetch-Site": "cross-site"}
            response = client.get(TRACKS, headers=there)
            assert response.status_code == 200
            allowed = response.headers["access-control-allow-origin"]
            assert allowed == "https://cut.example.org"
            other = client.get(TRACKS, headers={"Origin": "https://other.example.org"})
            assert "access-control-allow-origin" not in other.headers
            assert other.status_code == 403


class TestWithKeys:
    def test_everybody_needs_one_then_also_on_this_machine(
        self, client: TestClient[Litestar], tmp_path: Path
    ):
        key = add_key(tmp_path, "read")
        response = client.get(TRACKS)
        assert code(response) == (401, "key-missing")
        assert response.headers["www-authenticate"].startswith("Bearer")
        assert client.get(TRACKS, headers=bearer(key)).status_code == 200
        abroad = {
            "Host": "music.example.org",
            "Origin": "https://x.org",
            "X-Forwarded-For": "1.2.3.4",
        }
        assert client.get(TRACKS, headers=bearer(key) | abroad).status_code == 200
        assert client.get("/health/live").status_code == 200
        assert client.get("/docs/openapi.json").status_code == 200

    def test_revoking_works_at_once_and_does_not_unlock(
        self, client: TestClient[Litestar], tmp_path: Path
    ):
        from indexer.catalogue.repository import Catalogue

        key = add_key(tmp_path, "admin")
        assert client.get(TRACKS, headers=bearer(key)).status_code == 200
        with Catalogue.open(tmp_path / "catalogue.sqlite") as catalogue:
            catalogue.keys.revoke(key.split("_")[1])
        assert code(client.get(TRACKS, headers=bearer(key))) == (401, "key-refused")
        assert code(client.get(TRACKS)) == (401, "key-missing")

    def test_an_expired_key_is_refused(self, client: TestClient[Litestar], tmp_path: Path):
        key = add_key(tmp_path, "read", expires_at=datetime(2020, 1, 1, tzinfo=UTC))
        assert code(client.get(TRACKS, headers=bearer(key))) == (401, "key-refused")

    @pytest.mark.parametrize("scheme", ["bearer", "BEARER", "Bearer "])
    def test_the_scheme_in_any_case(
        self, client: TestClient[Litestar], tmp_path: Path, scheme: str
    ):
        key = add_key(tmp_path, "read")
        headers = {"Authorization": f"{scheme} {key}"}
        assert client.get(TRACKS, headers=headers).status_code == 200

    @pytest.mark.parametrize("shown", ["", "Basic YTpi", "mus_", "Bearer", "Bearer \xff"])
    def test_anything_else_is_refused(
        self, client: TestClient[Litestar], tmp_path: Path, shown: str
    ):
        add_key(tmp_path, "read")
        headers = {"Authorization": shown.encode("latin-1")}
        response = client.get(TRACKS, headers=headers)  # type: ignore[arg-type]
        assert code(response) == (401, "key-refused")

    def test_use_is_noted(self, client: TestClient[Litestar], tmp_path: Path):
        import time

        from indexer.catalogue.repository import Catalogue

        key = add_key(tmp_path, "read")
        client.get(TRACKS, headers=bearer(key))
        until = time.monotonic() + 5
        with Catalogue.open(tmp_path / "catalogue.sqlite") as catalogue:
            while time.monotonic() < until:
                (stored,) = catalogue.keys.all()
                if stored.record.last_used_at:
                    break
        assert stored.record.last_used_at

    def test_the_exemption_of_this_machine_is_of_this_machine(
        self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ):
        settings = ServiceSettings(
            data_dir=tmp_path, security=SecuritySettings(loopback_without_key=True)
        )
        with service_over(tmp_path, monkeypatch, settings) as client:
            add_key(tmp_path, "read")
            assert client.get(TRACKS).status_code == 200
            for abroad in ({"Host": "evil.org"}, {"X-Forwarded-For": "1.2.3.4"}):
                assert code(client.get(TRACKS, headers=abroad)) == (401, "key-missing")


class TestThrottling:
    def test_wrong_keys_have_to_wait_and_right_ones_do_not(
        self, client: TestClient[Litestar], tmp_path: Path
    ):
        key = add_key(tmp_path, "read")
        answers = [client.get(TRACKS, headers=bearer("mus_x")) for _ in range(11)]
        assert [answer.status_code for answer in answers] == [401] * 10 + [429]
        assert 1 <= int(answers[-1].headers["retry-after"]) <= 60
        assert code(answers[-1]) == (429, "too-many-failures")
        assert client.get(TRACKS, headers=bearer(key)).status_code == 200


class TestScopes:
    def test_a_read_key_does_not_write(self, client: TestClient[Litestar], tmp_path: Path):
        key = add_key(tmp_path, "read")
        response = client.post("/v1/anything", headers=bearer(key))
        assert response.status_code == 404  # no such route: nothing to protect
        assert client.post(
            "/v1/matches", json={"captions": ["a storm"]}, headers=bearer(key)
        ).is_success

    @pytest.mark.parametrize(
        ("method", "path", "scope"),
        [
            ("GET", "/health/live", None),
            ("GET", "/docs", None),
            ("GET", "/v1/tracks", "read"),
            ("HEAD", "/v1/tracks/{track_id:uuid}/audio", "read"),
            ("POST", "/v1/matches", "read"),
            ("POST", "/v1/feedback", "write"),
            ("POST", "/v1/generations", "write"),
            ("DELETE", "/v1/generations/{job_id:uuid}", "write"),
            ("GET", "/v1/scans", "read"),
            ("POST", "/v1/scans", "admin"),
            ("POST", "/new", "write"),
            ("GET", "/new", "read"),
        ],
    )
    def test_what_a_route_needs(self, method: str, path: str, scope: str | None):
        assert scope_of(method, path) == scope

    def test_every_route_needs_what_is_written_here(
        self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ):
        """A route that is new shows up here, and somebody has to say what it needs."""
        with service_over(tmp_path, monkeypatch) as client:
            add_key(tmp_path, "read")
            app = create_app(ServiceSettings(data_dir=tmp_path))
            open_to_all = set()
            for route in app.routes:
                response = client.get(re.sub(r"{[^}]+}", str(uuid4()), route.path_format))
                if response.status_code not in {401, 405}:
                    open_to_all.add(route.path_format)
        assert {path.split("/")[1] for path in open_to_all} <= {
            "",
            "docs",
            "docs-assets",
            "health",
            "metrics",
            "rest",  # refuses in documents with status 200; tests/unit/service/subsonic
            "web",
        }

"""Headers of every answer, and limits on every request."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any

import anyio
import pytest
from litestar import Litestar, get
from litestar.testing import TestClient

from service.security.errors import BodyLateError
from service.security.shield import Exchange, Shield, is_upload
from service.settings import LimitSettings, SecuritySettings, ServiceSettings
from tests.support.service import add_key, fresh_keys, service_over

if TYPE_CHECKING:
    from pathlib import Path

SITE = "https://cut.example.org"


@get("/never", opt={"open": True})
async def never() -> None:
    await anyio.sleep(60)


class TestHeaders:
    @pytest.mark.parametrize(
        "path", ["/v1/tracks", "/nowhere", "/health/live", "/v1/tracks?limit="]
    )
    def test_every_answer_has_them(
        self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, path: str
    ):
        with service_over(tmp_path, monkeypatch) as client:
            headers = client.get(path).headers
        assert headers["x-content-type-options"] == "nosniff"
        assert headers["x-frame-options"] == "DENY"
        assert headers["referrer-policy"] == "no-referrer"
        assert "default-src 'self'" in headers["content-security-policy"]
        assert "frame-ancestors 'none'" in headers["content-security-policy"]
        assert "unsafe" not in headers["content-security-policy"]
        assert "server" not in headers
        assert "strict-transport-security" not in headers

    def test_https_is_kept_to_by_who_came_by_it(
        self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ):
        with service_over(tmp_path, monkeypatch) as client:
            headers = client.get("https://testserver.local/health/live").headers
        assert headers["strict-transport-security"] == "max-age=31536000"

    def test_refusals_have_them_too(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
        fresh_keys(monkeypatch)
        with service_over(tmp_path, monkeypatch) as client:
            add_key(tmp_path, "read")
            answer = client.get("/v1/tracks")
        assert answer.status_code == 401
        assert answer.headers["x-content-type-options"] == "nosniff"


class TestOtherSites:
    def test_are_told_nothing_unless_they_are_named(
        self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ):
        asked = {"Origin": SITE, "Access-Control-Request-Method": "POST"}
        with service_over(tmp_path, monkeypatch) as client:
            answer = client.options("/v1/matches", headers=asked)
            assert not [name for name in answer.headers if name.startswith("access-control")]
            assert answer.headers["cross-origin-resource-policy"] == "same-origin"

    def test_may_use_it_where_they_are(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
        security = SecuritySettings(allowed_origins=(SITE,))
        settings = ServiceSettings(data_dir=tmp_path, security=security)
        with service_over(tmp_path, monkeypatch, settings) as client:
            for origin, told in ((SITE, SITE), ("https://evil.example.org", None)):
                asked = {"Origin": origin, "Access-Control-Request-Method": "POST"}
                answer = client.options("/v1/matches", headers=asked)
                assert answer.headers.get("access-control-allow-origin") == told


class TestLimits:
    def test_an_answer_that_is_not_found_in_time_is_given_up(self, tmp_path: Path):
        app = Litestar([never], logging_config=None)
        limits = LimitSettings(request_seconds=0.2)
        app.asgi_handler = Shield(
            app.asgi_handler, ServiceSettings(data_dir=tmp_path, limits=limits)
        )
        with TestClient(app) as client:
            answer = client.get("/never")
        assert (answer.status_code, answer.json()["type"]) == (503, "urn:musiscene:too-slow")
        assert answer.headers["retry-after"] == "1"


class TestUploads:
    """A video may take its time, as long as it comes."""

    def exchange(self, *, pause_seconds: float, upload_seconds: float) -> tuple[int, bool]:
        """How many pieces came, 20 ms apart, before the service gave up; and whether it did."""

        async def receive() -> Any:  # noqa: ANN401  ASGI's messages
            await asyncio.sleep(0.02)
            return {"type": "http.request", "body": b"x", "more_body": True}

        async def send(_message: Any) -> None:  # noqa: ANN401
            pass

        async def take() -> tuple[int, bool]:
            exchange = Exchange(receive, send, [], pause_seconds, upload_seconds=upload_seconds)
            for come in range(20):
                try:
                    await exchange.receive()
                except BodyLateError:
                    return come, True
            return 20, False

        return asyncio.run(take())

    def test_one_that_comes_may_last_longer_than_other_bodies(self):
        assert self.exchange(pause_seconds=0.2, upload_seconds=30) == (20, False)
        come, is_late = self.exchange(pause_seconds=0.2, upload_seconds=0)
        assert (0 < come < 20, is_late) == (True, True)

    def test_one_that_pauses_is_given_up(self):
        assert self.exchange(pause_seconds=0.005, upload_seconds=30) == (0, True)

    def test_one_that_drips_is_given_up_in_the_end(self):
        come, is_late = self.exchange(pause_seconds=10, upload_seconds=0.1)
        assert (0 < come < 20, is_late) == (True, True)

    @pytest.mark.parametrize(
        ("method", "path", "found"),
        [
            ("POST", "/v1/cue-plans", True),
            ("POST", "/v1/cue-plans/", True),
            ("POST", "/v1/matches/video", True),
            ("POST", "/v1/cue-plans/x/recuts", True),
            ("POST", "/v1/cue-plans/x/previews", False),
            ("PATCH", "/v1/cue-plans", False),
            ("POST", "/v1/matches", False),
        ],
    )
    def test_only_routes_that_take_videos(self, method: str, path: str, found: bool):  # noqa: FBT001
        scope: Any = {"type": "http", "method": method, "path": path}
        assert is_upload(scope) is found

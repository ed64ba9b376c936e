"""The service over a real socket, against requests made from its own document."""

from __future__ import annotations

import threading
import time
from typing import TYPE_CHECKING

import pytest
import uvicorn

from service.app import create_app
from service.settings import ServiceSettings
from tests.support.retrieval import library_without_models

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

pytestmark = pytest.mark.integration

START_SECONDS = 30.0


@pytest.fixture
def address(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    library_without_models(tmp_path, monkeypatch)
    app = create_app(ServiceSettings(data_dir=tmp_path))
    server = uvicorn.Server(uvicorn.Config(app, port=0, log_level="error", ws="none"))
    thread = threading.Thread(target=server.run)
    thread.start()
    until = time.monotonic() + START_SECONDS
    while not server.started and time.monotonic() < until:
        time.sleep(0.05)
    port = server.servers[0].sockets[0].getsockname()[1]
    yield f"http://127.0.0.1:{port}"
    server.should_exit = True
    thread.join()


@pytest.mark.filterwarnings("default")
def test_no_request_breaks_the_service(address: str):
    fuzz_service = pytest.importorskip("tools.fuzz_service", reason="needs schemathesis")
    report = fuzz_service.fuzz(address, examples=8, seed=1)
    assert report.failures == []
    assert report.cases > 200
    assert report.statuses[200] > 20

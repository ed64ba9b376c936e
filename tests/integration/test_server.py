"""A real server in a process of its own, and clients that are slow, gone, many or malign."""

from __future__ import annotations

import json
import os
import re
import signal
import socket
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

import httpx
import pytest

from tests.support.retrieval import made_library
from tests.support.service_process import free_port, wait_for

if TYPE_CHECKING:
    from collections.abc import Iterator

pytestmark = pytest.mark.integration

ROOT = Path(__file__).parents[2]
SETTINGS = """
port = {port}
workers = {workers}
[limits]
header_seconds = 1.0
body_seconds = 1.0
idle_seconds = 2.0
send_seconds = 1.5
requests_at_once = 8
header_bytes = 8192
shutdown_seconds = 30.0
[logs]
format = "json"
"""


class Server:
    def __init__(self, process: subprocess.Popen[str], port: int, log: Path) -> None:
        self.process, self.port, self.log = process, port, log
        self.url = f"http://127.0.0.1:{port}"

    def connect(self) -> socket.socket:
        return socket.create_connection(("127.0.0.1", self.port), timeout=30)

    def lines(self) -> list[dict[str, object]]:
        return [json.loads(line) for line in self.log.read_text().splitlines()]

    def metric(self, name: str) -> float:
        text = httpx.get(f"{self.url}/metrics", timeout=30).text
        found = re.search(rf"^{name} (\S+)$", text, re.MULTILINE)
        return float(found[1]) if found else 0.0

    def is_ready(self) -> bool:
        try:
            return httpx.get(f"{self.url}/health/ready", timeout=10).is_success
        except httpx.HTTPError:
            return False


@contextmanager
def running(folder: Path, *, workers: int = 1) -> Iterator[Server]:
    if not (folder / "catalogue.sqlite").exists():
        with made_library(folder) as library:
            library.publish()
    port = free_port()
    config = folder / "service.toml"
    config.write_text(SETTINGS.format(port=port, workers=workers))
    log = folder / f"log-{port}.jsonl"
    command = [sys.executable, "-m", "tests.support.small_service", str(folder), str(config)]
    with log.open("w") as stderr:
        process = subprocess.Popen(command, cwd=ROOT, stderr=stderr, text=True)  # noqa: S603
    server = Server(process, port, log)
    try:
        until = time.monotonic() + 120
        while not server.is_ready():
            assert process.poll() is None, log.read_text()
            assert time.monotonic() < until, log.read_text()
            time.sleep(0.1)
        yield server
    finally:
        process.terminate()
        try:
            process.wait(60)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    with running(tmp_path_factory.mktemp("served")) as running_server:
        yield running_server


def seconds_until_closed(connection: socket.socket) -> tuple[float, bytes]:
    began, said = time.monotonic(), b""
    try:
        while part := connection.recv(65536):
            said += part
    except ConnectionResetError:
        pass
    return time.monotonic() - began, said


def drip(connection: socket.socket, *, seconds: float) -> None:
    until = time.monotonic() + seconds
    while time.monotonic() < until:
        connection.send(b"X-A: b\r\n")
        time.sleep(0.2)


class TestSlowClients:
    def test_headers_that_drip_are_given_up(self, server: Server):
        with server.connect() as connection:
            connection.send(b"GET /health/live HTTP/1.1\r\n")
            began = time.monotonic()
            with pytest.raises((BrokenPipeError, ConnectionResetError)):
                drip(connection, seconds=20)
            assert 0.8 < time.monotonic() - began < 15

    def test_a_connection_that_says_nothing_is_closed(self, server: Server):
        with server.connect() as connection:
            seconds, said = seconds_until_closed(connection)
        assert 0.5 < seconds < 15
        assert said == b""

    def test_a_body_that_drips_gets_408(self, server: Server):
        with server.connect() as connection:
            connection.send(
                b"POST /v1/matches HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Length: 1000\r\n"
                b"Content-Type: application/json\r\n\r\n{"
            )
            seconds, said = seconds_until_closed(connection)
        assert said.startswith(b"HTTP/1.1 408"), said
        assert b"urn:musiscene:body-late" in said
        assert seconds < 15

    def test_an_idle_connection_is_closed(self, server: Server):
        with server.connect() as connection:
            connection.send(b"GET /health/live HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n")
            seconds, said = seconds_until_closed(connection)
        assert said.startswith(b"HTTP/1.1 200")
        assert 1 < seconds < 15

    def test_a_client_that_goes_away_halfway_leaves_nothing_behind(self, server: Server):
        for _ in range(20):
            connection = server.connect()
            connection.send(b"POST /v1/matches HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Le")
            connection.close()
        assert server.is_ready()


class TestLargeRequests:
    def test_headers_that_are_too_long_are_refused(self, server: Server):
        with server.connect() as connection:
            connection.send(b"GET /health/live HTTP/1.1\r\nX-A: " + b"a" * 20_000 + b"\r\n\r\n")
            _, said = seconds_until_closed(connection)
        assert said.startswith((b"HTTP/1.1 400", b"HTTP/1.1 431")) or said == b""
        assert server.is_ready()

    @pytest.mark.parametrize("is_chunked", [False, True])
    def test_bodies_that_are_too_long_are_refused_before_they_are_read(
        self, server: Server, *, is_chunked: bool
    ):
        body = b'{"captions":["' + b"a" * 400_000 + b'"]}'
        content = iter([body[:200_000], body[200_000:]]) if is_chunked else body
        headers = {"Content-Type": "application/json"}
        response = httpx.post(f"{server.url}/v1/matches", content=content, headers=headers)
        assert response.status_code == 413
        assert response.json()["status"] == 413

    @pytest.mark.parametrize(
        "text", ['{"filter":' * 30_000, "[" * 100_000, '{"captions":[' * 9_000]
    )
    def test_json_without_an_end_of_depth_is_refused(self, server: Server, text: str):
        headers = {"Content-Type": "application/json"}
        response = httpx.post(f"{server.url}/v1/matches", content=text, headers=headers)
        assert response.status_code in {400, 413}
        assert server.is_ready()

    def test_line_ends_do_not_get_into_answers(self, server: Server):
        for path in (
            "/v1/tracks/%0d%0aSet-Cookie:a=b",
            "/%0d%0aX-Evil:1",
            "/v1/tracks?after=%0d%0aX",
        ):
            with server.connect() as connection:
                connection.send(
                    f"GET {path} HTTP/1.1\r\nHost: 127.0.0.1\r\nConnection: close\r\n"
                    "X-Request-Id: a%0d%0aX-Evil: 1\r\n\r\n".encode()
                )
                _, said = seconds_until_closed(connection)
            head = said.partition(b"\r\n\r\n")[0].lower()
            assert re.match(rb"http/1.1 40[04]", head), head
            assert b"x-evil" not in head
            assert b"set-cookie" not in head


class TestManyClients:
    def test_more_than_it_can_do_are_asked_to_come_again(self, server: Server):
        with ThreadPoolExecutor(30) as pool:
            answers = list(
                pool.map(lambda _: httpx.get(f"{server.url}/slow", timeout=20), range(30))
            )
        found = {answer.status_code for answer in answers}
        assert found == {200, 503}
        busy = next(answer for answer in answers if answer.status_code == 503)
        assert busy.headers["retry-after"] == "1"
        assert busy.json()["type"] == "urn:musiscene:too-busy"
        assert busy.headers["x-content-type-options"] == "nosniff"

    def test_two_hundred_connections_that_say_nothing_do_not_stop_it(self, server: Server):
        connections = [server.connect() for _ in range(200)]
        try:
            assert server.is_ready()
        finally:
            for connection in connections:
                connection.close()


class TestLogs:
    def test_every_line_is_a_document_without_secrets(self, server: Server):
        secret = "mus_0123456789ab_" + "cd" * 32
        headers = {"Authorization": f"Bearer {secret}"}
        body = {"captions": ["a brief that nobody may read"]}
        httpx.post(f"{server.url}/v1/matches", json=body, headers=headers)
        httpx.post(f"{server.url}/v1/matches", json=body)
        lines = server.lines()
        answered = [line for line in lines if line["message"] == "answered"]
        assert {"method", "route", "status", "ms", "request_id"} <= set(answered[-1])
        assert "cdcd" not in str(lines)
        assert "nobody may read" not in str(lines)


class TestStopping:
    def test_a_request_that_is_under_way_is_finished(self, tmp_path: Path):
        with running(tmp_path) as server, ThreadPoolExecutor(1) as pool:
            answer = pool.submit(httpx.get, f"{server.url}/slow?seconds=4", timeout=60)
            wait_for(lambda: server.metric("musiscene_requests_in_flight") == 2.0)
            server.process.send_signal(signal.SIGTERM)
            assert answer.result().status_code == 200
            assert server.process.wait(60) == 0


class TestSeveralProcesses:
    def test_they_share_the_port_and_their_counts(self, tmp_path: Path):
        with running(tmp_path, workers=2) as server:
            seen: set[int] = set()
            until = time.monotonic() + 120
            while len(seen) < 2 and time.monotonic() < until:
                with ThreadPoolExecutor(6) as pool:
                    answers = pool.map(
                        lambda _: httpx.get(f"{server.url}/slow", timeout=20), range(6)
                    )
                    seen |= {answer.json()["process"] for answer in answers if answer.is_success}
            assert len(seen) == 2
            for _ in range(10):
                httpx.post(f"{server.url}/v1/matches", json={"captions": ["a storm"]})
            counted = (
                r'musiscene_requests_total{method="POST",route="/v1/matches",status="200"} 10.0'
            )
            texts = [httpx.get(f"{server.url}/metrics").text for _ in range(4)]
            assert all(counted in text for text in texts)
            os.kill(min(seen), signal.SIGKILL)
            wait_for(server.is_ready)
            assert "musiscene_requests_in_flight" in httpx.get(f"{server.url}/metrics").text

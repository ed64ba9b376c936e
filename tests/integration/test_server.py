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
from threading import Event
from typing import TYPE_CHECKING, cast

import httpx
import pytest

from indexer.catalogue.repository import Catalogue
from indexer.library import Library
from tests.support.listening import WordEmbedder, listening, store
from tests.support.retrieval import made_library
from tests.support.service_process import free_port, wait_for

if TYPE_CHECKING:
    from collections.abc import Iterator

    from musiscene.embed import TextEmbedder

pytestmark = pytest.mark.integration

ROOT = Path(__file__).parents[2]
LARGE_BYTES = 64 << 20
"""Of `/large`: more than buffers of sockets take."""
SETTINGS = """
port = {port}
workers = {workers}
library_roots = ["{folder}"]
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
    config.write_text(SETTINGS.format(port=port, workers=workers, folder=folder))
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
def served(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder: Path = tmp_path_factory.mktemp("served")
    return folder


@pytest.fixture(scope="module")
def server(served: Path) -> Iterator[Server]:
    with running(served) as running_server:
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

    def test_a_client_that_takes_nothing_of_its_answer_is_hung_up_on(self, server: Server):
        with socket.socket() as connection:
            connection.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
            connection.connect(("127.0.0.1", server.port))
            connection.send(b"GET /large HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n")
            wait_for(lambda: server.metric("musiscene_requests_in_flight") == 2.0)
            wait_for(lambda: server.metric("musiscene_requests_in_flight") == 1.0)
            connection.settimeout(30)
            _, said = seconds_until_closed(connection)
        assert len(said) < LARGE_BYTES
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

    def test_a_stream_of_events_ends(self, tmp_path: Path):
        """A page that follows a job must not hold the server back, nor be cut off."""
        with running(tmp_path) as server, ThreadPoolExecutor(1) as pool:
            asked = httpx.post(f"{server.url}/v1/scans", json={"paths": [str(tmp_path)]})
            assert asked.status_code == 202, asked.text
            url = f"{server.url}/v1/scans/{asked.json()['id']}/events"
            following = pool.submit(httpx.get, url, timeout=60)
            wait_for(lambda: server.metric("musiscene_requests_in_flight") == 2.0)
            server.process.send_signal(signal.SIGTERM)
            followed = following.result()  # raises where the connection was cut
            assert "event: progress" in followed.text
            assert "event: done" not in followed.text
            assert server.process.wait(20) == 0


class TestHotSwitch:
    def test_no_request_is_dropped_while_others_publish(self, server: Server, served: Path):
        stop, answers = Event(), list[int]()

        def ask() -> None:
            with httpx.Client(base_url=server.url, timeout=60) as client:
                while not stop.is_set():
                    answer = client.post("/v1/matches", json={"captions": ["a ship in a storm"]})
                    answers.append(answer.status_code)

        with (
            ThreadPoolExecutor(4) as pool,
            Catalogue.open(served / "catalogue.sqlite") as catalogue,
        ):
            library = Library(catalogue, served / "vectors", cast("TextEmbedder", WordEmbedder()))
            asking = [pool.submit(ask) for _ in range(4)]
            try:
                for number in range(5):
                    with library.indexing():
                        store(
                            catalogue,
                            listening(f"/m/new/{number}.wav"),
                            scenes=[f"ship number {number} leaves the harbour"],
                        )
                        library.publish()
                    wanted = float(catalogue.revision())
                    wait_for(lambda: server.metric("musiscene_index_revision") >= wanted)  # noqa: B023
            finally:
                stop.set()
            for one in asking:
                one.result()
        assert len(answers) > 20
        assert set(answers) == {200}


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

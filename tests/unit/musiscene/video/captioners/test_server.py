from __future__ import annotations

import base64
from typing import TYPE_CHECKING

import numpy as np
import pytest

from musiscene.errors import CaptionerError
from musiscene.video.captioners.server import ATTEMPTS, ServerCaptioner
from tests.support.chat_server import ChatServer, serving
from tests.support.scenes import scene

if TYPE_CHECKING:
    from collections.abc import Iterator

SCENE = scene(0, 0, 10)
FRAMES = [np.full((48, 64, 3), level, np.uint8) for level in (0, 128)]


@pytest.fixture
def server() -> Iterator[ChatServer]:
    with serving() as made:
        yield made


class TestServerCaptioner:
    def test_sends_the_pictures_and_keeps_the_answer(self, server: ChatServer):
        captioner = ServerCaptioner(server.url, "seer", api_key="secret")
        assert captioner.caption(SCENE, FRAMES) == "A scene."
        [(path, headers, body)] = server.asked
        assert path == "/v1/chat/completions"
        assert headers["Authorization"] == "Bearer secret"
        question, *pictures = body["messages"][0]["content"]
        assert "mood" in question["text"]
        assert len(pictures) == 2
        kind, data = pictures[0]["image_url"]["url"].split(",")
        assert kind == "data:image/jpeg;base64"
        assert base64.b64decode(data).startswith(b"\xff\xd8")
        assert body["max_tokens"] <= 200
        assert captioner.name == "seer"

    def test_a_busy_server_is_asked_again(self, server: ChatServer):
        waits: list[float] = []
        server.status = 503
        with pytest.raises(CaptionerError, match=r"503.*3 attempts"):
            ServerCaptioner(server.url, "m", wait=waits.append).caption(SCENE, FRAMES)
        assert len(server.asked) == ATTEMPTS
        assert waits == [1.0, 2.0]

    def test_a_refusal_is_final(self, server: ChatServer):
        server.status, server.body = 404, b"no such model"
        with pytest.raises(CaptionerError, match="no such model"):
            ServerCaptioner(server.url, "m").caption(SCENE, FRAMES)
        assert len(server.asked) == 1

    def test_a_long_answer_is_kept_to_whole_sentences(self, server: ChatServer):
        said = "It rains. " * 100
        server.body = server.body.replace(b"A scene.", said.encode())
        answer = ServerCaptioner(server.url, "m").caption(SCENE, FRAMES)
        assert len(answer) <= 600
        assert answer.endswith("rains.")

    def test_only_web_addresses_are_asked(self):
        with pytest.raises(CaptionerError, match="web address"):
            ServerCaptioner("file:///etc/passwd", "m")

"""Both clients against a service of a few lines; the real one is in tests/integration."""

from __future__ import annotations

import asyncio
import json
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar

import httpx
import pytest

from musiscene.client import AsyncClient, Client, ConnectionFailedError, ProblemError
from musiscene.client.schemas import CueEdit, PlanWishes

if TYPE_CHECKING:
    from collections.abc import Callable

EXAMPLES = Path(__file__).parents[4] / "service" / "openapi" / "examples" / "cue_plans.json"
PROBLEM = {"type": "urn:musiscene:track-not-found", "title": "no such track", "status": 404}


class Answers:
    """Answers one request after the other, and keeps them."""

    def __init__(self, *responses: httpx.Response | Exception) -> None:
        self.responses = list(responses)
        self.requests: list[httpx.Request] = []

    def __call__(self, request: httpx.Request) -> httpx.Response:
        self.requests.append(request)
        response = self.responses.pop(0)
        if isinstance(response, Exception):
            raise response
        return response


def synchronous(answers: Answers, use: Callable[[Any], Any], **options: Any) -> Any:  # noqa: ANN401
    with Client(transport=httpx.MockTransport(answers), **options) as client:
        found = use(client)
        return list(found) if hasattr(found, "__next__") else found


def asynchronous(answers: Answers, use: Callable[[Any], Any], **options: Any) -> Any:  # noqa: ANN401
    async def run() -> Any:  # noqa: ANN401
        async with AsyncClient(transport=httpx.MockTransport(answers), **options) as client:
            found = use(client)
            if hasattr(found, "__anext__"):
                return [one async for one in found]
            return await found

    return asyncio.run(run())


@pytest.fixture(params=[synchronous, asynchronous])
def ask(request: pytest.FixtureRequest) -> Callable[..., Any]:
    return request.param  # type: ignore[no-any-return]


def page(*names: str, after: str | None = None) -> httpx.Response:
    track = {
        "path": "/a", "title": None, "artist": None, "album": None, "album_artist": None,
        "disc_number": None, "track_number": None, "licence": None, "generated": False,
        "duration_seconds": 1.0, "bpm": 1.0, "key": "C:major", "loudness_lufs": None,
        "vocal_probability": 0.0, "valence": 0.0, "arousal": 0.0,
        "added_at": "2026-01-01T00:00:00Z",
    }  # fmt: skip
    tracks = [{"id": name, **track} for name in names]
    return httpx.Response(200, json={"total": 3, "tracks": tracks, "after": after})


class TestCalls:
    def test_says_what_is_asked_and_reads_what_is_answered(self, ask: Callable[..., Any]):
        answers = Answers(page("x"))
        found = ask(answers, lambda client: client.tracks(q="rain", after=None), api_key="ms_k")
        assert [track.id for track in found.tracks] == ["x"]
        request = answers.requests[0]
        assert str(request.url) == "http://127.0.0.1:8000/v1/tracks?q=rain"
        assert request.headers["authorization"] == "Bearer ms_k"

    def test_walks_through_all_pages(self, ask: Callable[..., Any]):
        answers = Answers(page("x", "y", after="c"), page("z"))
        found = ask(answers, lambda client: client.all_tracks(limit=2))
        assert [track.id for track in found] == ["x", "y", "z"]
        assert answers.requests[1].url.params["after"] == "c"

    def test_a_brief_is_sent_as_json(self, ask: Callable[..., Any]):
        body = {
            "brief": "a", "decision": "nothing_fits", "confidence": 0.0, "hits": [],
            "reading": {"answerable": 0.0, "moods": [], "music": [], "wishes": []},
        }  # fmt: skip
        answers = Answers(httpx.Response(200, json=body))
        found = ask(answers, lambda client: client.match(["a"], top_k=3, remember=False))
        assert (found.decision, found.generation) == ("nothing_fits", None)
        sent = json.loads(answers.requests[0].content)
        assert (sent["captions"], sent["top_k"], sent["remember"]) == (["a"], 3, False)

    def test_streams_audio(self, ask: Callable[..., Any]):
        answers = Answers(httpx.Response(206, content=b"bytes"))
        pieces = ask(answers, lambda client: client.audio("x", start_byte=5))
        assert b"".join(pieces) == b"bytes"
        assert answers.requests[0].headers["range"] == "bytes=5-"

    def test_nothing_comes_back_from_a_deletion(self, ask: Callable[..., Any]):
        assert ask(Answers(httpx.Response(204)), lambda client: client.delete_brief("x")) is None


class TestErrors:
    def test_a_refusal_carries_its_code(self, ask: Callable[..., Any]):
        answers = Answers(httpx.Response(404, json=PROBLEM, headers={"x-request-id": "r1"}))
        with pytest.raises(ProblemError, match="no such track") as caught:
            ask(answers, lambda client: client.track("x"))
        assert (caught.value.code, caught.value.request_id) == ("track-not-found", "r1")

    def test_also_of_audio(self, ask: Callable[..., Any]):
        with pytest.raises(ProblemError, match="track-not-found"):
            ask(Answers(httpx.Response(404, json=PROBLEM)), lambda client: client.audio("x"))

    def test_a_page_of_a_proxy_is_one_too(self, ask: Callable[..., Any]):
        with pytest.raises(ProblemError) as caught:
            ask(Answers(httpx.Response(502, text="<html>")), lambda client: client.ready())
        assert caught.value.code == "http-502"

    def test_no_service(self, ask: Callable[..., Any]):
        with pytest.raises(ConnectionFailedError, match="refused"):
            ask(Answers(httpx.ConnectError("refused")), lambda client: client.ready())


class TestPatience:
    def test_tries_again_when_the_service_is_busy(
        self, ask: Callable[..., Any], monkeypatch: pytest.MonkeyPatch
    ):
        monkeypatch.setattr("musiscene.client.calls.FIRST_PAUSE_SECONDS", 0.001)
        busy = [httpx.Response(503, headers={"Retry-After": "0"}), httpx.Response(429)]
        answers = Answers(*busy, page("x"))
        assert ask(answers, lambda client: client.tracks()).total == 3
        assert len(answers.requests) == 3

    def test_but_not_for_ever(self, ask: Callable[..., Any]):
        busy = [httpx.Response(503, headers={"Retry-After": "0"}) for _ in range(3)]
        answers = Answers(*busy)
        with pytest.raises(ProblemError):
            ask(answers, lambda client: client.ready(), retries=2)
        assert len(answers.requests) == 3


class TestJobs:
    JOB: ClassVar = {
        "id": "j", "status": "queued", "attempts": 0, "max_attempts": 3, "cancel_requested": False,
        "error": None, "created_at": "2026-01-01T00:00:00Z", "started_at": None,
        "finished_at": None,
        "progress": {
            "stage": "", "message": "", "done": 0, "total": None, "rate": None,
            "seconds_left": None,
        },
    }  # fmt: skip
    GENERATION: ClassVar = JOB | {
        "brief": None, "prompt": "calm harp", "seconds": 20.0, "seed": 1, "backend": "auto",
        "audio_url": None, "track_id": None, "track_url": None, "weights_licence": None,
        "commercial_use": None, "provenance": None,
    }  # fmt: skip
    SCAN: ClassVar = JOB | {
        "paths": ["/music"], "exclude": [], "retry": False, "prune": False,
        "outcome": {
            "counts": None, "tracks_deleted": 0, "duplicates_found": 0, "failed": 0,
            "failures": [],
        },
    }  # fmt: skip

    def test_music_is_asked_for_followed_and_stopped(self, ask: Callable[..., Any]):
        answers = Answers(
            httpx.Response(202, json=self.GENERATION),
            httpx.Response(200, json=self.GENERATION | {"status": "running"}),
            httpx.Response(200, json={"generations": [self.GENERATION], "after": None}),
            httpx.Response(202, json=self.GENERATION | {"cancel_requested": True}),
        )
        begun = ask(answers, lambda client: client.generate(prompt="calm harp", seconds=20))
        assert ask(answers, lambda client: client.generation(begun.id)).status == "running"
        assert ask(answers, lambda client: client.generations(limit=5)).after is None
        assert ask(answers, lambda client: client.cancel_generation(begun.id)).cancel_requested
        first = answers.requests[0]
        assert json.loads(first.content)["prompt"] == "calm harp"
        assert [(one.method, one.url.path) for one in answers.requests] == [
            ("POST", "/v1/generations"),
            ("GET", "/v1/generations/j"),
            ("GET", "/v1/generations"),
            ("DELETE", "/v1/generations/j"),
        ]

    def test_folders_are_scanned_followed_and_left(self, ask: Callable[..., Any]):
        answers = Answers(
            httpx.Response(202, json=self.SCAN),
            httpx.Response(200, json=self.SCAN | {"status": "done"}),
            httpx.Response(200, json={"scans": [self.SCAN], "after": None}),
            httpx.Response(202, json=self.SCAN | {"status": "cancelled"}),
        )
        begun = ask(answers, lambda client: client.start_scan(["/music"], retry=True))
        assert ask(answers, lambda client: client.scan(begun.id)).status == "done"
        assert ask(answers, lambda client: client.scans(status="queued")).scans[0].id == "j"
        assert ask(answers, lambda client: client.cancel_scan(begun.id)).status == "cancelled"
        assert json.loads(answers.requests[0].content)["retry"] is True
        assert answers.requests[2].url.params["status"] == "queued"


class TestVideos:
    def test_a_video_is_sent_as_a_form_and_again_from_its_beginning(
        self, ask: Callable[..., Any], tmp_path: Path
    ):
        video = tmp_path / "cut.mp4"
        video.write_bytes(b"frames" * 1_000)
        (tmp_path / "cut.srt").write_text("1")
        examples = json.loads(EXAMPLES.read_text("utf-8"))
        busy = httpx.Response(503, headers={"Retry-After": "0"}, json={"status": 503})
        answers = Answers(busy, httpx.Response(202, json=examples["planCues"]["response"]))
        found = ask(
            answers,
            lambda client: client.plan_cues(
                video,
                captions=tmp_path / "cut.srt",
                name="Lake",
                wishes=PlanWishes(brief="a day", land_on=[4.0]),
                parent="p1",
            ),
        )
        assert found.status == "queued"
        for request in answers.requests:
            assert request.url.path == "/v1/cue-plans/p1/recuts"
            assert request.headers["content-type"].startswith("multipart/form-data; boundary=")
            body = request.content
            assert b'name="video"; filename="cut.mp4"' in body
            assert body.count(b"frames") == 1_000
            assert b'name="name"\r\n\r\nLake\r\n' in body
            assert b'"land_on":[4.0]' in body

    def test_a_plan_is_changed_and_written(self, ask: Callable[..., Any]):
        shown = json.loads(EXAMPLES.read_text("utf-8"))["getCuePlan"]["response"]
        answers = Answers(httpx.Response(200, json=shown))
        edit = CueEdit(action="pin", cue="c1")
        found = ask(answers, lambda client: client.edit_cue_plan("p1", 2, [edit]))
        assert found.plan.cues[0].id == "c1"
        sent = json.loads(answers.requests[0].content)
        assert (sent["revision"], sent["edits"][0]["action"]) == (2, "pin")
        answers = Answers(httpx.Response(200, content=b"TITLE: cut"))
        assert ask(answers, lambda client: client.export_cue_plan("p1", "edl")) == b"TITLE: cut"
        assert answers.requests[0].url.path == "/v1/cue-plans/p1/exports/edl"
        gone = {"type": "urn:musiscene:video-gone", "title": "gone", "status": 404}
        answers = Answers(httpx.Response(404, json=gone))
        with pytest.raises(ProblemError) as caught:
            ask(answers, lambda client: client.preview("p1", "wav"))
        assert caught.value.code == "video-gone"

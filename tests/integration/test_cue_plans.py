"""A real video through a real server and its worker: plan, edits, exports, preview, new cut."""

from __future__ import annotations

import json
import socket
from fractions import Fraction
from io import BytesIO
from typing import TYPE_CHECKING, Any
from uuid import UUID

import av
import pytest

from tests.support.audio import sine, write_audio
from tests.support.service_process import Process, Service, wait_for
from tests.support.video import MadeShot, texture, write_video

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

pytestmark = pytest.mark.integration
SRT = """1
00:00:00,000 --> 00:00:04,000
a ship fights a storm

2
00:00:04,000 --> 00:00:08,000
mist lies on a quiet lake
"""


@pytest.fixture(scope="module")
def library(tmp_path_factory: pytest.TempPathFactory) -> Path:
    data_dir: Path = tmp_path_factory.mktemp("library")
    music = data_dir / "music"
    music.mkdir()
    for number, title in enumerate(("a ship fights a storm", "mist lies on a quiet lake")):
        wave = sine(200 + 90 * number, seconds=12, sample_rate=16_000)
        write_audio(music / f"{number}.flac", wave, sample_rate=16_000, metadata={"title": title})
    with Process(data_dir, "index", str(music)) as first:
        assert first.process.wait(120) == 0, (data_dir / "processes.log").read_text()
    return data_dir


@pytest.fixture(scope="module")
def service(library: Path) -> Iterator[Service]:
    settings = {"MUSISCENE_VIDEO_MATCH_SECONDS": "30"}
    with Service(library, settings=settings) as running:
        yield running.ready()


@pytest.fixture(scope="module")
def video(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path: Path = tmp_path_factory.mktemp("video") / "cut.mp4"
    shots = [MadeShot(texture(1), 100), MadeShot(texture(2, speed=0.02), 100)]
    write_video(path, shots, size=(160, 90))
    return path


def post(service: Service, url: str, video: Path, **form: str) -> Any:  # noqa: ANN401
    with video.open("rb") as opened:
        files: dict[str, Any] = {"video": ("Été cut.mp4", opened)}
        files["captions"] = ("cut.srt", SRT.encode())
        return service.client.post(url, files=files, data=form)


def edited(service: Service, url: str, shown: dict[str, Any]) -> dict[str, Any]:
    tracks = service.client.get("/v1/tracks").json()["tracks"]
    first = shown["plan"]["cues"][0]["id"]
    swap = {"action": "swap", "cue": first, "track": tracks[0]["id"]}
    asked = {"revision": shown["revision"], "edits": [swap, {"action": "pin", "cue": first}]}
    changed = service.client.patch(url, json=asked)
    assert changed.status_code == 200, changed.text
    cue = changed.json()["plan"]["cues"][0]
    assert (cue["is_pinned"], cue["chosen"]["track"]["id"]) == (True, tracks[0]["id"])
    late = service.client.patch(url, json=asked)
    assert (late.status_code, late.json()["type"]) == (409, "urn:musiscene:cue-plan-changed")
    now = changed.json()["revision"]
    for edit, code in (
        ({"action": "pin", "cue": "c99"}, 404),
        ({"action": "swap", "cue": first}, 400),
        ({"action": "trim", "cue": first, "end_frame": -5}, 400),
    ):
        refused = service.client.patch(url, json={"revision": now, "edits": [edit]})
        assert refused.status_code == code, refused.text
    assert service.client.get(url).json() == changed.json()
    return changed.json()  # type: ignore[no-any-return]


def exported(service: Service, url: str) -> None:
    for name in ("json", "otio", "edl", "fcpxml", "premiere", "reaper", "audacity", "cue-sheet"):
        file = service.client.get(f"{url}/exports/{name}")
        assert file.headers["content-type"].count("charset") <= 1
        assert file.status_code == 200, (name, file.text)
        assert len(file.content) > 50
        assert "attachment" in file.headers["content-disposition"]
    refused = service.client.get(f"{url}/exports/doc")
    assert (refused.status_code, refused.json()["type"]) == (422, "urn:musiscene:export-impossible")


def previewed(service: Service, url: str) -> None:
    asked = service.client.post(f"{url}/previews", json={"container": "mp4", "lufs": -23})
    assert asked.status_code == 202, asked.text
    assert asked.headers["location"] == f"{url}/previews/mp4"

    def is_mixed() -> dict[str, Any] | None:
        one: dict[str, Any] = service.client.get(url).json()["previews"]["mp4"]
        return one if one["status"] in {"done", "failed"} else None

    mixed = wait_for(is_mixed)
    assert mixed is not None
    assert mixed["status"] == "done", mixed["error"]
    part = service.client.get(mixed["url"], headers={"Range": "bytes=0-99"})
    assert (part.status_code, len(part.content)) == (206, 100)
    with av.open(BytesIO(service.client.get(mixed["url"]).content)) as opened:
        assert [stream.type for stream in opened.streams] == ["video", "audio"]
        assert opened.streams.video[0].frames == 200


def filled(service: Service, url: str) -> None:
    shown = service.client.get(url).json()
    last = shown["plan"]["cues"][-1]
    unpinned = [{"action": "unpin", "cue": last["id"]}, {"action": "silence", "cue": last["id"]}]
    service.client.patch(url, json={"revision": shown["revision"], "edits": unpinned})
    queued = service.client.post(f"{url}/cues/{last['id']}/generation")
    assert queued.status_code == 202, queued.text
    made = service.ended(queued.headers["location"])
    assert made["status"] == "done", made["error"]

    def is_filled() -> dict[str, Any] | None:
        now: dict[str, Any] = service.client.get(url).json()
        return now if not now["generations"] else None

    now = wait_for(is_filled, 30)
    assert now is not None
    cue = next(one for one in now["plan"]["cues"] if one["id"] == last["id"])
    assert (cue["kind"], cue["chosen"]["track"]["generated"]) == ("track", True)
    assert UUID(cue["chosen"]["track"]["id"]) == UUID(made["track_id"])


def recut(service: Service, url: str, video: Path) -> None:
    """A new version without the first half, for which the old plan counts."""
    shorter = video.with_name("v2.mp4")
    write_video(shorter, [MadeShot(texture(2, speed=0.02), 100)], size=(160, 90))
    answer = post(service, f"{url}/recuts", shorter, name="v2")
    assert answer.status_code == 202, answer.text
    shown = service.ended(answer.headers["location"])
    assert shown["status"] == "done", shown["error"]
    assert shown["parent"] == url.rpartition("/")[2]
    assert (shown["plan"]["video"]["frames"], shown["diff"]["scenes_kept"]) == (100, 1)
    assert shown["diff"]["changes"]


def broken_off(service: Service, data_dir: Path) -> None:
    """A client that goes in the middle of its video leaves nothing."""
    incoming = data_dir / "videos" / ".incoming"
    head = (
        "POST /v1/cue-plans HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Length: 5000000\r\n"
        "Content-Type: multipart/form-data; boundary=x\r\n\r\n--x\r\n"
        'Content-Disposition: form-data; name="video"; filename="a.mp4"\r\n\r\n'
    )
    with socket.create_connection(("127.0.0.1", service.port)) as client:
        client.sendall(head.encode() + bytes(3_000_000))
        wait_for(lambda: list(incoming.glob("*/video.mp4")), 20)
    wait_for(lambda: not list(incoming.iterdir()), 20)


class TestCuePlans:
    def test_from_a_video_to_a_cut_with_music(self, service: Service, video: Path, library: Path):
        client = service.client
        wishes = json.dumps({"brief": "a day at sea"})
        answer = post(service, "/v1/cue-plans", video, name="A day", wishes=wishes)
        assert answer.status_code == 202, answer.text
        url = answer.headers["location"]
        broken_off(service, library)
        shown = service.ended(url)
        assert shown["status"] == "done", shown["error"]
        plan = shown["plan"]
        assert plan["video"]["name"] == "Été cut.mp4"
        assert (plan["cues"][0]["start_frame"], plan["cues"][-1]["end_frame"]) == (0, 200)
        keyframe = client.get(f"{url}/keyframes/0")
        assert keyframe.headers["content-type"] == "image/jpeg"
        assert keyframe.content[:2] == b"\xff\xd8"
        assert client.get(f"{url}/keyframes/99").status_code == 404
        shown = edited(service, url, shown)
        exported(service, url)
        previewed(service, url)
        filled(service, url)
        recut(service, url, video)

    def test_a_short_video_is_matched_at_once(self, service: Service, video: Path):
        url = "/v1/matches/video"
        answer = post(service, url, video, options=json.dumps({"top_k": 1}))
        assert answer.status_code == 200, answer.text
        found = answer.json()
        assert found["video"]["frames"] == 200
        assert len(found["result"]["hits"]) == 1
        refused = post(service, url, video, options='{"captions": ["x"]}')
        assert refused.status_code == 400
        longer = video.with_name("long.mp4")
        write_video(longer, [MadeShot(texture(1), 35)], size=(64, 36), rate=Fraction(1))
        refused = post(service, url, longer)
        assert (refused.status_code, refused.json()["type"]) == (
            413, "urn:musiscene:video-too-long",
        )  # fmt: skip
        assert "/v1/cue-plans" in refused.json()["title"]

    def test_a_file_that_is_no_video_fails_once_and_tells_no_path(
        self, service: Service, tmp_path: Path
    ):
        hostile = tmp_path / "evil.mp4"
        hostile.write_bytes(b"\x00\x00\x00\x18ftypmp42" + b"\xff" * 5_000)
        refused = post(service, "/v1/matches/video", hostile)
        code = (refused.status_code, refused.json()["type"])
        assert code == (422, "urn:musiscene:video-unusable")
        answer = post(service, "/v1/cue-plans", hostile)
        failed = service.ended(answer.headers["location"])
        assert failed["status"] == "failed"
        assert failed["error"]["code"] == "video-unusable"
        assert str(tmp_path.parent) not in refused.text + json.dumps(failed)
        assert "/videos/" not in refused.text + failed["error"]["message"]
        gone = service.client.delete(answer.headers["location"])
        assert gone.status_code == 204

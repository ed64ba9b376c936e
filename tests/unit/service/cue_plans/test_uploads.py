"""Videos that are sent: they come whole, or nothing of them stays."""

from __future__ import annotations

import errno
import json
from typing import TYPE_CHECKING, Any
from uuid import uuid4

import pytest
from filelock import FileLock
from litestar.testing import TestClient

from indexer.catalogue.repository import Catalogue
from indexer.errors import QueueFullError
from service.app import create_app
from service.cue_plans.errors import TooManyUploadsError
from service.cue_plans.store import VideoStore
from service.settings import ServiceSettings, VideoSettings
from tests.support.cue_plans import stored_plan
from tests.support.retrieval import library_without_models
from tests.support.service import add_key, bearer, fresh_keys

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

Api = TestClient[Any]
BYTES = b"\x00\x00\x00\x18ftypmp42" + bytes(range(256)) * 40
PLANS = "/v1/cue-plans"


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    made: Path = tmp_path_factory.mktemp("library")
    with pytest.MonkeyPatch.context() as patches:
        library_without_models(made, patches)
        yield made


def opened(folder: Path, **video: Any) -> Api:  # noqa: ANN401
    settings = ServiceSettings(data_dir=folder, video=VideoSettings(**video))
    return TestClient(
        create_app(settings), base_url="http://127.0.0.1", raise_server_exceptions=False
    )


@pytest.fixture(scope="module")
def api(folder: Path) -> Iterator[Api]:
    with opened(folder, max_bytes=100_000) as client:
        yield client


@pytest.fixture(autouse=True)
def nothing_is_left(folder: Path) -> Iterator[None]:
    yield
    incoming = folder / "videos" / ".incoming"
    assert not incoming.exists() or not list(incoming.iterdir())


def folders(folder: Path) -> set[str]:
    root = folder / "videos"
    return (
        {one.name for one in root.iterdir() if not one.name.startswith(".")}
        if root.exists()
        else set()
    )


def send(api: Api, content: bytes = BYTES, name: str = "cut.mp4", **options: Any) -> Any:  # noqa: ANN401
    files = {"video": (name, content, "video/mp4"), **options.pop("files", {})}
    return api.post(options.pop("url", PLANS), files=files, **options)


def code(response: Any) -> tuple[int, str]:  # noqa: ANN401
    assert response.headers["content-type"] == "application/problem+json"
    return response.status_code, response.json()["type"].removeprefix("urn:musiscene:")


class TestTaken:
    def test_a_video_becomes_a_plan_that_waits(self, api: Api, folder: Path):
        wishes = {"brief": "a day at the lake", "no_music": [[0, 2.5]], "land_on": [4.0]}
        form = {"name": "Lake, v1", "wishes": json.dumps(wishes)}
        captions = {"captions": ("marks.srt", b"1\n00:00:01,000 --> 00:00:02,000\nmist\n")}
        answer = send(api, data=form, files=captions)
        assert answer.status_code == 202
        shown = answer.json()
        assert answer.headers["location"] == f"{PLANS}/{shown['id']}"
        assert (shown["name"], shown["video_name"]) == ("Lake, v1", "cut.mp4")
        assert (shown["status"], shown["revision"], shown["plan"]) == ("queued", 0, None)
        stored = folder / "videos" / shown["id"]
        assert (stored / "video.mp4").read_bytes() == BYTES
        assert (stored / "captions.srt").exists()
        job = api.get(f"{PLANS}/{shown['id']}").json()
        assert job == shown
        assert shown["id"] in [one["id"] for one in api.get(PLANS).json()["plans"]]
        assert api.delete(f"{PLANS}/{shown['id']}").status_code == 204
        assert not stored.exists()
        assert code(api.get(f"{PLANS}/{shown['id']}")) == (404, "cue-plan-not-found")

    @pytest.mark.parametrize(
        ("sent", "shown", "stored"),
        [
            ("../../../etc/cron.d/x.mp4", "x.mp4", "video.mp4"),
            ("C:\\films\\Été.MOV", "Été.MOV", "video.mov"),
            ("..", "..", "video.video"),
            ("film.mp4.sh", "film.mp4.sh", "video.video"),
            ("a" * 900 + ".mkv", "a" * 196 + ".mkv", "video.mkv"),
        ],
    )
    def test_its_name_is_text_alone(
        self, api: Api, folder: Path, sent: str, shown: str, stored: str
    ):
        answer = send(api, name=sent).json()
        assert answer["video_name"] == shown
        assert [one.name for one in (folder / "videos" / answer["id"]).iterdir()] == [stored]
        api.delete(f"{PLANS}/{answer['id']}")

    def test_the_same_key_gives_the_same_plan(self, api: Api, folder: Path):
        key = {"Idempotency-Key": "once"}
        first = send(api, headers=key).json()
        before = folders(folder)
        assert send(api, headers=key).json()["id"] == first["id"]
        assert folders(folder) == before
        assert code(send(api, content=BYTES + b"x", headers=key)) == (409, "idempotency-key-reused")
        assert folders(folder) == before

    def test_parts_of_the_video_are_sent_back(self, api: Api):
        url = send(api).json()["video_url"]
        part = api.get(url, headers={"Range": "bytes=10-19"})
        assert (part.status_code, part.content) == (206, BYTES[10:20])
        assert part.headers["content-range"] == f"bytes 10-19/{len(BYTES)}"
        assert api.get(url).content == BYTES
        assert code(api.get(url, headers={"Range": "bytes=999999-"})) == (416, "range-invalid")
        assert api.head(url).headers["content-length"] == str(len(BYTES))

    def test_a_link_in_its_place_is_not_followed(self, api: Api, folder: Path):
        shown = send(api).json()
        video = folder / "videos" / shown["id"] / "video.mp4"
        secret = folder / "secret.txt"
        secret.write_text("secret")
        video.unlink()
        video.symlink_to(secret)
        assert code(api.get(shown["video_url"])) == (404, "audio-gone")


class TestRefused:
    def refused(self, api: Api, folder: Path, **options: Any) -> tuple[int, str]:  # noqa: ANN401
        before = folders(folder)
        found = code(send(api, **options))
        assert folders(folder) == before
        return found

    def test_one_that_is_too_long(self, api: Api, folder: Path):
        assert self.refused(api, folder, content=bytes(100_001)) == (413, "body-too-large")
        assert self.refused(api, folder, content=bytes(20_000_000)) == (413, "body-too-large")

    def test_a_body_without_a_length_too(self, api: Api, folder: Path):
        def body() -> Iterator[bytes]:
            yield b'--x\r\nContent-Disposition: form-data; name="video"; filename="a"\r\n\r\n'
            for _ in range(200):
                yield bytes(1_000)
            yield b"\r\n--x--\r\n"

        before = folders(folder)
        kind = {"Content-Type": "multipart/form-data; boundary=x"}
        answer = api.post(PLANS, content=body(), headers=kind)
        assert code(answer) == (413, "body-too-large")
        assert folders(folder) == before

    def test_forms_that_are_none(self, api: Api, folder: Path):
        before = folders(folder)
        assert code(api.post(PLANS, json={"video": "x"})) == (415, "media-type-unsupported")
        kind = {"Content-Type": "multipart/form-data; boundary=x"}
        for body in (b"", b"--x", b"--x\r\n\r\n", b"--x\r\nno header\r\n\r\n\r\n--x--\r\n"):
            assert code(api.post(PLANS, content=body, headers=kind)) == (400, "form-invalid")
        assert folders(folder) == before

    def test_parts_that_should_not_be(self, api: Api, folder: Path):
        assert self.refused(api, folder, content=b"") == (400, "form-invalid")
        assert self.refused(api, folder, data={"nonsense": "1"}) == (400, "form-invalid")
        assert self.refused(api, folder, data={"wishes": "{"}) == (400, "form-invalid")
        assert self.refused(api, folder, data={"wishes": '{"brief": 3}'}) == (400, "form-invalid")
        assert self.refused(api, folder, data={"name": "x" * 200_000}) == (413, "body-too-large")
        double = [("video", ("a.mp4", BYTES)), ("video", ("b.mp4", BYTES))]
        assert code(api.post(PLANS, files=double)) == (400, "form-invalid")

    def test_a_new_version_of_nothing(self, api: Api, folder: Path):
        url = f"{PLANS}/{uuid4()}/recuts"
        assert self.refused(api, folder, url=url) == (404, "cue-plan-not-found")
        unmade = send(api).json()
        url = f"{PLANS}/{unmade['id']}/recuts"
        assert self.refused(api, folder, url=url) == (409, "cue-plan-unfinished")

    def test_a_full_disk(self, api: Api, folder: Path, monkeypatch: pytest.MonkeyPatch):
        def no_room(*_: object) -> None:
            raise OSError(errno.ENOSPC, "No space left on device")

        monkeypatch.setattr("service.cue_plans.store.sync", no_room)
        assert self.refused(api, folder) == (507, "disk-full")

    def test_more_than_is_kept(self, folder: Path):
        with opened(folder, kept_bytes=len(BYTES)) as api:
            before = folders(folder)
            assert code(send(api)) == (507, "disk-full")
            assert folders(folder) == before

    def test_a_preview_for_which_there_is_no_room(self, folder: Path):
        with Catalogue.open(folder / "catalogue.sqlite") as catalogue:
            row = stored_plan(catalogue)
        store = VideoStore(folder, VideoSettings())
        store.folder(row.id).mkdir(parents=True)
        (store.folder(row.id) / "video.mp4").write_bytes(BYTES)
        url = f"{PLANS}/{row.id}/previews"
        with opened(folder, kept_bytes=store.kept_bytes() + 1_000) as api:
            assert code(api.post(url, json={"container": "wav"})) == (507, "disk-full")
        with opened(folder) as api:
            asked = api.post(url, json={"container": "wav", "lufs": -23})
            assert asked.status_code == 202
            shown = asked.json()["previews"]["wav"]
            assert (shown["status"], shown["lufs"], shown["url"]) == ("queued", -23.0, None)
            assert code(api.get(f"{url}/wav")) == (404, "video-gone")
            assert code(api.post(url, json={"container": "ogg"})) == (400, "request-invalid")

    def test_too_many_at_once(self, folder: Path):
        store_alone = VideoStore(folder, VideoSettings(uploads_at_once=1))
        with store_alone.receiving(), pytest.raises(TooManyUploadsError), store_alone.receiving():
            pass

    def test_when_too_many_jobs_wait(self, folder: Path, monkeypatch: pytest.MonkeyPatch):
        with opened(folder) as api:

            def full(*_: object, **__: object) -> None:
                raise QueueFullError(100)

            monkeypatch.setattr("indexer.catalogue.jobs.Jobs.submit", full)
            assert self.refused(api, folder) == (429, "queue-full")


class TestKeys:
    def test_reading_is_not_writing(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
        library_without_models(tmp_path, monkeypatch)
        fresh_keys(monkeypatch)
        reader = bearer(add_key(tmp_path, "read"))
        writer = bearer(add_key(tmp_path, "write"))
        with opened(tmp_path) as api:
            assert code(send(api)) == (401, "key-missing")
            assert code(send(api, headers=reader)) == (403, "scope-missing")
            shown = send(api, headers=writer).json()
            url = f"{PLANS}/{shown['id']}"
            assert api.get(url, headers=reader).status_code == 200
            assert api.get(shown["video_url"], headers=reader).content == BYTES
            assert code(api.delete(url, headers=reader)) == (403, "scope-missing")
            assert code(api.get(shown["video_url"])) == (401, "key-missing")
            edits = {"revision": 0, "edits": [{"action": "pin", "cue": "c1"}]}
            assert code(api.patch(url, json=edits, headers=reader)) == (403, "scope-missing")
            assert code(send(api, url=f"{url}/recuts", headers=reader)) == (403, "scope-missing")


class TestSweep:
    def test_what_a_dead_process_left_is_removed_at_the_start(self, folder: Path):
        incoming = folder / "videos" / ".incoming"
        dead = incoming / "dead"
        dead.mkdir(parents=True)
        (dead / "video.mp4").write_bytes(BYTES)
        (incoming / "dead.lock").touch()
        alive = incoming / "alive"
        alive.mkdir()
        with FileLock(incoming / "alive.lock"):
            with opened(folder) as api:
                assert api.get(PLANS).status_code == 200
            assert not dead.exists()
            assert alive.exists()
        with opened(folder):
            assert not alive.exists()

    def test_old_videos_go_and_their_plans_stay(self, folder: Path):
        with Catalogue.open(folder / "catalogue.sqlite") as catalogue:
            row = stored_plan(catalogue)
        store = VideoStore(folder, VideoSettings())
        store.folder(row.id).mkdir(parents=True)
        (store.folder(row.id) / "video.mp4").write_bytes(BYTES)
        with opened(folder) as api:
            assert api.get(f"{PLANS}/{row.id}").json()["video_url"] is not None
        with opened(folder, kept_days=1e-9) as api:
            shown = api.get(f"{PLANS}/{row.id}").json()
            assert (shown["video_url"], len(shown["plan"]["cues"])) == (None, 2)
            assert code(api.get(f"{PLANS}/{row.id}/video")) == (404, "video-gone")

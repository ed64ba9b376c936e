"""The HTTP service over a small library, in process."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING
from uuid import UUID, uuid4

import pytest
from litestar.testing import TestClient

from indexer.filters import read_filter
from indexer.library import EMBEDDER_NAME, Library
from musiscene.checkpoints.store import ModelStore
from musiscene.errors import ModelUnavailableError
from service.app import create_app
from service.settings import ServiceSettings
from tests.support.audio import sine, write_audio
from tests.support.listening import listening

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from litestar import Litestar

pytestmark = pytest.mark.integration

SCENES = {
    "party": "children dance at a birthday party",
    "storm": "a ship fights a storm at night",
    "lake": "mist rises over a still lake",
}


def store_scene(library: Library, folder: Path, name: str, scene: str) -> str:
    from indexer.catalogue.rows import MadeBy, NewCaption

    path = folder / f"{name}.wav"
    if not path.exists():
        write_audio(path, sine(440, seconds=2, sample_rate=16_000), sample_rate=16_000)
    vector = library.embedder.encode([scene])[0].astype("<f2").tobytes()
    track_id = library.catalogue.store_track(
        listening(str(path), segments=1),
        [NewCaption(segment=0, kind="scene", text=scene, origin="model", rank=0, vector=vector)],
        path=str(path),
        modified_ns=1,
        made_by=MadeBy(listening="test-1", model="test-1", embedder=library.embedder.version),
    )
    return str(track_id)


@pytest.fixture(scope="module")
def data_dir(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder: Path = tmp_path_factory.mktemp("library")
    try:
        ModelStore().folder(EMBEDDER_NAME)
    except ModelUnavailableError as error:
        pytest.skip(str(error))
    with Library.open(folder, ModelStore(), create=True) as library:
        for name, scene in SCENES.items():
            store_scene(library, folder, name, scene)
        library.publish()
    return folder


@pytest.fixture(scope="module")
def client(data_dir: Path) -> Iterator[TestClient[Litestar]]:
    app = create_app(ServiceSettings(data_dir=data_dir))
    with TestClient(app, raise_server_exceptions=False) as opened:
        yield opened


def first_track(client: TestClient[Litestar]) -> dict[str, object]:
    body = {"captions": ["kids celebrating a birthday"], "top_k": 1}
    track: dict[str, object] = client.post("/v1/matches", json=body).json()["hits"][0]["track"]
    return track


class TestMatches:
    def test_the_fitting_track_comes_first(self, client: TestClient[Litestar]):
        response = client.post("/v1/matches", json={"captions": ["fog above calm water"]})
        body = response.json()
        assert response.status_code == 200
        assert body["brief"] == "fog above calm water"
        assert body["hits"][0]["scene_caption"] == SCENES["lake"]
        assert [hit["rank"] for hit in body["hits"]] == [1, 2, 3]

    @pytest.mark.parametrize(
        ("body", "status"),
        [
            pytest.param({}, 400, id="no captions"),
            pytest.param({"captions": []}, 400, id="empty captions"),
            pytest.param({"captions": [""]}, 400, id="empty caption"),
            pytest.param({"captions": ["  "]}, 400, id="blank caption"),
            pytest.param({"captions": ["a"], "top_k": 0}, 400, id="top_k too small"),
            pytest.param({"captions": ["a"], "topk": 1}, 400, id="unknown field"),
            pytest.param({"captions": ["a"], "filter": "tempo=1"}, 400, id="filter"),
            pytest.param({"captions": ["a"], "filter": "a" * 2001}, 400, id="filter too long"),
            pytest.param({"captions": ["a"], "filter": {"bpm": 1}}, 400, id="filter object"),
            pytest.param({"captions": ["a"], "filter": [1]}, 400, id="filter list"),
            pytest.param({"captions": ["a"], "fallback": "maybe"}, 400, id="no fallback"),
            pytest.param({"captions": ["a", "b"], "weights": [1]}, 400, id="a weight too few"),
            pytest.param({"captions": ["a"], "weights": [0]}, 400, id="no weight"),
            pytest.param({"captions": ["a"], "unlike": ["x"]}, 400, id="no id"),
            pytest.param({"captions": ["a"], "arc": "up"}, 400, id="no arc"),
            pytest.param({"captions": ["a" * 300_000]}, 413, id="body too large"),
        ],
    )
    def test_bad_requests_are_problems(
        self, client: TestClient[Litestar], body: dict[str, object], status: int
    ):
        response = client.post("/v1/matches", json=body)
        assert response.status_code == status, response.text
        assert response.headers["content-type"] == "application/problem+json"
        assert response.json()["status"] == status

    def test_a_wrong_number_of_weights_is_said(self, client: TestClient[Litestar]):
        body = {"captions": ["a", "b"], "weights": [1.0]}
        problem = client.post("/v1/matches", json=body).json()
        assert problem["type"] == "urn:musiscene:brief-invalid"
        assert "2 captions, but 1 weights" in problem["title"]

    def test_every_option_is_heeded(self, client: TestClient[Litestar]):
        captions = ["mist rises over a still lake", "children dance at a party"]
        options = {"weights": [9.0, 1.0], "arc": "build", "use_feedback": False}
        hits = client.post("/v1/matches", json={"captions": captions, **options}).json()["hits"]
        assert hits[0]["scene_caption"] == SCENES["lake"]
        body = {"captions": captions, **options, "unlike": [hits[0]["track"]["id"]]}
        others = client.post("/v1/matches", json=body).json()["hits"]
        assert others[-1]["track"]["id"] == hits[0]["track"]["id"]

    @pytest.mark.parametrize("caption", ["?!...", "\N{PARTY POPPER}", "a\0b"])
    def test_any_text_gets_an_answer(self, client: TestClient[Litestar], caption: str):
        response = client.post("/v1/matches", json={"captions": [caption]})
        assert response.status_code == 200, response.text
        assert len(response.json()["hits"]) == 3

    @pytest.mark.parametrize(
        ("wanted", "found"),
        [
            pytest.param("bpm=110..130 (key=E or tag=piano)", 3, id="text"),
            pytest.param({"field": "bpm", "op": "between", "value": [110, 130]}, 3, id="object"),
            pytest.param({"not": {"field": "key", "op": "=", "value": "E"}}, 0, id="none left"),
        ],
    )
    def test_filters_in_either_form(self, client: TestClient[Litestar], wanted: object, found: int):
        body = client.post("/v1/matches", json={"captions": ["a"], "filter": wanted}).json()
        assert len(body["hits"]) == found
        assert (body["notice"] is None) == bool(found)

    def test_a_filter_that_cannot_be_read_says_where(self, client: TestClient[Litestar]):
        for wanted, where in (
            ("bpm=1 tempo=3", {"position": 6, "found": "tempo"}),
            ({"and": [{"field": "tempo", "op": "=", "value": 3}]}, {"path": "$.and[0].field"}),
        ):
            response = client.post("/v1/matches", json={"captions": ["a"], "filter": wanted})
            assert response.status_code == 400
            assert response.json()["errors"][0].items() >= where.items()

    def test_objects_inside_each_other_without_end_are_refused(self, client: TestClient[Litestar]):
        wanted = b'{"not":' * 20_000 + b"1" + b"}" * 20_000
        response = client.post(
            "/v1/matches",
            content=b'{"captions":["a"],"filter":' + wanted + b"}",
            headers={"Content-Type": "application/json"},
        )
        assert response.status_code == 400
        assert response.json()["type"] == "urn:musiscene:filter-invalid"

    def test_text_that_is_no_json_is_a_problem(self, client: TestClient[Litestar]):
        response = client.post(
            "/v1/matches", content=b"{", headers={"Content-Type": "application/json"}
        )
        assert response.status_code == 400

    def test_what_others_index_is_found_soon(self, client: TestClient[Litestar], data_dir: Path):
        with Library.open(data_dir, ModelStore(), create=False) as library:
            track_id = store_scene(library, data_dir, "desert", "camels cross a hot desert")
            body = {"captions": ["camels cross a hot desert"]}
            found, until = None, time.monotonic() + 20
            while found != track_id and time.monotonic() < until:
                found = client.post("/v1/matches", json=body).json()["hits"][0]["track"]["id"]
            library.catalogue.set_status([UUID(track_id)], "missing")
        assert found == track_id


class TestTracks:
    def test_a_list_that_is_filtered_and_paged(self, client: TestClient[Litestar]):
        whole = client.get("/v1/tracks").json()
        assert (whole["total"], len(whole["tracks"]), whole["after"]) == (3, 3, None)
        seen: list[object] = []
        after = None
        for _ in range(3):
            asked = {"limit": 1, **({"after": after} if after else {})}
            page = client.get("/v1/tracks", params=asked).json()
            assert (page["total"], len(page["tracks"])) == (3, 1)
            seen, after = [*seen, *page["tracks"]], page["after"]
        assert (seen, after) == (whole["tracks"], None)
        assert client.get("/v1/tracks", params={"filter": "path=lake"}).json()["total"] == 1
        assert client.get("/v1/tracks", params={"filter": "-added<7d"}).json()["total"] == 0

    @pytest.mark.parametrize(
        "asked",
        [
            {"filter": "tempo=3"},
            {"filter": "a" * 2001},
            {"limit": 0},
            {"limit": 201},
            {"after": 1},
            {"sort": "x"},
        ],
    )
    def test_a_list_that_cannot_be_given(
        self, client: TestClient[Litestar], asked: dict[str, str | int]
    ):
        response = client.get("/v1/tracks", params=asked)
        assert response.status_code == 400
        assert response.headers["content-type"] == "application/problem+json"

    def test_one_track_whole(self, client: TestClient[Litestar]):
        found = first_track(client)
        track = client.get(f"/v1/tracks/{found['id']}").json()
        assert track["path"] == found["path"]
        assert track["segments"][0]["scene_captions"] == [SCENES["party"]]

    @pytest.mark.parametrize("part", ["", "/audio"])
    def test_unknown_and_malformed_ids(self, client: TestClient[Litestar], part: str):
        assert client.get(f"/v1/tracks/{uuid4()}{part}").status_code == 404
        assert client.get(f"/v1/tracks/no-id{part}").status_code == 404

    def test_audio_with_ranges(self, client: TestClient[Litestar], data_dir: Path):
        url = f"/v1/tracks/{first_track(client)['id']}/audio"
        whole = (data_dir / "party.wav").read_bytes()
        response = client.get(url)
        assert (response.status_code, response.content) == (200, whole)
        assert response.headers["content-type"] == "audio/wav"
        assert response.headers["accept-ranges"] == "bytes"
        part = client.get(url, headers={"Range": "bytes=10-19"})
        assert (part.status_code, part.content) == (206, whole[10:20])
        assert part.headers["content-range"] == f"bytes 10-19/{len(whole)}"
        tail = client.get(url, headers={"Range": "bytes=-5"})
        assert (tail.status_code, tail.content) == (206, whole[-5:])
        beyond = client.get(url, headers={"Range": f"bytes={len(whole)}-"})
        assert beyond.status_code == 416
        head = client.head(url)
        assert (head.status_code, head.content) == (200, b"")
        assert head.headers["content-length"] == str(len(whole))

    def test_a_file_that_is_gone_is_a_problem(self, client: TestClient[Litestar], data_dir: Path):
        track_id = first_track(client)["id"]
        file = data_dir / "party.wav"
        file.rename(file.with_suffix(".away"))
        try:
            response = client.get(f"/v1/tracks/{track_id}/audio")
        finally:
            file.with_suffix(".away").rename(file)
        assert (response.status_code, response.json()["type"]) == (404, "urn:musiscene:audio-gone")


class TestHealth:
    def test_live_and_ready(self, client: TestClient[Litestar]):
        assert client.get("/health/live").json() == {"status": "live"}
        ready = client.get("/health/ready").json()
        assert (ready["status"], ready["tracks"]) == ("ready", 3)

    def test_not_ready_without_tracks(self, tmp_path: Path, data_dir: Path):
        assert data_dir.exists()
        with Library.open(tmp_path, ModelStore(), create=True):
            pass
        app = create_app(ServiceSettings(data_dir=tmp_path))
        with TestClient(app, raise_server_exceptions=False) as empty:
            response = empty.get("/health/ready")
        assert (response.status_code, response.json()["type"]) == (
            503,
            "urn:musiscene:nothing-indexed",
        )


class TestOpenApi:
    def test_every_operation_is_described(self, client: TestClient[Litestar]):
        document = client.get("/docs/openapi.json").json()
        filter_schema = document["components"]["schemas"]["MatchRequest"]["properties"]["filter"]
        for example in filter_schema["examples"]:
            assert read_filter(example)
        for path in document["paths"].values():
            for operation in path.values():
                assert operation["operationId"]
                assert operation["summary"]
                for status, response in operation["responses"].items():
                    if int(status) >= 400:
                        assert set(response["content"]) == {"application/problem+json"}, status

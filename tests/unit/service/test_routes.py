"""Waveforms, similar tracks, the map, feedback and briefs over HTTP, on both databases."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any
from uuid import uuid4

import pytest
from litestar.testing import TestClient

from indexer.catalogue.repository import Catalogue
from musiscene.audio.read import identify_audio
from service.app import create_app
from service.settings import ServiceSettings
from tests.support.audio import sine, write_audio
from tests.support.listening import listening, store
from tests.support.retrieval import library_without_models, made_library

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from litestar import Litestar

Api = TestClient[Any]


@pytest.fixture(scope="module")
def api(
    module_catalogue_location: str, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[TestClient[Litestar]]:
    folder: Path = tmp_path_factory.mktemp("library")
    (folder / "other").mkdir()
    path = folder / "sine.wav"
    write_audio(path, sine(440, seconds=2, sample_rate=16_000), sample_rate=16_000)
    database = module_catalogue_location if "://" in module_catalogue_location else None
    location = database or str(folder / "catalogue.sqlite")
    with pytest.MonkeyPatch.context() as patches:
        library_without_models(folder / "other", patches)
        made_library(folder, location).close()
        with Catalogue.open(location) as catalogue:
            heard = listening(str(path), audio_hash=identify_audio(path).audio_hash)
            store(catalogue, heard, scenes=["a Sine sings"])
            (folder / "bad.wav").write_bytes(b"RIFF no audio")
            store(catalogue, listening(str(folder / "bad.wav"), audio_hash="b" * 64))
        app = create_app(ServiceSettings(data_dir=folder, database=database))
        with TestClient(app, base_url="http://127.0.0.1", raise_server_exceptions=False) as opened:
            yield opened


def track_id(api: Api, words: str) -> str:
    tracks = api.get("/v1/tracks", params={"q": words}).json()["tracks"]
    assert len(tracks) == 1
    return str(tracks[0]["id"])


def code(response: Any) -> tuple[int, str]:  # noqa: ANN401
    assert response.headers["content-type"] == "application/problem+json"
    return response.status_code, response.json()["type"].removeprefix("urn:musiscene:")


class TestList:
    def test_pages_in_any_order(self, api: Api):
        asked: dict[str, str | int] = {"sort": "-title", "limit": 4}
        first = api.get("/v1/tracks", params=asked).json()
        second = api.get("/v1/tracks", params=asked | {"after": first["after"]}).json()
        names = [track["path"].rpartition("/")[2] for track in first["tracks"] + second["tracks"]]
        assert [name.partition(".")[0] for name in names] == [
            "storm", "snow", "sine", "lake", "chase", "bad",
        ]  # fmt: skip
        assert (first["total"], second["total"], second["after"]) == (6, 6, None)
        other = asked | {"after": first["after"], "sort": "bpm"}
        assert code(api.get("/v1/tracks", params=other)) == (400, "cursor-invalid")

    def test_a_cursor_that_was_made_up(self, api: Api):
        for after in ("x", "%00", "a" * 100, "ä"):
            response = api.get("/v1/tracks", params={"after": after})
            assert code(response) == (400, "cursor-invalid")


class TestAnswers:
    @pytest.mark.parametrize("part", ["", "/similar", "/waveform"])
    def test_what_a_client_has_is_not_sent_again(self, api: Api, part: str):
        url = f"/v1/tracks/{track_id(api, 'sine')}{part}"
        first = api.get(url)
        again = api.get(url, headers={"If-None-Match": f'"x", {first.headers["etag"]}'})
        assert (first.status_code, again.status_code, again.content) == (200, 304, b"")
        assert again.headers["etag"] == first.headers["etag"]

    def test_audio_neither(self, api: Api):
        url = f"/v1/tracks/{track_id(api, 'sine')}/audio"
        tag = api.get(url).headers["etag"]
        assert api.get(url, headers={"If-None-Match": tag}).status_code == 304
        beyond = api.get(url, headers={"Range": "bytes=99999999-"})
        assert code(beyond) == (416, "range-invalid")
        assert beyond.headers["content-range"].startswith("bytes */")

    def test_requests_are_named(self, api: Api):
        own = api.get("/v1/map", headers={"X-Request-ID": "cut-7"})
        assert own.headers["x-request-id"] == "cut-7"
        odd = api.get("/v1/nowhere", headers={"X-Request-ID": "a b"})
        assert code(odd) == (404, "not-found")
        assert odd.json()["instance"] == f"urn:musiscene:request:{odd.headers['x-request-id']}"
        assert odd.headers["x-request-id"] != "a b"

    def test_refusals_of_the_framework_have_codes(self, api: Api):
        assert code(api.put("/v1/tracks")) == (405, "method-not-allowed")
        form = api.post("/v1/matches", data={"captions": "a"})
        assert code(form) == (415, "media-type-unsupported")
        wrong = api.post("/v1/matches", json={"captions": ["a", 3]})
        assert code(wrong) == (400, "request-invalid")
        assert wrong.json()["errors"][0]["key"] == "captions[1]"

    def test_long_answers_are_compressed_and_audio_is_not(self, api: Api):
        assert api.get("/v1/tracks").headers["content-encoding"] == "gzip"
        audio = api.get(f"/v1/tracks/{track_id(api, 'sine')}/audio")
        assert "content-encoding" not in audio.headers


class TestWaveform:
    def test_outlines_the_file(self, api: Api):
        url = f"/v1/tracks/{track_id(api, 'sine')}/waveform"
        found = api.get(url, params={"points": 100}).json()
        assert found["length"] * 2 == len(found["data"]) <= 200
        seconds = found["length"] * found["samples_per_pixel"] / found["sample_rate"]
        assert seconds == pytest.approx(2.0, abs=0.05)
        assert min(found["data"]) == pytest.approx(-max(found["data"]), abs=2)
        assert max(found["data"]) > 10

    def test_files_that_cannot_be_drawn(self, api: Api):
        bad = api.get(f"/v1/tracks/{track_id(api, 'bad.wav')}/waveform")
        assert code(bad) == (422, "waveform-unavailable")
        gone = api.get(f"/v1/tracks/{track_id(api, 'storm')}/waveform")
        assert code(gone) == (404, "audio-gone")
        assert code(api.get(f"/v1/tracks/{uuid4()}/waveform")) == (404, "track-not-found")


class TestSimilarAndMap:
    def test_similar_tracks(self, api: Api):
        url = f"/v1/tracks/{track_id(api, 'sine')}/similar"
        found = api.get(url, params={"top_k": 2, "filter": "path=/m/", "section": "1"}).json()
        assert [hit["rank"] for hit in found["hits"]] == [1]  # the others are copies of its audio
        assert all(hit["track"]["path"].startswith("/m/") for hit in found["hits"])
        for wrong in ({"section": "x"}, {"section": "99"}):
            assert code(api.get(url, params=wrong)) == (400, "seed-invalid")

    def test_the_map_stays(self, api: Api):
        found = api.get("/v1/map").json()
        assert (found["total"], len(found["points"])) == (6, 6)
        assert api.get("/v1/map").json() == found
        assert len(api.get("/v1/map", params={"limit": 2}).json()["points"]) == 2


class TestFeedback:
    def test_from_saying_to_taking_back(self, api: Api):
        body = {"track_id": track_id(api, "lake"), "captions": ["mist"], "verdict": "accept"}
        made = api.post("/v1/feedback", json=body)
        assert made.status_code == 201
        url = made.headers["location"]
        assert api.get(url).json() == made.json()
        listed = api.get("/v1/feedback", params={"q": "MIST"}).json()
        assert listed == {"opinions": [made.json()], "after": None}
        assert api.delete(url).status_code == 204
        assert code(api.get(url)) == (404, "opinion-not-found")

    def test_about_nothing(self, api: Api):
        body = {"track_id": str(uuid4()), "captions": ["mist"], "verdict": "accept"}
        assert code(api.post("/v1/feedback", json=body)) == (404, "track-not-found")
        blank = {"track_id": track_id(api, "lake"), "captions": [" "], "verdict": "reject"}
        assert code(api.post("/v1/feedback", json=blank)) == (400, "brief-invalid")


class TestBriefs:
    def test_are_remembered_unless_they_are_not_to_be(self, api: Api):
        asked = {"captions": ["a ship fights a storm"], "filter": "bpm>1", "negatives": ["rain"]}
        hits = api.post("/v1/matches", json=asked).json()["hits"]
        api.post("/v1/matches", json={"captions": ["a secret"], "remember": False})
        page = api.get("/v1/briefs", params={"limit": 1}).json()
        brief = page["briefs"][0]
        assert {name: brief[name] for name in asked} == asked
        assert brief["track_ids"] == [hit["track"]["id"] for hit in hits]
        url = f"/v1/briefs/{brief['id']}"
        assert api.get(url).json() == brief
        assert api.delete(url).status_code == 204
        assert code(api.get(url)) == (404, "brief-not-found")
        assert code(api.delete(url)) == (404, "brief-not-found")

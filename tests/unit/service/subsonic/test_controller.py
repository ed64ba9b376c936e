"""Players of the Subsonic family, in process."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any
from uuid import uuid4
from xml.etree import ElementTree as Xml

import pytest

from service.settings import ServiceSettings
from tests.support.audio import sine, write_audio
from tests.support.listening import listening, new_catalogue, store
from tests.support.service import add_key, bearer, fresh_keys, service_over

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from litestar import Litestar
    from litestar.testing import TestClient

SPACE = "{http://subsonic.org/restapi}"


@pytest.fixture
def api(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[TestClient[Litestar]]:
    fresh_keys(monkeypatch)
    music = tmp_path / "music"
    music.mkdir()
    with new_catalogue(tmp_path) as catalogue:
        for number, name in enumerate(("one", "two", "three")):
            file = music / f"{name} & co.wav"
            write_audio(file, sine(440, seconds=1, sample_rate=16_000), sample_rate=16_000)
            heard = listening(str(file), audio_hash=f"{name:0>64}", artist='A "B" <C>')
            words = " ".join(f"w{one}" for one in range(number, number + 4))
            store(catalogue, heard, scenes=[words], music=words)
    settings = ServiceSettings(data_dir=tmp_path, library_roots=(music,))
    with service_over(tmp_path, monkeypatch, settings) as client:
        yield client


def asked(api: TestClient[Litestar], method: str, **params: Any) -> dict[str, Any]:  # noqa: ANN401
    response = api.get(f"/rest/{method}", params={"f": "json", **params})
    assert response.status_code == 200
    found: dict[str, Any] = response.json()["subsonic-response"]
    assert found["openSubsonic"] is True
    assert found["version"] == "1.16.1"
    assert (found["status"] == "ok") != ("error" in found)
    return found


def code(api: TestClient[Litestar], method: str, **params: Any) -> int:  # noqa: ANN401
    found: int = asked(api, method, **params)["error"]["code"]
    return found


def song(api: TestClient[Litestar], name: str) -> str:
    tracks = api.get("/v1/tracks").json()["tracks"]
    [found] = [one["id"] for one in tracks if f"/{name} &" in one["path"]]
    return str(found)


class TestMethods:
    def test_ping_and_extensions(self, api: TestClient[Litestar]):
        assert asked(api, "ping.view")["status"] == "ok"
        found = asked(api, "getOpenSubsonicExtensions")["openSubsonicExtensions"]
        assert {"name": "sonicSimilarity", "versions": [1]} in found
        assert asked(api, "tokenInfo")["tokenInfo"] == {"username": "local"}
        assert asked(api, "getLicense")["license"]["valid"] is True

    def test_similar_tracks_and_their_songs(self, api: TestClient[Litestar]):
        matches = asked(api, "getSonicSimilarTracks", id=song(api, "one"), count=1)["sonicMatch"]
        [match] = matches
        assert match["entry"]["id"] == song(api, "two")
        assert 0 < match["similarity"] <= 1
        own = asked(api, "getSong", id=match["entry"]["id"])["song"]
        assert own == match["entry"]
        assert own["title"] == "two & co"
        assert own["contentType"] == "audio/wav"
        assert "/" not in own["title"]

    def test_the_path_leads_over_the_track_between(self, api: TestClient[Litestar]):
        ends = {"startSongId": song(api, "one"), "endSongId": song(api, "three")}
        matches = asked(api, "findSonicPath", **ends)["sonicMatch"]
        found = [match["entry"]["id"] for match in matches]
        assert found == [song(api, name) for name in ("one", "two", "three")]
        assert matches[0]["similarity"] == 1.0

    def test_xml_says_the_same(self, api: TestClient[Litestar]):
        response = api.get("/rest/getSonicSimilarTracks", params={"id": song(api, "one")})
        assert response.headers["content-type"].startswith("application/xml")
        root = Xml.fromstring(response.text)  # noqa: S314  our own
        assert root.tag == f"{SPACE}subsonic-response"
        assert (root.get("status"), root.get("openSubsonic")) == ("ok", "true")
        [first, *_] = root.findall(f"{SPACE}sonicMatch")
        entry = first.find(f"{SPACE}entry")
        assert entry is not None
        assert entry.get("artist") == 'A "B" <C>'
        assert float(first.get("similarity", "")) > 0
        extensions = Xml.fromstring(api.get("/rest/getOpenSubsonicExtensions").text)  # noqa: S314
        versions = extensions.findall(f"{SPACE}openSubsonicExtensions/{SPACE}versions")
        assert [one.text for one in versions] == ["1", "1"]

    def test_a_song_is_streamed_with_ranges(self, api: TestClient[Litestar]):
        whole = api.get("/rest/stream", params={"id": song(api, "one"), "maxBitRate": 128})
        assert whole.status_code == 200
        assert whole.headers["content-type"] == "audio/wav"
        part = api.get(
            "/rest/stream.view", params={"id": song(api, "one")}, headers={"Range": "bytes=4-7"}
        )
        assert (part.status_code, part.content) == (206, whole.content[4:8])


class TestRefusals:
    @pytest.mark.parametrize("method", ["getSong", "stream", "getSonicSimilarTracks"])
    def test_songs_that_are_not_there(self, api: TestClient[Litestar], method: str):
        assert code(api, method) == 10
        assert code(api, method, id="../../etc/passwd") == 70
        assert code(api, method, id=str(uuid4())) == 70

    def test_what_cannot_be_answered(self, api: TestClient[Litestar]):
        one = song(api, "one")
        assert code(api, "getCoverArt", id=one) == 70
        assert code(api, "createPlaylist") == 0
        assert code(api, "findSonicPath", startSongId=one) == 10
        for count in ("0", "-1", "many", "9" * 40, "501"):
            assert code(api, "getSonicSimilarTracks", id=one, count=count) == 0

    def test_errors_are_in_xml_too(self, api: TestClient[Litestar]):
        root = Xml.fromstring(api.get("/rest/getSong").text)  # noqa: S314  our own
        error = root.find(f"{SPACE}error")
        assert root.get("status") == "failed"
        assert error is not None
        assert error.get("code") == "10"


class TestKeys:
    def test_who_may_ask(self, api: TestClient[Litestar], tmp_path: Path):
        key = add_key(tmp_path, "read")
        assert code(api, "ping") == 10
        assert asked(api, "getOpenSubsonicExtensions")["status"] == "ok"
        assert asked(api, "ping", apiKey=key)["status"] == "ok"
        assert asked(api, "tokenInfo", apiKey=key)["tokenInfo"]["username"] in key
        assert asked(api, "ping", u="me", p=key)["status"] == "ok"
        assert asked(api, "ping", u="me", p=f"enc:{key.encode().hex()}")["status"] == "ok"
        shown = api.get("/rest/ping", params={"f": "json"}, headers=bearer(key)).json()
        assert shown["subsonic-response"]["status"] == "ok"

    def test_what_opens_nothing(self, api: TestClient[Litestar], tmp_path: Path):
        key = add_key(tmp_path, "read")
        assert code(api, "ping", apiKey=key + "x") == 44
        assert code(api, "ping", apiKey="") == 44
        assert code(api, "ping", apiKey=key, u="me") == 43
        assert code(api, "ping", u="me", t="0" * 32, s="salt") == 41
        assert code(api, "ping", u="me", p="wrong") == 40
        assert code(api, "ping", u="me", p="enc:zz") == 40
        assert (
            api.get("/rest/stream", params={"id": song_id(api, key)})
            .headers["content-type"]
            .startswith("application/xml")
        )

    def test_guessing_is_throttled(self, api: TestClient[Litestar], tmp_path: Path):
        add_key(tmp_path, "read")
        said = [asked(api, "ping", apiKey="wrong")["error"]["message"] for _ in range(12)]
        assert said[0] != said[-1]


def song_id(api: TestClient[Litestar], key: str) -> str:
    tracks = api.get("/v1/tracks", headers=bearer(key)).json()["tracks"]
    return str(tracks[0]["id"])

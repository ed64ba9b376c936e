from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest
from litestar.testing import TestClient

from musiscene.errors import StudyBusyError, StudyError
from musiscene.study.analyse import analyse
from musiscene.study.answers import read_answers
from musiscene.study.order import session_of
from service.settings import LimitSettings, ServiceSettings
from service.study.app import create_study_app
from service.study.service import StudyDesk
from tests.support.service import add_key, fresh_keys, service_over
from tests.support.study import answer_of, links_of, make_study, take_part

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from httpx import Response

    from musiscene.study.design import Study

HERE = "/studies/study"


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Study]:
    return make_study(tmp_path_factory.mktemp("made"), pairs_per_item=1)


@pytest.fixture
def folder(made: tuple[Path, Study]) -> Iterator[Path]:
    """The study, without what an earlier test answered."""
    path = made[0] / "answers.jsonl"
    before = path.read_bytes()
    yield made[0]
    path.write_bytes(before)


@pytest.fixture
def study(made: tuple[Path, Study]) -> Study:
    return made[1]


def serving(folder: Path, *, tries: int = 100) -> TestClient[Any]:
    desk = StudyDesk([folder], tries_per_minute=tries)
    desk.start()
    settings = ServiceSettings(data_dir=folder, limits=LimitSettings())
    return TestClient(create_study_app(settings, desk))


@pytest.fixture
def client(folder: Path) -> Iterator[TestClient[Any]]:
    with serving(folder) as opened:
        yield opened


def link(folder: Path, slot: int = 0) -> dict[str, str]:
    return {"X-Rater": links_of(folder)[slot]}


def say(client: TestClient[Any], folder: Path, answer: dict[str, Any], slot: int = 0) -> Response:
    return client.post(f"{HERE}/answers", headers=link(folder, slot), json=answer)


def begin(client: TestClient[Any], folder: Path, slot: int = 0) -> dict[str, Any]:
    said: dict[str, Any] = client.post(f"{HERE}/agreement", headers=link(folder, slot)).json()
    return said


class TestSession:
    def test_a_whole_one_ends_with_thanks_and_a_code_that_the_analysis_knows(
        self, client: TestClient[Any], folder: Path, study: Study
    ):
        end = take_part(client, "study", study, 0, links_of(folder)[0])
        assert (end["trial"], end["done"]) == (None, len(session_of(study, 0)))
        report = analyse(study, read_answers(folder))
        assert report.completion_codes == {0: end["code"]}

    def test_nothing_that_a_rater_gets_names_a_system_an_item_or_a_file(
        self, client: TestClient[Any], folder: Path, study: Study
    ):
        texts = [client.get(f"{HERE}/about").text, json.dumps(begin(client, folder))]
        view = json.loads(texts[-1])
        for piece in view["trial"]["pieces"]:
            answer = client.get(f"{HERE}/files/{piece['token']}/audio")
            texts += [str(answer.headers), answer.content[:400].decode("latin-1")]
        secret = [*study.systems, *(one.name for one in study.items), ".wav"]
        assert [one for one in secret for text in texts if one in text.lower()] == []

    def test_it_goes_on_where_it_stopped_after_a_restart(self, folder: Path, study: Study):
        with serving(folder) as client:
            view = begin(client, folder)
            values = {one["key"]: 3 for one in view["trial"]["questions"]}
            say(client, folder, answer_of(study, 0, 0, values))
        with serving(folder) as client:
            view = client.get(f"{HERE}/session", headers=link(folder)).json()
        assert (view["agreed"], view["done"], view["trial"]["number"]) == (True, 1, 1)

    def test_nothing_is_kept_of_address_or_browser(
        self, client: TestClient[Any], folder: Path, study: Study
    ):
        take_part(client, "study", study, 0, links_of(folder)[0])
        kept = (folder / "answers.jsonl").read_text()
        assert not any(one in kept.lower() for one in ("testclient", "127.0.0.1", "agent"))
        assert not any(token in kept for token in links_of(folder))


class TestAnswer:
    @pytest.fixture
    def good(self, client: TestClient[Any], folder: Path, study: Study) -> dict[str, Any]:
        view = begin(client, folder)
        return answer_of(study, 0, 0, {one["key"]: 2 for one in view["trial"]["questions"]})

    @pytest.mark.parametrize(
        "changed",
        [
            pytest.param({"values": {"relevance": 6}}, id="above the scale"),
            pytest.param({"values": {"relevance": 0}}, id="below the scale"),
            pytest.param({"values": {}}, id="nothing said"),
            pytest.param({"values": {"relevance": 3, "more": 1}}, id="something else said"),
            pytest.param({"heard_seconds": [0.0]}, id="not heard"),
            pytest.param({"heard_seconds": []}, id="not said what was heard"),
            pytest.param({"trial": 5}, id="a later page"),
            pytest.param({"trial": 999_999}, id="no page"),
            pytest.param({"pieces": ["0" * 32]}, id="other music"),
        ],
    )
    def test_what_does_not_belong_there_is_refused(
        self, client: TestClient[Any], folder: Path, good: dict[str, Any], changed: dict[str, Any]
    ):
        refused = say(client, folder, good | changed)
        assert refused.status_code == 409
        assert refused.json()["type"] == "urn:musiscene:answer-refused"
        assert read_answers(folder).given == {}
        assert say(client, folder, good).status_code == 200

    @pytest.mark.parametrize(
        "changed",
        [
            pytest.param({"trial": -1}, id="number"),
            pytest.param({"plays": "many"}, id="type"),
            pytest.param({"who": "me"}, id="unknown field"),
            pytest.param({"heard_seconds": [1e9]}, id="length"),
        ],
    )
    def test_what_is_no_answer_is_refused(
        self, client: TestClient[Any], folder: Path, good: dict[str, Any], changed: dict[str, Any]
    ):
        assert say(client, folder, good | changed).status_code == 400

    def test_a_long_body_is_not_read(self, client: TestClient[Any], folder: Path):
        long = b'{"trial": 0, "values": {' + b" " * 20_000 + b"}}"
        sent = client.post(f"{HERE}/answers", headers=link(folder), content=long)
        assert sent.status_code == 413

    def test_that_of_another_raters_page_is_refused(
        self, client: TestClient[Any], folder: Path, study: Study, good: dict[str, Any]
    ):
        other = next(
            slot
            for slot in range(1, 40)
            if session_of(study, slot)[0].tokens != session_of(study, 0)[0].tokens
        )
        begin(client, folder, other)
        assert say(client, folder, good, other).status_code == 409

    def test_the_same_once_more_is_acknowledged_and_written_once(
        self, client: TestClient[Any], folder: Path, good: dict[str, Any]
    ):
        first, second = say(client, folder, good), say(client, folder, good)
        assert (first.json(), second.status_code) == (second.json(), 200)
        assert (folder / "answers.jsonl").read_text().count('"type":"answer"') == 1

    def test_of_two_to_one_page_the_last_counts(
        self, client: TestClient[Any], folder: Path, good: dict[str, Any]
    ):
        say(client, folder, good)
        say(client, folder, good | {"values": {"relevance": 4}})
        assert read_answers(folder).given[0][0].values == {"relevance": 4}

    def test_after_the_end_nothing_changes(
        self, client: TestClient[Any], folder: Path, study: Study
    ):
        take_part(client, "study", study, 0, links_of(folder)[0])
        kept = read_answers(folder).given[0][0].values["relevance"]
        late = answer_of(study, 0, 0, {"relevance": kept % 5 + 1})
        assert say(client, folder, late).status_code == 409
        assert read_answers(folder).given[0][0].values == {"relevance": kept}

    def test_nobody_answers_before_agreeing(
        self, client: TestClient[Any], folder: Path, study: Study
    ):
        answer = answer_of(study, 1, 0, {"relevance": 3})
        assert say(client, folder, answer, 1).status_code == 409


class TestAccess:
    def test_an_unknown_link_opens_nothing_and_guessing_is_slow(self, folder: Path):
        with serving(folder, tries=3) as client:
            asked = [
                client.get(f"{HERE}/session", headers={"X-Rater": "x" * 22}).status_code
                for _ in range(5)
            ]
        assert asked == [404, 404, 404, 429, 429]

    def test_a_closed_study_gives_no_places(self, client: TestClient[Any]):
        assert client.post(f"{HERE}/join").status_code == 404

    def test_an_open_study_gives_each_place_once(self, tmp_path: Path):
        folder, _ = make_study(
            tmp_path, systems=1, items=1, random_floor=False, is_open=True, raters=3
        )
        with serving(folder) as client:
            given = [client.post(f"{HERE}/join") for _ in range(4)]
            tokens = {one.json()["token"] for one in given[:3]}
            assert ([one.status_code for one in given], len(tokens)) == ([201, 201, 201, 404], 3)
            shown = client.get(f"{HERE}/session", headers={"X-Rater": tokens.pop()})
        assert shown.json()["agreed"] is False

    def test_audio_has_ranges_and_other_names_lead_nowhere(
        self, client: TestClient[Any], study: Study
    ):
        token = study.stimuli[0].token
        part = client.get(f"{HERE}/files/{token}/audio", headers={"Range": "bytes=0-3"})
        assert (part.status_code, part.content) == (206, b"fLaC")
        for name in ("..%2fstudy.json", "study.json", f"{token}.flac", "0" * 32):
            assert client.get(f"{HERE}/files/{name}/audio").status_code == 404

    def test_every_answer_has_the_headers_that_shield_it(self, client: TestClient[Any]):
        page = client.get(f"{HERE}/")
        assert page.headers["content-security-policy"].startswith("default-src 'self'")
        assert page.headers["referrer-policy"] == "no-referrer"
        assert "set-cookie" not in page.headers

    def test_the_address_without_its_slash_leads_to_the_page(self, client: TestClient[Any]):
        assert client.get(HERE).url.path == f"{HERE}/"
        assert client.get("/").url.path == f"{HERE}/"


class TestOpenStudy:
    def test_two_servers_on_one_study_are_one_too_many(
        self,
        client: TestClient[Any],  # noqa: ARG002  holds it
        folder: Path,
    ):
        with pytest.raises(StudyBusyError, match="another process serves"):
            serving(folder)

    def test_a_stimulus_that_is_not_as_it_was_stops_the_study(self, folder: Path, study: Study):
        path = folder / "stimuli" / f"{study.stimuli[0].token}.flac"
        before = path.read_bytes()
        path.write_bytes(before[:-1] + b"x")
        try:
            with pytest.raises(StudyError, match="not as it was"):
                serving(folder)
        finally:
            path.write_bytes(before)


class TestInTheService:
    def test_raters_need_no_key_where_others_do(
        self, folder: Path, study: Study, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ):
        fresh_keys(monkeypatch)
        (tmp_path / "library").mkdir()
        settings = ServiceSettings(data_dir=tmp_path / "library", studies=folder.parent)
        with service_over(tmp_path / "library", monkeypatch, settings) as client:
            key = add_key(tmp_path / "library", "read")
            end = take_part(client, "study", study, 0, links_of(folder)[0])
            assert client.get(f"{HERE}/").status_code == 200
            assert client.get("/studies/other/about").status_code == 404
            for path in ("/v1/tracks", "/v1/studies", "/v1/studies/study/report"):
                assert client.get(path).status_code == 401
            self._results_are_for_those_who_have_one(client, end, key)
        assert len(read_answers(folder).given) == 1

    def _results_are_for_those_who_have_one(
        self, client: TestClient[Any], end: dict[str, Any], key: str
    ) -> None:
        client.headers["Authorization"] = f"Bearer {key}"
        [listed] = client.get("/v1/studies").json()["studies"]
        assert (listed["name"], listed["raters"], listed["answers"]) == ("study", 1, end["total"])
        report = client.get("/v1/studies/study/report")
        assert (report.status_code, report.json()["finished"]) == (200, 1)
        assert end["code"] not in report.text
        assert client.get("/v1/studies/other/report").status_code == 404

    def test_without_studies_there_are_no_pages(
        self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ):
        with service_over(tmp_path, monkeypatch) as client:
            assert client.get(f"{HERE}/about").status_code == 404

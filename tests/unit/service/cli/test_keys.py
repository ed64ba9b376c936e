"""`musiscene keys`: made and shown once, listed without secrets, revoked."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest

from service.cli import main
from service.security.errors import KeyNeededError
from tests.support.retrieval import library_without_models

if TYPE_CHECKING:
    from pathlib import Path


@pytest.fixture
def library(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    for name in ("MUSISCENE_DATABASE_URL", "MUSISCENE_DATABASE_URL_FILE", "MUSISCENE_CONFIG"):
        monkeypatch.delenv(name, raising=False)
    return library_without_models(tmp_path, monkeypatch)


@pytest.fixture
def run(library: Path, capsys: pytest.CaptureFixture[str]) -> Any:  # noqa: ANN401  a function
    def run_here(*arguments: str) -> tuple[int, str, str]:
        status = main(["--data-dir", str(library), *arguments])
        said = capsys.readouterr()
        return status, said.out, said.err

    return run_here


class TestKeys:
    def test_a_key_is_shown_once_and_never_stored(self, run: Any, library: Path):  # noqa: ANN401
        status, out, err = run("keys", "create", "the cutting room", "--scope", "write")
        key = out.strip()
        assert status == 0
        assert key.startswith("mus_")
        assert "not shown again" in err
        secret = key.rpartition("_")[2]
        assert secret not in run("keys", "list")[1]
        assert secret not in run("keys", "list", "--json")[1]
        for file in library.glob("catalogue.sqlite*"):
            assert secret.encode() not in file.read_bytes()

    def test_a_list_says_what_each_opens_and_whether_it_does(self, run: Any):  # noqa: ANN401
        made = json.loads(run("keys", "create", "a", "--scope", "admin", "--json")[1])
        run("keys", "create", "b", "--expires", "90d")
        assert run("keys", "revoke", made["id"])[0] == 0
        listed = {one["name"]: one for one in json.loads(run("keys", "list", "--json")[1])}
        assert (listed["a"]["state"], listed["a"]["scopes"]) == ("revoked", ["admin"])
        assert (listed["b"]["state"], listed["b"]["scopes"]) == ("valid", ["read"])

    def test_a_key_that_is_not_there_cannot_be_revoked(self, run: Any):  # noqa: ANN401
        status, out, err = run("keys", "revoke", "000000000000")
        assert (status, out) == (2, "")
        assert "000000000000" in err

    @pytest.mark.parametrize(
        "arguments",
        [
            ("create", " "),
            ("create", "a" * 201),
            ("create", "a", "--scope", "root"),
            ("create", "a", "--expires", "soon"),
            ("create", "a", "--expires", "2001-01-01"),
            ("create", "a", "--expires", "99999y"),
        ],
    )
    def test_wrong_use_makes_none(self, run: Any, arguments: tuple[str, ...]):  # noqa: ANN401
        assert run("keys", *arguments)[0] == 2
        assert json.loads(run("keys", "list", "--json")[1]) == []


class TestListeningToOthers:
    @pytest.mark.parametrize("host", ["0.0.0.0", "::", "192.168.1.5", "music.example.org"])  # noqa: S104
    def test_it_does_not_start_without_a_key(self, run: Any, host: str):  # noqa: ANN401
        status, out, err = run("serve", "--no-worker", "--host", host)
        assert (status, out) == (3, "")
        assert "musiscene keys create" in err

    def test_nor_with_keys_that_open_nothing(self, run: Any):  # noqa: ANN401
        made = json.loads(run("keys", "create", "a", "--json")[1])
        run("keys", "revoke", made["id"])
        assert run("serve", "--no-worker", "--host", "0.0.0.0")[0] == 3  # noqa: S104

    def test_on_this_machine_it_needs_none_and_names_its_studies(
        self,
        run: Any,  # noqa: ANN401
        tmp_path: Path,
        monkeypatch: pytest.MonkeyPatch,
    ):
        study = tmp_path / "studies" / "scenes"
        study.mkdir(parents=True)
        (study / "study.json").write_text("{}")
        monkeypatch.setenv("MUSISCENE_STUDIES", str(study.parent))
        monkeypatch.setattr("service.server.serve", lambda _settings: 0)
        status, _, err = run("serve", "--no-worker", "--port", "8123")
        assert status == 0
        assert "http://127.0.0.1:8123/studies/scenes/" in err

    def test_with_a_key_it_does(self, run: Any, monkeypatch: pytest.MonkeyPatch):  # noqa: ANN401
        run("keys", "create", "a")
        hosts: list[str] = []

        def note(settings: Any) -> int:  # noqa: ANN401
            hosts.append(settings.host)
            return 0

        monkeypatch.setattr("service.server.serve", note)
        assert run("serve", "--no-worker", "--host", "0.0.0.0")[0] == 0  # noqa: S104
        assert hosts == ["0.0.0.0"]  # noqa: S104

    def test_the_reason_is_an_error_of_its_own(self):
        assert "0.0.0.0" in str(KeyNeededError("0.0.0.0"))  # noqa: S104

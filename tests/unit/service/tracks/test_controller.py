"""Tracks over HTTP, and the same library by the command line, on both databases."""

from __future__ import annotations

import json
import sys
from typing import TYPE_CHECKING

import pytest
from litestar.testing import TestClient

from service.app import create_app
from service.cli import main
from service.settings import ServiceSettings
from tests.support.retrieval import TRACKS, library_without_models, made_library

if TYPE_CHECKING:
    from pathlib import Path


@pytest.fixture
def data_dir(catalogue_location: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    (tmp_path / "other").mkdir()
    library_without_models(tmp_path / "other", monkeypatch)
    made_library(tmp_path, catalogue_location).close()
    return tmp_path


@pytest.fixture
def database(catalogue_location: str) -> str | None:
    return catalogue_location if "://" in catalogue_location else None


class TestTracks:
    def test_pages_filters_and_single_tracks(self, data_dir: Path, database: str | None):
        app = create_app(ServiceSettings(data_dir=data_dir, database=database))
        with TestClient(app) as client:
            pages = [client.get("/v1/tracks", params={"limit": 3}).json()]
            pages.append(
                client.get("/v1/tracks", params={"limit": 3, "after": pages[0]["after"]}).json()
            )
            found = [track["path"] for page in pages for track in page["tracks"]]
            assert found == [f"/m/{name}.wav" for name in TRACKS]
            loud = client.get("/v1/tracks", params={"filter": "tag=drums path=STORM"}).json()
            assert [track["path"] for track in loud["tracks"]] == ["/m/wild/storm.wav"]
            track = client.get(f"/v1/tracks/{loud['tracks'][0]['id']}").json()
            assert track["segments"][0]["scene_captions"] == ["a ship fights a storm"]
            assert track["added_at"].endswith(("Z", "+00:00"))


class TestCommandLine:
    def test_finds_the_library_by_its_url(
        self,
        data_dir: Path,
        database: str | None,
        monkeypatch: pytest.MonkeyPatch,
        capsys: pytest.CaptureFixture[str],
    ):
        if database:
            monkeypatch.setenv("MUSISCENE_DATABASE_URL", database)
        command = ["--data-dir", str(data_dir), "match", "a ship fights a storm", "--json", "-q"]
        assert main(command) == 0
        first = json.loads(capsys.readouterr().out)["hits"][0]["track"]
        assert first["path"] == "/m/wild/storm.wav"
        assert (data_dir / "vectors").exists() == (database is None)

    def test_a_missing_driver_is_one_line_and_exit_code_3(
        self,
        tmp_path: Path,
        monkeypatch: pytest.MonkeyPatch,
        capsys: pytest.CaptureFixture[str],
    ):
        library_without_models(tmp_path, monkeypatch)
        monkeypatch.setitem(sys.modules, "psycopg", None)
        url = "postgresql://me:secret@127.0.0.1:1/name"
        assert main(["--data-dir", str(tmp_path), "--database", url, "feedback", "list"]) == 3
        said = capsys.readouterr().err
        assert said.count("\n") == 1
        assert "pip install 'musiscene[postgres]'" in said

"""`musiscene backup` and `restore`, as people run them."""

from __future__ import annotations

import json
import shutil
import subprocess
from typing import TYPE_CHECKING

import pytest

from indexer.catalogue.repository import Catalogue
from service.cli import main
from tests.support.listening import listening, store
from tests.support.retrieval import library_without_models

if TYPE_CHECKING:
    from pathlib import Path


@pytest.fixture
def library(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    for name in ("MUSISCENE_DATABASE_URL", "MUSISCENE_DATABASE_URL_FILE", "MUSISCENE_CONFIG"):
        monkeypatch.delenv(name, raising=False)
    folder = tmp_path / "library"
    folder.mkdir()
    return library_without_models(folder, monkeypatch)


class TestCommands:
    def test_there_and_back(
        self, library: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
    ):
        file, elsewhere = tmp_path / "library.tar", tmp_path / "elsewhere"
        assert main(["--data-dir", str(library), "backup", str(file), "--json"]) == 0
        document = json.loads(capsys.readouterr().out)
        assert document["size_bytes"] == file.stat().st_size
        assert "catalogue.sqlite" in document["manifest"]["files"]
        assert main(["--data-dir", str(elsewhere), "restore", str(file)]) == 0
        with Catalogue.open(elsewhere / "catalogue.sqlite") as catalogue:
            assert catalogue.count_tracks() == 4
        capsys.readouterr()
        assert main(["--data-dir", str(elsewhere), "restore", str(file)]) == 2
        assert "--replace" in capsys.readouterr().err
        assert main(["--data-dir", str(elsewhere), "restore", str(file), "--replace"]) == 0
        assert "kept in" in capsys.readouterr().err

    def test_no_library_is_no_backup(
        self, library: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
    ):
        assert library.exists()
        empty = tmp_path / "empty"
        assert main(["--data-dir", str(empty), "backup", str(tmp_path / "b.tar")]) == 3
        assert "no library" in capsys.readouterr().err
        assert not (tmp_path / "b.tar").exists()

    def test_postgresql_is_left_to_its_own_tools(
        self, library: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
    ):
        url = "postgresql://me:secret@host/name"
        for command in (["backup", str(tmp_path / "b.tar")], ["restore", __file__]):
            assert main(["--data-dir", str(library), "--database", url, *command]) == 2
            said = capsys.readouterr().err
            assert "pg_dump --format=custom" in said
            assert "secret" not in said


@pytest.mark.parametrize("catalogue_location", ["postgresql"], indirect=True)
class TestPostgresqlsOwnTools:
    def test_the_commands_that_we_name_work(self, catalogue_location: str, tmp_path: Path):
        """As `musiscene backup` and docs/deployment.md say them."""
        dump, put_back = shutil.which("pg_dump"), shutil.which("pg_restore")
        if dump is None or put_back is None:
            pytest.skip("pg_dump is not on this machine")
        url, file = catalogue_location, tmp_path / "catalogue.dump"
        with Catalogue.open(catalogue_location) as catalogue:
            store(catalogue, listening("/m/kept.wav"))
        subprocess.run([dump, "--format=custom", f"--file={file}", url], check=True)  # noqa: S603
        with Catalogue.open(catalogue_location) as catalogue:
            store(catalogue, listening("/m/later.wav"))
        command = [put_back, "--clean", "--if-exists", "--single-transaction", f"--dbname={url}"]
        subprocess.run([*command, str(file)], check=True)  # noqa: S603
        with Catalogue.open(catalogue_location) as catalogue:
            assert [one["track"]["path"] for one in catalogue.records()] == ["/m/kept.wav"]

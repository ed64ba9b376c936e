from __future__ import annotations

import json
from typing import TYPE_CHECKING

from service.cli import main
from service.cli.doctor import examine
from service.settings import ServiceSettings
from tests.support.retrieval import library_without_models
from tests.support.service import add_key

if TYPE_CHECKING:
    from pathlib import Path

    import pytest


def verdicts(settings: ServiceSettings) -> dict[str, str]:
    return {finding.what: finding.verdict for finding in examine(settings)}


class TestExamine:
    def test_a_whole_library_has_nothing_to_mend(
        self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ):
        library_without_models(tmp_path, monkeypatch)
        found = verdicts(ServiceSettings(data_dir=tmp_path))
        assert found["vectors"] == "fail"
        assert (found["database"], found["library"], found["keys"]) == ("ok", "ok", "ok")

    def test_a_host_that_others_reach_needs_a_key(
        self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ):
        library_without_models(tmp_path, monkeypatch)
        settings = ServiceSettings(data_dir=tmp_path, host="0.0.0.0")  # noqa: S104
        assert verdicts(settings)["keys"] == "fail"
        add_key(tmp_path, "read")
        assert verdicts(settings)["keys"] == "ok"

    def test_a_folder_that_all_can_write_to(self, tmp_path: Path):
        tmp_path.chmod(0o777)
        assert verdicts(ServiceSettings(data_dir=tmp_path))["data folder"] == "warn"

    def test_a_folder_of_studies_that_cannot_be_read(self, tmp_path: Path):
        assert "studies" not in verdicts(ServiceSettings(data_dir=tmp_path))
        settings = ServiceSettings(data_dir=tmp_path, studies=tmp_path / "studies")
        assert verdicts(settings)["studies"] == "fail"
        (tmp_path / "studies" / "torn").mkdir(parents=True)
        assert verdicts(settings)["studies"] == "ok"
        (tmp_path / "studies" / "torn" / "study.json").write_text("{")
        assert verdicts(settings)["studies"] == "fail"

    def test_a_file_that_is_no_catalogue(self, tmp_path: Path):
        (tmp_path / "catalogue.sqlite").write_bytes(b"music" * 1000)
        assert verdicts(ServiceSettings(data_dir=tmp_path))["database"] == "fail"

    def test_a_server_that_is_not_there_tells_no_password(self, tmp_path: Path):
        url = "postgresql://ann:hunter2@127.0.0.1:1/music"
        found = list(examine(ServiceSettings(data_dir=tmp_path, database=url)))
        assert "fail" in {finding.verdict for finding in found if finding.what == "database"}
        assert "hunter2" not in str(found)


class TestCommand:
    def test_what_fails_says_what_to_do_and_ends_with_3(
        self, tmp_path: Path, capsys: pytest.CaptureFixture[str]
    ):
        assert main(["--data-dir", str(tmp_path / "none"), "doctor", "--json"]) == 3
        report = json.loads(capsys.readouterr().out)
        failed = [finding for finding in report["findings"] if finding["verdict"] == "fail"]
        assert failed
        assert all(finding["do"] for finding in failed)
        assert report["settings"]["limits.body_bytes"] == 262_144

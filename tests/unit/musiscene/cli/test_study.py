from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest

from musiscene.study.design import read_study
from service.cli import main
from tests.support.study import make_study, write_stimuli

if TYPE_CHECKING:
    from pathlib import Path

CONFIG = "random_floor = false\nexcerpt_seconds = 0.5\nraters = 4\nchecks = 1\n"


def create(folder: Path, *options: str) -> int:
    (folder / "study.toml").write_text(CONFIG)
    table = write_stimuli(folder, systems=2, items=2)
    arguments = ["study", "create", str(folder / "made"), "--config", str(folder / "study.toml")]
    return main([*arguments, "--stimuli", str(table), *options])


class TestCreate:
    def test_it_says_how_long_a_session_is_and_how_many_raters_it_takes(
        self, tmp_path: Path, capsys: pytest.CaptureFixture[str]
    ):
        assert create(tmp_path, "--json") == 0
        said = json.loads(capsys.readouterr().out)
        assert (said["systems"], said["items"], said["pages"]) == (["best", "middle"], 2, 5)
        assert set(said["raters_needed"]) == {"0.25", "0.5"}
        assert read_study(tmp_path / "made").plan.raters == 4

    def test_a_second_one_does_not_touch_the_first(
        self, tmp_path: Path, capsys: pytest.CaptureFixture[str]
    ):
        first = tmp_path / "made" / "study.json"
        first.parent.mkdir()
        first.write_text("the first")
        assert create(tmp_path) == 2
        assert "is there already" in capsys.readouterr().err
        assert first.read_text() == "the first"

    def test_pieces_must_be_named_in_one_way(self, tmp_path: Path):
        assert main(["study", "create", str(tmp_path / "x")]) == 2
        assert create(tmp_path, "--system", "a=b") == 2


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An open study that nobody has answered."""
    where = tmp_path_factory.mktemp("open")
    return make_study(where, systems=1, items=1, random_floor=False, is_open=True)[0]


class TestAnalyse:
    def test_a_study_without_answers_has_a_report_that_says_so(
        self, folder: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
    ):
        assert main(["study", "analyse", str(folder), "--out", str(tmp_path / "out")]) == 0
        assert "no figures until" in capsys.readouterr().out
        assert "no figures until" in (tmp_path / "out" / "report.html").read_text()


class TestServe:
    def test_an_open_study_is_not_shown_to_the_world_by_mistake(
        self, folder: Path, capsys: pytest.CaptureFixture[str]
    ):
        assert main(["study", "serve", str(folder), "--host", "0.0.0.0"]) == 2  # noqa: S104
        assert "say --open" in capsys.readouterr().err

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner

from indexer.cli.match import match
from indexer.filters import read_text
from indexer.filters.fields import FIELDS
from service.cli import main
from tests.support.retrieval import library_without_models


class TestMatchCommand:
    def test_a_filter_that_cannot_be_read_is_marked(self):
        result = CliRunner().invoke(match, ["rain", "--filter", "bpm>100 tempo=3"])
        assert result.exit_code == 2
        assert "did you mean bpm?" in result.stderr
        assert result.stderr.endswith("\n\nbpm>100 tempo=3\n        ^^^^^\n")

    def test_help_names_every_field_in_filters_that_can_be_read(self):
        text = CliRunner().invoke(match, ["--help"]).stdout.partition("Options:")[0]
        for field in FIELDS:
            assert re.search(rf"\b{field}\b", text), field
        examples = re.findall(r"(?<=[\s(])[a-z]+(?:[<>~]?=|<)(?:\"[^\"]*\"|[^\s);]+)", text)
        assert len(examples) > 15
        for example in examples:
            assert read_text(example)

    @pytest.mark.parametrize("expression", ["", "bpm=90"])
    def test_a_filter_that_can_be_read_goes_on(self, expression: str):
        result = CliRunner().invoke(match, ["--filter", expression])
        assert "say what is seen" in result.stderr


@pytest.fixture
def data_dir(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    return library_without_models(tmp_path, monkeypatch)


class TestOptions:
    @pytest.fixture
    def answers(self, data_dir: Path, capsys: pytest.CaptureFixture[str]) -> Any:  # noqa: ANN401
        def ask(*arguments: str) -> list[dict[str, Any]]:
            assert main(["--data-dir", str(data_dir), "match", *arguments, "--json"]) == 0
            return [json.loads(line) for line in capsys.readouterr().out.splitlines()]

        return ask

    def test_scenes_of_one_video_get_one_answer(self, answers: Any):  # noqa: ANN401
        scenes = ("mist rises over a still lake", "riders chase a train")
        assert [one["brief"] for one in answers(*scenes)] == list(scenes)
        (result,) = answers(*scenes, "--together")
        assert result["brief"] == "\n".join(scenes)

    @pytest.mark.parametrize(("weights", "first"), [(("9", "1"), "lake"), (("1", "9"), "chase")])
    def test_the_heavier_scene_decides(
        self,
        answers: Any,  # noqa: ANN401
        weights: tuple[str, str],
        first: str,
    ):
        scenes = ("mist rises over a still lake", "riders chase a train")
        options = [part for weight in weights for part in ("--weight", weight)]
        (result,) = answers(*scenes, "--together", *options)
        assert Path(result["hits"][0]["track"]["path"]).stem == first

    def test_weights_are_for_scenes_of_one_video(
        self, data_dir: Path, capsys: pytest.CaptureFixture[str]
    ):
        assert main(["--data-dir", str(data_dir), "match", "a", "--weight", "1"]) == 2
        assert "add --together" in capsys.readouterr().err

    def test_a_weight_too_few_is_said(self, data_dir: Path, capsys: pytest.CaptureFixture[str]):
        arguments = ["match", "a", "b", "--together", "--weight", "1"]
        assert main(["--data-dir", str(data_dir), *arguments]) == 2
        assert "2 captions, but 1 weights" in capsys.readouterr().err

    def test_a_track_that_is_named_comes_last(self, answers: Any):  # noqa: ANN401
        (result,) = answers("mist rises over a still lake", "--not-like", "lake")
        assert result["hits"][-1]["track"]["path"] == "/m/calm/lake.wav"

    def test_a_track_that_there_is_none_of_is_said(
        self, data_dir: Path, capsys: pytest.CaptureFixture[str]
    ):
        assert main(["--data-dir", str(data_dir), "match", "a", "--not-like", "nowhere"]) != 0
        assert "nowhere" in capsys.readouterr().err

    def test_what_was_said_can_be_left_out(
        self,
        answers: Any,  # noqa: ANN401
        data_dir: Path,
        capsys: pytest.CaptureFixture[str],
    ):
        brief = "mist rises over a still lake"
        said = ["feedback", "reject", brief, "--track", "lake", "--quiet"]
        assert main(["--data-dir", str(data_dir), *said]) == 0
        capsys.readouterr()
        assert answers(brief)[-1]["hits"][-1]["track"]["path"] == "/m/calm/lake.wav"
        assert answers(brief, "--no-feedback")[0]["hits"][0]["track"]["path"] == "/m/calm/lake.wav"

    def test_an_arc_is_one_of_three(self, answers: Any, data_dir: Path):  # noqa: ANN401
        (result,) = answers("a lake", "--arc", "build", "--length", "10")
        for hit in result["hits"]:
            assert hit["window"]["end_seconds"] - hit["window"]["start_seconds"] == 10
        assert main(["--data-dir", str(data_dir), "match", "a", "--arc", "up"]) == 2

from pathlib import Path

import pytest

from musiscene.errors import MusiSceneError
from musiscene.evaluation.predictions import PredictionFile, read_predictions


class TestReadPredictions:
    def test_reads_lines_with_further_fields(self, tmp_path: Path):
        path = tmp_path / "p.jsonl"
        path.write_text('{"clip_id": "b", "prediction": "x", "more": 1}\n\n', "utf-8")
        assert read_predictions(path) == {"b": "x"}

    @pytest.mark.parametrize(
        ("content", "message"),
        [
            pytest.param('{"clip_id": "a"}\n', ":1: no prediction", id="field missing"),
            pytest.param("{", ":1: no prediction", id="torn"),
            pytest.param('{"clip_id":"a","prediction":""}\n' * 2, ":2: a has", id="twice"),
        ],
    )
    def test_names_the_bad_line(self, tmp_path: Path, content: str, message: str):
        path = tmp_path / "p.jsonl"
        path.write_text(content, "utf-8")
        with pytest.raises(MusiSceneError, match=message):
            read_predictions(path)

    def test_names_a_missing_file(self, tmp_path: Path):
        with pytest.raises(MusiSceneError, match="cannot be read"):
            read_predictions(tmp_path / "absent")


class TestPredictionFile:
    def test_keeps_whole_lines_after_a_kill(self, tmp_path: Path):
        path = tmp_path / "deep" / "p.jsonl"
        PredictionFile.open(path, origin="m").keep({"a": "one", "b": "two é"})
        with path.open("ab") as file:
            file.write(b'{"clip_id": "c", "pre')
        again = PredictionFile.open(path, origin="m")
        assert again.kept == {"a": "one", "b": "two é"}
        again.keep({"c": "three"})
        assert list(read_predictions(path)) == ["a", "b", "c"]

    def test_refuses_predictions_of_another_origin(self, tmp_path: Path):
        path = tmp_path / "p.jsonl"
        PredictionFile.open(path, origin="model 1").keep({"a": "one"})
        with pytest.raises(MusiSceneError, match=r"another origin \(model 1, not model 2\)"):
            PredictionFile.open(path, origin="model 2")
        assert read_predictions(path) == {"a": "one"}

    def test_begins_in_an_empty_file_but_not_in_a_strange_one(self, tmp_path: Path):
        path = tmp_path / "p.jsonl"
        path.touch()
        assert PredictionFile.open(path, origin="m").kept == {}
        strange = tmp_path / "strange.jsonl"
        strange.write_text('{"clip_id": "a", "prediction": ""}\n', "utf-8")
        with pytest.raises(MusiSceneError, match="unknown"):
            PredictionFile.open(strange, origin="m")

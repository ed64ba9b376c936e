import json
from pathlib import Path

import pytest

from musiscene.cli.model_options import ChosenModel
from musiscene.embed import TextEmbedder
from musiscene.metrics.bert_score import TokenEncoder
from musiscene.writer import ModelVersions
from service.cli import main
from tests.support.evaluation import (
    PlaceWriter,
    word_embedder,
    word_token_encoder,
    write_musiccaps,
)


class Store:
    def folder(self, name: str) -> Path:
        return Path(name)


class Imagining:
    versions = ModelVersions(listening="made", writing="made")

    def imaginer(self, *, of_videos: bool) -> str:
        return f"imagines videos: {of_videos}"


@pytest.fixture
def writer(monkeypatch: pytest.MonkeyPatch) -> PlaceWriter:
    writer = PlaceWriter()
    monkeypatch.setattr(ChosenModel, "store", lambda *_args, **_options: Store())
    monkeypatch.setattr("musiscene.writer.load_writer", lambda *_args, **_options: Imagining())
    monkeypatch.setattr(
        "musiscene.evaluation.systems.ImaginingWriter", lambda *_args, **_options: writer
    )
    monkeypatch.setattr(TextEmbedder, "load", lambda _folder: word_embedder())
    monkeypatch.setattr(TokenEncoder, "load", lambda _folder: word_token_encoder())
    return writer


def run(*arguments: object) -> int:
    return main(["evaluate", "msi", *(str(argument) for argument in arguments)])


class TestMsi:
    def test_writes_a_prediction_for_every_row_and_goes_on(
        self, writer: PlaceWriter, tmp_path: Path, capsys: pytest.CaptureFixture[str]
    ):
        data = write_musiccaps(tmp_path / "rows.jsonl", without_scene=[1, 4])
        out = tmp_path / "out.jsonl"
        assert run("--data", data, "--predictions", out, "--json") == 0
        document = json.loads(capsys.readouterr().out)
        lines = [json.loads(line) for line in out.read_text("utf-8").splitlines()]
        assert [line["clip_id"] for line in lines] == [f"clip{number}" for number in range(8)]
        assert set(lines[0]) == {"clip_id", "prediction"}
        assert document["report"]["rows"] == 6
        names = [system["name"] for system in document["report"]["systems"]]
        assert names[:4] == ["musiscene", "music-text", "aspects", "description"]
        asked = len(writer.asked)
        assert run("--data", data, "--predictions", out, "--json") == 0
        assert writer.asked[asked:] == [""]

    def test_says_a_table_and_which_controls_are_not_beaten(
        self, writer: PlaceWriter, tmp_path: Path, capsys: pytest.CaptureFixture[str]
    ):
        data = write_musiccaps(tmp_path / "rows.jsonl")
        imported = tmp_path / "bland.jsonl"
        lines = [json.dumps({"clip_id": f"clip{n}", "prediction": "A man."}) for n in range(8)]
        imported.write_text("\n".join(lines), "utf-8")
        picture = tmp_path / "msi.png"
        assert run("--data", data, "--import", f"bland={imported}", "--picture", picture) == 0
        said = capsys.readouterr().out
        assert "bland does not beat its own texts shuffled by rouge_l" in said
        assert "(chance)" in said
        assert picture.exists()
        assert writer.asked

    def test_asks_no_model_for_what_needs_none(
        self, writer: PlaceWriter, tmp_path: Path, capsys: pytest.CaptureFixture[str]
    ):
        data = write_musiccaps(tmp_path / "rows.jsonl")
        assert run("--data", data, "--system", "aspects", "--limit", 4, "--json") == 0
        document = json.loads(capsys.readouterr().out)
        assert document["report"]["rows"] == 4
        assert writer.asked == []

    def test_rows_without_references_are_only_imagined(
        self, writer: PlaceWriter, tmp_path: Path, capsys: pytest.CaptureFixture[str]
    ):
        data = write_musiccaps(tmp_path / "rows.jsonl", without_scene=range(8))
        out = tmp_path / "out.jsonl"
        assert run("--data", data, "--predictions", out, "--json") == 0
        assert json.loads(capsys.readouterr().out)["rows"] == 0
        assert len(out.read_text("utf-8").splitlines()) == 8
        assert len(writer.asked) >= 8

    def test_lists_bad_rows_and_ends_with_1(
        self, writer: PlaceWriter, tmp_path: Path, capsys: pytest.CaptureFixture[str]
    ):
        data = write_musiccaps(tmp_path / "rows.jsonl")
        data.write_text(data.read_text("utf-8") + '{"clip_id": 7}\n', "utf-8")
        assert run("--data", data, "--system", "aspects") == 1
        assert f"{data}:9" in capsys.readouterr().err
        assert writer.asked == []

    @pytest.mark.parametrize(
        ("option", "value", "message"),
        [
            pytest.param("--system", "nobody", "none of musiscene", id="unknown system"),
            pytest.param("--import", "nobody", "is not NAME=FILE", id="import without a file"),
            pytest.param("--import", "reference=x", "is taken", id="import of a taken name"),
        ],
    )
    def test_wrong_use_ends_with_2(
        self,
        writer: PlaceWriter,
        tmp_path: Path,
        capsys: pytest.CaptureFixture[str],
        option: str,
        value: str,
        message: str,
    ):
        data = write_musiccaps(tmp_path / "rows.jsonl")
        assert run("--data", data, option, value) == 2
        assert message in " ".join(capsys.readouterr().err.split())
        assert writer.asked == []

    def test_names_the_extra_that_is_missing(
        self,
        writer: PlaceWriter,
        tmp_path: Path,
        capsys: pytest.CaptureFixture[str],
        monkeypatch: pytest.MonkeyPatch,
    ):
        def without_nltk(name: str) -> str | None:
            return None if name == "nltk" else name

        monkeypatch.setattr("musiscene.cli.measuring.find_spec", without_nltk)
        data = write_musiccaps(tmp_path / "rows.jsonl")
        assert run("--data", data) == 3
        assert "pip install 'musiscene[research]'" in capsys.readouterr().err
        assert writer.asked == []

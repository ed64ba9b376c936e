import json
from pathlib import Path

import pytest

from musiscene.cli.model_options import ChosenModel
from musiscene.embed import TextEmbedder
from service.cli import main
from tests.support.evaluation import word_embedder
from tests.support.passages import INSTRUMENTS, MadeModel, write_library


class Store:
    def folder(self, name: str) -> Path:
        return Path(name)


@pytest.fixture(autouse=True)
def made(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ChosenModel, "store", lambda *_args, **_options: Store())
    monkeypatch.setattr(ChosenModel, "load", lambda *_args: MadeModel())
    monkeypatch.setattr(TextEmbedder, "load", lambda _folder: word_embedder())


def run(*arguments: object) -> int:
    return main(["evaluate", "hearing", *(str(argument) for argument in arguments)])


class TestHearing:
    def test_reports_texts_labels_and_picture(
        self, tmp_path: Path, capsys: pytest.CaptureFixture[str]
    ):
        library = write_library(tmp_path / "library", *INSTRUMENTS)
        labels = tmp_path / "labels.jsonl"
        rows = [{"audio": f"{name}.ogg", "labels": f"{name}, 120 bpm"} for name in INSTRUMENTS]
        labels.write_text("".join(json.dumps(row) + "\n" for row in rows), "utf-8")
        texts, picture = tmp_path / "texts.jsonl", tmp_path / "hearing.png"
        options = ("--labels", labels, "--texts", texts, "--picture", picture)
        assert run(library, *options, "--json") == 0
        report = json.loads(capsys.readouterr().out)["report"]
        assert [score["name"] for score in report["scores"]] == ["description", "answers", "scenes"]
        truths = {fact["truth"] for fact in report["scores"][0]["facts"]}
        assert truths == {"measured", "labels"}
        lines = [json.loads(line) for line in texts.read_text("utf-8").splitlines()]
        assert [line["audio"] for line in lines] == report["tracks"]
        assert set(lines[0]["texts"]) == {"description", "answers", "scenes"}
        assert picture.read_bytes().startswith(b"\x89PNG")

    def test_says_tables_and_a_verdict(self, tmp_path: Path, capsys: pytest.CaptureFixture[str]):
        library = write_library(tmp_path / "library", *INSTRUMENTS)
        assert run(library, "--say", "description") == 0
        out = capsys.readouterr().out
        assert "(chance)" in out
        assert "description, against what is measured, is better than other tracks" in out
        assert "scenes" not in out

    def test_refuses_too_few_tracks_and_foreign_labels(
        self, tmp_path: Path, capsys: pytest.CaptureFixture[str]
    ):
        library = write_library(tmp_path / "library", "harp")
        assert run(library) == 2
        assert "two are needed" in capsys.readouterr().err
        write_library(library, "cello")
        labels = tmp_path / "labels.jsonl"
        labels.write_text('{"audio": "other.ogg", "labels": "calm"}\n', "utf-8")
        assert run(library, "--labels", labels) == 2
        assert "labels none of the tracks, such as cello.ogg" in capsys.readouterr().err

    def test_a_track_that_cannot_be_heard_is_listed(self, tmp_path: Path):
        library = write_library(tmp_path / "library", "harp", "cello", "broken")
        assert run(library, "--say", "answers", "--quiet") == 1

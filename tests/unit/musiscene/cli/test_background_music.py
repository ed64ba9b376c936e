import json
from pathlib import Path

import pytest

from musiscene.cli.model_options import ChosenModel
from musiscene.evaluation.background_music.run import Crew
from musiscene.study.design import read_study
from service.cli import main
from tests.support.background_music import PlainCaptioner, ToneGenerator, plain_ear
from tests.support.evaluation import word_embedder
from tests.support.listening import word_reader


@pytest.fixture
def generator(monkeypatch: pytest.MonkeyPatch) -> ToneGenerator:
    """Tones for the backend, and rules for all models."""
    made_by = ToneGenerator()
    monkeypatch.setattr(ChosenModel, "store", lambda *_args, **_options: None)
    monkeypatch.setattr("musiscene.generate.backends.load_backend", lambda *_args, **_o: made_by)
    monkeypatch.setattr(
        "musiscene.cli.background_music._crew",
        lambda _chosen, _store, studio, _choices: Crew(
            captioner=PlainCaptioner(),
            studio=studio,
            ear=plain_ear(),
            reader=word_reader(),
            embedder=word_embedder(),
            listening="plain",
            writing="plain",
        ),
    )
    return made_by


def write_clips(path: Path, count: int = 3) -> Path:
    rows = [
        {"clip_id": f"clip{n}", "video_caption": f"day {n}", "music_caption": mood}
        for n, mood in enumerate(("sad piano", "happy guitar", "angry metal")[:count])
    ]
    path.write_text("".join(json.dumps(row) + "\n" for row in rows), "utf-8")
    return path


def run(*arguments: object) -> int:
    return main(["evaluate", "background-music", *map(str, arguments)])


class TestBackgroundMusic:
    def test_makes_a_report_and_goes_on_from_its_folder(
        self, generator: ToneGenerator, tmp_path: Path, capsys: pytest.CaptureFixture[str]
    ):
        clips, out = write_clips(tmp_path / "clips.jsonl"), tmp_path / "out"
        options = (clips, "--out", out, "--seconds", 5, "--split", "validation")
        assert run(*options, "--json") == 0
        document = json.loads(capsys.readouterr().out)
        assert document["report"]["setting"]["split"] == "validation"
        made = len(generator.made)
        assert run(*options) == 0
        assert len(generator.made) == made
        assert "shuffled" in capsys.readouterr().out
        assert (out / "report.md").exists()

    def test_a_listening_study_takes_its_music_as_it_is(
        self, generator: ToneGenerator, tmp_path: Path
    ):
        generator.refused = "metal"
        clips, out = write_clips(tmp_path / "clips.jsonl"), tmp_path / "out"
        assert run(clips, "--out", out, "--seconds", 5, "--prompts", "long") == 1
        config = tmp_path / "study.toml"
        config.write_text("excerpt_seconds = 0.5\nraters = 3\n", "utf-8")
        create = ["study", "create", str(tmp_path / "study"), "--config", str(config)]
        assert main([*create, "--stimuli", str(out / "stimuli.jsonl")]) == 0
        study = read_study(tmp_path / "study")
        captions = tuple(f"{kind}, long" for kind in ("video", "music", "fusion", "msi"))
        assert study.systems == (*captions, "random")
        assert [(one.name, one.text) for one in study.items] == [
            ("clip0", "day 0"), ("clip1", "day 1"),
        ]  # fmt: skip

    def test_lists_what_failed_and_ends_with_1(
        self, generator: ToneGenerator, tmp_path: Path, capsys: pytest.CaptureFixture[str]
    ):
        generator.refused = "metal"
        clips = write_clips(tmp_path / "clips.jsonl")
        clips.write_text(clips.read_text("utf-8") + '{"clip_id": "x"}\n', "utf-8")
        options = ("--out", tmp_path / "out", "--seconds", 5, "--prompts", "long")
        assert run(clips, *options) == 1
        told = capsys.readouterr().err
        assert f"{clips}:4" in told
        assert "failed: clip2, music, long, take 0: no music for metal" in told

    def test_one_clip_is_too_few(
        self, generator: ToneGenerator, tmp_path: Path, capsys: pytest.CaptureFixture[str]
    ):
        clips = write_clips(tmp_path / "clips.jsonl", count=1)
        assert run(clips, "--out", tmp_path / "out") == 2
        assert "two are needed" in capsys.readouterr().err
        assert generator.made == []

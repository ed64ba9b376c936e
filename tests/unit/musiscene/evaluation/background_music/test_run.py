import json
from pathlib import Path

import pytest

from musiscene.errors import MusiSceneError
from musiscene.evaluation.background_music.clips import Clip
from musiscene.evaluation.background_music.music import Backend, Studio
from musiscene.evaluation.background_music.report import BackgroundMusicReport
from musiscene.evaluation.background_music.run import Crew, Plan, run_experiment
from musiscene.progress import ProgressReport
from tests.support.audio import noise, write_audio
from tests.support.background_music import (
    PlainCaptioner,
    ToneGenerator,
    backend,
    plain_ear,
)
from tests.support.evaluation import word_embedder
from tests.support.listening import word_reader

CLIPS = [
    Clip(id=f"clip{n}", video=f"a {mood} day", music=f"{mood} {sound}")
    for n, (mood, sound) in enumerate(
        zip(("sad", "happy", "angry", "calm"), ("piano", "guitar", "metal", "harp"), strict=True)
    )
]
PLAN = Plan(clips_file="clips.jsonl", split="made", forms=("short",), seconds=5, takes=1, seed=0)


def run(
    made_by: Backend, out: Path, clips: list[Clip], tracks: list[Path], failures: list[str]
) -> BackgroundMusicReport:
    crew = Crew(
        captioner=PlainCaptioner(),
        studio=Studio(made_by, out / "music", seconds=5, seed=0),
        ear=plain_ear(),
        reader=word_reader(),
        embedder=word_embedder(),
        listening="plain",
        writing="plain",
    )
    return run_experiment(
        clips, tracks, PLAN, crew, out, ProgressReport(), lambda item, _: failures.append(item)
    )


@pytest.fixture
def tracks(tmp_path: Path) -> list[Path]:
    paths = [tmp_path / "real" / f"{number}.wav" for number in range(10)]
    for number, path in enumerate(paths):
        path.parent.mkdir(exist_ok=True)
        write_audio(path, noise(seconds=2, sample_rate=8_000, seed=number), sample_rate=8_000)
    return paths


class TestRunExperiment:
    def test_it_makes_a_report_with_tables_and_pictures_and_the_same_once_more(
        self, tmp_path: Path, tracks: list[Path]
    ):
        failures: list[str] = []
        report = run(backend(ToneGenerator()), tmp_path / "out", CLIPS, tracks, failures)
        assert failures == []
        names = [system.name for system in report.systems]
        assert names == ["video", "music", "fusion", "msi", "real", "random", "shuffled"]
        assert all(system.frechet for system in report.systems)
        assert report.systems[0].clipped_pieces == 0
        assert report.setting.generator == "tones-1"
        told = (tmp_path / "out" / "report.md").read_text("utf-8")
        assert "| music for | pieces | FAD |" in told
        assert "split: made" in told
        assert report.setting.weights_licence in told
        kept = json.loads((tmp_path / "out" / "report.json").read_text("utf-8"))
        assert kept["systems"][0]["fit"]["gap"]["low"] == report.systems[0].fit.gap.low
        for picture in ("agreement.png", "distances.png"):
            assert (tmp_path / "out" / picture).stat().st_size > 5_000
        lines = (tmp_path / "out" / "prompts.jsonl").read_text("utf-8").splitlines()
        assert len(lines) == 16
        assert (tmp_path / "out" / json.loads(lines[0])["file"]).is_file()
        second = ToneGenerator()
        again = run(backend(second), tmp_path / "out", CLIPS, tracks, [])
        assert second.made == []
        assert again.systems == report.systems
        assert again.comparisons == report.comparisons

    def test_one_piece_that_fails_costs_its_clip_alone(self, tmp_path: Path, tracks: list[Path]):
        failures: list[str] = []
        generator = ToneGenerator(refused="harp")
        report = run(backend(generator), tmp_path / "out", CLIPS, tracks, failures)
        assert failures == ["clip3, music, take 0"]
        assert report.setting.clips == 3

    def test_nothing_left_to_compare_is_said(self, tmp_path: Path):
        with pytest.raises(MusiSceneError, match="nothing can be compared"):
            run(backend(ToneGenerator(refused=",")), tmp_path / "out", CLIPS, [], [])

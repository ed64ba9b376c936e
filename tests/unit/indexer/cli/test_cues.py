"""`musiscene cues` and `musiscene match --video` over a library without models; videos are made."""

from __future__ import annotations

import json
from threading import Event
from typing import TYPE_CHECKING, Any

import pytest

from indexer.cli.cue_options import Moment, Stretch, format_of
from indexer.spotting import desk
from musiscene.video.limits import VideoLimits
from service.cli import main
from tests.support.retrieval import library_without_models
from tests.support.video import MadeShot, texture, write_video

if TYPE_CHECKING:
    from pathlib import Path

    from musiscene.video.analysis import VideoAnalysis

SRT = """1
00:00:00,000 --> 00:00:04,000
a ship fights a storm

2
00:00:04,000 --> 00:00:08,000
mist rises over a still lake
"""


@pytest.fixture(scope="module")
def cut(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder: Path = tmp_path_factory.mktemp("video")
    shots = [MadeShot(texture(1), 100), MadeShot(texture(2, speed=0.02), 100)]
    write_video(folder / "cut.mp4", shots, size=(160, 90))
    (folder / "cut.srt").write_text(SRT)
    return folder / "cut.mp4"


@pytest.fixture
def run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Any:  # noqa: ANN401
    (tmp_path / "library").mkdir()
    library = library_without_models(tmp_path / "library", monkeypatch)

    def call(*arguments: object) -> tuple[int, str, str]:
        code = main(["--data-dir", str(library), *map(str, arguments)])
        said = capsys.readouterr()
        return code, said.out, said.err

    return call


@pytest.fixture(scope="module")
def watched(cut: Path) -> VideoAnalysis:
    nothing_said = lambda _stage, _share: None  # noqa: E731
    return desk.watch(cut, limits=VideoLimits(), progress=nothing_said, stop=Event())


@pytest.fixture
def seen(watched: VideoAnalysis, monkeypatch: pytest.MonkeyPatch) -> None:
    """Another process that watches the same video costs a second each time."""
    monkeypatch.setattr(desk, "watch", lambda *_arguments, **_options: watched)


class TestCues:
    def test_plans_writes_and_watches_once(self, run: Any, cut: Path, tmp_path: Path):  # noqa: ANN401
        out = tmp_path / "out"
        asked = ("cues", cut, "--out", out, "--captions", cut.with_suffix(".srt"))
        code, said, _ = run(*asked, "--formats", "all")
        assert code == 0
        assert "cut.mp4: 0:08.0 at 25 frames a second, 2 scenes" in said
        plan = json.loads((out / "plan.json").read_bytes())
        assert (plan["cues"][0]["start_frame"], plan["cues"][-1]["end_frame"]) == (0, 200)
        assert plan["scenes"][0]["captions"][0]["text"] == "a ship fights a storm"
        suffixes = sorted(path.name.partition(".")[2] for path in out.iterdir())
        assert suffixes == [
            "cue-sheet.csv", "edl", "fcpxml", "json", "json", "labels.txt", "otio",
            "premiere.csv", "reaper.csv",
        ]  # fmt: skip
        kept = (out / "analysis.json").stat().st_mtime_ns
        code, said, told = run(*asked, "--no-music", "0:04-0:08", "--json", "--formats", "json")
        assert code == 0
        assert "watching" not in told
        assert (out / "analysis.json").stat().st_mtime_ns == kept
        made = json.loads(said)
        assert made["files"] == [str(out / "plan.json")]
        assert made["plan"]["cues"][-1]["kind"] == "silence"

    @pytest.mark.usefixtures("seen")
    def test_a_new_cut_keeps_what_is_pinned(self, run: Any, cut: Path, tmp_path: Path):  # noqa: ANN401
        out, again = tmp_path / "out", tmp_path / "again"
        captions = ("--captions", cut.with_suffix(".srt"), "--formats", "edl")
        assert run("cues", cut, "--out", out, *captions, "--swap", "c1=snow")[0] == 0
        previous = ("--previous", out / "plan.json", "--pin", "c1")
        code, said, _ = run("cues", cut, "--out", again, *captions, *previous)
        assert code == 0
        assert "snow" in said
        assert "pinned" in said
        assert "2 scenes as before, 0 scored anew" in said

    def test_wrong_use_is_told_before_anything_is_watched(
        self,
        run: Any,  # noqa: ANN401
        cut: Path,
        tmp_path: Path,
    ):
        out = ("--out", tmp_path / "out")
        for wrong in (
            ("--land", "soon"), ("--no-music", "0:10"), ("--no-music", "9-5"), ("--pin", "c1"),
            ("--formats", "docx"), ("--swap", "c1"), ("--lufs", "nan"), ("--filter", "bpm=="),
        ):  # fmt: skip
            assert run("cues", cut, *out, *wrong)[0] == 2, wrong
        assert run("cues", tmp_path / "none.mp4", *out)[0] == 2
        assert not (tmp_path / "out").exists()

    def test_a_file_that_is_no_video_is_told_and_nothing_is_written(
        self,
        run: Any,  # noqa: ANN401
        tmp_path: Path,
    ):
        text = tmp_path / "text.mp4"
        text.write_text("no video")
        code, _, told = run("cues", text, "--out", tmp_path / "out")
        assert (code, str(text) in told) == (2, True)
        assert not (tmp_path / "out").exists()

    @pytest.mark.usefixtures("seen")
    def test_what_cannot_be_done_is_told_and_writes_no_plan(
        self,
        run: Any,  # noqa: ANN401
        cut: Path,
        tmp_path: Path,
    ):
        out = ("--out", tmp_path / "out")
        code, _, told = run("cues", cut, *out, "--replace-temp")
        assert (code, "no music lies under the picture" in told) == (2, True)
        broken = tmp_path / "plan.json"
        broken.write_text('{"cues": ')
        assert run("cues", cut, *out, "--previous", broken)[0] == 2
        assert not (tmp_path / "out" / "plan.json").exists()
        (tmp_path / "out" / "analysis.json").write_text("cut short")
        assert run("cues", cut, *out, "--formats", "edl")[0] == 0


class TestMatchVideo:
    @pytest.mark.usefixtures("seen")
    def test_a_line_for_each_scene_and_one_answer(self, run: Any, cut: Path, tmp_path: Path):  # noqa: ANN401
        target = tmp_path / "cut.otio"
        asked = ("match", "--video", cut, "--captions", cut.with_suffix(".srt"))
        code, said, told = run(*asked, "--export", target, "--top-k", "2")
        assert code == 0
        assert "0:00.0-0:04.0  a ship fights a storm" in said
        assert "0:04.0-0:08.0  mist rises over a still lake" in said
        assert json.loads(target.read_bytes())["OTIO_SCHEMA"].startswith("Timeline")
        assert str(target) in told
        code, said, _ = run(*asked, "--json")
        assert sorted(json.loads(said)) == ["result", "scenes", "video"]

    def test_what_does_not_go_together(self, run: Any, cut: Path):  # noqa: ANN401
        assert run("match", "rain", "--video", cut)[0] == 2
        assert run("match", "rain", "--export", "x.otio")[0] == 2
        assert run("match", "rain", "--captions", cut.with_suffix(".srt"))[0] == 2
        code, _, told = run("match", "--video", cut, "--export", "x.docx")
        assert (code, ".otio" in told) == (2, True)


class TestValues:
    @pytest.mark.parametrize(
        ("text", "seconds"), [("75", 75.0), ("1:15", 75.0), ("0:01:15.5", 75.5), ("0.25", 0.25)]
    )
    def test_moments(self, text: str, seconds: float):
        assert Moment().convert(text, None, None) == seconds
        assert Stretch().convert(f"0-{text}", None, None) == (0.0, seconds)

    @pytest.mark.parametrize(
        ("name", "found"),
        [
            ("a.otio", "otio"), ("a.EDL", "edl"), ("a.premiere.csv", "premiere"),
            ("a.csv", "cue-sheet"), ("a.txt", "audacity"), ("a.json", "json"),
        ],
    )  # fmt: skip
    def test_formats_by_ending(self, name: str, found: str, tmp_path: Path):
        assert format_of(tmp_path / name) == found

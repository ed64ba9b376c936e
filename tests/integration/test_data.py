"""Every `musiscene data` command, as people start it."""

import json
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from musiscene.checkpoints.store import ModelStore
from musiscene.cli.data import data
from musiscene.errors import ModelUnavailableError
from tests.support.audio import click_track, write_audio
from tests.support.chat_server import serving
from tests.support.data import GOOD_ANSWER, musiccaps_row, vacad_row, write_lines

pytestmark = pytest.mark.integration


def run(*arguments: object) -> Result:
    return CliRunner().invoke(data, [str(argument) for argument in arguments])


def lines(path: Path) -> list[dict[str, object]]:
    return [json.loads(line) for line in path.read_bytes().splitlines()]


@pytest.fixture
def captions(tmp_path: Path) -> Path:
    return write_lines(
        tmp_path / "captions.jsonl",
        [
            b'{"clip_id": "a", "video_caption": "a dog runs", "music_elements": "Fast."}',
            b'{"clip_id": "b", "video_caption": "a cat sleeps", "music_elements": "Slow."}',
            b'{"clip_id": "c", "video_caption": "", "music_elements": "Slow."}',
        ],
    )


class TestBuildVacad:
    def test_released_rows_are_imported_and_dropped_ones_counted(self, tmp_path: Path):
        rows = write_lines(
            tmp_path / "rows.jsonl", [vacad_row("a"), vacad_row("b", scene=""), b"torn"]
        )
        out = tmp_path / "vacad.jsonl"
        result = run("build-vacad", "--released", rows, "--out", out, "--json")
        assert result.exit_code == 1  # a line that cannot be read is a failed item
        assert f"{rows}:3" in result.stderr
        assert json.loads(result.stdout) == {
            "done": 1,
            "dropped": 1,
            "failed": 0,
            "out": str(out),
        }

    def test_clips_are_built_by_imported_captions_and_a_server(
        self, tmp_path: Path, captions: Path
    ):
        for name in ("a.mp4", "b.mp4"):
            (tmp_path / "clips" / name).parent.mkdir(exist_ok=True)
            (tmp_path / "clips" / name).touch()
        out = tmp_path / "vacad.jsonl"
        arguments = ["build-vacad", tmp_path / "clips", "--video-captions", captions]
        arguments += ["--music-captions", captions, "--out", out]
        with serving() as server:
            server.body = json.dumps({"choices": [{"message": {"content": GOOD_ANSWER}}]}).encode()
            for _ in range(2):
                result = run(*arguments, "--fuser-url", server.url, "--fuser-model", "m")
                assert result.exit_code == 0, result.stderr
                assert result.stdout.startswith("done: 2, dropped: 0, failed: 0")
            assert len(server.asked) == 4  # the second run had nothing left to ask
        assert [row["fused_scene"] for row in lines(out)] == [GOOD_ANSWER] * 2

    def test_without_clips_or_captions_it_says_what_is_needed(self, tmp_path: Path, captions: Path):
        assert run("build-vacad", "--out", tmp_path / "x").exit_code == 2
        listed = write_lines(tmp_path / "clips.jsonl", [b'{"clip_id": "a"}'])
        result = run("build-vacad", listed, "--out", tmp_path / "x")
        assert result.exit_code == 2
        assert "--video-captions" in result.stderr
        both = ("--fuser-url", "http://x/v1", "--fuser-folder", tmp_path)
        assert run("fuse", captions, "--out", tmp_path / "x", *both).exit_code == 2


class TestFuse:
    def test_rows_that_cannot_be_fused_are_listed(self, tmp_path: Path, captions: Path):
        out = tmp_path / "fused.jsonl"
        with serving() as server:
            server.body = json.dumps({"choices": [{"message": {"content": GOOD_ANSWER}}]}).encode()
            options = ("--fuser-url", server.url, "--fuser-model", "m", "--top-k", 0)
            result = run("fuse", captions, "--out", out, *options, "--json")
        assert result.exit_code == 1
        assert "failed: c: no video caption" in result.stderr
        assert [row["status"] for row in lines(out)] == ["done", "done", "failed"]
        assert all("top_k" not in body for _, _, body in server.asked)


class TestSplitAndDescribe:
    def test_rows_of_both_sources_are_split_and_described(self, tmp_path: Path):
        rows = write_lines(
            tmp_path / "all.jsonl",
            [
                *(vacad_row(f"v{number * 12345}") for number in range(40)),
                *(musiccaps_row(f"m{number}", scene="At sea.") for number in range(40)),
                musiccaps_row("none"),
            ],
        )
        result = run("split", rows, "--out", tmp_path / "rows", "--threshold", 1, "--json")
        assert result.exit_code == 0, result.stderr
        report = json.loads(result.stdout)
        assert sum(report["counts"].values()) == 80
        assert report["without_scene"] == 1
        files = [tmp_path / "rows" / f"{name}.jsonl" for name in report["counts"]]
        assert [len(lines(file)) for file in files] == list(report["counts"].values())
        described = run("describe", *files, "--out", tmp_path / "card", "--no-pictures", "--json")
        assert described.exit_code == 0, described.stderr
        card = json.loads(described.stdout)
        assert sum(part["rows"] for part in card["splits"]) == 80
        assert card["groups_across"] == 0
        assert json.loads((tmp_path / "card" / "card.json").read_bytes()) == card
        page = (tmp_path / "card" / "card.md").read_text()
        assert "CC BY-SA 4.0" in page
        assert "none stated" in page

    def test_by_file_name_rows_stay_unless_their_clip_leaks(self, tmp_path: Path):
        train = write_lines(tmp_path / "train.jsonl", [vacad_row("a"), vacad_row("b")])
        validation = write_lines(
            tmp_path / "validation.jsonl", [musiccaps_row("a", scene="At sea.")]
        )
        result = run("split", train, validation, "--by-file-name", "--out", tmp_path / "rows")
        assert "shared groups: 1" in result.stdout
        assert [row["id"] for row in lines(tmp_path / "rows" / "train.jsonl")] == ["b"]
        assert [row["id"] for row in lines(tmp_path / "rows" / "validation.jsonl")] == ["a"]

    def test_targets_are_scenes_without_their_wrapping(self, tmp_path: Path):
        wrapped = "This song may be playing in a techno club."
        lines_of = [musiccaps_row("a", scene=wrapped), musiccaps_row("b", scene="")]
        rows = write_lines(tmp_path / "rows.jsonl", lines_of)
        result = run("targets", rows, "--out", tmp_path / "targets.jsonl", "--json")
        assert json.loads(result.stdout)["targets"] == {"musiccaps": 1}
        [target] = lines(tmp_path / "targets.jsonl")
        assert target["scene"] == "A techno club, calm."

    def test_a_row_has_the_split_of_its_files_name(self, tmp_path: Path):
        rows = write_lines(tmp_path / "validation.jsonl", [vacad_row("a")])
        result = run("describe", rows, "--out", tmp_path, "--no-pictures")
        assert "validation" in result.stdout


class TestPseudoCaptions:
    def test_audio_becomes_questions_and_answers(self, tmp_path: Path):
        try:
            ModelStore().folder("musicnn")
        except ModelUnavailableError as error:
            pytest.skip(f"needs MusiCNN: {error}")
        folder = tmp_path / "music"
        folder.mkdir()
        write_audio(folder / "a.wav", click_track(bpm=120, seconds=12), sample_rate=44_100)
        (folder / "b.mp3").write_bytes(b"no audio")
        out = tmp_path / "lessons.jsonl"
        result = run("pseudo-captions", folder, "--out", out, "--json")
        assert result.exit_code == 1
        assert "b.mp3" in result.stderr
        counts = json.loads(result.stdout)
        assert (counts["done"], counts["failed"]) == (1, 1)
        heard, failed = lines(out)
        assert len(heard["answers"]) == counts["answers"] >= 1  # type: ignore[arg-type]
        assert failed["status"] == "failed"

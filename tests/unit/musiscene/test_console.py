import json
import logging
from collections.abc import Iterator
from pathlib import Path

import click
import msgspec
import pytest
from click.testing import CliRunner, Result

from musiscene.console import Console, place_options, shared_options
from musiscene.progress import Unit


class Heard(msgspec.Struct):
    path: Path
    bpm: float


def run(*arguments: str, env: dict[str, str] | None = None) -> Result:
    @click.group()
    @place_options
    def main() -> None: ...

    @main.command()
    @click.option("--fail", is_flag=True)
    @shared_options
    def hear(console: Console, *, fail: bool) -> None:
        """Hear."""
        logging.getLogger("musiscene.made").info("heard it")
        console.note("a notice")
        with console.progress("tracks") as report:
            report("hear", 1, 2)
            report("hear", 2, 2)
        if fail:
            console.fail_item("b.mp3", "no audio stream")
        console.emit(Heard(path=Path("a.mp3"), bpm=110.0))
        console.say(f"data in {console.data_dir}, models in {console.models_dir}")

    @main.command()
    @shared_options
    def where(console: Console) -> None:
        """Say where the catalogue is."""
        console.say(str(console.database))

    return CliRunner().invoke(main, arguments, env=env)


class TestSharedOptions:
    def test_json_mode_writes_one_document_and_nothing_else_on_stdout(self):
        result = run("hear", "--json")
        assert json.loads(result.stdout) == {"path": "a.mp3", "bpm": 110.0}
        assert result.stdout.count("\n") == 1
        assert "a notice" in result.stderr
        assert "hear: 2 of 2 tracks" in result.stderr

    def test_quiet_says_nothing_on_stderr(self):
        result = run("hear", "--quiet")
        assert result.stderr == ""
        assert result.stdout.startswith("data in ")

    def test_verbose_shows_our_logs(self):
        assert "INFO musiscene.made: heard it" in run("hear", "--verbose").stderr
        assert "heard it" not in run("hear").stderr

    def test_failed_item_is_listed_and_the_exit_code_is_1(self):
        result = run("hear", "--fail", "--quiet")
        assert result.exit_code == 1
        assert result.stderr == "failed: b.mp3: no audio stream\n"
        assert result.stdout.startswith("data in ")

    def test_help_shows_the_switches(self):
        text = run("hear", "--help").stdout
        assert all(option in text for option in ("--json", "--quiet", "--verbose"))


class TestPlaceOptions:
    def test_option_wins_over_environment(self, tmp_path: Path):
        env = {"MUSISCENE_DATA_DIR": "/from/env", "MUSISCENE_MODELS_DIR": "/models/env"}
        result = run("--data-dir", str(tmp_path), "hear", "-q", env=env)
        assert result.stdout == f"data in {tmp_path}, models in /models/env\n"

    def test_default_is_the_platforms_folder(self, monkeypatch: pytest.MonkeyPatch):
        monkeypatch.setattr("platformdirs.user_data_dir", lambda name: f"/platform/{name}")
        env = {"MUSISCENE_DATA_DIR": "", "MUSISCENE_MODELS_DIR": ""}
        result = run("hear", "-q", env=env)
        assert result.stdout == "data in /platform/musiscene, models in None\n"

    def test_the_database_may_stand_in_a_file(self, tmp_path: Path):
        secret = tmp_path / "database_url"
        secret.write_text("postgresql://of-the-file/name\n")
        env = {"MUSISCENE_DATABASE_URL_FILE": str(secret)}
        assert run("where", env=env).stdout == "postgresql://of-the-file/name\n"
        named = {**env, "MUSISCENE_DATABASE_URL": "postgresql://named/name"}
        assert run("where", env=named).stdout == "postgresql://named/name\n"
        secret.unlink()
        missing = run("where", env=env)
        assert (missing.exit_code, missing.stdout) == (2, "")


class TestTable:
    def test_brackets_in_titles_are_taken_literally(self, capsys: pytest.CaptureFixture[str]):
        Console().table(("TITLE",), [("Intro [bold] (live)",)])
        assert "Intro [bold] (live)" in capsys.readouterr().out

    def test_is_silent_in_json_mode(self, capsys: pytest.CaptureFixture[str]):
        Console(as_json=True).table(("TITLE",), [("a",)])
        assert capsys.readouterr().out == ""


class TestSayPiecewise:
    @pytest.mark.parametrize(
        ("pieces", "text"),
        [
            pytest.param(["A ", "wal", "tz."], "A waltz.", id="joined"),
            pytest.param([" ", "\n A", " waltz"], "A waltz", id="blanks before it are left out"),
            pytest.param(["A", " ", " waltz"], "A  waltz", id="blanks inside are kept"),
        ],
    )
    def test_writes_the_pieces_behind_what_it_begins_with(
        self, pieces: list[str], text: str, capsys: pytest.CaptureFixture[str]
    ):
        assert Console().say_piecewise("a.wav\n  ", pieces) == text
        assert capsys.readouterr().out == f"a.wav\n  {text}\n"

    def test_gives_no_blanks_around_the_text(self):
        assert Console().say_piecewise("a.wav ", [" A", " waltz", " \n"]) == "A waltz"

    def test_writes_each_piece_as_it_comes(self, capsys: pytest.CaptureFixture[str]):
        written: list[str] = []

        def pieces() -> Iterator[str]:
            for piece in ("A ", "waltz"):
                yield piece
                written.append(capsys.readouterr().out)

        Console().say_piecewise("a: ", pieces())
        assert written == ["a: A ", "waltz"]

    @pytest.mark.parametrize("pieces", [[], [" ", "\n"]])
    def test_an_empty_text_leaves_what_it_begins_with(
        self, pieces: list[str], capsys: pytest.CaptureFixture[str]
    ):
        assert Console().say_piecewise("a.wav\n  ", pieces) == ""
        assert capsys.readouterr().out == "a.wav\n"

    def test_is_silent_in_json_mode(self, capsys: pytest.CaptureFixture[str]):
        assert Console(as_json=True).say_piecewise("a: ", [" A ", "waltz "]) == "A waltz"
        assert capsys.readouterr().out == ""


class TestProgress:
    def test_plain_lines_come_now_and_then(
        self, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
    ):
        clock = iter([0.0, 1.0, 12.0, 13.0, 14.0])
        monkeypatch.setattr("musiscene.progress.time.monotonic", lambda: next(clock))
        with Console().progress("bytes") as report:
            for done in (0, 1_000_000, 6_000_000, 10_000_000, 10_000_000):
                report("download", done, 10_000_000)
        assert capsys.readouterr().err.splitlines() == [
            "download: 0.0 of 10.0 MB",
            "download: 6.0 of 10.0 MB, 0.5 MB/s, 8 s left",
            "download: 10.0 of 10.0 MB, 0.77 MB/s",
        ]

    def test_step_that_is_not_counted_is_only_named(self, capsys: pytest.CaptureFixture[str]):
        with Console().progress() as report:
            report("convert", 0, None)
        assert capsys.readouterr().err == "convert\n"

    def test_shares_are_told_without_a_rate(
        self, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
    ):
        clock = iter([0.0, 10.0])
        monkeypatch.setattr("musiscene.progress.time.monotonic", lambda: next(clock))
        with Console().progress("%") as report:
            report("watching", 0, 100)
            report("watching", 40, 100)
        assert capsys.readouterr().err.splitlines() == [
            "watching: 0 %",
            "watching: 40 %, 15 s left",
        ]

    @pytest.mark.parametrize("unit", ["bytes", "tracks", "%"])
    def test_terminal_gets_bars(
        self,
        unit: Unit,
        capsys: pytest.CaptureFixture[str],
        monkeypatch: pytest.MonkeyPatch,
    ):
        monkeypatch.setattr("sys.stderr.isatty", lambda: True)
        with Console().progress(unit) as report:
            report("download", 0, 1000)
            report("download", 1000, 1000)
        captured = capsys.readouterr()
        assert "download" in captured.err
        assert captured.out == ""

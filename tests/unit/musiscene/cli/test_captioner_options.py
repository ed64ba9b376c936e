from __future__ import annotations

from typing import TYPE_CHECKING

import click
import msgspec
from click.testing import CliRunner

from musiscene.cli.captioner_options import ChosenCaptioner, captioner_options
from musiscene.console import Console, shared_options
from tests.support.scenes import analysis, scene

if TYPE_CHECKING:
    from pathlib import Path

INFO = msgspec.structs.replace(analysis(scene(0, 0, 10)).info, start_timecode="01:00:00:00")


@click.command
@shared_options
@captioner_options
def describe(console: Console, chosen: ChosenCaptioner) -> None:
    click.echo(chosen.load(console).name)
    for one in chosen.given(INFO, console):
        click.echo(f"{one.start_seconds} {one.text}")


def run(*arguments: str) -> tuple[int, str]:
    done = CliRunner().invoke(describe, arguments)
    return done.exit_code, done.output


class TestCaptionerOptions:
    def test_says_what_was_measured_unasked(self):
        assert run() == (0, "facts\n")

    def test_takes_a_server_and_says_that_its_licence_is_unknown(self):
        code, said = run("--captioner-url", "http://localhost:1/v1", "--captioner-model", "seer")
        assert code == 0
        assert "seer (licence not stated)" in said

    def test_reads_captions_in_the_time_of_the_video(self, tmp_path: Path):
        path = tmp_path / "given.csv"
        path.write_text("start,text\n01:00:02:00,a sea\n")
        assert run("--captions", str(path)) == (0, "facts\n2.0 a sea\n")

    def test_a_missing_file_is_wrong_use(self):
        assert run("--captions", "/no/such/file")[0] == 2

    def test_a_captioner_nobody_knows_is_wrong_use(self):
        assert run("--captioner", "seer")[0] == 2

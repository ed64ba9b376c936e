from __future__ import annotations

import json
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import pytest
from click.testing import CliRunner, Result

from indexer.cli.feedback import feedback
from indexer.errors import TrackNameError
from tests.support.retrieval import made_library

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from indexer.library import Library
    from musiscene.console import Console


@pytest.fixture(autouse=True)
def library(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Library]:
    with made_library(tmp_path) as opened:

        @contextmanager
        def opened_library(_console: Console) -> Iterator[Library]:
            yield opened

        monkeypatch.setattr("indexer.cli.feedback._library", opened_library)
        yield opened


def run(*arguments: str) -> Result:
    return CliRunner().invoke(feedback, arguments)


def documents(*arguments: str) -> list[dict[str, Any]]:
    result = run(*arguments, "--json")
    assert result.exit_code == 0, result.output
    return [json.loads(line) for line in result.stdout.splitlines()]


class TestFeedbackCommand:
    def test_what_is_said_is_listed_the_newest_first(self):
        (said,) = documents("accept", "rain on a window", "--track", "lake.wav")
        (other,) = documents("reject", "rain", "--track", "storm.wav", "--note", "too [loud]")
        assert (said["verdict"], said["path"]) == ("accept", "/m/calm/lake.wav")
        assert documents("list") == [other, said]
        assert documents("list", "--track", said["track_id"]) == [said]
        assert documents("list", "--text", "LOUD") == [other]
        assert documents("list", "--before", other["id"]) == [said]
        listed = run("list").stdout
        assert all(word in listed for word in ("reject", "storm", "[loud]"))
        assert f"--before {other['id']}" in run("list", "--limit", "1").stdout

    def test_says_what_was_done(self):
        assert run("reject", "rain", "--track", "lake.wav").stdout == (
            "rejected /m/calm/lake.wav for: rain\n"
        )
        assert "Nobody has said" in run("list", "--text", "nothing").stdout

    def test_what_was_said_can_be_taken_back(self):
        (said,) = documents("accept", "rain", "--track", "lake.wav")
        assert documents("remove", said["id"]) == [said]
        assert documents("list") == []

    def test_a_track_that_is_not_there_is_told(self):
        result = run("accept", "rain", "--track", "nothing.wav")
        assert isinstance(result.exception, TrackNameError)

    @pytest.mark.parametrize("arguments", [["remove", "seven"], ["accept", "rain"]])
    def test_wrong_use_ends_with_two(self, arguments: list[str]):
        assert run(*arguments).exit_code == 2

    def test_a_file_goes_out_and_comes_back(self, tmp_path: Path):
        (said,) = documents("accept", "rain", "--track", "lake.wav", "--note", "soft")
        file = tmp_path / "opinions.jsonl"
        assert documents("export", str(file)) == [{"exported": 1, "path": str(file)}]
        documents("remove", said["id"])
        assert documents("import", str(file)) == [{"imported": 1, "failed": 0}]
        (back,) = documents("list")
        assert back | {"id": said["id"]} == said

    def test_bad_lines_are_listed_and_end_with_one(self, tmp_path: Path):
        file = tmp_path / "opinions.jsonl"
        good = {"path": "lake.wav", "brief": "rain", "verdict": "accept"}
        file.write_text(f"{json.dumps(good)}\nnot JSON\n")
        result = run("import", str(file))
        assert result.exit_code == 1
        assert f"failed: {file}, line 2:" in result.stderr
        assert "1 opinions imported, 1 lines failed" in result.stdout

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import numpy as np
import pytest
from click.testing import CliRunner

from indexer.cli.duplicates import duplicates
from indexer.errors import NothingIndexedError
from indexer.recordings.grouping import group_recordings
from musiscene.console import Places
from tests.support.listening import new_catalogue
from tests.support.recordings import print_of, put, tune

if TYPE_CHECKING:
    from pathlib import Path


@pytest.fixture
def places(tmp_path: Path) -> Places:
    with new_catalogue(tmp_path) as catalogue:
        put(catalogue, "a.wav", print_of(tune(1)))
        put(catalogue, "a.mp3", print_of(tune(1) * np.float32(0.5)))
        put(catalogue, "long.wav", print_of(np.concatenate([tune(1), tune(2)])))
        group_recordings(catalogue)
        put(catalogue, "late.wav", None)
    return Places(data_dir=tmp_path)


class TestDuplicates:
    def test_shows_each_recording_with_its_files_and_the_best(self, places: Places):
        result = CliRunner().invoke(duplicates, obj=places)
        assert result.exit_code == 0
        assert "/m/a.wav" in result.stdout
        assert "/m/a.mp3" in result.stdout
        assert "best:" in result.stdout
        assert "long.wav" not in result.stdout
        assert "Tracks not compared yet: 1" in result.stderr

    def test_is_json_lines(self, places: Places):
        result = CliRunner().invoke(duplicates, ["--json", "--near", "-q"], obj=places)
        recording, pair = map(json.loads, result.stdout.splitlines())
        assert recording["best"] == recording["files"][0]["track_id"]
        assert len(recording["files"]) == 2
        assert pair["paths"] == ["/m/a.wav", "/m/long.wav"]

    def test_near_versions_are_said_to_be_doubtful(self, places: Places):
        result = CliRunner().invoke(duplicates, ["--near"], obj=places)
        assert "May be other edits" in result.stdout

    def test_the_filter_holds(self, places: Places):
        result = CliRunner().invoke(duplicates, ["--filter", "bpm=20..30", "--near"], obj=places)
        assert "No recording has more than one file" in result.stdout
        assert "No other versions" in result.stdout

    def test_needs_a_library(self, tmp_path: Path):
        result = CliRunner().invoke(duplicates, obj=Places(data_dir=tmp_path))
        assert isinstance(result.exception, NothingIndexedError)

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import msgspec
import numpy as np
import pytest

from indexer.catalogue.recordings import RecordingFile
from indexer.recordings.grouping import group_recordings
from indexer.recordings.listing import _duplicate, duplicates
from indexer.recordings.near import near_pairs
from tests.support.listening import new_catalogue
from tests.support.recordings import print_of, put, tune

if TYPE_CHECKING:
    from pathlib import Path

PLAIN: dict[str, Any] = {
    "recording_id": "0190aab2-0000-7000-8000-000000000000",
    "codec": "mp3",
    "duration_seconds": 100.0,
    "size_bytes": 2_000_000,
    "sample_rate": 44_100,
    "channels": 2,
}


def file(number: int, **facts: object) -> RecordingFile:
    track_id = f"0190aab2-0000-7000-8000-{number:012d}"
    return msgspec.convert(
        {**PLAIN, "track_id": track_id, "path": f"/m/{number}", **facts}, RecordingFile
    )


class TestBestCopy:
    @pytest.mark.parametrize(
        ("worse", "better", "why"),
        [
            ({"size_bytes": 4_000_000}, {"codec": "flac"}, "lossless"),
            ({"size_bytes": 2_010_000}, {}, "as good as the next one"),
            ({}, {"size_bytes": 4_000_000}, "320 kbit/s against 160"),
            ({"sample_rate": 22_050}, {}, "44100 Hz against 22050"),
            ({"codec": "flac", "duration_seconds": 95.0}, {}, "longer by 5.0 s"),
            ({"codec": "flac", "channels": 1}, {"codec": "flac"}, "2 channels against 1"),
        ],
    )
    def test_is_the_better_one_for_a_stated_reason(
        self, worse: dict[str, object], better: dict[str, object], why: str
    ):
        files = [file(1, **worse), file(2, **better)]
        found = _duplicate(files[0].recording_id, files)
        assert found.why == why
        assert found.best == found.files[0].track_id == file(2).track_id


class TestDuplicates:
    def test_lists_only_what_has_several_files_and_is_asked_for(self, tmp_path: Path):
        whole = tune(1)
        with new_catalogue(tmp_path) as catalogue:
            ids = [
                put(catalogue, name, print_of(tune(seed) * np.float32(gain)))
                for name, seed, gain in (
                    ("a.wav", 1, 1), ("a.mp3", 1, 0.5), ("b.wav", 2, 1), ("b.mp3", 2, 0.5),
                    ("c.wav", 3, 1),
                )
            ]  # fmt: skip
            put(catalogue, "long.wav", print_of(np.concatenate([whole, tune(9)])))
            group_recordings(catalogue)
            assert [len(one.files) for one in duplicates(catalogue)] == [2, 2]
            only = duplicates(catalogue, among={ids[3]})
            assert [{file.track_id for file in one.files} for one in only] == [{ids[2], ids[3]}]
            near = list(near_pairs(catalogue))
            assert [pair.paths for pair in near] == [("/m/a.wav", "/m/long.wav")]
            assert near[0].share == pytest.approx(0.5, abs=0.1)
            assert not list(near_pairs(catalogue, among={ids[4]}))

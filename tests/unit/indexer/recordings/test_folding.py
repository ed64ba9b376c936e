from __future__ import annotations

from typing import TYPE_CHECKING

from indexer.recordings.folding import first_files
from tests.support.listening import new_catalogue
from tests.support.recordings import put

if TYPE_CHECKING:
    from pathlib import Path


class TestFirstFiles:
    def test_each_recording_comes_once_where_its_first_file_is(self, tmp_path: Path):
        with new_catalogue(tmp_path) as catalogue:
            ids = [put(catalogue, f"{number}.wav", None) for number in range(7)]
            catalogue.recordings.assign({ids[0]: ids[0], ids[1]: ids[0], ids[3]: ids[0]})
            assert first_files(catalogue.recordings, ids, top_k=9) == [0, 2, 4, 5, 6]
            assert first_files(catalogue.recordings, ids[::-1], top_k=2) == [0, 1]
            assert first_files(catalogue.recordings, ids, top_k=2) == [0, 2]
            assert first_files(catalogue.recordings, [], top_k=2) == []

    def test_tracks_that_were_not_grouped_are_all_given(self, tmp_path: Path):
        with new_catalogue(tmp_path) as catalogue:
            ids = [put(catalogue, f"{number}.wav", None) for number in range(3)]
            assert first_files(catalogue.recordings, ids, top_k=3) == [0, 1, 2]

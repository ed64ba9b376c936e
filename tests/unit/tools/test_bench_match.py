from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from indexer.catalogue.repository import Catalogue
from indexer.library import Library
from indexer.match import Matcher
from tests.support.listening import word_reader
from tests.support.retrieval import TRACKS, made_library
from tools.bench_match import FLOOR, WHOLE, measure
from tools.large_library import make_large

if TYPE_CHECKING:
    from pathlib import Path

BRIEF = "mist over the still lake"


class TestMakeLarge:
    def test_makes_a_library_that_answers(self, tmp_path: Path):
        (tmp_path / "small").mkdir()
        with made_library(tmp_path / "small") as small:
            small_rows = len(small.vectors())
            assert make_large(small, tmp_path / "large", 9) == 3 * len(TRACKS)
            embedder = small.embedder
        catalogue = Catalogue.open(tmp_path / "large" / "catalogue.sqlite")
        with Library(catalogue, tmp_path / "large" / "vectors", embedder) as large:
            assert catalogue.count_tracks() == 3 * len(TRACKS)
            index = large.vectors()
            assert len(index) == 3 * small_rows
            vectors = index.vectors(np.arange(len(index)))
            assert len(np.unique(vectors, axis=0)) == len(index)
            hits = Matcher.over(large, word_reader()).match([BRIEF], top_k=20).hits
        assert len({hit.track.path for hit in hits}) == 3 * len(TRACKS)
        assert all(hit.scene_caption and hit.tags for hit in hits)


class TestMeasure:
    def test_every_part_has_a_time_and_the_whole_its_ratio(self, tmp_path: Path):
        with made_library(tmp_path) as library:
            found = measure(library, word_reader(), [BRIEF])
        assert {"read the brief", "stage: mood", "explain"} <= found.keys()
        assert all(0.0 <= one["median"] <= one["p95"] for one in found.values())
        assert found[WHOLE]["over_floor"] == round(
            found[WHOLE]["median"] / found[FLOOR]["median"], 2
        )

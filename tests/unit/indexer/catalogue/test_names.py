from __future__ import annotations

from typing import TYPE_CHECKING
from uuid import UUID

import pytest

from indexer.catalogue.repository import Catalogue
from indexer.errors import TrackNameError
from tests.support.listening import listening, store

if TYPE_CHECKING:
    from collections.abc import Iterator


@pytest.fixture
def catalogue(catalogue_location: str) -> Iterator[Catalogue]:
    with Catalogue.open(catalogue_location) as opened:
        yield opened


class TestTrackCalled:
    @pytest.mark.parametrize(
        "name",
        ["/m/calm/lake.wav", "calm/lake.wav", "lake.wav", "LAKE.wav", "lake", "calm/lake", "Lake"],
    )
    def test_path_and_its_end_name_a_track(self, catalogue: Catalogue, name: str):
        lake = store(catalogue, listening("/m/calm/lake.wav"))
        store(catalogue, listening("/m/calm/snowlake.wav"))
        assert catalogue.track_called(name) == lake

    def test_id_names_a_track(self, catalogue: Catalogue):
        lake = store(catalogue, listening())
        assert catalogue.track_called(str(lake)) == lake

    def test_a_whole_path_wins_over_one_that_ends_so(self, catalogue: Catalogue):
        store(catalogue, listening("/backup/m/a.wav"))
        original = store(catalogue, listening("/m/a.wav"))
        assert catalogue.track_called("/m/a.wav") == original

    def test_the_case_as_written_wins(self, catalogue: Catalogue):
        store(catalogue, listening("/m/Lake.wav"))
        lake = store(catalogue, listening("/m/lake.wav"))
        assert catalogue.track_called("lake.wav") == lake

    def test_a_dot_in_a_folder_is_no_suffix(self, catalogue: Catalogue):
        store(catalogue, listening("/m/lake.old/a.wav"))
        with pytest.raises(TrackNameError, match="no track"):
            catalogue.track_called("lake")

    def test_a_name_that_several_suffixes_have_lists_them(self, catalogue: Catalogue):
        store(catalogue, listening("/m/lake.wav"))
        flac = store(catalogue, listening("/m/lake.flac"))
        with pytest.raises(TrackNameError, match="several tracks"):
            catalogue.track_called("lake")
        assert catalogue.track_called("lake.flac") == flac

    def test_an_end_that_several_have_lists_them(self, catalogue: Catalogue):
        paths = [f"/{folder}/a.wav" for folder in "xyz"]
        for path in paths:
            store(catalogue, listening(path))
        with pytest.raises(TrackNameError, match="several tracks") as caught:
            catalogue.track_called("a.wav")
        assert list(caught.value.paths) == paths
        assert all(path in str(caught.value) for path in paths)

    @pytest.mark.parametrize(
        "name", ["", "/", "%", "_.wav", "ake.wav", "nothing.wav", str(UUID(int=7))]
    )
    def test_what_names_no_track_is_told(self, catalogue: Catalogue, name: str):
        store(catalogue, listening("/m/lake.wav"))
        with pytest.raises(TrackNameError, match="no track has this id or path"):
            catalogue.track_called(name)

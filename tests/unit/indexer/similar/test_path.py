from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING
from uuid import uuid4

import numpy as np
import pytest

from indexer.errors import SeedError, TrackNotFoundError
from indexer.library import Library
from indexer.similar.path import along, find_path
from tests.support.listening import WordEmbedder, listening, new_catalogue, store

if TYPE_CHECKING:
    from collections.abc import Iterator

    from indexer.similar.path import Stop

WORDS = [f"w{number}" for number in range(12)]


def way(number: int) -> str:
    """Each of these shares five of its six words with the one before."""
    return " ".join(WORDS[number : number + 6])


@pytest.fixture
def library(tmp_path: Path) -> Iterator[Library]:
    """Tracks 0 to 6 lead from one scene to another; others have nothing to do with them."""
    with new_catalogue(tmp_path) as catalogue:
        for number in (3, 5, 0, 2, 6, 1, 4):
            heard = listening(f"/m/{number}.wav", audio_hash=f"{number:064x}")
            store(catalogue, heard, scenes=[way(number)], music=way(number))
        for number in range(20):
            heard = listening(f"/m/far-{number}.wav", audio_hash=f"{100 + number:064x}")
            store(catalogue, heard, scenes=[f"x{number} y{number}"], music=f"z{number}")
        yield Library(catalogue, tmp_path / "vectors", WordEmbedder())  # type: ignore[arg-type]


def path(library: Library, start: str, end: str, count: int) -> list[Stop]:
    ends = [library.catalogue.track_called(f"{name}.wav") for name in (start, end)]
    return find_path(library.catalogue, library.vectors(), ends[0], ends[1], count=count)


def names(stops: list[Stop]) -> list[str]:
    return [Path(stop.track.path).stem for stop in stops]


class TestFindPath:
    def test_the_tracks_between_come_in_their_order(self, library: Library):
        stops = path(library, "0", "6", 7)
        assert names(stops) == ["0", "1", "2", "3", "4", "5", "6"]
        near = [stop.similarity for stop in stops]
        assert near == sorted(near, reverse=True)
        assert near[1] == pytest.approx(5 / 6, abs=1e-3)
        assert names(path(library, "6", "0", 7)) == ["6", "5", "4", "3", "2", "1", "0"]

    def test_a_short_way_takes_the_middle(self, library: Library):
        assert names(path(library, "0", "6", 3)) == ["0", "3", "6"]
        assert names(path(library, "0", "6", 2)) == ["0", "6"]

    def test_no_track_comes_twice(self, library: Library):
        found = names(path(library, "1", "5", 25))
        assert len(set(found)) == len(found)
        assert (found[0], found[-1]) == ("1", "5")

    def test_what_has_nothing_to_do_with_the_ends_is_no_way(self, library: Library):
        assert not [one for one in names(path(library, "0", "5", 25)) if "far" in one]

    def test_a_further_file_of_a_recording_is_left_out(self, library: Library):
        catalogue = library.catalogue
        three, four = (catalogue.track_called(f"{name}.wav") for name in ("3", "4"))
        catalogue.recordings.assign({three: three, four: three})
        found = names(path(library, "0", "6", 7))
        assert ("3" in found) != ("4" in found)

    def test_the_way_to_itself_is_one_track(self, library: Library):
        assert names(path(library, "2", "2", 9)) == ["2"]

    def test_an_unknown_end_is_refused(self, library: Library):
        known = library.catalogue.track_called("0.wav")
        with pytest.raises(TrackNotFoundError):
            find_path(library.catalogue, library.vectors(), known, uuid4())

    def test_an_end_that_is_not_in_the_index_is_refused(self, library: Library):
        index = library.vectors()
        new = listening("/m/new.wav", audio_hash="f" * 64)
        store(library.catalogue, new, scenes=["new"], music="new")
        ends = [library.catalogue.track_called(name) for name in ("0.wav", "new.wav")]
        with pytest.raises(SeedError, match="index"):
            find_path(library.catalogue, index, ends[0], ends[1])


class TestAlong:
    def test_points_lie_at_equal_angles(self):
        start, end = np.eye(3, dtype=np.float32)[:2]
        angles = np.degrees(np.arccos(along(start, end, 2) @ start))
        np.testing.assert_allclose(angles, [30, 60], atol=1e-3)

    @pytest.mark.parametrize("sign", [1.0, -1.0])
    def test_there_is_no_way_between_the_same_and_the_opposite(self, sign: float):
        start = np.array([1, 0], np.float32)
        assert along(start, np.float32(sign) * start, 3).shape == (0, 2)

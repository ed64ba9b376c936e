from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st

from indexer.errors import FilterSyntaxError
from indexer.filters import FIELDS, parse_filter
from tests.support.listening import listening, new_catalogue, store

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from indexer.catalogue.repository import Catalogue

TRACKS = {
    "slow": listening(
        "/m/slow.wav", bpm=60, key="D#:minor", tags={"piano": 0.6}, artist="The Band", vocals=0.9
    ),
    "fast": listening("/m/fast.wav", bpm=140, key="E:major", tags={"metal": 0.4, "piano": 0.05}),
    "quiet": listening(
        "/m/quiet.wav", bpm=90, key="E:minor", loudness_lufs=None, duration_seconds=90
    ),
}


@pytest.fixture(scope="module")
def catalogue(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Catalogue]:
    folder: Path = tmp_path_factory.mktemp("catalogue")
    with new_catalogue(folder) as opened:
        for heard in TRACKS.values():
            store(opened, heard)
        yield opened


def found(catalogue: Catalogue, expression: str) -> set[str]:
    condition = parse_filter(expression)
    ids = catalogue.track_ids(*([] if condition is None else [condition]))
    by_path = {track.info.path: name for name, track in TRACKS.items()}
    return {by_path[track.path] for track in catalogue.tracks(list(ids)).values()}


class TestParseFilter:
    @pytest.mark.parametrize(
        ("expression", "names"),
        [
            pytest.param("", {"slow", "fast", "quiet"}, id="empty"),
            pytest.param("bpm=80..150", {"fast", "quiet"}, id="range"),
            pytest.param("bpm=..90", {"slow", "quiet"}, id="open below"),
            pytest.param("bpm=90", {"quiet"}, id="exact"),
            pytest.param("bpm>60 bpm<=90", {"quiet"}, id="both bounds"),
            pytest.param("-bpm>=90", {"slow"}, id="negated"),
            pytest.param("duration>=60", {"quiet"}, id="duration"),
            pytest.param("loudness>=-20", {"slow", "fast"}, id="no value is not in a range"),
            pytest.param("-loudness>=-20", {"quiet"}, id="negated finds what has no value"),
            pytest.param("key=E", {"fast", "quiet"}, id="tonic"),
            pytest.param("key=E:minor", {"quiet"}, id="key"),
            pytest.param("key=eb:minor", {"slow"}, id="flat, small letter"),
            pytest.param("mode=minor -key=E", {"slow"}, id="mode"),
            pytest.param("vocals=yes", {"slow"}, id="vocals"),
            pytest.param("generated=yes", set(), id="generated"),
            pytest.param("tag=piano", {"slow"}, id="tag under the threshold is not heard"),
            pytest.param("-tag=metal", {"slow", "quiet"}, id="not a tag"),
            pytest.param('artist="the band"', {"slow"}, id="quoted, any case"),
            pytest.param("-artist=band", {"fast", "quiet"}, id="negated finds what has no artist"),
            pytest.param("path=%", set(), id="wildcards are plain characters"),
        ],
    )
    def test_finds(self, catalogue: Catalogue, expression: str, names: set[str]):
        assert found(catalogue, expression) == names

    @pytest.mark.parametrize(
        ("expression", "position", "says"),
        [
            pytest.param("tempo=3", 0, "no field 'tempo'", id="field"),
            pytest.param("bpm=fast", 4, "'fast' is not a number", id="number"),
            pytest.param("bpm=1..x", 4, "'x' is not a number", id="range"),
            pytest.param("bpm=nan", 4, "not a number", id="not a number at all"),
            pytest.param("bpm=90 key=H", 11, "no key", id="key"),
            pytest.param("key=E:dorian", 4, "no key", id="mode of a key"),
            pytest.param("vocals=maybe", 7, "yes or no", id="yes or no"),
            pytest.param("tag>piano", 3, "compared with = only", id="operator"),
            pytest.param("bpm=90 and key=E", 7, "expected a term", id="word"),
            pytest.param('artist="open', 0, "expected a term", id="open quote"),
            pytest.param('artist="a"b', 10, "expected a blank", id="no blank"),
            pytest.param("mode=E", 5, "major or minor", id="mode"),
        ],
    )
    def test_says_where_it_cannot_be_read(self, expression: str, position: int, says: str):
        with pytest.raises(FilterSyntaxError, match=says) as caught:
            parse_filter(expression)
        assert caught.value.position == position

    def test_refuses_what_is_too_long(self):
        with pytest.raises(FilterSyntaxError, match="longer than"):
            parse_filter("bpm=1 " * 1000)
        with pytest.raises(FilterSyntaxError, match="more than 50 terms"):
            parse_filter("bpm=1 " * 51)

    @given(
        st.text(max_size=60)
        | st.builds(
            lambda field, operator, value: f"{field}{operator}{value}",
            st.sampled_from(FIELDS),
            st.sampled_from(["=", ">=", "<", "=="]),
            st.text(max_size=20),
        )
    )
    def test_any_text_is_read_or_refused(self, expression: str):
        try:
            condition = parse_filter(expression)
        except FilterSyntaxError as error:
            assert 0 <= error.position <= len(expression)  # noqa: PT017
        else:
            assert condition is None or str(condition.compile())

from __future__ import annotations

from typing import TYPE_CHECKING, get_args

import msgspec
import pytest

from indexer.catalogue.listing import Order, Place
from indexer.catalogue.models import Track
from indexer.catalogue.repository import Catalogue
from indexer.catalogue.rows import MadeBy
from musiscene.audio.read import AudioInfo
from tests.support.listening import listening, store

if TYPE_CHECKING:
    from collections.abc import Iterator

    from musiscene.listen import Listening

NAMES = ("Zebra", "älpe", "Apfel", "москва", "МИР")
BPM = (120.0, 90.0, 120.0, 120.0, 60.0)


def named(title: str | None, artist: str | None, path: str, **facts: float) -> Listening:
    heard = listening(path, tags={"piano": 0.8, "slow": 0.4}, **facts)  # type: ignore[arg-type]
    info = msgspec.structs.replace(heard.info, title=title, artist=artist)
    return msgspec.structs.replace(heard, info=info)


@pytest.fixture(scope="module")
def catalogue(module_catalogue_location: str) -> Iterator[Catalogue]:
    with Catalogue.open(module_catalogue_location) as opened:
        for number, (name, bpm) in enumerate(zip(NAMES, BPM, strict=True)):
            artist = None if number == 0 else f"Artist {number % 2}"
            heard = named(name, artist, f"/m/{number}.wav", bpm=bpm, duration_seconds=30.0)
            store(opened, heard, scenes=[f"Scene {number} of Ünder 50%", "another"])
        yield opened


def walk(catalogue: Catalogue, order: Order, limit: int = 2, **asked: object) -> list[str | None]:
    titles, after = [], None
    while True:
        page = catalogue.listing.page(order=order, after=after, limit=limit, **asked)  # type: ignore[arg-type]
        titles += [track.title for track in page.tracks]
        after = page.end
        if after is None:
            return titles
        assert len(page.tracks) == limit


class TestPage:
    @pytest.mark.parametrize("order", get_args(Order))
    def test_pages_of_any_size_join_to_the_whole(self, catalogue: Catalogue, order: Order):
        whole = walk(catalogue, order, limit=50)
        assert sorted(map(str, whole)) == sorted(NAMES)
        for limit in (1, 2, 5):
            assert walk(catalogue, order, limit=limit) == whole

    @pytest.mark.parametrize("order", ["added", "title", "artist", "bpm", "duration"])
    def test_falling_is_rising_backwards(self, catalogue: Catalogue, order: Order):
        falling: Order = f"-{order}"  # type: ignore[assignment]
        assert walk(catalogue, falling) == walk(catalogue, order)[::-1]

    def test_orders_are_the_same_in_both_databases(self, catalogue: Catalogue):
        assert walk(catalogue, "title") == ["Apfel", "Zebra", "älpe", "МИР", "москва"]
        assert walk(catalogue, "artist") == ["Apfel", "МИР", "älpe", "москва", "Zebra"]
        assert walk(catalogue, "bpm") == ["МИР", "älpe", "Zebra", "Apfel", "москва"]
        assert walk(catalogue, "added") == list(NAMES)

    @pytest.mark.parametrize(
        ("words", "titles"),
        [
            pytest.param("МоСк", ["москва"], id="part of a word in any case"),
            pytest.param("ÄLPE", ["älpe"], id="umlaut"),
            pytest.param("scene artist 1", ["älpe", "москва"], id="every word"),
            pytest.param('"scene 2"', ["Apfel"], id="phrase"),
            pytest.param("/m/0.wav", ["Zebra"], id="path"),
            pytest.param("50%", list(NAMES), id="a percent sign is one"),
            pytest.param("5_%", [], id="an underscore is one"),
            pytest.param("nowhere", [], id="nothing"),
        ],
    )
    def test_words_are_found_anywhere(self, catalogue: Catalogue, words: str, titles: list[str]):
        assert walk(catalogue, "added", words=words) == titles
        assert catalogue.listing.count(words=words) == len(titles)

    def test_words_and_filters_go_together(self, catalogue: Catalogue):
        conditions = [Track.bpm == 120.0]
        assert walk(catalogue, "title", words="artist 1", conditions=conditions) == ["москва"]
        assert catalogue.listing.count(conditions, words="artist 1") == 1

    def test_a_track_shows_its_strongest_tags_and_first_scene(self, catalogue: Catalogue):
        track = catalogue.listing.page(limit=1).tracks[0]
        assert track.tags == ("piano", "slow")
        assert track.scene_caption == "Scene 0 of Ünder 50%"

    @pytest.mark.parametrize(("order", "value"), [("title", 1.0), ("bpm", "x"), ("added", "x")])
    def test_a_place_of_another_order_is_refused(
        self, catalogue: Catalogue, order: Order, value: str | float
    ):
        track_id = catalogue.listing.page(limit=1).tracks[0].id
        with pytest.raises(ValueError):  # noqa: PT011  by whichever part reads it
            catalogue.listing.page(order=order, after=Place(value, track_id))


class TestWordsOfTracks:
    """What changes a track changes what it is found by."""

    def test_new_captions_and_new_tags_of_a_file(self, catalogue_location: str):
        with Catalogue.open(catalogue_location) as catalogue:
            track_id = store(catalogue, listening("/m/a.wav"), scenes=["old scene"])
            catalogue.store_captions(
                track_id, [], made_by=MadeBy(listening="t", model="t", embedder="words-1")
            )
            assert catalogue.listing.count(words="old") == 0
            info = AudioInfo(
                path="/m/b.wav", size_bytes=1, container="wav", codec="x", duration_seconds=30.0,
                sample_rate=44_100, channels=2, title="Retagged",
            )  # fmt: skip
            catalogue.follow_file(track_id, info, path="/m/b.wav", modified_ns=2)
            assert catalogue.listing.count(words="retagged /m/b") == 1
            assert catalogue.listing.count(words="/m/a") == 0
            catalogue.delete_tracks([track_id])
            assert catalogue.listing.page(order="title").tracks == []

    def test_names_of_tracks(self, catalogue: Catalogue):
        ids = [track.id for track in catalogue.listing.page(limit=2).tracks]
        assert list(catalogue.listing.names(ids[1:]).values()) == [("älpe", "Artist 1")]

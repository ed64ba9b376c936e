from __future__ import annotations

from datetime import UTC, datetime
from itertools import pairwise
from typing import TYPE_CHECKING
from uuid import UUID, uuid4

import pytest

from indexer.catalogue.opinions import NewOpinion, Verdict
from indexer.catalogue.repository import Catalogue
from indexer.errors import OpinionNotFoundError, TrackNotFoundError
from tests.support.listening import WordEmbedder, listening, store

if TYPE_CHECKING:
    from collections.abc import Iterator


EMBEDDER = WordEmbedder()


@pytest.fixture
def catalogue(catalogue_location: str) -> Iterator[Catalogue]:
    with Catalogue.open(catalogue_location) as opened:
        yield opened


def vector_of(brief: str) -> bytes:
    data: bytes = EMBEDDER.encode([brief])[0].astype("<f2").tobytes()
    return data


def say(
    catalogue: Catalogue,
    track_id: UUID,
    brief: str,
    verdict: Verdict = "accept",
    *,
    note: str | None = None,
) -> UUID:
    new = NewOpinion(
        track_id=track_id, brief=brief, verdict=verdict, vector=vector_of(brief), note=note
    )
    return catalogue.opinions.add([new], embedder=EMBEDDER.version)[0]


class TestAdd:
    def test_gives_back_what_was_said(self, catalogue: Catalogue):
        track = store(catalogue, listening("/m/a.wav"))
        said = say(catalogue, track, "rain\na cat", "reject", note="too loud")
        found = catalogue.opinions.opinion(said)
        assert (found.track_id, found.path, found.brief) == (track, "/m/a.wav", "rain\na cat")
        assert (found.verdict, found.note) == ("reject", "too loud")
        assert abs((datetime.now(UTC) - found.created_at).seconds) < 60

    def test_a_second_verdict_on_the_same_brief_replaces_the_first(self, catalogue: Catalogue):
        track, other = (store(catalogue, listening(f"/m/{name}.wav")) for name in "ab")
        say(catalogue, track, "rain", "accept")
        say(catalogue, other, "rain", "accept")
        say(catalogue, track, "snow", "accept")
        say(catalogue, track, "rain", "reject")
        found = {(one.track_id, one.brief): one.verdict for one in catalogue.opinions.page()}
        assert found == {
            (track, "rain"): "reject",
            (other, "rain"): "accept",
            (track, "snow"): "accept",
        }
        assert len(catalogue.opinions.page()) == 3

    def test_an_unknown_track_keeps_all_of_them_out(self, catalogue: Catalogue):
        track = store(catalogue, listening())
        news = [
            NewOpinion(track_id=about, brief="rain", verdict="accept", vector=b"")
            for about in (track, uuid4())
        ]
        with pytest.raises(TrackNotFoundError):
            catalogue.opinions.add(news, embedder="words-1")
        assert len(catalogue.opinions.page()) == 0

    def test_leaves_the_revision_alone(self, catalogue: Catalogue):
        track = store(catalogue, listening())
        before = catalogue.revision()
        say(catalogue, track, "rain")
        assert catalogue.revision() == before


class TestPage:
    def test_pages_run_from_the_newest_to_the_oldest(self, catalogue: Catalogue):
        track = store(catalogue, listening())
        said = [say(catalogue, track, f"brief {number}") for number in range(7)]
        pages, before = [], None
        while page := catalogue.opinions.page(before=before, limit=3):
            pages.append([one.id for one in page])
            before = page[-1].id
        assert [len(page) for page in pages] == [3, 3, 1]
        assert [one for page in pages for one in page] == said[::-1]

    def test_by_track_and_by_text_of_brief_or_note(self, catalogue: Catalogue):
        first, second = (store(catalogue, listening(f"/m/{name}.wav")) for name in "ab")
        rain = say(catalogue, first, "Rain on a window")
        noted = say(catalogue, second, "a street", note="like rain")
        other = say(catalogue, second, "100% sun")
        opinions = catalogue.opinions
        assert [one.id for one in opinions.page(track_id=second)] == [other, noted]
        assert [one.id for one in opinions.page(text="rain")] == [noted, rain]
        assert [one.id for one in opinions.page(text="%")] == [other]


class TestRemove:
    def test_forgets_one(self, catalogue: Catalogue):
        track = store(catalogue, listening())
        kept, gone = say(catalogue, track, "rain"), say(catalogue, track, "snow")
        catalogue.opinions.remove(gone)
        assert [one.id for one in catalogue.opinions.page()] == [kept]
        with pytest.raises(OpinionNotFoundError, match=str(gone)):
            catalogue.opinions.remove(gone)
        with pytest.raises(OpinionNotFoundError):
            catalogue.opinions.opinion(gone)

    def test_a_deleted_track_takes_its_opinions_with_it(self, catalogue: Catalogue):
        gone, kept = (store(catalogue, listening(f"/m/{name}.wav")) for name in "ab")
        say(catalogue, gone, "rain")
        say(catalogue, kept, "rain")
        catalogue.delete_tracks([gone])
        assert [one.track_id for one in catalogue.opinions.page()] == [kept]

    def test_a_track_that_is_heard_again_keeps_its_opinions(self, catalogue: Catalogue):
        track = store(catalogue, listening())
        say(catalogue, track, "rain")
        store(catalogue, listening(), scenes=["new"])
        assert len(catalogue.opinions.page()) == 1


class TestState:
    def test_differs_after_every_change(self, catalogue: Catalogue):
        track = store(catalogue, listening())
        opinions = catalogue.opinions
        states = [opinions.state()]
        first = say(catalogue, track, "rain")
        states.append(opinions.state())
        say(catalogue, track, "snow")
        states.append(opinions.state())
        say(catalogue, track, "snow", "reject")
        states.append(opinions.state())
        opinions.remove(first)
        states.append(opinions.state())
        catalogue.delete_tracks([track])
        states.append(opinions.state())
        assert all(earlier != later for earlier, later in pairwise(states))
        assert states[0] == states[-1] == (0, None)


class TestVectors:
    def test_come_in_the_order_said_and_only_of_one_embedder(self, catalogue: Catalogue):
        track = store(catalogue, listening())
        say(catalogue, track, "rain", "reject")
        say(catalogue, track, "snow")
        found = catalogue.opinions.vectors(embedder="words-1")
        assert [(one.brief, one.is_accepted, one.data) for one in found] == [
            ("rain", False, vector_of("rain")),
            ("snow", True, vector_of("snow")),
        ]
        assert catalogue.opinions.vectors(embedder="words-2") == []

    def test_those_of_another_embedder_can_be_replaced(self, catalogue: Catalogue):
        track = store(catalogue, listening())
        said = say(catalogue, track, "rain")
        opinions = catalogue.opinions
        assert opinions.briefs_of_others(embedder="words-1", limit=9) == {}
        assert opinions.briefs_of_others(embedder="words-2", limit=9) == {said: "rain"}
        opinions.replace_vectors({said: b"new"}, embedder="words-2")
        assert [one.data for one in opinions.vectors(embedder="words-2")] == [b"new"]

from __future__ import annotations

from typing import TYPE_CHECKING, cast

import pytest

from indexer.feedback import note_opinion
from indexer.library import Library
from indexer.match import ALL_LOOKED_AT, STAGES, Matcher
from indexer.matching import explain
from musiscene.scene_reader import MOOD_NAMES
from tests.support.listening import WordEmbedder, listening, store, word_reader
from tests.support.matching import made_brief
from tests.support.retrieval import made_library

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from musiscene.embed import TextEmbedder

BRIEF = "a calm piano piece at 120 bpm, no drums, for mist on a still lake"


@pytest.fixture
def library(tmp_path: Path) -> Iterator[Library]:
    with made_library(tmp_path) as opened:
        yield opened


@pytest.fixture
def matcher(library: Library) -> Matcher:
    return Matcher.over(library, word_reader())


class TestExplain:
    def test_points_sum_to_the_score_and_shares_to_one(self, matcher: Matcher):
        hits = matcher.match([BRIEF], negatives=["nothing sad", "a storm"]).hits
        assert len(hits) == 4
        for hit in hits:
            assert sum(reason.points for reason in hit.reasons) == pytest.approx(
                hit.score, abs=1e-3
            )
            assert sum(reason.share for reason in hit.reasons) == pytest.approx(1.0, abs=5e-3)
            shares = [reason.share for reason in hit.reasons]
            assert shares == sorted(shares, reverse=True)
            assert {reason.stage for reason in hit.reasons} <= set(STAGES)

    def test_every_wish_is_answered_for_every_hit(self, matcher: Matcher):
        result = matcher.match([BRIEF])
        assert result.reading.wishes == ("piano", "120 bpm", "no drums")
        by_name = {hit.track.path: hit.facts for hit in result.hits}
        assert [(fact.asked, fact.agrees) for fact in by_name["/m/calm/lake.wav"]] == [
            ("piano", True), ("120 bpm", True), ("no drums", True),
        ]  # fmt: skip
        assert [fact.agrees for fact in by_name["/m/wild/storm.wav"]] == [False, True, False]

    def test_no_hit_is_surer_than_that_the_brief_can_be_answered(self, matcher: Matcher):
        result = matcher.match([BRIEF])
        assert result.confidence == result.hits[0].confidence
        for hit in result.hits:
            assert 0.0 <= hit.confidence <= result.reading.answerable + 1e-3

    def test_without_any_stage_there_is_no_reason(self, matcher: Matcher):
        (hit, *_) = matcher.match([BRIEF], without=STAGES).hits
        assert (hit.score, hit.reasons) == (0.0, ())

    def test_a_brief_in_another_language_is_not_pretended_to_be_answered(self, matcher: Matcher):
        text = "Eine Familie feiert Geburtstag im Garten und alle lachen zusammen"
        result = matcher.match([text])
        assert result.decision == "nothing_fits"
        assert "German" in (result.notice or "")
        assert result.confidence < 0.25


class TestReadingOf:
    def test_the_strongest_mood_comes_first(self):
        reading = explain.reading_of(made_brief("sad mournful lonely"), answerable=0.5)
        assert reading.moods[0].mood == "sadness"
        chances = [one.probability for one in reading.moods]
        assert chances == sorted(chances, reverse=True)
        assert {one.mood for one in reading.moods} <= set(MOOD_NAMES)


class TestUnlike:
    def test_the_named_track_comes_last(self, matcher: Matcher):
        first = matcher.match([BRIEF]).hits[0]
        hits = matcher.match([BRIEF], unlike=[first.track.id]).hits
        assert hits[-1].track.id == first.track.id
        assert hits[-1].confidence < 0.01


class TestFeedback:
    def note(self, library: Library, track: str, verdict: str) -> Matcher:
        note_opinion(
            library.catalogue,
            library.embedder,
            track_id=library.catalogue.track_called(track),
            brief=BRIEF,
            verdict=verdict,  # type: ignore[arg-type]
        )
        return Matcher.over(library, word_reader())

    def names(self, matcher: Matcher, brief: str = BRIEF, **options: object) -> list[str]:
        return [hit.track.path for hit in matcher.match([brief], **options).hits]  # type: ignore[arg-type]

    def test_what_was_rejected_for_this_brief_comes_last(self, library: Library):
        matcher = self.note(library, "/m/calm/lake.wav", "reject")
        assert self.names(matcher)[-1] == "/m/calm/lake.wav"
        assert self.names(matcher, without=["feedback"])[0] == "/m/calm/lake.wav"

    def test_what_was_accepted_for_this_brief_rises(self, library: Library, matcher: Matcher):
        before = self.names(matcher)
        track = "/m/wild/chase.wav"
        after = self.names(self.note(library, track, "accept"))
        assert after.index(track) < before.index(track)

    def test_an_opinion_leaves_other_briefs_alone(self, library: Library, matcher: Matcher):
        other = "riders chase"
        before = self.names(matcher, other)
        assert self.names(self.note(library, before[0], "reject"), other) == before


@pytest.fixture(scope="module")
def crowd(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Library]:
    with made_library(tmp_path_factory.mktemp("crowd")) as small:
        for number in range(200):
            tags = {("piano", "drums", "guitar")[number % 3]: 0.1 + number / 400}
            heard = listening(f"/m/{number}.wav", bpm=60 + number / 2, tags=tags, segments=1)
            store(small.catalogue, heard, scenes=[f"scene {number} by a lake"], music="music")
        embedder = cast("TextEmbedder", WordEmbedder())
        yield Library(small.catalogue, small.vectors_dir, embedder)


class TestLargeLibrary:
    @pytest.mark.parametrize("brief", ["mist on a still lake", "a storm and 100 bpm", BRIEF])
    def test_choosing_candidates_finds_the_same_best(
        self, crowd: Library, monkeypatch: pytest.MonkeyPatch, brief: str
    ):
        matcher = Matcher.over(crowd, word_reader())
        assert len(matcher.rank([brief])) == 204 < ALL_LOOKED_AT
        whole = [hit.track.id for hit in matcher.match([brief], top_k=3).hits]
        monkeypatch.setattr("indexer.match.ALL_LOOKED_AT", 10)
        chosen = [hit.track.id for hit in matcher.match([brief], top_k=3).hits]
        assert chosen == whole

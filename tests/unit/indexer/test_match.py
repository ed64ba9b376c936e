from __future__ import annotations

from typing import TYPE_CHECKING, cast

import pytest

from indexer.catalogue.repository import Catalogue
from indexer.errors import BriefError, FilterSyntaxError
from indexer.match import Matcher
from indexer.matching.brief import MAX_CAPTIONS
from indexer.matching.explain import WindowWish
from indexer.matching.fusion import fitted
from indexer.matching.results import Span
from indexer.vectors import VectorIndex, publish
from tests.support.listening import WordEmbedder, listening, store, word_reader

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from musiscene.embed import TextEmbedder

SCENES = {
    "party": ("children dance at a birthday party", "a clown juggles"),
    "storm": ("a ship fights a storm at night",),
    "lake": ("mist rises over a still lake",),
}


@pytest.fixture
def catalogue(catalogue_location: str) -> Iterator[Catalogue]:
    with Catalogue.open(catalogue_location) as opened:
        store(
            opened,
            listening("/m/party.wav", bpm=128, tags={"drums": 0.5, "happy": 0.4}),
            scenes=SCENES["party"],
            music="a joyful dance",
        )
        store(
            opened,
            listening("/m/storm.wav", bpm=90, tags={"drums": 0.3, "strings": 0.9}),
            scenes=SCENES["storm"],
            music="tense strings",
        )
        store(
            opened,
            listening("/m/lake.wav", bpm=60, duration_seconds=90, tags={"piano": 0.8}),
            scenes=SCENES["lake"],
            music="calm piano",
        )
        yield opened


@pytest.fixture
def matcher(catalogue: Catalogue, tmp_path: Path) -> Matcher:
    return matcher_over(catalogue, tmp_path)


@pytest.fixture
def by_captions(catalogue: Catalogue, tmp_path: Path) -> Matcher:
    """A matcher in which nothing but words counts, so that its answers can be worked out."""
    return matcher_over(catalogue, tmp_path, without=("mood", "imagined"))


def matcher_over(catalogue: Catalogue, folder: Path, without: tuple[str, ...] = ()) -> Matcher:
    embedder = WordEmbedder()
    revision = catalogue.revision()
    vectors = catalogue.vectors(embedder=embedder.version)
    publish(
        folder / "v",
        vectors,
        catalogue.sounds(),
        embedder=embedder.version,
        dimension=embedder.dimension,
        revision=revision,
    )
    index = VectorIndex.open(folder / "v", embedder=embedder.version, revision=revision)
    return Matcher(catalogue, index, cast("TextEmbedder", embedder), word_reader(), without=without)


def names(matcher: Matcher, *captions: str, **options: object) -> list[str]:
    result = matcher.match(captions, **options)  # type: ignore[arg-type]
    return [hit.track.path.removeprefix("/m/").removesuffix(".wav") for hit in result.hits]


class TestMatch:
    def test_the_fitting_track_comes_first_with_its_reasons(self, matcher: Matcher):
        result = matcher.match(["a clown juggles"])
        first = result.hits[0]
        assert (first.rank, first.track.path) == (1, "/m/party.wav")
        assert first.scene_caption == "a clown juggles"
        assert (first.window.start_seconds, first.window.end_seconds) == (15.0, 30.0)
        assert first.tags == ("drums", "happy")
        assert sum(reason.share for reason in first.reasons) == pytest.approx(1.0, abs=2e-3)
        quoted = {reason.stage: reason.text for reason in first.reasons}
        assert quoted["scene"] == "a clown juggles"
        heard = {reason.stage: reason.heard for reason in first.reasons}
        assert heard["scene"] == Span(start_seconds=15.0, end_seconds=30.0)
        assert heard["mood"] is None
        assert quoted["mood"].startswith("the brief calls for ")
        assert [hit.score for hit in result.hits] == sorted(
            (hit.score for hit in result.hits), reverse=True
        )

    def test_the_score_is_the_weighted_sum_of_the_nearest_captions(
        self, catalogue: Catalogue, tmp_path: Path
    ):
        matcher = matcher_over(catalogue, tmp_path, without=("mood", "imagined"))
        embedder = WordEmbedder()
        texts = ["a ship fights a storm at night", "tense strings"]
        scene, music = embedder.encode(texts) @ embedder.encode(["a ship at night"])[0]
        hit = matcher.match(["a ship at night"]).hits[0]
        weights = fitted().weights
        expected = weights["scene"] * scene + weights["music"] * music
        assert hit.score == pytest.approx(expected, abs=2e-3)

    def test_several_captions_describe_one_video(self, by_captions: Matcher):
        assert names(by_captions, "mist over a lake", "a still lake", top_k=1) == ["lake"]

    def test_filters_hold_and_the_answer_stays_full(self, matcher: Matcher):
        assert set(names(matcher, "a clown juggles", filter_expression="bpm<100", top_k=2)) == {
            "storm",
            "lake",
        }

    @pytest.mark.parametrize(
        "wanted",
        [
            pytest.param("bpm<100", id="text"),
            pytest.param({"field": "bpm", "op": "<", "value": 100}, id="object"),
        ],
    )
    def test_filters_come_in_two_forms(self, matcher: Matcher, wanted: object):
        assert "party" not in names(matcher, "a clown juggles", filter_expression=wanted)

    def test_filters_choose_before_the_search(self, catalogue: Catalogue, tmp_path: Path):
        """Three hundred nearer captions must not push out the few tracks that are allowed."""
        for number in range(300):
            heard = listening(f"/m/{number}.wav", bpm=100 + number, segments=1)
            store(catalogue, heard, scenes=["a clown juggles"], music="circus music")
        matcher = matcher_over(catalogue, tmp_path)
        brief = "a clown juggles to circus music"
        everything = [hit.track for hit in matcher.match([brief], top_k=500).hits]
        assert len(everything) == 303
        for low, high in ((0, 95), (0, 105), (350, 360), (200, 399), (0, 1000)):
            wanted = f"bpm={low}..{high}"
            allowed = [track.id for track in everything if low <= track.bpm <= high]
            for top_k in (1, 5, 60):
                hits = matcher.match([brief], filter_expression=wanted, top_k=top_k).hits
                assert [hit.track.id for hit in hits] == allowed[:top_k], wanted

    def test_top_k_is_the_most_that_comes(self, matcher: Matcher):
        assert len(names(matcher, "a", top_k=2)) == 2

    def test_a_length_leaves_shorter_tracks_out_and_sets_the_window(self, matcher: Matcher):
        result = matcher.match(["a clown juggles"], wish=WindowWish(length_seconds=50))
        (hit,) = result.hits
        assert hit.track.path == "/m/lake.wav"
        assert hit.window.end_seconds - hit.window.start_seconds == 50
        assert 0 <= hit.window.start_seconds <= hit.window.end_seconds <= 90

    @pytest.mark.parametrize("negative", ["drums", "no drums", " Drums "])
    def test_a_tag_that_is_not_wanted_is_ruled_out(self, matcher: Matcher, negative: str):
        assert names(matcher, "children dance", negatives=[negative]) == ["lake"]

    def test_a_text_that_is_not_wanted_lowers_what_is_near(self, by_captions: Matcher):
        brief = "a still lake at night"
        assert names(by_captions, brief)[0] == "lake"
        assert names(by_captions, brief, negatives=["mist rises over a still lake"])[0] == "storm"

    def test_nothing_in_the_library_fits_nonsense(self, matcher: Matcher):
        result = matcher.match(["qwertz uiop"], filter_expression="bpm>1000")
        assert (result.decision, result.confidence, result.hits) == ("nothing_fits", 0.0, ())
        assert result.notice == "No track of 3 fulfils what is asked: bpm>1000 leaves 0."
        assert matcher.match(["qwertz uiop"]).notice is None

    def test_equal_scores_keep_one_order(self, catalogue: Catalogue, tmp_path: Path):
        for name in ("x", "y", "z"):
            store(catalogue, listening(f"/m/{name}.wav"), scenes=["a red kite"], music="same")
        matcher = matcher_over(catalogue, tmp_path)
        assert names(matcher, "a red kite", top_k=3) == ["x", "y", "z"]  # ids grow with time

    def test_a_track_with_many_captions_leaves_room_for_others(
        self, catalogue: Catalogue, tmp_path: Path
    ):
        crowd = listening("/m/crowd.wav", segments=400)
        store(catalogue, crowd, scenes=["a clown juggles"] * 400)
        assert len(names(matcher_over(catalogue, tmp_path), "a clown juggles", top_k=4)) == 4

    @pytest.mark.parametrize(
        ("captions", "says"),
        [
            pytest.param([], "empty", id="none"),
            pytest.param(["  ", "\n"], "empty", id="blank"),
            pytest.param(["a"] * (MAX_CAPTIONS + 1), "51", id="too many"),
            pytest.param(["a" * 100_001], "100,001", id="too long"),
        ],
    )
    def test_refuses_a_brief_that_says_nothing(
        self, matcher: Matcher, captions: list[str], says: str
    ):
        with pytest.raises(BriefError, match=says):
            matcher.match(captions)

    def test_refuses_a_filter_it_cannot_read(self, matcher: Matcher):
        with pytest.raises(FilterSyntaxError):
            matcher.match(["a"], filter_expression="tempo=3")


class TestRecordings:
    def test_a_recording_comes_once_and_leaves_room_for_the_next(
        self, catalogue: Catalogue, matcher: Matcher
    ):
        before = [hit.track.id for hit in matcher.match(["a storm at night"]).hits]
        catalogue.recordings.assign({before[0]: before[0], before[1]: before[0]})
        after = [hit.track.id for hit in matcher.match(["a storm at night"], top_k=2).hits]
        assert after == [before[0], before[2]]

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from indexer.evaluation.briefs import JudgedBrief
from indexer.evaluation.report import RetrievalReport, in_words, metric_label
from indexer.evaluation.retrieval import RetrievalJudge
from indexer.evaluation.systems import MATCHER, System, TagRanker, build_systems
from indexer.match import Matcher
from musiscene.progress import ProgressReport
from tests.support.listening import word_reader
from tests.support.retrieval import made_library

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from pathlib import Path
    from uuid import UUID

    from indexer.catalogue.models import Track
    from indexer.library import Library

LAKE, SNOW, STORM, CHASE = range(4)


@pytest.fixture
def library(tmp_path: Path) -> Iterator[Library]:
    with made_library(tmp_path) as opened:
        yield opened


@pytest.fixture
def tracks(library: Library) -> list[Track]:
    return list(library.catalogue.tracks(library.vectors().track_ids).values())


class FixedRanker:
    """Ranks the same way whatever is asked, or as the brief's digits say."""

    def __init__(self, tracks: Sequence[Track], order: Sequence[int] | None = None) -> None:
        self._tracks, self._order = tracks, order

    def rank(self, captions: Sequence[str]) -> list[UUID]:
        order = self._order or [int(digit) for digit in captions[0]]
        return [self._tracks[number].id for number in order]


def brief(tracks: Sequence[Track], text: str, *wanted: int, style: str = "") -> JudgedBrief:
    grades = {tracks[number].id: 1.0 for number in wanted}
    return JudgedBrief(place="b.jsonl, line 1", text=text, style=style, grades=grades)


def judged(
    tracks: Sequence[Track], briefs: Sequence[JudgedBrief], *systems: System
) -> RetrievalReport:
    judge = RetrievalJudge(tracks, briefs, cutoffs=(2,))
    return judge.judge(systems, ("words-1", ["test-1"]), ProgressReport())


class TestMatcherRank:
    def test_is_the_whole_library_as_match_orders_it(self, library: Library):
        matcher = Matcher.over(library, word_reader())
        for text in ("soft piano on a lake", "loud storm", "qwertz"):
            hits = matcher.match([text], top_k=500).hits
            assert matcher.rank([text]) == [hit.track.id for hit in hits]
            assert len(hits) == 4

    def test_a_stage_without_weight_has_no_say(self, library: Library, tracks: list[Track]):
        text = "mist rises over a still lake loud brass"  # scene of the lake, music of the chase
        first = {
            stage: Matcher(
                library.catalogue,
                library.vectors(),
                library.embedder,
                word_reader(),
                without=[stage, "mood", "facts"],
            ).rank([text])[0]
            for stage in ("music", "scene")
        }
        assert first == {"music": tracks[LAKE].id, "scene": tracks[CHASE].id}


class TestTagRanker:
    def test_the_most_similar_tags_come_first_and_equal_ones_by_id(
        self, library: Library, tracks: list[Track]
    ):
        ranker = TagRanker(tracks[::-1], library.embedder)
        ids = [track.id for track in tracks]
        assert ranker.rank(["the drums, please"]) == [ids[STORM], ids[LAKE], ids[SNOW], ids[CHASE]]


class TestBuildSystems:
    def test_matcher_ablations_and_control(self, library: Library, tracks: list[Track]):
        systems = build_systems(library, word_reader(), tracks, [("scene",), ("music",)])
        assert [(system.name, system.kind) for system in systems] == [
            ("matcher", "matcher"),
            ("without scene", "ablation"),
            ("without music", "ablation"),
            ("tags", "control"),
        ]
        text = "mist rises over a still lake loud brass"
        by_music, by_scene = systems[1].ranker.rank([text]), systems[2].ranker.rank([text])
        assert (by_music[0], by_scene[0]) == (tracks[CHASE].id, tracks[LAKE].id)


class TestRetrievalJudge:
    def test_figures_by_hand(self, tracks: list[Track]):
        briefs = [brief(tracks, "0123", LAKE, SNOW), brief(tracks, "0213", STORM, CHASE)]
        system = System(MATCHER, "matcher", FixedRanker(tracks))
        report = judged(tracks, briefs, system)
        first, second = (row.systems[MATCHER].figures for row in report.briefs)
        assert (first["first_rank"], second["first_rank"]) == (1.0, 2.0)
        assert (first["precision_at_2"], second["precision_at_2"]) == (1.0, 0.5)
        matcher = report.systems[0]
        assert matcher.median_rank == 1.5
        precision = matcher.metrics["precision_at_2"]
        assert precision.value.mean == 0.75
        # The other brief wants the other two tracks: of the first two ranks 0 and 1 of 2.
        assert precision.shuffled == 0.25
        assert precision.above_shuffled is not None
        assert precision.above_shuffled.mean == 0.5
        assert precision.above_random.mean == 0.25
        assert precision.below_matcher is None
        assert report.briefs[0].systems[MATCHER].first_tracks == (
            "/m/calm/lake.wav", "/m/calm/snow.wav", "/m/wild/storm.wav",
        )  # fmt: skip

    def test_random_is_exact(self, tracks: list[Track]):
        briefs = [brief(tracks, "0123", LAKE), brief(tracks, "0123", STORM, CHASE)]
        report = judged(tracks, briefs, System(MATCHER, "matcher", FixedRanker(tracks)))
        one_of_four, two_of_four = (1 + 1 / 2 + 1 / 3 + 1 / 4) / 4, 1 / 2 + 1 / 6 + 1 / 18
        assert report.random.metrics["reciprocal_rank"] == pytest.approx(
            (one_of_four + two_of_four) / 2
        )
        assert report.random.metrics["precision_at_2"] == pytest.approx((1 / 4 + 1 / 2) / 2)
        assert report.random.median_rank == 2.0  # 0.375 at the first rank, 0.667 at the second

    def test_the_same_ranking_for_all_gains_nothing_over_other_briefs(self, tracks: list[Track]):
        briefs = [
            brief(tracks, text, *wanted)
            for text, wanted in (("a", (0, 1)), ("b", (2, 3)), ("c", (0, 1)), ("d", (2, 3)))
        ]
        report = judged(tracks, briefs, System(MATCHER, "matcher", FixedRanker(tracks, range(4))))
        assert report.wanted_sets == 2
        for metric in report.systems[0].metrics.values():
            assert metric.above_shuffled is not None
            assert metric.above_shuffled.mean == pytest.approx(0.0)

    def test_others_count_as_often_as_they_are_asked(self, tracks: list[Track]):
        briefs = [brief(tracks, "0123", CHASE), *(brief(tracks, "0123", LAKE) for _ in range(3)),
                  brief(tracks, "0123", SNOW)]  # fmt: skip
        report = judged(tracks, briefs, System(MATCHER, "matcher", FixedRanker(tracks)))
        # First: 3 of 4 others want rank 1, one rank 2. Lake: chase and snow. Snow: chase, 3 lakes.
        others = [(3 * 1 + 1 / 2) / 4, *[(1 / 4 + 1 / 2) / 2] * 3, (1 / 4 + 3 * 1) / 4]
        shuffled = report.systems[0].metrics["reciprocal_rank"].shuffled
        assert shuffled == pytest.approx(sum(others) / 5)

    def test_briefs_that_all_want_the_same_cannot_be_shuffled(self, tracks: list[Track]):
        briefs = [brief(tracks, "0123", LAKE, style="email"), brief(tracks, "1230", LAKE)]
        report = judged(tracks, briefs, System(MATCHER, "matcher", FixedRanker(tracks)))
        for metric in report.systems[0].metrics.values():
            assert (metric.shuffled, metric.above_shuffled) == (None, None)
        assert report.styles[0].above_shuffled == {}

    def test_styles_are_counted_apart(self, tracks: list[Track]):
        briefs = [
            brief(tracks, "0123", LAKE, style="email"),
            brief(tracks, "0123", CHASE, style="poem"),
            brief(tracks, "0123", SNOW),
        ]
        report = judged(tracks, briefs, System(MATCHER, "matcher", FixedRanker(tracks)))
        assert [(style.style, style.briefs) for style in report.styles] == [
            ("email", 1),
            ("poem", 1),
        ]
        assert report.styles[1].value["reciprocal_rank"] == 0.25

    def test_a_weaker_system_stands_below_the_matcher(self, tracks: list[Track]):
        briefs = [brief(tracks, "0123", LAKE), brief(tracks, "3012", CHASE)]
        matcher = System(MATCHER, "matcher", FixedRanker(tracks))
        weak = System("without scene", "ablation", FixedRanker(tracks, (1, 2, 0, 3)))
        report = judged(tracks, briefs, matcher, weak)
        below = report.systems[1].metrics["reciprocal_rank"].below_matcher
        assert below is not None
        assert below.mean == pytest.approx(1 - (1 / 3 + 1 / 4) / 2)
        sentences = in_words(report, "reciprocal_rank")
        assert sentences[-1].startswith("By MRR, the matcher is better than itself without scene")

    def test_refuses_to_judge_nothing(self, tracks: list[Track]):
        with pytest.raises(ValueError, match="no briefs"):
            RetrievalJudge(tracks, [], cutoffs=(1,))


class TestMetricLabel:
    @pytest.mark.parametrize(
        ("metric", "label"), [("ndcg_at_10", "nDCG@10"), ("reciprocal_rank", "MRR")]
    )
    def test_names_of_tables(self, metric: str, label: str):
        assert metric_label(metric) == label

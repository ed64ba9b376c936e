from pathlib import Path

import pytest

from musiscene.console import Console
from musiscene.evaluation.heard import Asking, Passage, Said, ask, hear_passages
from musiscene.evaluation.hearing import (
    FactScore,
    HearingReport,
    Truth,
    in_words,
    judge_hearing,
    truth_of_labels,
    truth_of_measurements,
)
from tests.support.evaluation import word_embedder
from tests.support.passages import INSTRUMENTS, MadeModel, write_library

QUIET = Console(quiet=True)


def judged(folder: Path, *, is_deaf: bool) -> HearingReport:
    model = MadeModel(is_deaf=is_deaf)
    passages = hear_passages(model, write_library(folder, *INSTRUMENTS), QUIET)
    said = ask(model, passages, Asking(scenes=1), QUIET)
    return judge_hearing(passages, said, [truth_of_measurements(passages)], word_embedder())


@pytest.fixture(scope="module")
def hearing(tmp_path_factory: pytest.TempPathFactory) -> HearingReport:
    return judged(tmp_path_factory.mktemp("library"), is_deaf=False)


@pytest.fixture(scope="module")
def deaf(tmp_path_factory: pytest.TempPathFactory) -> HearingReport:
    return judged(tmp_path_factory.mktemp("library"), is_deaf=True)


def fact(report: HearingReport, name: str, facet: str) -> FactScore:
    [score] = [score for score in report.scores if score.name == name]
    return next(one for one in score.facts if one.facet == facet)


class TestJudgeHearing:
    def test_a_model_that_hears_beats_both_controls(self, hearing: HearingReport):
        instruments = fact(hearing, "description", "instrument")
        assert instruments.f1.mean == pytest.approx(1.0)
        assert instruments.of_others == pytest.approx(0.0)
        assert instruments.gap.low == pytest.approx(1.0)
        assert instruments.of_nothing == 0.0
        [description] = [one for one in hearing.scores if one.name == "description"]
        assert description.identification.recall_at_1 == 1.0
        assert description.agreement.low > 0.0

    def test_what_all_tracks_share_gains_nothing(self, hearing: HearingReport):
        """The key is the same everywhere: named rightly, and no sign of hearing."""
        key = fact(hearing, "description", "key")
        assert key.f1.mean == pytest.approx(1.0)
        assert key.gap.mean == pytest.approx(0.0)

    def test_words_that_suit_any_track_gain_nothing(self, deaf: HearingReport):
        everything = fact(deaf, "description", "all")
        assert everything.f1.mean > 0.0
        assert everything.gap.mean == pytest.approx(0.0)
        assert everything.gap_to_nothing.mean == pytest.approx(0.0)
        [description] = [one for one in deaf.scores if one.name == "description"]
        assert description.identification.median_rank == deaf.chance.median_rank
        assert description.agreement.mean == pytest.approx(0.0, abs=1e-6)
        assert description.diversity.distinct_texts == 1 / len(INSTRUMENTS)

    def test_scenes_are_judged_by_mood_alone(self, hearing: HearingReport):
        [scenes] = [score for score in hearing.scores if score.name == "scenes"]
        assert [one.facet for one in scenes.facts] == ["all"]

    def test_precision_recall_and_f1_of_one_track(self):
        """Worked out by hand: of three facts said two are true, of four true ones two are said;
        the key is not known of the track, so naming it is neither right nor wrong.
        """
        said = "a slow rock piece with guitar in C major"
        truth = Truth(
            name="measured",
            facts=(
                frozenset({"tempo:slow", "instrument:guitar", "instrument:drums", "genre:folk"}),
            )
            * 2,
        )
        passages = [Passage("a", None, "x"), Passage("b", None, "y")]  # type: ignore[arg-type]
        texts = Said(version="1", texts={"answers": (said, said)}, of_nothing={"answers": ""})
        report = judge_hearing(passages, texts, [truth], word_embedder())
        everything = fact(report, "answers", "all")
        assert everything.precision == pytest.approx(2 / 3)
        assert everything.recall == pytest.approx(2 / 4)
        assert everything.f1.mean == pytest.approx(4 / 7)
        assert fact(report, "answers", "tempo").f1.mean == 1.0
        assert not [one for one in report.scores[0].facts if one.facet == "key"]


class TestTruthOfLabels:
    def test_judges_only_what_labels_can_say(self):
        passages = [Passage(name, None, "") for name in ("a", "b", "c")]  # type: ignore[arg-type]
        truth = truth_of_labels({"a": "calm acoustic", "b": "happy electronic"}, passages)
        assert truth.facts[2] == frozenset()
        assert set(truth.values or ()) == {
            "mood:calm", "mood:joyful", "genre:acoustic", "genre:electronic"
        }  # fmt: skip
        texts = ("a calm acoustic folk piece", "a calm techno track", "anything")
        said = Said(version="1", texts={"answers": texts}, of_nothing={"answers": ""})
        genre = fact(judge_hearing(passages, said, [truth], word_embedder()), "answers", "genre")
        assert genre.tracks == 2
        assert genre.precision == pytest.approx(0.5)


class TestInWords:
    def test_tells_who_hears(self, hearing: HearingReport, deaf: HearingReport):
        first, *_ = in_words(hearing)
        assert first == (
            "description, against what is measured, is better than other tracks and nothing."
        )
        first, *_ = in_words(deaf)
        assert "is not shown to be better than other tracks or nothing" in first

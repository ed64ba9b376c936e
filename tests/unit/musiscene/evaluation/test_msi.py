import pytest

from musiscene.evaluation.msi import OWN_SHUFFLED, MsiJudge, MsiReport, in_words
from musiscene.evaluation.systems import Imagined, System, build_systems, imagine_rows, system_names
from musiscene.progress import ProgressReport
from tests.support.evaluation import (
    PlaceWriter,
    made_examples,
    word_embedder,
    word_token_encoder,
)

BLAND = "Somebody walks through a place with a song in mind."


@pytest.fixture(scope="module")
def report() -> MsiReport:
    examples = made_examples()
    writer = PlaceWriter()
    scenes = imagine_rows(examples, writer, None, ProgressReport())
    [nothing] = writer.write([""])
    systems = build_systems(examples, system_names(examples), Imagined(scenes, nothing), seed=0)
    systems.append(System(name="bland", kind="system", texts=(BLAND,) * len(examples)))
    judge = MsiJudge(examples, word_embedder(), word_token_encoder(), seed=0)
    return judge.judge(systems, ProgressReport())


def of(report: MsiReport, name: str):
    return next(system for system in report.systems if system.name == name)


class TestMsiJudge:
    def test_the_reference_is_the_ceiling(self, report: MsiReport):
        best = of(report, "reference")
        assert best.bleu == pytest.approx([1.0] * 4)
        assert best.identification.recall_at_1 == 1.0
        assert best.within_annotator is not None
        assert best.within_annotator.mean == 0.0
        for name in ("rouge_l", "bert_score", "reciprocal_rank"):
            assert best.metrics[name].value.mean == pytest.approx(1.0)
        assert best.mu_llama["rouge_l"] == pytest.approx(1.0)

    def test_shuffling_takes_away_what_belongs_to_the_row(self, report: MsiReport):
        for name in ("musiscene", "reference"):
            for metric in ("rouge_l", "meteor", "bert_score", "reciprocal_rank"):
                measured = of(report, name).metrics[metric]
                assert measured.gap.low > 0, (name, metric)
                assert measured.gap.mean == pytest.approx(measured.value.mean - measured.shuffled)

    def test_what_is_named_is_held_against_the_row_s_music(self, report: MsiReport):
        whole = of(report, "music-text").truth
        assert (whole.precision, whole.recall) == (1.0, 1.0)
        assert whole.shuffled_precision < 1.0
        assert whole.shuffled_recall < 1.0
        silent = of(report, "bland").truth
        assert (silent.precision, silent.recall) == (0.0, 0.0)

    def test_a_text_that_fits_every_row_gains_nothing(self, report: MsiReport):
        """It is likest to the references of all, and still no better on its own row."""
        bland = of(report, "bland")
        mine = of(report, "musiscene")
        assert bland.metrics["rouge_l"].value.mean > mine.metrics["rouge_l"].value.mean
        assert all(abs(measured.gap.mean) < 1e-12 for measured in bland.metrics.values())
        assert bland.identification.median_rank == report.chance.median_rank
        assert bland.diversity.distinct_texts == 1 / 8

    def test_controls_that_know_nothing_fall_to_chance(self, report: MsiReport):
        for name in ("other-music", "other-reference"):
            assert of(report, name).identification.recall_at_1 == 0.0
        assert of(report, "empty").identification.mean_reciprocal_rank == pytest.approx(
            report.chance.mean_reciprocal_rank
        )

    def test_every_system_meets_every_control(self, report: MsiReport):
        met = {verdict.control for verdict in report.verdicts if verdict.system == "musiscene"}
        assert met == {OWN_SHUFFLED, "other-music", "empty", "other-reference"}
        assert not {"reference", "empty"} & {verdict.system for verdict in report.verdicts}


class TestInWords:
    def test_names_what_is_not_beaten(self, report: MsiReport):
        sentences = in_words(report.verdicts)
        [bland] = [
            text for text in sentences if text.startswith(f"bland does not beat {OWN_SHUFFLED}")
        ]
        assert "rouge_l (+0.000 to +0.000)" in bland
        assert not any(f"musiscene does not beat {OWN_SHUFFLED} by rouge_l" in s for s in sentences)

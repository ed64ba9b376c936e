from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from musiscene.study.analyse import analyse
from musiscene.study.answers import Answer, Answers
from musiscene.study.order import session_of
from musiscene.study.simulate import SimulatedRater
from tests.support.study import WORTH, make_study

if TYPE_CHECKING:
    from musiscene.study.design import Study


def answered(study: Study, slots: range, *, lazy: range = range(0), drift: float = 0.0) -> Answers:
    answers = Answers(links={}, agreed=set(slots), given={}, unreadable=0)
    for slot in slots:
        rater = SimulatedRater(study, slot, WORTH, lazy=slot in lazy)
        session = session_of(study, slot)
        for trial in session:
            values = rater.values(trial)
            if trial.kind == "rating" and drift:
                values = {key: round(value + drift * trial.number / len(session))
                          for key, value in values.items()}  # fmt: skip
            answers.take(
                Answer(
                    rater=slot, trial=trial.number, values=values, heard_seconds=(1.0,), plays=1,
                    milliseconds=6_000,
                )
            )  # fmt: skip
    return answers


@pytest.fixture(scope="module")
def study(tmp_path_factory: pytest.TempPathFactory) -> Study:
    return make_study(tmp_path_factory.mktemp("s"), items=4, checks=4, pairs_per_item=2)[1]


class TestAnalyse:
    def test_known_preferences_are_found(self, study: Study):
        report = analyse(study, answered(study, range(24)))
        [question] = report.questions
        scores = {one.system: one.score.mean for one in question.scores}
        assert sorted(scores, key=lambda name: -scores[name]) == list(WORTH)
        assert {(one.first, one.second) for one in question.differences if one.is_clear} >= {
            ("best", "middle"), ("best", "worst"), ("middle", "worst"),
        }  # fmt: skip
        powers = {one.system: one.strength.mean for one in report.strengths}
        assert sorted(powers, key=lambda name: -powers[name]) == list(WORTH)
        assert question.alpha is not None
        assert question.icc is not None
        assert 0.1 < question.alpha.mean < question.icc.mean

    def test_lazy_raters_are_left_out_by_the_rules_of_the_study(self, study: Study):
        report = analyse(study, answered(study, range(40), lazy=range(20, 40)))
        left_out = {one.rater for one in report.raters if one.left_out}
        assert left_out <= set(range(20, 40))
        assert len(left_out) >= 16  # one in five tones is guessed right
        assert report.counted == 40 - len(left_out)

    def test_raters_who_left_early_or_said_the_same_all_along_are_left_out(self, study: Study):
        answers = answered(study, range(4))
        for trial in list(answers.given[1])[3:]:
            del answers.given[1][trial]
        for trial, answer in answers.given[2].items():
            if "relevance" in answer.values:
                answers.given[2][trial].values["relevance"] = 4
        why = {one.rater: one.left_out for one in analyse(study, answers).raters}
        assert why[0] is None
        assert why[1] == f"answered 3 of {len(session_of(study, 1))} trials"
        assert why[2] == "gave every rating the same value"

    def test_ratings_that_rise_over_the_session_are_seen(self, study: Study):
        [question] = analyse(study, answered(study, range(30), drift=1.5)).questions
        assert question.drift is not None
        assert question.drift.low > 0.5
        [calm] = analyse(study, answered(study, range(30))).questions
        assert calm.drift is not None
        assert calm.drift.low < 0 < calm.drift.high

    @pytest.mark.parametrize("raters", [0, 1])
    def test_few_raters_give_a_report_without_figures(self, study: Study, raters: int):
        report = analyse(study, answered(study, range(raters)))
        assert (report.questions, report.strengths, report.counted) == ((), (), raters)

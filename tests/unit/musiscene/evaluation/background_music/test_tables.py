from typing import cast

import pytest

from musiscene.evaluation.background_music.report import BackgroundMusicReport, Comparison
from musiscene.evaluation.background_music.tables import in_words, markdown_table
from musiscene.metrics.bootstrap import Interval


def compared(figure: str, mean: float, p_holm: float) -> BackgroundMusicReport:
    difference = Interval(mean=mean, low=mean - 0.1, high=mean + 0.1)
    one = Comparison(
        figure=figure, first="video", second="msi", difference=difference, p=0.01, p_holm=p_holm
    )
    return cast("BackgroundMusicReport", type("Report", (), {"comparisons": (one,)}))


class TestInWords:
    @pytest.mark.parametrize(
        ("figure", "mean", "told"),
        [
            pytest.param("fit", 0.2, "video over msi by 0.200", id="more fits better"),
            pytest.param("fit", -0.2, "msi over video by 0.200", id="less fits worse"),
            pytest.param(
                "tags_own", 0.2, "msi over video by 0.200", id="less divergence is better"
            ),
        ],
    )
    def test_names_the_better_one(self, figure: str, mean: float, told: str):
        [sentence] = in_words(compared(figure, mean, 0.02))
        assert told in sentence

    def test_what_is_not_sure_after_correction_is_no_difference(self):
        [sentence] = in_words(compared("fit", 0.2, 0.06))
        assert "no difference is sure" in sentence


class TestMarkdownTable:
    def test_no_cell_breaks_its_row(self):
        assert markdown_table(("a", "b"), [("x|y", "z")]).splitlines() == [
            "| a | b |",
            "| --- | --- |",
            "| x/y | z |",
        ]

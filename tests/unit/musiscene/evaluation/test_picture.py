from pathlib import Path

import pytest

from musiscene.errors import MusiSceneError
from musiscene.evaluation.msi import MsiJudge
from musiscene.evaluation.picture import draw_report
from musiscene.evaluation.systems import REFERENCE, build_systems
from musiscene.progress import ProgressReport
from tests.support.evaluation import made_examples, word_embedder, word_token_encoder


class TestDrawReport:
    def test_draws_a_png_and_refuses_unknown_formats(self, tmp_path: Path):
        examples = made_examples()
        judge = MsiJudge(examples, word_embedder(), word_token_encoder())
        systems = build_systems(examples, [REFERENCE, "aspects"], None, seed=0)
        report = judge.judge(systems, ProgressReport())
        draw_report(report, tmp_path / "deep" / "msi.png")
        assert (tmp_path / "deep" / "msi.png").read_bytes().startswith(b"\x89PNG")
        with pytest.raises(MusiSceneError, match="cannot be written"):
            draw_report(report, tmp_path / "msi.nothing")

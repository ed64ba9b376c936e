"""Learning rates and weight decay of MU-LLaMA's released recipes."""

import json
from pathlib import Path
from typing import Any

import pytest
import torch

from musiscene.training.optimiser import decays
from musiscene.training.schedule import learning_rate, peak_learning_rate
from tools.check_mu_llama import own_name

FIXTURE = Path(__file__).parents[3] / "shared/fixtures/mullama"

pytestmark = [
    pytest.mark.golden,
    pytest.mark.skipif(not FIXTURE.is_dir(), reason=f"no golden numbers at {FIXTURE}"),
]


@pytest.fixture(scope="module")
def notes() -> dict[str, Any]:
    content: dict[str, Any] = json.loads((FIXTURE / "make_golden.json").read_text())
    return content


@pytest.mark.parametrize("script", ["finetune.sh", "pretrain.sh"])
def test_learning_rates_are_the_originals(notes: dict[str, Any], script: str):
    told = notes["lr"][script]
    rows = told["batch_size"] * told["accum_iter"] * told["world"]
    peak = peak_learning_rate(told["blr"], rows_per_update=rows)
    assert peak == pytest.approx(told["peak_lr"], rel=1e-12)
    for epoch, expected in told["lr_at_epoch"]:
        found = learning_rate(
            epoch, peak=peak, warmup_epochs=told["warmup_epochs"], epochs=told["epochs"]
        )
        assert found == pytest.approx(expected, rel=1e-6, abs=1e-20)


@pytest.mark.parametrize("phase", ["ft", "pt"])
def test_the_same_weights_decay(notes: dict[str, Any], phase: str):
    checkpoint = torch.load(FIXTURE / "checkpoint.pth", weights_only=True)["model"]
    for group, expected in ((f"decay_{phase}", True), (f"no_decay_{phase}", False)):
        assert notes[group]
        for name in notes[group]:
            parameter = torch.nn.Parameter(checkpoint[name])
            assert decays(own_name(name), parameter) is expected, name

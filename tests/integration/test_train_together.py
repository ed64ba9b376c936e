"""Several processes make the updates of one."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file

from musiscene.training.run_folder import BEST_NAME, RunFolder
from tests.support.language_model import write_tiny_language_model
from tests.support.train_together import train_together

pytestmark = pytest.mark.integration
ROOT = Path(__file__).parents[2]


def launch(out: Path, folder: Path, accumulate: int, port: int) -> None:
    launcher = [sys.executable, "-m", "accelerate.commands.launch", "--cpu"]
    options = ["--num_processes", "2", "--num_machines", "1", "--mixed_precision", "no"]
    options += ["--dynamo_backend", "no", "--main_process_port", str(port)]
    worker = ["-m", "tests.support.train_together", str(out), str(folder), str(accumulate)]
    subprocess.run(  # noqa: S603 - our own command
        [*launcher, *options, *worker],
        check=True,
        cwd=ROOT,
        env={**os.environ, "PYTHONPATH": str(ROOT), "OMP_NUM_THREADS": "1"},
        timeout=300,
    )


@pytest.mark.parametrize(("accumulate", "port"), [(1, 29_611), (2, 29_612)])
def test_two_processes_make_the_updates_of_one(tmp_path: Path, accumulate: int, port: int):
    """With one batch for both its rows are shared; of two each process learns one."""
    folder = write_tiny_language_model(tmp_path / "tiny")
    train_together(tmp_path / "one", folder, accumulate=accumulate)
    launch(tmp_path / "two", folder, accumulate, port)
    alone, together = RunFolder(tmp_path / "one").metrics(), RunFolder(tmp_path / "two").metrics()
    assert len(alone) == len(together) > 6
    for expected, found in zip(alone, together, strict=True):
        assert expected.keys() == found.keys()
        for name in ("loss", "validation_loss", "other_audio_loss"):
            if name in expected:
                assert found[name] == pytest.approx(expected[name], abs=2e-4)
    weights = load_file(tmp_path / "two" / BEST_NAME)
    for name, value in load_file(tmp_path / "one" / BEST_NAME).items():
        torch.testing.assert_close(weights[name], value, atol=2e-3, rtol=2e-3)

"""`musiscene train` as people run it, on the embedded language model."""

from __future__ import annotations

import json
import warnings
from typing import TYPE_CHECKING

import msgspec
import pytest

from musiscene.checkpoints.store import ModelStore
from musiscene.data.rows import SceneExample, write_rows
from musiscene.language_model import LanguageModel
from service.cli import main

if TYPE_CHECKING:
    from pathlib import Path

pytestmark = pytest.mark.integration

RECIPE = """
language_model = "smollm2-135m-instruct"
prompt = "Music: {music}\\nScene: "
rows_per_batch = 2
epochs = 1.0
base_learning_rate = 0.1
validate_every = 1
max_tokens = 48
[lora]
rank = 2
layers = 2
"""


@pytest.fixture
def files(tmp_path: Path) -> dict[str, Path]:
    recipe = tmp_path / "mine.toml"
    recipe.write_text(RECIPE)
    rows = [
        SceneExample(
            id=str(number),
            source="made",
            group=str(number),
            music={"aspects": f"slow piano number {number}"},
            scene="Rain runs down a window.",
        )
        for number in range(4)
    ]
    data = tmp_path / "rows.jsonl"
    write_rows(data, rows)
    return {"recipe": recipe, "data": data, "out": tmp_path / "run"}


def arguments(files: dict[str, Path]) -> list[str]:
    return [
        *("train", str(files["recipe"]), "--data", str(files["data"])),
        *("--validation", str(files["data"]), "--out", str(files["out"]), "--json"),
    ]


def test_trains_goes_on_and_exports_what_peft_loads(
    files: dict[str, Path], capsys: pytest.CaptureFixture[str]
):
    from peft import PeftModel

    assert main(arguments(files)) == 0
    output = capsys.readouterr()
    result = json.loads(output.out)["result"]
    assert result["updates"] == 2
    assert "4 lessons of 4 rows" in output.err
    told = json.loads((files["out"] / "recipe.json").read_text())
    assert told["versions"]["torch"]
    assert main(arguments(files)) == 0  # nothing left to do
    assert json.loads(capsys.readouterr().out)["result"]["updates"] == 2

    writer = LanguageModel.load(ModelStore().folder("smollm2-135m-instruct"))
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", ".*gradient_checkpointing.*", FutureWarning)
        joined = PeftModel.from_pretrained(writer.model, str(files["out"] / "lora"))
    updates = {
        name: float(weight.abs().sum())
        for name, weight in joined.named_parameters()
        if "lora_B" in name
    }
    assert len(updates) == 2 * 7
    assert all(size > 0 for size in updates.values())


def test_a_bad_line_is_listed_and_the_rest_is_learnt(
    files: dict[str, Path], capsys: pytest.CaptureFixture[str]
):
    with files["data"].open("ab") as file:
        file.write(b'{"source": "made"}\n')
    assert main(arguments(files)) == 1
    assert "rows.jsonl:5" in capsys.readouterr().err


def test_data_without_scenes_is_refused(files: dict[str, Path], capsys: pytest.CaptureFixture[str]):
    row = SceneExample(id="a", source="made", group="a", music={"aspects": "slow"}, scene="")
    files["data"].write_bytes(msgspec.json.encode(row) + b"\n")
    assert main(arguments(files)) == 2
    assert "no row with a scene" in capsys.readouterr().err

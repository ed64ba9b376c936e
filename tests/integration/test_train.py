"""`musiscene train` as people run it, on the embedded language model."""

from __future__ import annotations

import json
import warnings
from typing import TYPE_CHECKING

import msgspec
import pytest
import torch

from musiscene.audio.read import read_audio
from musiscene.checkpoints.native import read_settings
from musiscene.checkpoints.store import ModelStore
from musiscene.data.rows import SceneExample, write_rows
from musiscene.language_model import LanguageModel
from musiscene.music_language_model import MusicLanguageModel
from service.cli import main
from tests.support.audio import sine, write_audio
from tests.support.lessons import audio_lesson

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


ADAPTER_RECIPE = """
language_model = "smollm2-135m-instruct"
phase = "adapter"
prompt = "{music}"
rows_per_batch = 2
base_learning_rate = 0.1
max_tokens = 96
[adapter]
layers = 2
bridge_width = 8
"""


def test_learns_to_hear_over_its_lora_and_exports_a_checkpoint(
    files: dict[str, Path], tmp_path: Path, capsys: pytest.CaptureFixture[str]
):
    """Of two tracks one has gone: its lessons are left out, and the rest is learnt."""
    assert main(arguments(files)) == 0
    audio = write_audio(tmp_path / "a.wav", sine(220, seconds=4), sample_rate=16_000)
    known = audio_lesson(str(audio), read_audio(audio, sample_rate=16_000).audio_hash)
    gone = audio_lesson(str(tmp_path / "gone.wav"))
    write_rows(tmp_path / "lessons.jsonl", [known, gone])
    (tmp_path / "adapter.toml").write_text(ADAPTER_RECIPE)
    capsys.readouterr()
    options = ["--data", "lessons.jsonl", "--validation", "lessons.jsonl", "--out", "adapter"]
    options += ["--features", "features"]
    told = [str(tmp_path / text) if "-" not in text[:1] else text for text in options]
    recipe = str(tmp_path / "adapter.toml")
    assert main(["train", recipe, *told, "--start-from", str(files["out"]), "--json"]) == 1
    output = capsys.readouterr()
    assert "gone.wav" in output.err
    assert json.loads(output.out)["result"]["updates"] == 1
    assert len(list((tmp_path / "features").rglob("*.safetensors"))) == 1

    folder = tmp_path / "checkpoint"
    assert main(["checkpoint", "export", str(tmp_path / "adapter"), "--out", str(folder)]) == 0
    assert (folder / "lora" / "adapter_model.safetensors").exists()
    adapter = (folder / "adapter.safetensors").stat().st_size
    assert adapter < 3_000_000
    assert read_settings(folder).adapter_layers == 2
    model = MusicLanguageModel.load(folder)
    assert model.hear(torch.zeros(1, 2, 200)).row_count == 1

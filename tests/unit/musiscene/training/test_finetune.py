"""The loop on a tiny LLaMA: it learns, it can be interrupted anywhere, it keeps the best."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import msgspec
import pytest
import torch
from safetensors.torch import load_file

from musiscene.data.rows import SceneExample
from musiscene.errors import RecipeError
from musiscene.language_model import LanguageModel
from musiscene.music_language_model import MusicLanguageModel
from musiscene.progress import ProgressReport
from musiscene.training.build import lora_config
from musiscene.training.finetune import finetune, start_training, updates_in, validation_loss
from musiscene.training.lessons import Lesson, encode_epoch, lessons_from
from musiscene.training.recipe import LoraRecipe, Recipe
from musiscene.training.run_folder import BEST_NAME, STATE_NAME, RunFolder
from tests.support.hearing import made_features, tiny_hearing_model
from tests.support.language_model import write_tiny_language_model
from tests.support.lessons import SHAPE, made_lessons

if TYPE_CHECKING:
    from pathlib import Path

RECIPE = Recipe(
    language_model="tiny",
    prompt="Music: {music}\nScene: ",
    lora=LoraRecipe(rank=4),
    rows_per_batch=4,
    epochs=2.0,
    base_learning_rate=1.0,
    validate_every=3,
    max_tokens=64,
)


class StopError(Exception):
    pass


class StopAfter(ProgressReport):
    """Breaks the training off after some updates, as a signal would."""

    def __init__(self, update: int) -> None:
        self.update = update

    def __call__(self, step: str, done: int, total: int | None, *, note: str = "") -> None:  # noqa: ARG002
        if done == self.update:
            raise StopError


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_tiny_language_model(tmp_path_factory.mktemp("tiny") / "tiny")


def build(folder: Path) -> MusicLanguageModel:
    from peft import inject_adapter_in_model

    writer = LanguageModel.load(folder)
    torch.manual_seed(0)
    model: Any = writer.model
    inject_adapter_in_model(lora_config(RECIPE.lora, 2), model)
    return MusicLanguageModel.fresh(writer, encoder_layers=2, encoder_width=4, layers=1)


def lessons(count: int = 18) -> list[Lesson]:
    rows = [
        SceneExample(
            id=str(number),
            source="made",
            group=str(number),
            music={"aspects": f"tune {number % 3}", "description": "slow " * (number % 5 + 1)},
            scene=["a boat", "a storm", "a child"][number % 3],
        )
        for number in range(count)
    ]
    return lessons_from(rows, RECIPE.prompt)


def run_training(
    folder: Path, out: Path, recipe: Recipe = RECIPE, report: ProgressReport | None = None
) -> tuple[MusicLanguageModel, RunFolder, Any]:
    run = RunFolder(out)
    run.begin(recipe, [], 18)
    model = build(folder)
    result = finetune(recipe, model, lessons(), lessons()[:6], run, report or ProgressReport())
    return model, run, result


def trained_weights(model: MusicLanguageModel) -> dict[str, torch.Tensor]:
    return {
        name: parameter.detach().clone()
        for name, parameter in model.trainable("lora")
        if "lora_" in name
    }


class TestFinetune:
    def test_learns_what_the_lessons_say(self, folder: Path, tmp_path: Path):
        recipe = msgspec.structs.replace(RECIPE, epochs=12.0)
        fresh = build(folder)
        rows = encode_epoch(lessons(), fresh.language_model, max_tokens=64, seed=0, epoch=0)
        before = validation_loss(fresh, rows, recipe)
        model, _, result = run_training(folder, tmp_path / "run", recipe)
        after = validation_loss(model, rows, recipe)
        assert before is not None
        assert after is not None
        assert after < before - 1.0
        assert result.updates == 12 * 5

    def test_trains_lora_alone_and_leaves_the_rest(self, folder: Path, tmp_path: Path):
        model, _, _ = run_training(folder, tmp_path / "run")
        fresh = dict(build(folder).named_parameters())
        moved = {
            name
            for name, parameter in model.named_parameters()
            if not torch.equal(parameter, fresh[name])
        }
        assert moved
        assert all("lora_" in name for name in moved)

    def test_norms_and_biases_learn_where_the_recipe_says_so(self, folder: Path):
        model = build(folder)
        more = start_training(model, msgspec.structs.replace(RECIPE, norms_and_biases=True))
        assert any("norm" in name for name in more)
        fewer = start_training(model, RECIPE)
        learning = {name for name, weight in model.named_parameters() if weight.requires_grad}
        assert learning == set(fewer)

    @pytest.mark.parametrize("update", [1, 4, 6, 9])
    def test_goes_on_after_an_interruption_as_if_there_had_been_none(
        self, folder: Path, tmp_path: Path, update: int
    ):
        whole, whole_run, _ = run_training(folder, tmp_path / "whole")
        with pytest.raises(StopError):
            run_training(folder, tmp_path / "cut", report=StopAfter(update))
        resumed, run, result = run_training(folder, tmp_path / "cut")
        expected = trained_weights(whole)
        assert all(torch.equal(w, expected[name]) for name, w in trained_weights(resumed).items())
        assert result.updates == 10

        def without_speed(lines: list[dict[str, Any]]) -> list[dict[str, Any]]:
            return [{k: v for k, v in line.items() if k != "tokens_per_second"} for line in lines]

        assert without_speed(run.metrics()) == without_speed(whole_run.metrics())

    def test_a_finished_run_has_nothing_left_to_do(self, folder: Path, tmp_path: Path):
        _, run, first = run_training(folder, tmp_path / "run")
        state = (run.path / STATE_NAME).read_bytes()
        _, _, again = run_training(folder, tmp_path / "run")
        assert again.updates == first.updates
        assert (run.path / STATE_NAME).read_bytes() == state

    def test_accumulation_changes_nothing_but_rounding(self, folder: Path, tmp_path: Path):
        """Rows of a pool are sorted by length, so both ways see the same rows in an update."""
        at_once = msgspec.structs.replace(RECIPE, rows_per_batch=18, epochs=1.0, seed=3)
        in_parts = msgspec.structs.replace(at_once, rows_per_batch=6, accumulate=3)
        expected = trained_weights(run_training(folder, tmp_path / "a", at_once)[0])
        found = trained_weights(run_training(folder, tmp_path / "b", in_parts)[0])
        assert all(torch.allclose(w, expected[name], atol=2e-4) for name, w in found.items())

    def test_keeps_the_weights_of_the_lowest_validation_loss(self, folder: Path, tmp_path: Path):
        _, run, result = run_training(folder, tmp_path / "run")
        looks = [line["validation_loss"] for line in run.metrics() if "validation_loss" in line]
        assert result.best_loss == pytest.approx(min(looks), abs=1e-4)
        model = build(folder)
        for name, value in load_file(run.path / BEST_NAME).items():
            dict(model.named_parameters())[name].data.copy_(value)
        rows = encode_epoch(lessons()[:6], model.language_model, max_tokens=64, seed=0, epoch=0)
        assert validation_loss(model, rows, RECIPE) == pytest.approx(result.best_loss, abs=1e-5)

    def test_ends_early_where_nothing_gets_better(self, folder: Path, tmp_path: Path):
        wild = msgspec.structs.replace(
            RECIPE, epochs=50.0, base_learning_rate=400.0, patience=2, validate_every=1
        )
        _, run, result = run_training(folder, tmp_path / "run", wild)
        assert result.stopped_early
        assert result.updates < updates_in(wild, 18)
        looks = [line["validation_loss"] for line in run.metrics() if "validation_loss" in line]
        assert min(looks) < min(looks[-2:])

    def test_bfloat16_is_near_float32(self, folder: Path, tmp_path: Path):
        half = msgspec.structs.replace(RECIPE, precision="bfloat16")
        _, exact, _ = run_training(folder, tmp_path / "a")
        _, rough, _ = run_training(folder, tmp_path / "b", half)
        first, second = exact.metrics()[0]["loss"], rough.metrics()[0]["loss"]
        assert first != second
        assert second == pytest.approx(first, rel=0.05)


ADAPTER_RECIPE = msgspec.structs.replace(
    RECIPE, phase="adapter", epochs=15.0, base_learning_rate=2.0, warmup_epochs=0.5
)


def train_adapter(
    folder: Path,
    out: Path,
    taught: list[Lesson],
    recipe: Recipe = ADAPTER_RECIPE,
    report: ProgressReport | None = None,
) -> tuple[MusicLanguageModel, RunFolder, Any]:
    run = RunFolder(out)
    run.begin(recipe, [], len(taught))
    torch.manual_seed(0)
    model = MusicLanguageModel.fresh(
        LanguageModel.load(folder), encoder_layers=SHAPE[0], encoder_width=SHAPE[1], layers=2
    )
    result = finetune(recipe, model, taught, taught, run, report or ProgressReport())
    return model, run, result


class TestAudio:
    """Lessons whose answers only the audio tells."""

    def test_the_right_audio_lowers_the_loss_and_no_other_does(self, folder: Path, tmp_path: Path):
        taught = made_lessons()
        # Every answer with each kind of audio equally often: nothing can be learnt from it.
        audio = [taught[(place + place // 4) % 16].features for place in range(16)]
        shuffled = [
            lesson._replace(features=other) for lesson, other in zip(taught, audio, strict=True)
        ]
        _, _, right = train_adapter(folder, tmp_path / "right", taught)
        _, _, wrong = train_adapter(folder, tmp_path / "wrong", shuffled)
        assert right.best_loss < wrong.best_loss - 0.2

    def test_says_how_much_worse_other_audio_is(self, folder: Path, tmp_path: Path):
        # Half of 18 is no multiple of the four kinds: each row gets the audio of another kind.
        _, run, _ = train_adapter(folder, tmp_path / "run", made_lessons(18))
        look = run.metrics()[-1]
        assert look["other_audio_loss"] > look["validation_loss"] + 0.2

    @pytest.mark.parametrize("update", [1, 3, 5])
    def test_goes_on_after_an_interruption_as_if_there_had_been_none(
        self, folder: Path, tmp_path: Path, update: int
    ):
        recipe = msgspec.structs.replace(ADAPTER_RECIPE, epochs=2.0)
        taught = made_lessons()
        whole, _, _ = train_adapter(folder, tmp_path / "whole", taught, recipe)
        with pytest.raises(StopError):
            train_adapter(folder, tmp_path / "cut", taught, recipe, StopAfter(update))
        resumed, _, _ = train_adapter(folder, tmp_path / "cut", taught, recipe)
        expected = whole.adapter.state_dict()
        assert all(
            torch.equal(value, expected[name])
            for name, value in resumed.adapter.state_dict().items()
        )

    def test_a_row_without_audio_hears_nothing_beside_rows_that_do(self, folder: Path):
        model = tiny_hearing_model(folder)
        silent = lessons(2)
        heard = [
            lesson._replace(features=features.numpy())
            for lesson, features in zip(lessons(4)[2:], made_features(2), strict=True)
        ]

        def loss(taught: list[Lesson]) -> float:
            rows = encode_epoch(taught, model.language_model, max_tokens=64, seed=0, epoch=0)
            found = validation_loss(model, rows, RECIPE)
            assert found is not None
            return found * sum(label != -100 for row in rows for label in row.labels[1:])

        assert loss([*silent, *heard]) == pytest.approx(loss(silent) + loss(heard), rel=1e-5)
        assert loss(heard) != pytest.approx(loss(lessons(4)[2:]), rel=1e-3)


class TestRunFolder:
    def test_refuses_to_go_on_with_fewer_lessons(self, tmp_path: Path):
        RunFolder(tmp_path / "run").begin(RECIPE, [], 18)
        with pytest.raises(RecipeError, match="with 18 lessons, there are 17"):
            RunFolder(tmp_path / "run").begin(RECIPE, [], 17)

    def test_goes_on_with_a_run_that_an_earlier_version_began(self, tmp_path: Path):
        RunFolder(tmp_path / "run").begin(RECIPE, [], 18)
        file = tmp_path / "run" / "recipe.json"
        told = json.loads(file.read_text())
        del told["lessons"], told["recipe"]["start_from"], told["recipe"]["adapter"]
        file.write_text(json.dumps(told))
        RunFolder(tmp_path / "run").begin(RECIPE, [], 18)

    def test_refuses_to_go_on_with_another_recipe(self, tmp_path: Path):
        RunFolder(tmp_path / "run").begin(RECIPE, [], 18)
        other = msgspec.structs.replace(RECIPE, seed=1)
        with pytest.raises(RecipeError, match="another recipe"):
            RunFolder(tmp_path / "run").begin(other, [], 18)

    def test_refuses_to_go_on_with_other_data(self, tmp_path: Path):
        data = tmp_path / "rows.jsonl"
        data.write_text("{}\n")
        RunFolder(tmp_path / "run").begin(RECIPE, [data], 18)
        RunFolder(tmp_path / "run").begin(RECIPE, [data], 18)
        data.write_text("{} \n")
        with pytest.raises(RecipeError, match="other data"):
            RunFolder(tmp_path / "run").begin(RECIPE, [data], 18)

    def test_a_torn_state_is_named(self, folder: Path, tmp_path: Path):
        _, run, _ = run_training(folder, tmp_path / "run")
        state = run.path / STATE_NAME
        state.write_bytes(state.read_bytes()[:1000])
        with pytest.raises(RecipeError, match="cannot be gone on from"):
            run_training(folder, tmp_path / "run")

    def test_a_torn_line_of_the_metrics_is_left_out(self, folder: Path, tmp_path: Path):
        _, run, _ = run_training(folder, tmp_path / "run")
        whole = run.metrics()
        with (run.path / "metrics.jsonl").open("a") as file:
            file.write('{"update": 11, "lo')
        assert run.metrics() == whole

    def test_the_curves_are_drawn(self, folder: Path, tmp_path: Path):
        pytest.importorskip("matplotlib")
        _, run, _ = run_training(folder, tmp_path / "run")
        assert (run.path / "curves.png").read_bytes().startswith(b"\x89PNG")

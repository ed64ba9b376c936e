"""Phases that follow each other, and the checkpoint that comes of them, on a tiny LLaMA."""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec
import pytest
import torch

from musiscene.checkpoints.native import read_settings
from musiscene.data.rows import SceneExample
from musiscene.errors import ModelError, RecipeError
from musiscene.music_language_model import MusicLanguageModel
from musiscene.progress import ProgressReport
from musiscene.training.build import build_model
from musiscene.training.export import export_checkpoint, export_lora
from musiscene.training.finetune import finetune, validation_loss
from musiscene.training.lessons import Lesson, encode_epoch, lessons_from
from musiscene.training.parts import find_parts
from musiscene.training.recipe import AdapterRecipe, LoraRecipe, Recipe
from musiscene.training.run_folder import RunFolder
from tests.support.language_model import write_tiny_language_model
from tests.support.lessons import SHAPE, OneModel, made_lessons

if TYPE_CHECKING:
    from pathlib import Path

    from musiscene.checkpoints.store import ModelStore

LORA = Recipe(
    language_model="smollm2-135m-instruct",
    prompt="Music: {music}\nScene: ",
    lora=LoraRecipe(rank=4),
    rows_per_batch=4,
    epochs=3.0,
    base_learning_rate=1.0,
    norms_and_biases=True,
)
ADAPTER = msgspec.structs.replace(
    LORA, phase="adapter", adapter=AdapterRecipe(layers=2, bridge_width=8), base_learning_rate=2.0
)


@pytest.fixture(scope="module")
def store(tmp_path_factory: pytest.TempPathFactory) -> ModelStore:
    folder = write_tiny_language_model(tmp_path_factory.mktemp("tiny") / "tiny")
    return OneModel(folder)  # type: ignore[return-value]


def scenes() -> list[Lesson]:
    rows = [
        SceneExample(
            id=str(number),
            source="made",
            group=str(number),
            music={"aspects": f"tune {number % 3}"},
            scene=["a boat", "a storm", "a child"][number % 3],
        )
        for number in range(8)
    ]
    return lessons_from(rows, LORA.prompt)


def run_phase(
    recipe: Recipe, lessons: list[Lesson], out: Path, store: ModelStore
) -> MusicLanguageModel:
    parts = find_parts(recipe.start_from)
    run = RunFolder(out)
    run.begin(recipe, parts.files(), len(lessons))
    shape = SHAPE if any(lesson.features is not None for lesson in lessons) else None
    model = build_model(recipe, store, parts, features_shape=shape)
    finetune(recipe, model, lessons, lessons, run, ProgressReport())
    if recipe.phase == "lora":
        export_lora(out, model.backbone.peft_config["default"])
    return model


def loss_of(model: MusicLanguageModel, lessons: list[Lesson]) -> float:
    rows = encode_epoch(lessons, model.language_model, max_tokens=64, seed=0, epoch=0)
    loss = validation_loss(model, rows, LORA)
    assert loss is not None
    return loss


@pytest.fixture(scope="module")
def lora_run(tmp_path_factory: pytest.TempPathFactory, store: ModelStore) -> Path:
    out = tmp_path_factory.mktemp("runs") / "lora"
    run_phase(LORA, scenes(), out, store)
    return out


@pytest.fixture(scope="module")
def adapter_run(lora_run: Path, store: ModelStore) -> Path:
    out = lora_run.with_name("adapter")
    recipe = msgspec.structs.replace(ADAPTER, start_from=(str(lora_run),))
    run_phase(recipe, made_lessons(), out, store)
    return out


class TestPhases:
    def test_an_adapter_is_trained_over_lora_that_stays(
        self, lora_run: Path, adapter_run: Path, store: ModelStore
    ):
        """Without audio the second model is the first: same LoRA, same norms and biases."""
        first = build_model(LORA, store, find_parts([lora_run]), features_shape=None)
        second = build_model(ADAPTER, store, find_parts([adapter_run]), features_shape=SHAPE)
        plain = build_model(ADAPTER, store, find_parts([]), features_shape=SHAPE)
        assert loss_of(second, scenes()) == pytest.approx(loss_of(first, scenes()), rel=1e-4)
        assert loss_of(plain, scenes()) > loss_of(first, scenes()) + 0.1
        assert float(second.adapter.gates.detach().abs().sum()) > 0

    def test_audio_enters_through_the_values_before_lora(
        self, adapter_run: Path, store: ModelStore
    ):
        merged = build_model(ADAPTER, store, find_parts([adapter_run]), features_shape=SHAPE)
        apart = build_model(LORA, store, find_parts([adapter_run]), features_shape=SHAPE)
        assert all(map(torch.equal, merged.value_projections(), apart.value_projections()))
        assert loss_of(merged, made_lessons()) == pytest.approx(
            loss_of(apart, made_lessons()), rel=1e-4
        )

    def test_lora_goes_on_over_an_adapter_that_stays(
        self, adapter_run: Path, store: ModelStore, tmp_path: Path
    ):
        before = build_model(LORA, store, find_parts([adapter_run]), features_shape=SHAPE)
        start = loss_of(before, made_lessons())
        recipe = msgspec.structs.replace(LORA, start_from=(str(adapter_run),))
        model = run_phase(recipe, made_lessons(), tmp_path / "again", store)
        assert loss_of(model, made_lessons()) < start - 0.1
        expected = before.adapter.state_dict()
        assert all(
            torch.equal(value, expected[name]) for name, value in model.adapter.state_dict().items()
        )

    def test_peft_s_folder_is_enough(self, lora_run: Path, store: ModelStore):
        norms_too = build_model(LORA, store, find_parts([lora_run]), features_shape=None)
        lora_alone = build_model(LORA, store, find_parts([lora_run / "lora"]), features_shape=None)
        named = dict(norms_too.named_parameters())
        loaded = {n: p for n, p in lora_alone.named_parameters() if "lora_" in n}
        assert loaded
        assert all(torch.equal(weight, named[name]) for name, weight in loaded.items())

    def test_what_is_no_start_is_refused(self, tmp_path: Path):
        with pytest.raises(RecipeError, match="no run, no checkpoint and no LoRA"):
            find_parts([tmp_path])

    def test_an_unfinished_run_is_no_start(self, tmp_path: Path):
        RunFolder(tmp_path / "run").begin(LORA, [], 1)
        with pytest.raises(RecipeError, match="has not finished"):
            find_parts([tmp_path / "run"])

    def test_an_adapter_for_another_encoder_is_refused(self, adapter_run: Path, store: ModelStore):
        with pytest.raises(RecipeError, match="hears 2 layers of 8"):
            build_model(ADAPTER, store, find_parts([adapter_run]), features_shape=(3, 8))


class TestExportCheckpoint:
    def test_hears_and_writes_as_it_was_trained(
        self, adapter_run: Path, store: ModelStore, tmp_path: Path
    ):
        out = tmp_path / "checkpoint"
        settings = export_checkpoint(
            [adapter_run], out, store, ProgressReport(), licence="CC0", commercial_use="yes"
        )
        assert read_settings(out) == settings
        assert (settings.adapter_layers, settings.bridge_width) == (2, 8)
        assert settings.parts[-1].licence == "CC0"
        trained = build_model(ADAPTER, store, find_parts([adapter_run]), features_shape=SHAPE)
        loaded = MusicLanguageModel.load(out)
        for taught in (scenes(), made_lessons()):
            assert loss_of(loaded, taught) == pytest.approx(loss_of(trained, taught), rel=2e-2)

    def test_a_checkpoint_is_trained_further(
        self, adapter_run: Path, store: ModelStore, tmp_path: Path
    ):
        out = tmp_path / "checkpoint"
        export_checkpoint([adapter_run], out, store, ProgressReport())
        model = build_model(LORA, store, find_parts([out]), features_shape=SHAPE)
        expected = loss_of(MusicLanguageModel.load(out), made_lessons())
        assert loss_of(model, made_lessons()) == pytest.approx(expected, rel=1e-4)

    def test_without_the_language_model_it_is_small_and_the_same(
        self, lora_run: Path, store: ModelStore, tmp_path: Path
    ):
        # Norms and biases are of the language model itself, so they cannot travel without it.
        recipe = msgspec.structs.replace(
            ADAPTER, start_from=(str(lora_run / "lora"),), norms_and_biases=False
        )
        alone = tmp_path / "adapter"
        run_phase(recipe, made_lessons(), alone, store)
        small, whole = tmp_path / "small", tmp_path / "whole"
        settings = export_checkpoint([alone], small, store, ProgressReport(), with_base=False)
        export_checkpoint([alone], whole, store, ProgressReport())
        assert settings.base == LORA.language_model
        assert not (small / "language_model").exists()
        loaded = MusicLanguageModel.load(small, base=store.folder(settings.base))
        expected = loss_of(MusicLanguageModel.load(whole), made_lessons())
        assert loss_of(loaded, made_lessons()) == pytest.approx(expected, rel=1e-5)
        with pytest.raises(ModelError, match=f"belongs to {settings.base}"):
            MusicLanguageModel.load(small)
        again = build_model(LORA, store, find_parts([small]), features_shape=SHAPE)
        assert loss_of(again, made_lessons()) == pytest.approx(expected, rel=1e-4)

    def test_what_changed_the_language_model_cannot_go_without_it(
        self, adapter_run: Path, store: ModelStore, tmp_path: Path
    ):
        with pytest.raises(RecipeError, match="must be copied too"):
            export_checkpoint(
                [adapter_run], tmp_path / "out", store, ProgressReport(), with_base=False
            )

    def test_without_an_adapter_there_is_nothing_to_hear_with(
        self, lora_run: Path, store: ModelStore, tmp_path: Path
    ):
        with pytest.raises(RecipeError, match="holds no adapter"):
            export_checkpoint([lora_run], tmp_path / "out", store, ProgressReport())

    def test_the_tiny_adapter_is_small(self):
        """Of SmolLM2's sizes, as `tiny-adapter.toml` has them, in float16."""
        from musiscene.adapter import AdapterShape, AudioAdapter

        shape = AdapterShape(
            encoder_layers=2, encoder_width=200, width=576, bridge_width=192, layers=20, heads=9
        )
        with torch.device("meta"):
            count = sum(parameter.numel() for parameter in AudioAdapter(shape).parameters())
        assert 2 * count < 3_000_000

"""Training over weights in four bits, and with layers computed twice."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import msgspec
import pytest
import torch
from transformers import AutoTokenizer, LlamaConfig, LlamaForCausalLM

from musiscene.errors import ModelUnavailableError
from musiscene.progress import ProgressReport
from musiscene.training.build import build_model
from musiscene.training.finetune import finetune, start_training
from musiscene.training.parts import find_parts
from musiscene.training.quantised import exact_value_projections, load_quantised
from musiscene.training.recipe import AdapterRecipe, LoraRecipe, Recipe
from musiscene.training.run_folder import RunFolder
from tests.support.language_model import write_tiny_language_model
from tests.support.lessons import SHAPE, OneModel, made_lessons

if TYPE_CHECKING:
    from pathlib import Path

    from musiscene.checkpoints.store import ModelStore

QUANTISED = Recipe(
    language_model="any",
    phase="adapter",
    prompt="{music}",
    rows_per_batch=4,
    epochs=8.0,
    base_learning_rate=2.0,
    precision="bfloat16",
    frozen_weights="nf4",
    adapter=AdapterRecipe(layers=2, bridge_width=16),
    lora=LoraRecipe(rank=4),
)
EXACT = msgspec.structs.replace(QUANTISED, precision="float32", frozen_weights="float32")


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A LLaMA wide enough for blocks of 64 weights."""
    folder = write_tiny_language_model(tmp_path_factory.mktemp("wide") / "wide")
    size = len(AutoTokenizer.from_pretrained(str(folder)))
    torch.manual_seed(0)
    model = LlamaForCausalLM(
        LlamaConfig(
            vocab_size=size,
            hidden_size=64,
            intermediate_size=128,
            num_hidden_layers=2,
            num_attention_heads=4,
            num_key_value_heads=4,
            bos_token_id=None,
            eos_token_id=0,
            pad_token_id=0,
        )
    )
    model.save_pretrained(folder)
    return folder


@pytest.fixture(scope="module")
def store(folder: Path) -> ModelStore:
    return OneModel(folder)  # type: ignore[return-value]


def test_without_the_library_the_extra_is_named(folder: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr("importlib.util.find_spec", lambda _: None)
    with pytest.raises(ModelUnavailableError, match=r"musiscene\[qlora\]"):
        load_quantised(folder, device="cpu")


def test_audio_enters_through_values_that_are_not_quantised(folder: Path, store: ModelStore):
    exact = build_model(EXACT, store, find_parts([]), features_shape=SHAPE).value_projections()
    read = exact_value_projections(folder, 2, device="cpu")
    for expected, found in zip(exact, read, strict=True):
        torch.testing.assert_close(found.float(), expected, rtol=1e-2, atol=1e-3)


@pytest.mark.parametrize("phase", ["adapter", "lora"])
def test_computing_layers_twice_changes_no_gradient(store: ModelStore, phase: str):
    gradients = []
    for again in (False, True):
        recipe = msgspec.structs.replace(EXACT, phase=phase, gradient_checkpointing=again)
        model = build_model(recipe, store, find_parts([]), features_shape=SHAPE)
        torch.nn.init.constant_(model.adapter.gates, 0.1)
        trained = start_training(model, recipe)
        model.train()
        audio = model.hear(torch.ones(2, *SHAPE))
        token_ids = torch.arange(1, 17).view(2, 8)
        loss: Any = model.loss(token_ids, token_ids, audio)
        loss.backward()
        gradients.append({name: p.grad for name, p in trained.items() if p.grad is not None})
    plain, twice = gradients
    assert plain.keys() == twice.keys() != set()
    for name, gradient in plain.items():
        torch.testing.assert_close(twice[name], gradient)


class TestFourBits:
    @pytest.fixture(autouse=True)
    def _needs_the_library(self) -> None:
        pytest.importorskip("bitsandbytes", reason="pip install 'musiscene[qlora]'")

    def test_layers_are_quantised_and_what_is_trained_is_not(self, store: ModelStore):
        recipe = msgspec.structs.replace(QUANTISED, phase="lora")
        model = build_model(recipe, store, find_parts([]), features_shape=None)
        trained = start_training(model, recipe)
        assert {parameter.dtype for parameter in trained.values()} == {torch.float32}
        base = model.backbone.model.layers[0].self_attn.q_proj.base_layer.weight
        assert base.dtype == torch.uint8
        assert not base.requires_grad

    def test_an_adapter_learns_over_them(self, store: ModelStore, tmp_path: Path):
        run = RunFolder(tmp_path / "run")
        run.begin(QUANTISED, [], 16)
        model = build_model(QUANTISED, store, find_parts([]), features_shape=SHAPE)
        taught = made_lessons()
        finetune(QUANTISED, model, taught, taught, run, ProgressReport())
        losses = [line["loss"] for line in run.metrics() if "loss" in line]
        assert losses[-1] < losses[0] - 0.2

    def test_lora_learns_over_them(self, store: ModelStore, tmp_path: Path):
        recipe = msgspec.structs.replace(QUANTISED, phase="lora", gradient_checkpointing=True)
        run = RunFolder(tmp_path / "run")
        run.begin(recipe, [], 16)
        model = build_model(recipe, store, find_parts([]), features_shape=None)
        taught = [lesson._replace(features=None) for lesson in made_lessons()]
        finetune(recipe, model, taught, taught, run, ProgressReport())
        losses = [line["loss"] for line in run.metrics() if "loss" in line]
        assert losses[-1] < losses[0] - 0.2

"""The paper's sizes, on torch's `meta` device: no weight takes memory."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, NamedTuple

import pytest
import torch

from musiscene.architecture import HEARING_LAYERS, Sizes, build_paper, count_parameters
from musiscene.language_model import LanguageModel
from tests.support.language_model import write_tiny_language_model

if TYPE_CHECKING:
    from transformers import PreTrainedTokenizerBase

    from musiscene.encoders.mert import MertEncoder
    from musiscene.music_language_model import MusicLanguageModel

GIB = 1 << 30
DEAF_LAYERS, HEADS = 12, 32


class Built(NamedTuple):
    encoder: MertEncoder
    model: MusicLanguageModel
    seconds: float


@pytest.fixture(scope="module")
def tokenizer(tmp_path_factory: pytest.TempPathFactory) -> PreTrainedTokenizerBase:
    folder = write_tiny_language_model(tmp_path_factory.mktemp("tiny") / "tiny")
    return LanguageModel.load(folder).tokenizer


@pytest.fixture(scope="module")
def built(tokenizer: PreTrainedTokenizerBase) -> Built:
    started = time.perf_counter()
    encoder, model = build_paper(tokenizer)
    return Built(encoder, model, time.perf_counter() - started)


@pytest.fixture(scope="module")
def sizes(built: Built) -> Sizes:
    return count_parameters(built.encoder, built.model)


class TestBuildPaper:
    def test_takes_seconds_and_hardly_any_memory(self, built: Built):
        parameters = [*built.model.parameters(), *built.encoder.model.parameters()]
        held_bytes = sum(own.nbytes for own in parameters if own.device.type != "meta")
        assert held_bytes < 100_000
        assert built.seconds < 10

    def test_keeps_the_adapter_in_float32(self, built: Built):
        assert {own.dtype for own in built.model.adapter.parameters()} == {torch.float32}
        assert {own.dtype for own in built.model.backbone.parameters()} == {torch.bfloat16}

    def test_leaves_the_default_type_as_it_was(self, built: Built):
        assert built.model.backbone.config.num_hidden_layers == 32
        assert torch.get_default_dtype() == torch.float32

    def test_hears_in_the_last_20_of_32_layers(self, built: Built):
        assert HEARING_LAYERS == 20
        assert built.model.first_hearing_layer == DEAF_LAYERS

    def test_fits_merts_25_states_of_1024(self, built: Built):
        assert (built.encoder.layer_count, built.encoder.width) == (25, 1024)
        features = torch.zeros(1, 25, 1024, device="meta")
        assert built.model.adapter(features).shape == (1, 4096)

    def test_without_lora_there_is_none(self, tokenizer: PreTrainedTokenizerBase):
        _, model = build_paper(tokenizer, with_lora=False)
        assert not any("lora_" in name for name, _ in model.named_parameters())


class TestCountParameters:
    def test_the_adapter_has_the_originals_less_the_gates_that_nothing_uses(self, sizes: Sizes):
        assert sizes.adapter == 608_273_434 - DEAF_LAYERS * HEADS

    def test_the_second_phase_trains_what_the_original_does(self, sizes: Sizes):
        assert sizes.lora == 41_340_928

    def test_the_encoder_is_mert_330m(self, sizes: Sizes):
        assert sizes.encoder == 315_438_720

    def test_the_language_model_is_llama_2_7b_with_biases(self, sizes: Sizes):
        """Each layer's seven projections have one, of keys and values too."""
        biases = 32 * (4 * 4096 + 2 * 11_008 + 4096)
        assert sizes.language_model == 6_738_415_616 + biases

    def test_all_weights_take_between_15_and_16_gib(self, sizes: Sizes):
        assert 15 * GIB < sizes.weight_bytes() < 16 * GIB


class TestSizes:
    def test_weighs_the_adapter_apart_and_lora_as_merged(self):
        sizes = Sizes(encoder=1, language_model=10, adapter=100, lora=1000)
        assert sizes.weight_bytes() == 2 * 11 + 4 * 100
        assert sizes.weight_bytes(bytes_per_weight=1, bytes_per_adapter_weight=2) == 211

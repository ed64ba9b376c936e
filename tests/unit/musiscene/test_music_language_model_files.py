"""The hearing model and its files: loaded, merged, and folded into a plain LLaMA."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import msgspec
import pytest
import torch
from safetensors.torch import load_file, save_file
from transformers import AutoModelForCausalLM

from musiscene.errors import ModelIntegrityError, ModelUnavailableError
from musiscene.music_language_model import MusicLanguageModel
from tests.support.hearing import (
    BEGINNING,
    GREEDY,
    QUESTIONS,
    made_features,
    tiny_hearing_model,
    token_ids,
)
from tests.support.language_model import write_tiny_language_model
from tests.support.mu_llama import Sizes, import_made, make_mu_llama

if TYPE_CHECKING:
    from pathlib import Path

    from transformers import PreTrainedModel

    from musiscene.language_model import AudioStates


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory) -> MusicLanguageModel:
    return tiny_hearing_model(write_tiny_language_model(tmp_path_factory.mktemp("tiny") / "tiny"))


@pytest.fixture(scope="module")
def heard(model: MusicLanguageModel) -> AudioStates:
    """Four tracks."""
    with torch.inference_mode():
        return model.hear(made_features(4))


@pytest.fixture(scope="module")
def tuned_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An imported checkpoint with LoRA, norms and biases that are far from nothing."""
    work = tmp_path_factory.mktemp("tuned")
    return import_made(make_mu_llama(work), work / "checkpoint").folder


class TestFoldTrack:
    def written(
        self, plain: PreTrainedModel, model: MusicLanguageModel, question: str
    ) -> list[int]:
        """What transformers' own loop writes."""
        prompt = torch.tensor([model.language_model.encode(BEGINNING + question)])
        untyped: Any = plain
        output = untyped.generate(
            prompt,
            attention_mask=torch.ones_like(prompt),
            do_sample=False,
            max_new_tokens=12,
            pad_token_id=0,
        )
        return [int(token) for token in output[0, prompt.shape[1] :]]

    @pytest.mark.parametrize("track", [0, 3])
    def test_writes_what_the_hearing_model_writes(
        self, model: MusicLanguageModel, heard: AudioStates, track: int
    ):
        plain = model.fold_track(heard.rows([track]))
        for question in QUESTIONS:
            [[expected]] = token_ids(model, [question], GREEDY, audio=heard.rows([track]))
            assert self.written(plain, model, question) == list(expected)

    def test_is_the_same_after_it_was_saved(
        self, model: MusicLanguageModel, heard: AudioStates, tmp_path: Path
    ):
        plain: Any = model.fold_track(heard.rows([1]))
        plain.save_pretrained(tmp_path)
        untyped: Any = AutoModelForCausalLM
        loaded, report = untyped.from_pretrained(tmp_path, output_loading_info=True)
        assert not report["missing_keys"]
        assert not report["unexpected_keys"]
        assert type(loaded).__module__.startswith("transformers.")
        [[expected]] = token_ids(model, ["Who?"], GREEDY, audio=heard.rows([1]))
        assert self.written(loaded, model, "Who?") == list(expected)

    def test_leaves_the_hearing_model_as_it_was(
        self, model: MusicLanguageModel, heard: AudioStates
    ):
        before = token_ids(model, QUESTIONS, GREEDY, audio=heard)
        names = set(dict(model.backbone.named_parameters()))
        model.fold_track(heard.rows([2]))
        assert token_ids(model, QUESTIONS, GREEDY, audio=heard) == before
        assert set(dict(model.backbone.named_parameters())) == names

    def test_shares_the_weights(self, model: MusicLanguageModel, heard: AudioStates):
        plain = model.fold_track(heard.rows([2]))
        own = {name: tensor.data_ptr() for name, tensor in model.backbone.named_parameters()}
        shared = {name: tensor.data_ptr() for name, tensor in plain.named_parameters()}
        assert own.items() <= shared.items()

    def test_keeps_the_biases_of_a_merged_model(self, tuned_folder: Path):
        model = MusicLanguageModel.load(tuned_folder)
        sizes = Sizes()
        features = torch.randn(
            1, sizes.encoder_layers, sizes.encoder_width, generator=torch.Generator().manual_seed(1)
        )
        with torch.inference_mode():
            audio = model.hear(features)
        plain: Any = model.fold_track(audio)
        prompt = torch.tensor([model.language_model.encode("calm piano under rain")])
        with torch.inference_mode():
            expected = model.logits(prompt, audio)
            torch.testing.assert_close(plain(prompt).logits, expected, atol=1e-5, rtol=1e-5)
            assert (expected - model.logits(prompt, None)).abs().max() > 1e-3

    def test_refuses_two_tracks(self, model: MusicLanguageModel, heard: AudioStates):
        with pytest.raises(ValueError, match="there are 2"):
            model.fold_track(heard.rows([0, 1]))

    def test_refuses_lora_that_is_not_merged(self, tuned_folder: Path):
        model = MusicLanguageModel.load(tuned_folder, merge=False)
        sizes = Sizes()
        audio = model.hear(torch.randn(1, sizes.encoder_layers, sizes.encoder_width))
        with pytest.raises(ValueError, match="LoRA is not merged"):
            model.fold_track(audio)


class TestLoad:
    def test_merged_and_unmerged_are_the_same_model(self, tuned_folder: Path):
        sizes = Sizes()
        generator = torch.Generator().manual_seed(2)
        features = torch.randn(2, sizes.encoder_layers, sizes.encoder_width, generator=generator)
        token_ids = torch.arange(3, 23).view(2, 10)
        logits = []
        for merge in (True, False):
            model = MusicLanguageModel.load(tuned_folder, merge=merge)
            assert not model.training
            assert any("lora_" in name for name, _ in model.named_parameters()) is not merge
            with torch.inference_mode():
                logits.append(model.logits(token_ids, model.hear(features)))
        torch.testing.assert_close(logits[0], logits[1], rtol=1e-4, atol=1e-5)

    def test_lora_is_not_left_out(self, tuned_folder: Path):
        model = MusicLanguageModel.load(tuned_folder, merge=False)
        with torch.inference_mode():
            tuned = model.logits(torch.arange(3, 13)[None], None)
            for name, parameter in model.named_parameters():
                if "lora_B" in name:
                    parameter.zero_()
            assert (model.logits(torch.arange(3, 13)[None], None) - tuned).abs().max() > 1e-3

    def test_names_a_missing_folder(self, tmp_path: Path):
        with pytest.raises(ModelUnavailableError, match="absent"):
            MusicLanguageModel.load(tmp_path / "absent")


class TestLoadDamaged:
    @pytest.fixture
    def damaged(self, tmp_path: Path) -> Path:
        """A sound checkpoint, to be damaged."""
        return import_made(make_mu_llama(tmp_path), tmp_path / "checkpoint").folder

    def test_refuses_half_an_adapter(self, damaged: Path):
        path = damaged / "adapter.safetensors"
        path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])
        with pytest.raises(ModelIntegrityError, match=r"adapter\.safetensors"):
            MusicLanguageModel.load(damaged)

    def test_refuses_an_adapter_without_a_tensor(self, damaged: Path):
        path = damaged / "adapter.safetensors"
        tensors = load_file(path)
        del tensors["gates"]
        save_file(tensors, path)
        with pytest.raises(ModelIntegrityError, match="gates"):
            MusicLanguageModel.load(damaged)

    @pytest.mark.parametrize("name", ["encoder_layers", "adapter_layers", "bridge_width"])
    def test_refuses_an_adapter_of_other_sizes_than_stated(self, damaged: Path, name: str):
        path = damaged / "musiscene.json"
        settings = msgspec.json.decode(path.read_bytes())
        path.write_bytes(msgspec.json.encode(settings | {name: settings[name] + 1}))
        with pytest.raises(ModelIntegrityError, match="does not fit"):
            MusicLanguageModel.load(damaged)

    @pytest.mark.parametrize("merge", [True, False])
    def test_refuses_damaged_lora(self, damaged: Path, *, merge: bool):
        (damaged / "lora" / "adapter_config.json").write_text("{")
        with pytest.raises(ModelIntegrityError, match="lora does not fit"):
            MusicLanguageModel.load(damaged, merge=merge)

    @pytest.mark.parametrize("name", ["language_model/model", "lora/adapter_model"])
    def test_refuses_torn_weights(self, damaged: Path, name: str):
        path = damaged / f"{name}.safetensors"
        path.write_bytes(path.read_bytes()[:100])
        with pytest.raises(ModelIntegrityError):
            MusicLanguageModel.load(damaged)

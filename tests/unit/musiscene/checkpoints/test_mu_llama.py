import hashlib
import signal
import subprocess
import sys
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import torch
from peft import PeftModel, get_peft_model_state_dict
from safetensors.torch import load_file, save_file
from transformers import LlamaForCausalLM

from musiscene.checkpoints.manifest import find_damage, read_manifest
from musiscene.checkpoints.native import read_settings
from musiscene.errors import ModelError, ModelIntegrityError, ModelUnavailableError
from tests.support.mu_llama import (
    MadeMuLlama,
    Tensors,
    half_split,
    import_made,
    make_mu_llama,
    save_checkpoint,
    save_whole_training,
    write_mert,
    write_shards,
)

SETTINGS_AND_SOURCES = {"musiscene.json", "manifest.json", "lora/adapter_config.json"}


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> MadeMuLlama:
    return make_mu_llama(tmp_path_factory.mktemp("made"))


@pytest.fixture(scope="module")
def imported(made: MadeMuLlama, tmp_path_factory: pytest.TempPathFactory) -> Path:
    out = tmp_path_factory.mktemp("imported") / "out"
    import_made(made, out)
    return out


def digests(folder: Path) -> dict[str, str]:
    """Every file but those that name where things came from."""
    return {
        name: hashlib.sha256(path.read_bytes()).hexdigest()
        for path in folder.rglob("*")
        if path.is_file()
        and (name := path.relative_to(folder).as_posix()) not in SETTINGS_AND_SOURCES
    }


def language_model(folder: Path, **options: object):
    untyped: Any = LlamaForCausalLM
    return untyped.from_pretrained(folder / "language_model", **options)


class TestFolder:
    def test_says_what_it_holds(self, imported: Path, made: MadeMuLlama):
        settings = read_settings(imported)
        assert (settings.encoder, settings.encoder_layers, settings.encoder_width) == (
            "mert",
            3,
            16,
        )
        assert (settings.adapter_layers, settings.bridge_width) == (2, 24)
        assert (settings.prompt, settings.merged) == ("clean", False)
        assert [(part.licence, part.commercial_use) for part in settings.parts] == [
            ("CC-BY-NC-4.0", "no"),
            ("Llama 2", "yes"),
            ("not stated", "unknown"),
        ]
        assert settings.parts[2].source == str(made.checkpoint)

    def test_is_sealed(self, imported: Path):
        manifest = read_manifest(imported)
        assert manifest is not None
        assert manifest.name == "mu-llama"
        assert find_damage(imported, manifest, hashes=True) is None

    def test_loads_in_transformers_without_a_key_too_few_or_too_many(self, imported: Path):
        model, report = language_model(imported, output_loading_info=True)
        assert not report["missing_keys"]
        assert not report["unexpected_keys"]
        assert not report["mismatched_keys"]
        assert model.config.rms_norm_eps == 1e-6  # of params.json
        assert model.config.rope_parameters["rope_theta"] == 10_000.0
        assert (model.config.bos_token_id, model.config.eos_token_id) == (1, 2)
        assert model.config.pad_token_id is None
        assert model.config.num_key_value_heads == 4  # params.json says 1, which is ignored

    @pytest.mark.filterwarnings("ignore:.*gradient_checkpointing:FutureWarning")
    def test_its_lora_loads_in_peft(self, imported: Path):
        model = PeftModel.from_pretrained(language_model(imported), str(imported / "lora"))
        loaded = get_peft_model_state_dict(model)
        stored = load_file(imported / "lora" / "adapter_model.safetensors")
        assert loaded.keys() == stored.keys()
        assert all(torch.equal(loaded[name], stored[name]) for name in stored)
        config: Any = model.peft_config["default"]
        assert (config.r, config.lora_alpha, config.lora_dropout) == (2, 2, 0.0)


class TestWeights:
    def test_queries_and_keys_are_in_the_order_of_transformers(
        self, imported: Path, made: MadeMuLlama
    ):
        weights = load_file(imported / "language_model" / "model.safetensors")
        lora = load_file(imported / "lora" / "adapter_model.safetensors")
        heads = made.sizes.heads
        for layer in range(made.sizes.layers):
            old, new = f"layers.{layer}.attention", f"model.layers.{layer}.self_attn"
            for matrix in ("q", "k"):
                expected = half_split(made.base[f"{old}.w{matrix}.weight"], heads)
                assert torch.equal(weights[f"{new}.{matrix}_proj.weight"], expected)
                up = made.trained[f"llama.{old}.lora_w{matrix}_l2.weight"]
                stored = lora[f"base_model.model.{new}.{matrix}_proj.lora_B.weight"]
                assert torch.equal(stored, half_split(up, heads))
            bias = half_split(made.trained[f"llama.{old}.wq.bias"], heads)
            assert torch.equal(weights[f"{new}.q_proj.bias"], bias)
            assert not weights[f"{new}.k_proj.bias"].any()
            assert not weights[f"{new}.v_proj.bias"].any()

    def test_all_others_are_unchanged_under_their_new_names(
        self, imported: Path, made: MadeMuLlama
    ):
        weights = load_file(imported / "language_model" / "model.safetensors")
        lora = load_file(imported / "lora" / "adapter_model.safetensors")
        base, trained = made.base, made.trained
        for layer in range(made.sizes.layers):
            old, new = f"layers.{layer}", f"model.layers.{layer}"
            for before, after in (
                ("attention.wv", "self_attn.v_proj"),
                ("attention.wo", "self_attn.o_proj"),
                ("feed_forward.w1", "mlp.gate_proj"),
                ("feed_forward.w3", "mlp.up_proj"),
                ("feed_forward.w2", "mlp.down_proj"),
            ):
                assert torch.equal(weights[f"{new}.{after}.weight"], base[f"{old}.{before}.weight"])
                block, matrix = before.split(".")
                for number, letter in ((1, "A"), (2, "B")):
                    expected = trained[f"llama.{old}.{block}.lora_{matrix}_l{number}.weight"]
                    stored = lora[f"base_model.model.{new}.{after}.lora_{letter}.weight"]
                    assert torch.equal(stored, expected)
        assert torch.equal(weights["model.embed_tokens.weight"], base["tok_embeddings.weight"])
        assert torch.equal(weights["lm_head.weight"], base["output.weight"])

    def test_the_checkpoints_norms_replace_those_of_the_base(
        self, imported: Path, made: MadeMuLlama
    ):
        weights = load_file(imported / "language_model" / "model.safetensors")
        for old, new in (
            ("llama.norm.weight", "model.norm.weight"),
            ("llama.layers.1.attention_norm.weight", "model.layers.1.input_layernorm.weight"),
            ("llama.layers.1.ffn_norm.weight", "model.layers.1.post_attention_layernorm.weight"),
        ):
            assert torch.equal(weights[new], made.trained[old])
            assert not torch.equal(weights[new], made.base[old.removeprefix("llama.")])

    def test_the_adapter_has_its_names_and_the_gates_of_the_last_layers(
        self, imported: Path, made: MadeMuLlama
    ):
        adapter = load_file(imported / "adapter.safetensors")
        trained = made.trained
        names = {
            "layer_mix.weight": "mu_mert_agg.weight",
            "layer_mix.bias": "mu_mert_agg.bias",
            "projection.weight": "mu_mert_proj.weight",
            "projection.bias": "mu_mert_proj.bias",
            "layer_queries": "prefix_query.weight",
        }
        for block in range(3):
            for new, old in (
                ("norm", "norm"),
                ("gate_proj", "f1"),
                ("down_proj", "f2"),
                ("up_proj", "f3"),
            ):
                names[f"bridge.{block}.{new}.weight"] = f"mu_mert_{old}_{block + 1}.weight"
        assert adapter.keys() == {*names, "gates"}
        assert all(torch.equal(adapter[new], trained[old]) for new, old in names.items())
        gates = [trained[f"llama.layers.{layer}.attention.gate"].flatten() for layer in (1, 2)]
        assert torch.equal(adapter["gates"], torch.stack(gates))


class TestLayouts:
    def test_a_whole_training_is_imported_as_its_adapter(
        self, made: MadeMuLlama, imported: Path, tmp_path: Path
    ):
        whole = save_whole_training(tmp_path / "whole.pth", made)
        import_made(made, tmp_path / "out", checkpoint=whole)
        assert digests(tmp_path / "out") == digests(imported)

    @pytest.mark.parametrize("shards", [2, 4])
    def test_shards_are_joined(
        self, made: MadeMuLlama, imported: Path, tmp_path: Path, shards: int
    ):
        write_shards(tmp_path, made.base, made.sizes, shards)
        import_made(made, tmp_path / "out", llama=tmp_path)
        assert digests(tmp_path / "out") == digests(imported)

    def test_a_llama_of_the_hub_is_taken_as_it_is(
        self, made: MadeMuLlama, imported: Path, tmp_path: Path
    ):
        model = language_model(imported)
        state = {name: value for name, value in model.state_dict().items() if "bias" not in name}
        for name, value in made.base.items():
            if name.endswith("norm.weight"):
                state |= _hub_norm(name, value)
        config = model.config.to_dict() | {"attention_bias": False, "mlp_bias": False}
        type(model.config).from_dict(config).save_pretrained(tmp_path / "hub")
        save_file(state, tmp_path / "hub" / "model.safetensors", metadata={"format": "pt"})
        import_made(made, tmp_path / "out", llama=tmp_path / "hub")
        assert digests(tmp_path / "out") == digests(imported)

    def test_the_older_spelling_of_names_is_known(
        self, made: MadeMuLlama, imported: Path, tmp_path: Path
    ):
        renamed = {name.replace("llama.", "llma."): value for name, value in made.trained.items()}
        checkpoint = save_checkpoint(tmp_path / "old.pth", renamed)
        import_made(made, tmp_path / "out", checkpoint=checkpoint)
        assert digests(tmp_path / "out") == digests(imported)

    def test_before_fine_tuning_there_is_neither_lora_nor_bias(self, tmp_path: Path):
        made = make_mu_llama(tmp_path / "made", is_fine_tuned=False, dtype=torch.bfloat16)
        import_made(made, tmp_path / "out", prompt="mu-llama")
        assert not (tmp_path / "out" / "lora").exists()
        assert read_settings(tmp_path / "out").prompt == "mu-llama"
        model, report = language_model(tmp_path / "out", output_loading_info=True)
        assert not report["missing_keys"]
        assert not (model.config.attention_bias)
        assert not (model.config.mlp_bias)
        assert model.dtype == torch.bfloat16
        assert torch.equal(model.model.norm.weight, made.base["norm.weight"])


def _hub_norm(name: str, value: torch.Tensor) -> Tensors:
    match name.split("."):
        case ["norm", _]:
            return {"model.norm.weight": value}
        case ["layers", layer, "attention_norm", _]:
            return {f"model.layers.{layer}.input_layernorm.weight": value}
    return {f"model.layers.{name.split('.')[1]}.post_attention_layernorm.weight": value}


class TestRefusals:
    def refuse(self, made: MadeMuLlama, folder: Path, change: Tensors, reason: str) -> None:
        tensors = {
            name: tensor for name, tensor in {**made.trained, **change}.items() if len(tensor)
        }
        checkpoint = save_checkpoint(folder / "changed.pth", tensors)
        with pytest.raises(ModelIntegrityError, match=reason) as caught:
            import_made(made, folder / "out", checkpoint=checkpoint)
        assert "changed.pth" in str(caught.value)
        assert not (folder / "out").exists()

    @pytest.mark.parametrize(
        ("name", "tensor", "reason"),
        [
            ("image_bind.weight", torch.zeros(2), r"unknown: image_bind\.weight"),
            ("llama.layers.9.attention.wq.bias", torch.zeros(16), "unknown: llama"),
            ("mu_mert_f2_2.weight", torch.zeros(0), r"missing: mu_mert_f2_2\.weight"),
            ("prefix_query.weight", torch.zeros(0), "is no MU-LLaMA checkpoint"),
            ("prefix_query.weight", torch.zeros(9, 16), "adapts 9 layers, the LLaMA has 3"),
            ("llama.layers.2.attention.gate", torch.zeros(0), r"missing: .*2\.attention\.gate"),
            ("llama.layers.7.attention.gate", torch.zeros(1, 4, 1, 1), "has a gate in layer 7"),
            ("llama.layers.0.feed_forward.w2.bias", torch.zeros(0), r"missing: .*w2\.bias"),
            ("llama.norm.weight", torch.zeros(0), r"missing: llama\.norm\.weight"),
            ("mu_mert_proj.bias", torch.zeros(17), r"mu_mert_proj\.bias is \(17,\), not \(16,\)"),
            (
                "llama.layers.1.attention.lora_wk_l2.weight",
                torch.zeros(16, 3),
                r"lora_wk_l2\.weight is \(16, 3\), not \(16, 2\)",
            ),
        ],
    )
    def test_names_tensors_that_do_not_fit(
        self, made: MadeMuLlama, tmp_path: Path, name: str, tensor: torch.Tensor, reason: str
    ):
        self.refuse(made, tmp_path, {name: tensor}, reason)

    def test_refuses_another_encoder(self, made: MadeMuLlama, tmp_path: Path):
        mert = write_mert(tmp_path / "mert", replace(made.sizes, encoder_layers=4))
        with pytest.raises(ModelIntegrityError, match=r"has 4 hidden states of 16.* on 3 of 16"):
            import_made(made, tmp_path / "out", mert=mert)

    def test_refuses_params_that_are_not_those_of_the_shards(
        self, made: MadeMuLlama, tmp_path: Path
    ):
        write_shards(tmp_path, made.base, replace(made.sizes, multiple_of=100), 1)
        with pytest.raises(
            ModelIntegrityError, match=r"gate_proj\.weight is \(48, 16\), not \(100"
        ):
            import_made(made, tmp_path / "out", llama=tmp_path)

    def test_refuses_a_tokenizer_of_more_tokens(self, tmp_path: Path):
        from tests.support.mu_llama import Sizes

        made = make_mu_llama(tmp_path / "made", sizes=Sizes(vocabulary=64))
        with pytest.raises(ModelIntegrityError, match="tokens, the LLaMA has 64"):
            import_made(made, tmp_path / "out")
        assert not (tmp_path / "out").exists()

    def test_says_that_a_folder_holds_no_llama(self, made: MadeMuLlama, tmp_path: Path):
        with pytest.raises(ModelUnavailableError, match="holds no LLaMA"):
            import_made(made, tmp_path / "out", llama=tmp_path)

    def test_leaves_an_existing_folder_alone(self, made: MadeMuLlama, imported: Path):
        before = digests(imported)
        with pytest.raises(ModelError, match="exists already"):
            import_made(made, imported)
        assert digests(imported) == before


class TestNotices:
    def test_names_gates_that_no_audio_reaches(self, made: MadeMuLlama, tmp_path: Path):
        idle = {"llama.layers.0.attention.gate": torch.ones(1, 4, 1, 1)}
        checkpoint = save_checkpoint(tmp_path / "idle.pth", {**made.trained, **idle})
        notices = import_made(made, tmp_path / "out", checkpoint=checkpoint).notices
        assert any("gates that are not 0" in notice and "layers 0" in notice for notice in notices)

    def test_doubts_a_llama_that_the_checkpoint_was_not_trained_on(
        self, made: MadeMuLlama, tmp_path: Path
    ):
        whole = save_whole_training(tmp_path / "whole.pth", made)
        other = {name: tensor.flip(0) for name, tensor in made.base.items()}
        write_shards(tmp_path, other, made.sizes, 1)
        imported = import_made(made, tmp_path / "out", checkpoint=whole, llama=tmp_path)
        assert any("is it the right LLaMA?" in notice for notice in imported.notices)
        imported = import_made(made, tmp_path / "sure", checkpoint=whole)
        assert not any("right LLaMA" in notice for notice in imported.notices)

    def test_is_silent_about_gates_of_0(self, made: MadeMuLlama, tmp_path: Path):
        assert not any("gates" in notice for notice in import_made(made, tmp_path / "out").notices)


KILLED = """
import os, signal, sys
from pathlib import Path
from musiscene.checkpoints.mu_llama import import_mu_llama

def kill(step, done, total):
    if step == "write the audio encoder" and done > 0:
        os.kill(os.getpid(), signal.SIGKILL)

names = ("checkpoint", "llama", "tokenizer", "mert", "out")
import_mu_llama(**dict(zip(names, map(Path, sys.argv[1:]))), progress=kill)
"""


class TestKilledImport:
    def test_leaves_no_folder_and_does_not_hinder_the_next(
        self, made: MadeMuLlama, imported: Path, tmp_path: Path
    ):
        out = tmp_path / "out"
        places = [made.checkpoint, made.llama, made.tokenizer, made.mert, out]
        command = [sys.executable, "-c", KILLED, *map(str, places)]
        finished = subprocess.run(command, check=False)  # noqa: S603
        assert finished.returncode == -signal.SIGKILL
        assert not out.exists()
        assert (tmp_path / ".out.part" / "adapter.safetensors").exists()
        import_made(made, out)
        assert digests(out) == digests(imported)
        assert not (tmp_path / ".out.part").exists()

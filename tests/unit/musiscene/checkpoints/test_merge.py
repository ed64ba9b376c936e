import json
from pathlib import Path
from typing import Any

import pytest
import torch
from peft import PeftModel
from safetensors.torch import load_file, save_file
from transformers import LlamaForCausalLM

from musiscene.checkpoints.manifest import find_damage, read_manifest, write_manifest
from musiscene.checkpoints.merge import merge_lora
from musiscene.checkpoints.native import read_settings
from musiscene.checkpoints.progress import ignore_progress
from musiscene.checkpoints.registry import find_model
from musiscene.errors import ModelError, ModelIntegrityError, ModelUnavailableError
from tests.support.mu_llama import import_made, make_mu_llama

pytestmark = pytest.mark.filterwarnings("ignore:.*gradient_checkpointing:FutureWarning")


@pytest.fixture
def imported(tmp_path: Path) -> Path:
    import_made(make_mu_llama(tmp_path / "made"), tmp_path / "imported")
    return tmp_path / "imported"


def load(folder: Path):
    untyped: Any = LlamaForCausalLM
    return untyped.from_pretrained(folder / "language_model")


def merge(folder: Path) -> Path:
    out = folder.with_name("merged")
    merge_lora(folder, out, progress=ignore_progress)
    return out


def change_lora_config(folder: Path, **changes: object) -> None:
    path = folder / "lora" / "adapter_config.json"
    path.write_text(json.dumps(json.loads(path.read_text()) | changes))
    (folder / "manifest.json").unlink()
    write_manifest(folder, find_model("mu-llama"), "changed")


class TestMergeLora:
    @pytest.mark.parametrize("alpha", [2, 7])
    def test_equals_pefts_own_merge(self, imported: Path, alpha: int):
        change_lora_config(imported, lora_alpha=alpha)
        merged = load(merge(imported)).state_dict()
        untyped: Any = PeftModel.from_pretrained(load(imported), str(imported / "lora"))
        expected = untyped.merge_and_unload().state_dict()
        assert merged.keys() == expected.keys()
        for name, value in expected.items():
            torch.testing.assert_close(merged[name], value, atol=1e-6, rtol=0)
        before = load(imported).state_dict()["model.layers.0.mlp.up_proj.weight"]
        assert not torch.allclose(merged["model.layers.0.mlp.up_proj.weight"], before, atol=1e-3)

    def test_rounds_once_to_the_type_of_the_base(self, tmp_path: Path):
        made = make_mu_llama(tmp_path / "made", dtype=torch.bfloat16)
        import_made(made, tmp_path / "imported")
        merged = load_file(merge(tmp_path / "imported") / "language_model" / "model.safetensors")
        name = "layers.1.feed_forward"
        lora = {n: made.trained[f"llama.{name}.lora_w2_l{n}.weight"].double() for n in (1, 2)}
        exact = made.base[f"{name}.w2.weight"].double() + lora[2] @ lora[1]
        found = merged["model.layers.1.mlp.down_proj.weight"]
        assert found.dtype == torch.bfloat16
        assert torch.equal(found, exact.float().bfloat16())

    def test_keeps_the_values_that_the_audio_enters_through(self, imported: Path):
        base = load_file(imported / "language_model" / "model.safetensors")
        adapter = load_file(merge(imported) / "adapter.safetensors")
        values = [base[f"model.layers.{layer}.self_attn.v_proj.weight"] for layer in (1, 2)]
        assert torch.equal(adapter.pop("value_projections"), torch.stack(values))
        unmerged = load_file(imported / "adapter.safetensors")
        assert adapter.keys() == unmerged.keys()
        assert all(torch.equal(adapter[name], unmerged[name]) for name in adapter)

    def test_makes_a_sealed_folder_without_lora(self, imported: Path):
        out = merge(imported)
        assert read_settings(out).merged
        assert not (out / "lora").exists()
        manifest = read_manifest(out)
        assert manifest is not None
        assert find_damage(out, manifest, hashes=True) is None
        kept = {path.relative_to(imported).as_posix() for path in imported.rglob("*")}
        made = {path.relative_to(out).as_posix() for path in out.rglob("*")}
        assert {name for name in kept if not name.startswith("lora")} == made


class TestRefusals:
    def test_what_is_merged_already(self, imported: Path):
        with pytest.raises(ModelError, match="has no LoRA to merge"):
            merge_lora(merge(imported), imported.with_name("again"), progress=ignore_progress)

    def test_what_was_not_finished(self, imported: Path):
        (imported / "manifest.json").unlink()
        with pytest.raises(ModelUnavailableError, match=r"is not finished: it has no manifest"):
            merge(imported)

    def test_what_is_damaged(self, imported: Path):
        (imported / "adapter.safetensors").write_bytes(b"")
        with pytest.raises(ModelIntegrityError, match=r"damaged: adapter\.safetensors has 0 bytes"):
            merge(imported)

    @pytest.mark.parametrize(
        "change", [{"use_dora": True}, {"rank_pattern": {"q_proj": 4}}, {"bias": "all"}]
    )
    def test_other_kinds_of_lora(self, imported: Path, change: dict[str, object]):
        change_lora_config(imported, **change)
        with pytest.raises(ModelIntegrityError, match="merge it with PEFT"):
            merge(imported)

    def test_a_lora_of_another_model(self, imported: Path):
        path = imported / "lora" / "adapter_model.safetensors"
        name = "base_model.model.model.layers.8.mlp.up_proj.lora_A.weight"
        save_file({**load_file(path), name: torch.zeros(2, 16)}, path)
        change_lora_config(imported)
        with pytest.raises(ModelIntegrityError, match=r"layers\.8\.mlp\.up_proj, which the model"):
            merge(imported)

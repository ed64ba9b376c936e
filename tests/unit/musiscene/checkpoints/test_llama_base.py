import json
from pathlib import Path

import pytest
import torch
from transformers import LlamaConfig, LlamaForCausalLM

from musiscene.checkpoints.llama_base import LlamaShape, native_name, plan_base
from musiscene.errors import ModelIntegrityError


def write_hub(folder: Path, **changes: object) -> Path:
    """A LLaMA of 4 heads over 2 key-value heads, as the hub has it."""
    torch.manual_seed(0)
    config = LlamaConfig(
        vocab_size=32,
        hidden_size=16,
        intermediate_size=24,
        num_hidden_layers=2,
        num_attention_heads=4,
        num_key_value_heads=2,
        tie_word_embeddings=True,
    )
    LlamaForCausalLM(config).save_pretrained(folder)
    path = folder / "config.json"
    path.write_text(json.dumps(json.loads(path.read_text()) | changes))
    return folder


class TestPlanBase:
    def test_a_tied_head_is_the_embedding(self, tmp_path: Path):
        plan = plan_base(write_hub(tmp_path))
        head, embedding = (
            plan.tensors[name].rows(0, 32)
            for name in ("lm_head.weight", "model.embed_tokens.weight")
        )
        assert torch.equal(head, embedding)

    def test_knows_grouped_heads(self, tmp_path: Path):
        shape = plan_base(write_hub(tmp_path)).shape
        assert (shape.heads, shape.kv_heads, shape.kv_width) == (4, 2, 8)

    @pytest.mark.parametrize(
        ("changes", "reason"),
        [
            ({"model_type": "mistral"}, "is of a mistral, not of a LLaMA"),
            ({"hidden_size": "wide"}, "is damaged"),
            ({"intermediate_size": 25}, r"gate_proj\.weight is \(24, 16\), not \(25, 16\)"),
        ],
    )
    def test_refuses_a_config_that_is_not_of_its_weights(
        self, tmp_path: Path, changes: dict[str, object], reason: str
    ):
        with pytest.raises(ModelIntegrityError, match=reason):
            plan_base(write_hub(tmp_path, **changes))

    @pytest.mark.parametrize("params", ['{"dim": 0}', "{", '{"dim": 8, "n_layers": 2}'])
    def test_refuses_damaged_params(self, tmp_path: Path, params: str):
        (tmp_path / "params.json").write_text(params)
        with pytest.raises(ModelIntegrityError, match=r"params\.json: is damaged"):
            plan_base(tmp_path)


class TestNativeName:
    def test_covers_every_tensor_of_metas_layout(self):
        shape = LlamaShape(width=8, heads=2, kv_heads=2, layers=1, ffn_width=12, vocabulary=4)
        names = ["tok_embeddings", "output", "norm", "layers.0.attention_norm", "layers.0.ffn_norm"]
        names += [f"layers.0.attention.w{matrix}" for matrix in "qkvo"]
        names += [f"layers.0.feed_forward.w{number}" for number in (1, 2, 3)]
        assert {native_name(f"{name}.weight") for name in names} == shape.tensors().keys()

    def test_leaves_unknown_names_alone(self):
        assert native_name("rope.freqs") == "rope.freqs"

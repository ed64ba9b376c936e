"""The joined layers against transformers' own."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, cast

import pytest
import torch
from peft import LoraConfig, get_peft_model
from transformers import LlamaForCausalLM

from musiscene.language_model import LanguageModel, Sampling
from musiscene.language_model import model as model_module
from musiscene.language_model.packed import PackedLlama, can_pack
from tests.support.language_model import write_tiny_language_model

if TYPE_CHECKING:
    from pathlib import Path

PROMPTS = [[5, 9, 3], [7], [4, 4, 8, 1, 2, 30, 12], [100, 3, 5, 60]]
SAMPLED = Sampling(max_new_tokens=40, temperature=1.0, seed=3, stop=(), samples_per_prompt=3)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return write_tiny_language_model(tmp_path / "tiny")


def plain(folder: Path) -> LlamaForCausalLM:
    return cast("LlamaForCausalLM", cast("Any", LlamaForCausalLM).from_pretrained(folder).eval())


class TestPackedLlama:
    def test_reads_what_transformers_reads(self, folder: Path):
        model = plain(folder)
        with torch.inference_mode():
            expected = [model(torch.tensor([prompt])).logits[0, -1] for prompt in PROMPTS]

        read = PackedLlama(model).read(PROMPTS)

        torch.testing.assert_close(read.logits, torch.stack(expected), rtol=1e-4, atol=1e-4)

    def test_goes_on_as_transformers_does(self, folder: Path):
        model = plain(folder)
        packed = PackedLlama(model)
        rows = packed.read(PROMPTS, samples=2)
        added = torch.arange(8) + 20
        for step in range(20):
            packed.step(rows, added + step)
        with torch.inference_mode():
            for row, first in enumerate(added.tolist()):
                whole = [*PROMPTS[row // 2], *range(first, first + 20)]
                expected = model(torch.tensor([whole])).logits[0, -1]
                torch.testing.assert_close(rows.logits[row], expected, rtol=1e-4, atol=1e-4)

    def test_rows_that_are_kept_know_what_they_knew(self, folder: Path):
        packed = PackedLlama(plain(folder))
        rows = packed.read(PROMPTS)
        kept = packed.keep(rows, torch.tensor([2, 0]))
        packed.step(rows, torch.tensor([9, 9, 9, 9]))
        packed.step(kept, torch.tensor([9, 9]))

        torch.testing.assert_close(kept.logits, rows.logits[[2, 0]], rtol=1e-5, atol=1e-5)

    def test_holds_no_weight_twice(self, folder: Path):
        model = plain(folder)
        before = sum(parameter.numel() for parameter in model.parameters())
        packed = PackedLlama(model)

        stores = {one.untyped_storage().data_ptr(): one for one in model.parameters()}
        held = sum(one.untyped_storage().nbytes() for one in stores.values())
        assert held == 4 * before
        assert packed.is_of(model)

    def test_other_weights_are_noticed(self, folder: Path):
        model = plain(folder)
        packed = PackedLlama(model)
        cast("Any", model).to(torch.bfloat16)

        assert not packed.is_of(model)
        assert not packed.is_of(plain(folder))


class TestCanPack:
    def test_a_plain_llama(self, folder: Path):
        assert can_pack(plain(folder))

    def test_not_with_biases(self, folder: Path):
        model = plain(folder)
        model.model.layers[1].self_attn.o_proj.bias = torch.nn.Parameter(torch.zeros(16))

        assert not can_pack(model)

    @pytest.mark.filterwarnings("ignore:.*is_gradient_checkpointing.*:FutureWarning")
    def test_not_with_lora_that_still_learns(self, folder: Path):
        joined = get_peft_model(cast("Any", plain(folder)), LoraConfig(target_modules=["q_proj"]))

        assert not can_pack(cast("Any", joined).base_model.model)


class TestComplete:
    @pytest.mark.parametrize("rows_at_once", [3, 100])
    def test_packed_rows_say_the_same(
        self, folder: Path, monkeypatch: pytest.MonkeyPatch, rows_at_once: int
    ):
        model = LanguageModel.load(folder)
        asked = ["a", "bcd efg", "zz top", "hi"]
        packed = model.complete("", asked, SAMPLED)
        monkeypatch.setattr(model_module, "can_pack", lambda _: False)
        ordinary = model.complete("", asked, SAMPLED)
        monkeypatch.undo()
        monkeypatch.setattr(model_module, "PACKED_ROWS", rows_at_once)

        again = model.complete("", asked, SAMPLED)
        for one, other in ((packed, ordinary), (packed, again)):
            assert [[done.token_ids for done in row] for row in one] == [
                [done.token_ids for done in row] for row in other
            ]

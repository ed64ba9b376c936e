from pathlib import Path

import pytest

from musiscene.checkpoints.merge import merge_lora
from musiscene.checkpoints.progress import ignore_progress
from musiscene.checkpoints.summary import summarise_checkpoint
from musiscene.errors import ModelIntegrityError, ModelUnavailableError
from tests.support.mu_llama import MadeMuLlama, import_made, make_mu_llama


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> MadeMuLlama:
    return make_mu_llama(tmp_path_factory.mktemp("made"))


@pytest.fixture
def imported(made: MadeMuLlama, tmp_path: Path) -> Path:
    import_made(made, tmp_path / "imported")
    return tmp_path / "imported"


class TestSummariseCheckpoint:
    def test_counts_what_fine_tuning_trains_and_what_it_does_not(
        self, imported: Path, made: MadeMuLlama
    ):
        counts = summarise_checkpoint(imported).parameters
        fine_tuned = {
            name: tensor.numel()
            for name, tensor in made.trained.items()
            if name.startswith("llama.") and "gate" not in name
        }
        assert counts.lora + counts.biases + counts.norms == sum(fine_tuned.values())
        assert counts.lora == sum(n for name, n in fine_tuned.items() if "lora" in name)
        assert counts.biases == sum(n for name, n in fine_tuned.items() if "bias" in name)
        base = [tensor.numel() for name, tensor in made.base.items() if "norm" not in name]
        assert counts.base == sum(base)
        adapter = [tensor.numel() for name, tensor in made.trained.items() if "mu_mert" in name]
        assert counts.adapter == sum(adapter) + 2 * 16 + 2 * 4  # queries and gates

    def test_knows_the_shape(self, imported: Path):
        shape = summarise_checkpoint(imported).language_model
        assert (shape.layers, shape.width, shape.heads, shape.ffn_width) == (3, 16, 4, 48)
        assert (shape.dtype, shape.lora_rank) == ("float32", 2)

    def test_a_merged_one_has_no_lora_but_the_values_from_before(self, imported: Path):
        before = summarise_checkpoint(imported)
        merge_lora(imported, imported.with_name("merged"), progress=ignore_progress)
        after = summarise_checkpoint(imported.with_name("merged"))
        assert (after.parameters.lora, after.language_model.lora_rank) == (0, 0)
        assert after.parameters.base == before.parameters.base
        assert after.parameters.adapter == before.parameters.adapter + 2 * 16 * 16

    def test_names_what_is_missing(self, imported: Path):
        (imported / "language_model" / "config.json").unlink()
        with pytest.raises(ModelUnavailableError, match=r"config\.json: cannot be read"):
            summarise_checkpoint(imported)

    @pytest.mark.parametrize("name", ["adapter.safetensors", "language_model/config.json"])
    def test_names_what_is_damaged(self, imported: Path, name: str):
        (imported / name).write_bytes(b"?")
        with pytest.raises(ModelIntegrityError, match="is damaged"):
            summarise_checkpoint(imported)

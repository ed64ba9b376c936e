import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch
from transformers import HubertModel

from musiscene.checkpoints.mert import PlannedEncoder, plan_mert, write_encoder
from musiscene.checkpoints.progress import ignore_progress
from musiscene.errors import ModelIntegrityError, ModelUnavailableError
from tests.support.mu_llama import Sizes, mert_config, write_mert


@pytest.fixture
def mert(tmp_path: Path) -> Path:
    return write_mert(tmp_path / "mert")


@pytest.fixture
def written(mert: Path, tmp_path: Path) -> Path:
    folder = tmp_path / "encoder"
    write_encoder(plan_mert(mert), folder, progress=ignore_progress)
    return folder


def change_config(folder: Path, **changes: object) -> PlannedEncoder:
    path = folder / "config.json"
    path.write_text(json.dumps(json.loads(path.read_text()) | changes))
    return plan_mert(folder)


def change_weights(
    folder: Path, change: Callable[[dict[str, torch.Tensor]], object]
) -> PlannedEncoder:
    path = folder / "pytorch_model.bin"
    weights = torch.load(path, weights_only=True)
    change(weights)
    torch.save(weights, path)
    return plan_mert(folder)


class TestWriteEncoder:
    def test_is_a_plain_hubert_without_code(self, written: Path):
        config = json.loads((written / "config.json").read_text())
        assert (config["model_type"], config["architectures"]) == ("hubert", ["HubertModel"])
        assert not {"auto_map", "cqt_bins", "sample_rate", "feature_extractor_cqt"} & config.keys()
        assert not list(written.glob("*.py"))

    def test_computes_what_the_original_computes(self, written: Path):
        untyped: Any = HubertModel
        loaded, report = untyped.from_pretrained(written, output_loading_info=True)
        assert not report["missing_keys"]
        assert not report["unexpected_keys"]
        original = untyped(mert_config(Sizes())).eval()  # seeded, so the same weights
        waveform = torch.randn(1, 4000, generator=torch.Generator().manual_seed(3))
        with torch.no_grad():
            expected = original(waveform, output_hidden_states=True)
            found = loaded.eval()(waveform, output_hidden_states=True)
        for one, other in zip(found.hidden_states, expected.hidden_states, strict=True):
            assert torch.equal(one, other)
        assert torch.equal(found.last_hidden_state, expected.last_hidden_state)

    def test_keeps_what_the_preprocessor_says(self, mert: Path, tmp_path: Path):
        settings = {"do_normalize": False, "sampling_rate": 16000, "auto_map": {"x": "y"}}
        (mert / "preprocessor_config.json").write_text(json.dumps(settings))
        write_encoder(plan_mert(mert), tmp_path / "out", progress=ignore_progress)
        kept = json.loads((tmp_path / "out" / "preprocessor_config.json").read_text())
        assert (kept["do_normalize"], kept["sampling_rate"]) == (False, 16000)
        assert "auto_map" not in kept

    def test_normalises_at_24_khz_where_there_is_no_preprocessor(self, written: Path):
        kept = json.loads((written / "preprocessor_config.json").read_text())
        assert (kept["do_normalize"], kept["sampling_rate"]) == (True, 24000)


class TestPlanMert:
    def test_says_what_it_drops_and_assumes(self, mert: Path):
        dropped, assumed = plan_mert(mert).notices
        assert "not part of the encoder and dropped: feature_extractor_cqt.weight" in dropped
        assert "no preprocessor_config.json" in assumed

    def test_knows_its_shape(self, mert: Path):
        plan = plan_mert(mert)
        assert (plan.hidden_states, plan.width) == (3, 16)

    def test_does_without_the_mask_of_training(self, mert: Path):
        plan = change_weights(mert, lambda weights: weights.pop("masked_spec_embed"))
        assert plan.tensors["masked_spec_embed"].shape == (16,)

    def test_names_missing_weights(self, mert: Path):
        with pytest.raises(ModelIntegrityError, match=r"missing: encoder\.layer_norm\.bias"):
            change_weights(mert, lambda weights: weights.pop("encoder.layer_norm.bias"))

    def test_refuses_another_model(self, mert: Path):
        with pytest.raises(ModelIntegrityError, match="is of a wav2vec2, not of a MERT"):
            change_config(mert, model_type="wav2vec2")

    def test_refuses_scaled_residuals(self, mert: Path):
        with pytest.raises(ModelIntegrityError, match="deepnorm"):
            change_config(mert, deepnorm=True)

    def test_refuses_a_config_of_wrong_types(self, mert: Path):
        with pytest.raises(ModelIntegrityError, match=r"config\.json: is damaged"):
            change_config(mert, hidden_size="wide")

    def test_refuses_a_config_of_no_network(self, mert: Path):
        with pytest.raises(ModelIntegrityError, match=r"config\.json: describes no network"):
            change_config(mert, num_attention_heads=5)

    def test_says_that_a_folder_holds_no_model(self, tmp_path: Path):
        with pytest.raises(ModelUnavailableError, match=r"config\.json: cannot be read"):
            plan_mert(tmp_path)

import json
from collections.abc import Callable
from pathlib import Path

import pytest
import torch
from safetensors.torch import save_file

from musiscene.checkpoints.tensor_sources import (
    open_hub_folder,
    open_meta_shards,
    open_safetensors,
    read_json_object,
)
from musiscene.errors import ModelIntegrityError, ModelUnavailableError

FIRST, SECOND = torch.arange(6.0).reshape(3, 2), torch.arange(4.0).bfloat16()


class TestOpenHubFolder:
    def test_reads_one_safetensors_file(self, tmp_path: Path):
        save_file({"first": FIRST, "second": SECOND}, tmp_path / "model.safetensors")
        found = open_hub_folder(tmp_path)
        assert torch.equal(found["first"].rows(1, 3), FIRST[1:])
        assert torch.equal(found["second"].rows(0, 4), SECOND)

    @pytest.mark.parametrize(
        ("stem", "suffix", "save"),
        [("model", "safetensors", save_file), ("pytorch_model", "bin", torch.save)],
    )
    def test_reads_the_files_of_an_index(
        self, tmp_path: Path, stem: str, suffix: str, save: Callable[..., None]
    ):
        save({"first": FIRST}, tmp_path / f"{stem}-1.{suffix}")
        save({"second": SECOND}, tmp_path / f"{stem}-2.{suffix}")
        weight_map = {"first": f"{stem}-1.{suffix}", "second": f"{stem}-2.{suffix}"}
        index = {"metadata": {"total_size": 1}, "weight_map": weight_map}
        (tmp_path / f"{stem}.{suffix}.index.json").write_text(json.dumps(index))
        found = open_hub_folder(tmp_path)
        assert torch.equal(found["first"].rows(0, 3), FIRST)
        assert torch.equal(found["second"].rows(0, 4), SECOND)

    @pytest.mark.parametrize("name", ["../model.safetensors", "gone.safetensors"])
    def test_refuses_an_index_that_leads_elsewhere(self, tmp_path: Path, name: str):
        folder = tmp_path / "folder"
        folder.mkdir()
        save_file({"first": FIRST}, tmp_path / "model.safetensors")
        index = {"weight_map": {"first": name}}
        (folder / "model.safetensors.index.json").write_text(json.dumps(index))
        with pytest.raises(ModelUnavailableError, match="not there"):
            open_hub_folder(folder)

    def test_says_that_there_are_no_weights(self, tmp_path: Path):
        with pytest.raises(ModelUnavailableError, match="holds no weights"):
            open_hub_folder(tmp_path)

    def test_refuses_a_damaged_index(self, tmp_path: Path):
        (tmp_path / "model.safetensors.index.json").write_text("{")
        with pytest.raises(ModelIntegrityError, match="is damaged"):
            open_hub_folder(tmp_path)


class TestOpenSafetensors:
    def test_refuses_quantised_weights(self, tmp_path: Path):
        save_file({"q": torch.zeros(3, dtype=torch.int8)}, tmp_path / "model.safetensors")
        with pytest.raises(ModelIntegrityError, match="q holds I8; get the plain"):
            open_safetensors(tmp_path / "model.safetensors")

    def test_refuses_a_torn_file(self, tmp_path: Path):
        path = tmp_path / "model.safetensors"
        save_file({"first": FIRST}, path)
        path.write_bytes(path.read_bytes()[:-3])
        with pytest.raises(ModelIntegrityError, match="is damaged"):
            open_safetensors(path)

    def test_says_that_a_file_is_missing(self, tmp_path: Path):
        with pytest.raises(ModelUnavailableError, match="cannot be read"):
            open_safetensors(tmp_path / "model.safetensors")


class TestOpenMetaShards:
    def test_joins_rows_columns_and_norms(self, tmp_path: Path):
        whole = {
            "layers.0.attention.wq.weight": torch.arange(16.0).reshape(4, 4),
            "layers.0.attention.wo.weight": torch.arange(16.0).reshape(4, 4),
            "norm.weight": torch.arange(4.0),
        }
        for shard in (0, 1):
            part = {
                "layers.0.attention.wq.weight": whole["layers.0.attention.wq.weight"][
                    2 * shard : 2 * shard + 2
                ].clone(),
                "layers.0.attention.wo.weight": whole["layers.0.attention.wo.weight"][
                    :, 2 * shard : 2 * shard + 2
                ].clone(),
                "norm.weight": whole["norm.weight"] + 100 * shard,
                "rope.freqs": torch.ones(1),
            }
            torch.save(part, tmp_path / f"consolidated.0{shard}.pth")
        found = open_meta_shards(tmp_path)
        assert found.keys() == whole.keys()
        for name, expected in whole.items():
            assert torch.equal(found[name].rows(0, 4), expected)

    def test_refuses_shards_of_two_models(self, tmp_path: Path):
        torch.save({"norm.weight": SECOND}, tmp_path / "consolidated.00.pth")
        torch.save({"other.weight": SECOND}, tmp_path / "consolidated.01.pth")
        with pytest.raises(ModelIntegrityError, match="different tensors"):
            open_meta_shards(tmp_path)

    def test_refuses_shards_of_two_sizes(self, tmp_path: Path):
        torch.save({"output.weight": torch.zeros(2, 3)}, tmp_path / "consolidated.00.pth")
        torch.save({"output.weight": torch.zeros(2, 4)}, tmp_path / "consolidated.01.pth")
        with pytest.raises(ModelIntegrityError, match=r"differ in shape or type of output\.weight"):
            open_meta_shards(tmp_path)

    def test_says_that_there_are_none(self, tmp_path: Path):
        with pytest.raises(ModelUnavailableError, match="holds no consolidated"):
            open_meta_shards(tmp_path)


class TestReadJsonObject:
    @pytest.mark.parametrize("content", [b"[1]", b"{", b"\xff"])
    def test_refuses_what_is_no_object(self, tmp_path: Path, content: bytes):
        (tmp_path / "config.json").write_bytes(content)
        with pytest.raises(ModelIntegrityError, match=r"config\.json: is damaged"):
            read_json_object(tmp_path / "config.json")

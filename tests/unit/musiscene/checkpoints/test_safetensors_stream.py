import json
from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file

from musiscene.checkpoints import safetensors_stream
from musiscene.checkpoints.lazy_tensors import Held
from musiscene.checkpoints.progress import ignore_progress
from musiscene.checkpoints.safetensors_stream import write_safetensors

TENSORS = {
    "odd": torch.arange(3.0).half(),
    "wide": torch.randn(50, 7, generator=torch.Generator().manual_seed(1)),
    "brain": torch.randn(9, 3, generator=torch.Generator().manual_seed(2)).bfloat16(),
    "double": torch.tensor([1e300], dtype=torch.float64),
    "nothing": torch.zeros(0, 4),
    "transposed": torch.arange(12.0).reshape(3, 4).t(),
}


def written(path: Path) -> Path:
    lazy = {name: Held(tensor) for name, tensor in TENSORS.items()}
    write_safetensors(path, lazy, step="write", progress=ignore_progress)
    return path


class TestWriteSafetensors:
    @pytest.mark.parametrize("piece_bytes", [1, 60, 8 << 20])
    def test_the_librarys_reader_reads_it_back(
        self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, piece_bytes: int
    ):
        monkeypatch.setattr(safetensors_stream, "PIECE_BYTES", piece_bytes)
        found = load_file(written(tmp_path / "model.safetensors"))
        assert found.keys() == TENSORS.keys()
        for name, expected in TENSORS.items():
            assert found[name].dtype == expected.dtype
            assert torch.equal(found[name], expected)

    def test_every_tensor_starts_at_a_multiple_of_its_item_size(self, tmp_path: Path):
        content = written(tmp_path / "model.safetensors").read_bytes()
        length = int.from_bytes(content[:8], "little")
        assert length % 8 == 0
        header = json.loads(content[8 : 8 + length])
        assert header.pop("__metadata__") == {"format": "pt"}
        for name, entry in header.items():
            assert entry["data_offsets"][0] % TENSORS[name].dtype.itemsize == 0

    def test_counts_bytes_up_to_all_of_them(self, tmp_path: Path):
        reports: list[tuple[int, int | None]] = []
        lazy = {name: Held(tensor) for name, tensor in TENSORS.items()}
        write_safetensors(
            tmp_path / "model.safetensors",
            lazy,
            step="write",
            progress=lambda _, done, total: reports.append((done, total)),
        )
        total_bytes = sum(tensor.nbytes for tensor in TENSORS.values())
        assert reports[0] == (0, total_bytes)
        assert reports[-1] == (total_bytes, total_bytes)
        assert reports == sorted(reports)

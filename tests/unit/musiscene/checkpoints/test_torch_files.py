import argparse
import os
from collections.abc import Callable
from pathlib import Path

import pytest
import torch

from musiscene.checkpoints.torch_files import open_torch_file
from musiscene.errors import ModelIntegrityError, ModelUnavailableError


class Hostile:
    """What runs a shell command when a careless reader opens it."""

    def __init__(self, command: str) -> None:
        self.command = command

    def __reduce__(self) -> tuple[Callable[[str], int], tuple[str]]:
        return os.system, (self.command,)


def tensors() -> dict[str, torch.Tensor]:
    wide = torch.arange(24.0).reshape(6, 4)
    return {
        "float32": wide,
        "rows of another": wide[2:5],
        "bfloat16": torch.arange(7.0).bfloat16(),
        "float16": torch.ones(2, 3, 4, dtype=torch.float16),
        "scalar row": torch.tensor([3.5], dtype=torch.float64),
    }


class TestOpenTorchFile:
    @pytest.mark.parametrize("wrap", [lambda state: state, lambda state: {"model": state}])
    def test_reads_what_was_saved(self, tmp_path: Path, wrap: Callable[[object], object]):
        path = tmp_path / "weights.pth"
        torch.save(wrap(tensors()), path)
        found = open_torch_file(path)
        assert found.keys() == tensors().keys()
        for name, expected in tensors().items():
            assert (found[name].shape, found[name].dtype) == (tuple(expected.shape), expected.dtype)
            assert torch.equal(found[name].rows(0, len(expected)), expected)

    def test_reads_some_rows(self, tmp_path: Path):
        path = tmp_path / "weights.pth"
        torch.save(tensors(), path)
        rows = open_torch_file(path)["rows of another"].rows(1, 3)
        assert rows.tolist() == [[12.0, 13.0, 14.0, 15.0], [16.0, 17.0, 18.0, 19.0]]

    def test_accepts_the_arguments_of_a_training(self, tmp_path: Path):
        path = tmp_path / "weights.pth"
        torch.save({"model": tensors(), "args": argparse.Namespace(lr=0.1), "epoch": 1}, path)
        assert open_torch_file(path).keys() == tensors().keys()


class TestRefusals:
    def test_runs_no_code(self, tmp_path: Path):
        path, proof = tmp_path / "hostile.pth", tmp_path / "it-ran"
        torch.save({"model": tensors(), "more": Hostile(f"touch {proof}")}, path)
        with pytest.raises(ModelIntegrityError, match=r"hostile\.pth: would run code.*refused"):
            open_torch_file(path)
        assert not proof.exists()
        torch.load(path, weights_only=False)  # the file is what it claims to be
        assert proof.exists()

    @pytest.mark.parametrize("share", [0.3, 0.7, 0.99])
    def test_names_a_file_that_was_cut_off(self, tmp_path: Path, share: float):
        path = tmp_path / "weights.pth"
        torch.save(tensors(), path)
        path.write_bytes(path.read_bytes()[: int(path.stat().st_size * share)])
        with pytest.raises(ModelIntegrityError, match=r"weights\.pth: is torn.*get it again"):
            open_torch_file(path)

    def test_names_a_file_that_was_cut_off_after_it_was_opened(self, tmp_path: Path):
        path = tmp_path / "weights.pth"
        torch.save({"a": torch.zeros(1000)}, path)
        found = open_torch_file(path)["a"]
        path.write_bytes(path.read_bytes()[:500])
        with pytest.raises(ModelIntegrityError, match="is torn"):
            found.rows(0, 1000)

    def test_refuses_the_old_format(self, tmp_path: Path):
        path = tmp_path / "old.pth"
        torch.save(tensors(), path, _use_new_zipfile_serialization=False)
        with pytest.raises(ModelIntegrityError, match=r"before PyTorch 1\.6.*Save it again"):
            open_torch_file(path)

    def test_refuses_a_zip_of_something_else(self, tmp_path: Path):
        import zipfile

        path = tmp_path / "other.pth"
        with zipfile.ZipFile(path, "w") as archive:
            archive.writestr("readme.txt", "hello")
        with pytest.raises(ModelIntegrityError, match="is damaged"):
            open_torch_file(path)

    @pytest.mark.parametrize(
        ("content", "reason"),
        [
            ({"a": torch.zeros(4, 3).t()}, "a is not contiguous"),
            ({"a": torch.zeros(4, 3), "b": 7}, "b is no plain tensor"),
            ({"a": torch.zeros(2, 2).to_sparse()}, "a is no plain tensor"),
            ([torch.zeros(2)], "holds no state dict"),
        ],
    )
    def test_refuses_what_is_no_state_dict(self, tmp_path: Path, content: object, reason: str):
        path = tmp_path / "weights.pth"
        torch.save(content, path)
        with pytest.raises(ModelIntegrityError, match=reason):
            open_torch_file(path)

    def test_says_that_a_file_is_missing(self, tmp_path: Path):
        with pytest.raises(ModelUnavailableError, match="cannot be read"):
            open_torch_file(tmp_path / "nothing.pth")

"""Reads tensors out of `.pth` and `.bin` files without running what a pickle may carry.

torch builds the tensors without storage, by its restricted unpickler, and tells where in the file
each lies; then exactly the bytes that are wanted are read. A file that needs any other class than
tensors, plain containers and `argparse.Namespace` is refused.
"""

from __future__ import annotations

import argparse
import pickle
import zipfile
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import torch

from musiscene.checkpoints.lazy_tensors import TORN, StoredTensor
from musiscene.errors import ModelIntegrityError, ModelUnavailableError

if TYPE_CHECKING:
    from pathlib import Path

_ZIP_START = b"PK\x03\x04"
_BROKEN = (
    RuntimeError,
    EOFError,
    LookupError,
    ValueError,
    TypeError,
    AttributeError,
    zipfile.BadZipFile,
)


def open_torch_file(path: Path) -> dict[str, StoredTensor]:
    """The tensors of a state dict, by name; no values are read.

    Args:
        path: What `torch.save` wrote: a state dict, or a dict that holds one as `model`.

    Returns:
        Name -> tensor.

    Raises:
        ModelIntegrityError: If the file is torn, of an older format, needs code to be opened, or
            holds something else.
        ModelUnavailableError: If it cannot be read.
    """
    content = _load_without_storage(path)
    if isinstance(content, Mapping) and isinstance(content.get("model"), Mapping):
        content = content["model"]
    if not isinstance(content, Mapping):
        raise ModelIntegrityError(str(path), "holds no state dict")
    size_bytes = path.stat().st_size
    return {str(name): _located(path, name, value, size_bytes) for name, value in content.items()}


def _load_without_storage(path: Path) -> Any:  # noqa: ANN401 - whatever was saved
    try:
        with path.open("rb") as file:
            starts_as_zip = file.read(4) == _ZIP_START
            is_whole = zipfile.is_zipfile(file)
        if not starts_as_zip:
            raise ModelIntegrityError(
                str(path),
                "is no file of torch.save, or of its format before PyTorch 1.6. Save it again with"
                " a current PyTorch, in a place where its code may run",
            )
        if not is_whole:
            raise ModelIntegrityError(str(path), TORN)
        with torch.serialization.safe_globals([argparse.Namespace]):
            return torch.load(path, map_location="meta", weights_only=True)
    except OSError as error:
        raise ModelUnavailableError(str(path), f"cannot be read: {error}") from error
    except pickle.UnpicklingError as error:
        raise ModelIntegrityError(
            str(path),
            "would run code when opened, so it is refused; nothing was run. Get it from its authors"
            f" again, or as safetensors ({_first_line(error)})",
        ) from error
    except _BROKEN as error:
        raise ModelIntegrityError(
            str(path), f"is damaged; get it again ({_first_line(error)})"
        ) from error


def _located(path: Path, name: object, value: object, size_bytes: int) -> StoredTensor:
    if not isinstance(value, torch.Tensor) or value.layout != torch.strided:
        raise ModelIntegrityError(str(path), f"{name} is no plain tensor")
    if not value.is_contiguous() or value.is_conj() or value.is_neg():
        raise ModelIntegrityError(
            str(path), f"{name} is not contiguous; save it again after .contiguous()"
        )
    storage: Any = value.untyped_storage()
    start_bytes = int(value.storage_offset()) * value.dtype.itemsize
    value_bytes = value.numel() * value.dtype.itemsize
    offset_bytes = (storage._checkpoint_offset or 0) + start_bytes  # noqa: SLF001 - no other way
    if start_bytes + value_bytes > storage.nbytes() or offset_bytes + value_bytes > size_bytes:
        raise ModelIntegrityError(str(path), TORN)
    return StoredTensor(path, tuple(value.shape), value.dtype, offset_bytes)


def _first_line(error: Exception) -> str:
    return str(error).strip().split("\n", 1)[0][:200]

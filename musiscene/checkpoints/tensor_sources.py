"""Where tensors are found: safetensors files, folders of the model hub, shards as Meta cuts them.

Each function answers name -> lazy tensor and reads nothing but headers.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import msgspec
from safetensors import SafetensorError, safe_open

from musiscene.checkpoints.lazy_tensors import DTYPE_OF, JoinedColumns, JoinedRows, StoredTensor
from musiscene.checkpoints.torch_files import open_torch_file
from musiscene.errors import ModelIntegrityError, ModelUnavailableError

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from musiscene.checkpoints.lazy_tensors import LazyTensor

_IN_ROWS = ("wq.weight", "wk.weight", "wv.weight", "w1.weight", "w3.weight", "output.weight")
_IN_COLUMNS = ("wo.weight", "w2.weight", "tok_embeddings.weight")
_IGNORED_IN_SHARDS = "rope.freqs"


class _WeightIndex(msgspec.Struct, frozen=True):
    """What is read of `*.index.json`."""

    weight_map: dict[str, str]


class _HeaderEntry(msgspec.Struct, frozen=True):
    """One tensor in the header of a safetensors file."""

    dtype: str
    shape: tuple[int, ...]
    data_offsets: tuple[int, int]


def open_safetensors(path: Path) -> dict[str, LazyTensor]:
    """The tensors of a safetensors file.

    Args:
        path: The file.

    Returns:
        Name -> tensor.

    Raises:
        ModelIntegrityError: If the file is damaged or its numbers are quantised.
        ModelUnavailableError: If it cannot be read.
    """
    try:
        with safe_open(path, framework="pt"):
            pass  # the library checks that header and size are sound
        with path.open("rb") as file:
            header_bytes = int.from_bytes(file.read(8), "little")
            entries = msgspec.json.decode(file.read(header_bytes), type=dict[str, msgspec.Raw])
    except SafetensorError as error:
        raise ModelIntegrityError(str(path), f"is damaged; get it again ({error})") from error
    except OSError as error:
        raise ModelUnavailableError(str(path), f"cannot be read: {error}") from error
    tensors: dict[str, LazyTensor] = {}
    for name in entries.keys() - {"__metadata__"}:
        entry = msgspec.json.decode(entries[name], type=_HeaderEntry)
        if entry.dtype not in DTYPE_OF:
            raise ModelIntegrityError(
                str(path), f"{name} holds {entry.dtype}; get the plain floating-point weights"
            )
        offset_bytes = 8 + header_bytes + entry.data_offsets[0]
        tensors[name] = StoredTensor(path, entry.shape, DTYPE_OF[entry.dtype], offset_bytes)
    return tensors


def open_hub_folder(folder: Path) -> dict[str, LazyTensor]:
    """The tensors of a transformers folder: safetensors where there are any, else pickles.

    Args:
        folder: Holds `model*.safetensors` or `pytorch_model*.bin`, with or without an index.

    Returns:
        Name -> tensor.

    Raises:
        ModelUnavailableError: If it holds no weights, or a file of its index is missing.
        ModelIntegrityError: If a file is damaged.
    """
    for stem, suffix in (("model", "safetensors"), ("pytorch_model", "bin")):
        paths = _weight_files(folder, stem, suffix)
        if paths:
            tensors: dict[str, LazyTensor] = {}
            for path in paths:
                tensors |= open_safetensors(path) if suffix == "safetensors" else _pickled(path)
            return tensors
    raise ModelUnavailableError(
        str(folder), "holds no weights: neither model.safetensors nor pytorch_model.bin"
    )


def open_meta_shards(folder: Path) -> dict[str, LazyTensor]:
    """The tensors of a LLaMA as Meta publishes it, its shards joined.

    Args:
        folder: Holds `consolidated.*.pth`.

    Returns:
        Meta's name -> tensor.

    Raises:
        ModelUnavailableError: If there are no shards.
        ModelIntegrityError: If a shard is damaged or the shards do not fit each other.
    """
    paths = sorted(folder.glob("consolidated.*.pth"))
    if not paths:
        raise ModelUnavailableError(str(folder), "holds no consolidated.*.pth")
    shards = [open_torch_file(path) for path in paths]
    names = [shard.keys() - {_IGNORED_IN_SHARDS} for shard in shards]
    if any(found != names[0] for found in names):
        raise ModelIntegrityError(
            str(folder), "its shards hold different tensors; are they of one model?"
        )
    return {name: _joined(folder, name, [shard[name] for shard in shards]) for name in names[0]}


def read_json_object(path: Path) -> dict[str, Any]:
    """Read a JSON file that holds an object.

    Args:
        path: The file.

    Returns:
        Its content.

    Raises:
        ModelUnavailableError: If it cannot be read.
        ModelIntegrityError: If it is damaged.
    """
    try:
        return msgspec.json.decode(path.read_bytes(), type=dict[str, Any])
    except OSError as error:
        raise ModelUnavailableError(str(path), f"cannot be read: {error.strerror}") from error
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise ModelIntegrityError(str(path), f"is damaged: {error}") from error


def _joined(folder: Path, name: str, parts: Sequence[LazyTensor]) -> LazyTensor:
    if len(parts) == 1 or not name.endswith(_IN_ROWS + _IN_COLUMNS):
        return parts[0]
    kinds = {(part.shape, part.dtype) for part in parts}
    if len(kinds) > 1:
        raise ModelIntegrityError(str(folder), f"its shards differ in shape or type of {name}")
    return JoinedRows(parts) if name.endswith(_IN_ROWS) else JoinedColumns(parts)


def _pickled(path: Path) -> dict[str, LazyTensor]:
    return dict(open_torch_file(path))


def _weight_files(folder: Path, stem: str, suffix: str) -> list[Path]:
    index = folder / f"{stem}.{suffix}.index.json"
    if not index.is_file():
        one = folder / f"{stem}.{suffix}"
        return [one] if one.is_file() else []
    try:
        names = set(msgspec.json.decode(index.read_bytes(), type=_WeightIndex).weight_map.values())
    except msgspec.DecodeError as error:
        raise ModelIntegrityError(str(index), f"is damaged: {error}") from error
    paths = [folder / name for name in sorted(names)]
    for path in paths:
        # An index is data from elsewhere: it must not lead out of its folder.
        if path.parent != folder or not path.is_file():
            raise ModelUnavailableError(
                str(folder), f"{path.name} is named by {index.name} and not there"
            )
    return paths

"""Writes a safetensors file piece by piece, in the memory of one piece.

Format (https://github.com/huggingface/safetensors): length of the header, 8 bytes, little-endian;
the header, JSON padded with blanks to a multiple of 8; the tensors' bytes without gaps.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

import msgspec
import torch

from musiscene.checkpoints.lazy_tensors import DTYPE_OF, bytes_of
from musiscene.checkpoints.manifest import flush

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from musiscene.checkpoints.lazy_tensors import LazyTensor
    from musiscene.checkpoints.progress import PullProgress

PIECE_BYTES = 8 << 20
_NAME_OF = {dtype: name for name, dtype in DTYPE_OF.items()}
_ALIGNMENT = 8


def write_safetensors(
    path: Path, tensors: Mapping[str, LazyTensor], *, step: str, progress: PullProgress
) -> None:
    """Write tensors in the types that they have.

    Args:
        path: Written and flushed to the disk.
        tensors: Name -> tensor; of a floating-point type.
        step: What is being done, for people.
        progress: Told about the bytes so far.
    """
    # Wide types first, so that every tensor starts at a multiple of its item size.
    order = sorted(tensors, key=lambda name: (-tensors[name].dtype.itemsize, name))
    total_bytes = bytes_of(tensors.values())
    done_bytes = 0
    progress(step, 0, total_bytes)
    with path.open("wb") as file:
        file.write(_header({name: tensors[name] for name in order}))
        for name in order:
            tensor = tensors[name]
            row_bytes = math.prod(tensor.shape[1:]) * tensor.dtype.itemsize
            rows_at_once = max(1, PIECE_BYTES // max(row_bytes, 1))
            for start in range(0, tensor.shape[0], rows_at_once):
                stop = min(start + rows_at_once, tensor.shape[0])
                piece = tensor.rows(start, stop).contiguous().flatten().view(torch.uint8)
                file.write(piece.numpy().data)
                done_bytes += piece.numel()
                progress(step, done_bytes, total_bytes)
    flush(path)


def _header(tensors: Mapping[str, LazyTensor]) -> bytes:
    entries: dict[str, Any] = {"__metadata__": {"format": "pt"}}
    end = 0
    for name, tensor in tensors.items():
        start, end = end, end + bytes_of([tensor])
        entries[name] = {
            "dtype": _NAME_OF[tensor.dtype],
            "shape": tensor.shape,
            "data_offsets": (start, end),
        }
    encoded = msgspec.json.encode(entries)
    encoded += b" " * (-len(encoded) % _ALIGNMENT)
    return len(encoded).to_bytes(8, "little") + encoded

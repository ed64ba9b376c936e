"""Tensors that are read a few rows at a time, and what can be done to them without reading them.

A billion weights do not fit beside themselves in memory. So an import first plans every tensor that
it will write, checks names and shapes, and only then reads, changes and writes it piece by piece.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

import torch

from musiscene.errors import ModelIntegrityError, ModelUnavailableError

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Mapping, Sequence
    from pathlib import Path

DTYPE_OF = {
    "F64": torch.float64,
    "F32": torch.float32,
    "F16": torch.float16,
    "BF16": torch.bfloat16,
}
"""What safetensors calls a type -> the type, of all that weights may have here."""

TORN = "is torn: it ends too early; get it again"
LISTED_NAMES = 5
"""How many names an error lists before it only counts."""


class LazyTensor(Protocol):
    """A tensor of at least one axis whose values are read on demand."""

    @property
    def shape(self) -> tuple[int, ...]:
        """As torch counts."""

    @property
    def dtype(self) -> torch.dtype:
        """Of every value."""

    def rows(self, start: int, stop: int) -> torch.Tensor:
        """Read a part along the first axis.

        Args:
            start: First row.
            stop: One past the last row.

        Returns:
            The values, shape (stop - start, *shape[1:]), on the CPU.
        """


@dataclass(frozen=True)
class StoredTensor:
    """A contiguous tensor inside a file.

    It is read, not mapped: mapped weights would count as memory in use until all are written.
    """

    path: Path
    shape: tuple[int, ...]
    dtype: torch.dtype
    offset_bytes: int

    def rows(self, start: int, stop: int) -> torch.Tensor:
        """Read a part along the first axis.

        Args:
            start: First row.
            stop: One past the last row.

        Returns:
            The values, shape (stop - start, *shape[1:]).

        Raises:
            ModelIntegrityError: If the file ends before them.
            ModelUnavailableError: If it cannot be read.
        """
        row_bytes = math.prod(self.shape[1:]) * self.dtype.itemsize
        values = torch.empty((stop - start) * row_bytes, dtype=torch.uint8)
        try:
            with self.path.open("rb") as file:
                file.seek(self.offset_bytes + start * row_bytes)
                count = file.readinto(values.numpy().data)
        except OSError as error:
            raise ModelUnavailableError(str(self.path), f"cannot be read: {error}") from error
        if count != values.numel():
            raise ModelIntegrityError(str(self.path), TORN)
        return values.view(self.dtype).view(stop - start, *self.shape[1:])


@dataclass(frozen=True)
class Held:
    """A small tensor that is in memory already."""

    values: torch.Tensor

    @property
    def shape(self) -> tuple[int, ...]:
        """As torch counts."""
        return tuple(self.values.shape)

    @property
    def dtype(self) -> torch.dtype:
        """Of every value."""
        return self.values.dtype

    def rows(self, start: int, stop: int) -> torch.Tensor:
        """Read a part along the first axis."""
        return self.values[start:stop]


@dataclass(frozen=True)
class JoinedRows:
    """Tensors one below the other."""

    parts: Sequence[LazyTensor]

    @property
    def shape(self) -> tuple[int, ...]:
        """As torch counts."""
        return (sum(part.shape[0] for part in self.parts), *self.parts[0].shape[1:])

    @property
    def dtype(self) -> torch.dtype:
        """Of every value."""
        return self.parts[0].dtype

    def rows(self, start: int, stop: int) -> torch.Tensor:
        """Read a part along the first axis."""
        pieces = []
        first = 0
        for part in self.parts:
            low, high = max(start - first, 0), min(stop - first, part.shape[0])
            if low < high:
                pieces.append(part.rows(low, high))
            first += part.shape[0]
        return pieces[0] if len(pieces) == 1 else torch.cat(pieces)


@dataclass(frozen=True)
class JoinedColumns:
    """Matrices side by side."""

    parts: Sequence[LazyTensor]

    @property
    def shape(self) -> tuple[int, ...]:
        """As torch counts."""
        return (*self.parts[0].shape[:-1], sum(part.shape[-1] for part in self.parts))

    @property
    def dtype(self) -> torch.dtype:
        """Of every value."""
        return self.parts[0].dtype

    def rows(self, start: int, stop: int) -> torch.Tensor:
        """Read a part along the first axis."""
        return torch.cat([part.rows(start, stop) for part in self.parts], dim=-1)


@dataclass(frozen=True)
class Stacked:
    """Tensors of one shape along a new first axis."""

    parts: Sequence[LazyTensor]

    @property
    def shape(self) -> tuple[int, ...]:
        """As torch counts."""
        return (len(self.parts), *self.parts[0].shape)

    @property
    def dtype(self) -> torch.dtype:
        """Of every value."""
        return self.parts[0].dtype

    def rows(self, start: int, stop: int) -> torch.Tensor:
        """Read a part along the first axis."""
        return torch.stack([part.rows(0, part.shape[0]) for part in self.parts[start:stop]])


@dataclass(frozen=True)
class HalfSplitRows:
    """Rows of a rotary projection, from neighbouring pairs to the two halves of each head.

    Row s * d/2 + j of a head of d rows is its row 2j + s: transformers rotates component j with
    component j + d/2, Meta's LLaMA rotates neighbours.
    """

    source: LazyTensor
    heads: int

    @property
    def shape(self) -> tuple[int, ...]:
        """As torch counts."""
        return self.source.shape

    @property
    def dtype(self) -> torch.dtype:
        """Of every value."""
        return self.source.dtype

    def rows(self, start: int, stop: int) -> torch.Tensor:
        """Read a part along the first axis."""
        size = self.shape[0] // self.heads
        first = start // size * size
        last = -(-stop // size) * size
        row = torch.arange(start, stop)
        inside = row % size
        old = row - inside + 2 * (inside % (size // 2)) + inside // (size // 2)
        return self.source.rows(first, last)[old - first]


def bytes_of(tensors: Iterable[LazyTensor]) -> int:
    """What tensors take when written."""
    return sum(math.prod(tensor.shape) * tensor.dtype.itemsize for tensor in tensors)


def check_tensors(
    found: Mapping[str, LazyTensor], expected: Mapping[str, tuple[int, ...]], *, where: str
) -> None:
    """Compare names and shapes with what must be there.

    Args:
        found: What a file holds, without what may be ignored.
        expected: Name -> shape of everything that it must hold.
        where: The file or folder, for the message.

    Raises:
        ModelIntegrityError: If a tensor is missing, unknown, of another shape, or quantised.
    """
    missing = expected.keys() - found.keys()
    unknown = found.keys() - expected.keys()
    wrong = [
        f"{name} is {found[name].shape}, not {shape}"
        for name, shape in expected.items()
        if name in found and found[name].shape != shape
    ]
    quantised = [
        f"{name} is {str(tensor.dtype).removeprefix('torch.')}"
        for name, tensor in found.items()
        if name in expected and tensor.dtype not in DTYPE_OF.values()
    ]
    problems = [
        f"{what}: {few(names)}"
        for what, names in (
            ("missing", missing),
            ("unknown", unknown),
            ("of another shape", wrong),
            ("that are quantised", quantised),
        )
        if names
    ]
    if problems:
        raise ModelIntegrityError(where, "does not fit. Tensors " + "; tensors ".join(problems))


def few(names: Collection[str]) -> str:
    """The first few names in order, and how many more there are."""
    listed = ", ".join(sorted(names)[:LISTED_NAMES])
    more = len(names) - LISTED_NAMES
    return f"{listed} and {more} more" if more > 0 else listed

"""Reads the weights of a TensorFlow V2 checkpoint without TensorFlow.

A checkpoint with the prefix P is two files. `P.index` is an SSTable: a 48-byte footer points at an
index block, which points at data blocks; a block is a run of prefix-compressed (key, value)
entries, an array of restart points, one type byte (0: not compressed) and a masked CRC-32C. A key
is a variable's name, its value a `BundleEntryProto` that says where in `P.data-00000-of-00001`
the values lie. The empty key holds a `BundleHeaderProto`.

Source: LevelDB, doc/table_format.md; TensorFlow, core/protobuf/tensor_bundle.proto.
"""

from __future__ import annotations

import functools
import math
import struct
from pathlib import Path
from typing import TYPE_CHECKING, TypeAlias

import numpy as np

from musiscene.errors import ModelIntegrityError

if TYPE_CHECKING:
    from collections.abc import Iterator

    from numpy.typing import NDArray

Message: TypeAlias = dict[int, list[int | bytes]]
"""A protocol buffer message: field number -> its values in order."""

FOOTER_BYTES = 48
TABLE_MAGIC = 0xDB4775248B80FB57
BLOCK_TRAILER_BYTES = 5  # type byte and checksum
RESTART_BYTES = 4
CONTINUATION_BIT = 0x80  # of a byte of a varint: another one follows
MAX_INDEX_BYTES = 1 << 20
MAX_DATA_BYTES = 1 << 30
DT_FLOAT = 1
WIRE_TYPES = WIRE_VARINT, WIRE_FIXED64, WIRE_BYTES, WIRE_FIXED32 = 0, 1, 2, 5
_CASTAGNOLI = 0x82F63B78
_MASK_DELTA = 0xA282EAD8


class _MalformedError(Exception):
    """The bytes are not what the format says; the message is the reason."""


def _require(holds: bool, reason: str) -> None:  # noqa: FBT001 (the condition, as in `assert`)
    if not holds:
        raise _MalformedError(reason)


def read_variables(prefix: Path) -> dict[str, NDArray[np.float32]]:
    """Read every weight of a checkpoint; what only its optimizer needs is left out.

    Args:
        prefix: The checkpoint's prefix, as TensorFlow takes it, or a folder whose files are named
            by their suffixes alone (`.index`, `.data-00000-of-00001`).

    Returns:
        Variable name -> values, float32, shapes and layouts as TensorFlow stored them.

    Raises:
        ModelIntegrityError: If a file is missing, torn, too large, or fails its checksums.
    """
    stem = f"{prefix}/" if prefix.is_dir() else str(prefix)
    try:
        index = _read_bounded(Path(f"{stem}.index"), MAX_INDEX_BYTES)
        data = _read_bounded(Path(f"{stem}.data-00000-of-00001"), MAX_DATA_BYTES)
        return {
            name: _read_tensor(name, _read_message(value), data)
            for name, value in _read_table(index)
            if _is_weight(name)
        }
    except (_MalformedError, OSError) as error:
        raise ModelIntegrityError(prefix.name, f"{stem}: {error}") from error


def _is_weight(name: str) -> bool:
    leaf = name.rsplit("/", 1)[-1]
    is_optimizer_state = leaf in {"Adam", "Adam_1"} or leaf.endswith("_power")
    return bool(name) and not is_optimizer_state


def _read_bounded(path: Path, limit_bytes: int) -> bytes:
    size = path.stat().st_size
    _require(size <= limit_bytes, f"{path.name} has {size} bytes, the limit is {limit_bytes}")
    return path.read_bytes()


def _read_table(table: bytes) -> Iterator[tuple[str, bytes]]:
    """Yield (key, value) of an SSTable in order, the header checked and the values not parsed."""
    _require(len(table) >= FOOTER_BYTES, f"an index of {len(table)} bytes has no footer")
    footer = table[-FOOTER_BYTES:]
    (magic,) = struct.unpack_from("<Q", footer, FOOTER_BYTES - 8)
    _require(magic == TABLE_MAGIC, "the index does not end with the magic number of a table")
    _, _, position = _read_handle(footer, 0)  # the meta index, which TensorFlow leaves empty
    start, size, _ = _read_handle(footer, position)
    for _, handle in _read_block(table, start, size):
        block_start, block_size, _ = _read_handle(handle, 0)
        for key, value in _read_block(table, block_start, block_size):
            if not key:
                _check_header(_read_message(value))
            yield _decode_name(key), value


def _decode_name(key: bytes) -> str:
    try:
        return key.decode("utf-8")
    except UnicodeDecodeError as error:
        raise _MalformedError(f"{key!r} is no variable name") from error


def _check_header(header: Message) -> None:
    shard_count, endianness = header.get(1, [0])[0], header.get(2, [0])[0]
    _require((shard_count, endianness) == (1, 0), "only one little-endian data file is supported")


def _read_block(table: bytes, start: int, size: int) -> Iterator[tuple[bytes, bytes]]:
    end = start + size
    _require(
        size >= RESTART_BYTES and end + BLOCK_TRAILER_BYTES <= len(table) - FOOTER_BYTES,
        f"a block of {size} bytes at {start} does not fit the index",
    )
    kind, checksum = struct.unpack_from("<BI", table, end)
    _require(kind == 0, "compressed blocks are not supported")
    _require(
        masked_crc32c(table[start : end + 1]) == checksum,
        f"the block at {start} of the index fails its checksum",
    )
    (restart_count,) = struct.unpack_from("<I", table, end - RESTART_BYTES)
    entries_end = end - RESTART_BYTES * (restart_count + 1)
    key, position = b"", start
    while position < entries_end:
        shared, position = _read_varint(table, position)
        unshared, position = _read_varint(table, position)
        value_size, position = _read_varint(table, position)
        value_start = position + unshared
        _require(
            shared <= len(key) and value_start + value_size <= entries_end,
            f"an entry of the block at {start} runs past its end",
        )
        key = key[:shared] + table[position:value_start]
        position = value_start + value_size
        yield key, table[value_start:position]


def _read_handle(data: bytes, position: int) -> tuple[int, int, int]:
    """Read a block's place: its start, its size, and the position after the handle."""
    start, position = _read_varint(data, position)
    size, position = _read_varint(data, position)
    return start, size, position


def _read_varint(data: bytes, position: int) -> tuple[int, int]:
    value = 0
    for shift in range(0, 64, 7):
        if position >= len(data):
            break
        byte = data[position]
        position += 1
        value |= (byte & ~CONTINUATION_BIT) << shift
        if not byte & CONTINUATION_BIT:
            return value, position
    raise _MalformedError("a number of the index is cut off")


def _read_message(data: bytes) -> Message:
    """Read a protocol buffer message into field number -> values in order."""
    fields: Message = {}
    position = 0
    while position < len(data):
        tag, position = _read_varint(data, position)
        value: int | bytes
        wire = tag & 7
        _require(wire in WIRE_TYPES, f"wire type {wire} is not supported")
        if wire == WIRE_VARINT:
            value, position = _read_varint(data, position)
        else:
            if wire == WIRE_BYTES:
                size, position = _read_varint(data, position)
            else:
                size = 4 if wire == WIRE_FIXED32 else 8
            value = data[position : position + size]
            _require(len(value) == size, "a message of the index is cut off")
            position += size
        fields.setdefault(tag >> 3, []).append(value)
    return fields


def _read_tensor(name: str, entry: Message, data: bytes) -> NDArray[np.float32]:
    """Read one variable after its `BundleEntryProto`."""
    _require(entry.get(1) == [DT_FLOAT], f"{name} is not float32")
    shape = tuple(_integer(_read_message(dim), 1) for dim in _messages(_shape_of(entry), 2))
    start, size = _integer(entry, 4), _integer(entry, 5)
    _require(size == 4 * math.prod(shape), f"{name} has {size} bytes for the shape {shape}")
    _require(start + size <= len(data), f"{name} ends past the data file's {len(data)} bytes")
    values = data[start : start + size]
    checksum = struct.pack("<I", masked_crc32c(values))
    _require(entry.get(6) == [checksum], f"{name} fails its checksum")
    return np.frombuffer(values, dtype="<f4").astype(np.float32).reshape(shape)


def _shape_of(entry: Message) -> Message:
    return _read_message(b"".join(_messages(entry, 2)))


def _messages(fields: Message, number: int) -> list[bytes]:
    """Return the sub-messages of a repeated field."""
    return [value for value in fields.get(number, []) if isinstance(value, bytes)]


def _integer(fields: Message, number: int) -> int:
    value = fields.get(number, [0])[0]  # the format leaves a zero out
    if not isinstance(value, int):
        raise _MalformedError(f"field {number} is not a number")
    return value


def masked_crc32c(data: bytes) -> int:
    """Return the CRC-32C of some bytes as tables store it: rotated, and a constant added.

    Source: LevelDB, util/crc32c.h.

    Args:
        data: Any bytes.

    Returns:
        An unsigned number of 32 bits.

    Example:
        >>> hex(masked_crc32c(b"123456789"))  # the CRC-32C of these is e3069283
        '0xc78ab0e5'
    """
    table = _crc_table()
    crc = 0xFFFFFFFF
    for byte in data:
        crc = table[(crc ^ byte) & 0xFF] ^ (crc >> 8)
    crc ^= 0xFFFFFFFF
    return ((crc >> 15 | crc << 17) + _MASK_DELTA) & 0xFFFFFFFF


@functools.cache
def _crc_table() -> tuple[int, ...]:
    table = []
    for crc in range(256):
        for _ in range(8):
            crc = crc >> 1 ^ (_CASTAGNOLI if crc & 1 else 0)  # noqa: PLW2901 (the register shifts)
        table.append(crc)
    return tuple(table)

from __future__ import annotations

import struct
from typing import TYPE_CHECKING

import numpy as np
import pytest

from musiscene.checkpoints.tensorflow_bundle import masked_crc32c, read_variables
from musiscene.errors import ModelIntegrityError

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

    from numpy.typing import NDArray

KERNEL = np.arange(24, dtype=np.float32).reshape(2, 3, 1, 4)
BIAS = np.array([0.5, -1.5, 300.0], dtype=np.float32)
VARIABLES = {
    "conv2d/bias": BIAS,
    "conv2d/bias/Adam": BIAS * 2,
    "conv2d/bias/Adam_1": BIAS * 3,
    "conv2d/kernel": KERNEL,
    "training/beta1_power": np.array(0.9, dtype=np.float32),
}


def varint(number: int) -> bytes:
    digits = b""
    while number >= 0x80:
        digits += bytes([number & 0x7F | 0x80])
        number >>= 7
    return digits + bytes([number])


def message(*fields: tuple[int, int | bytes | tuple[int]]) -> bytes:
    """Fields (number, value): an int as a varint, bytes with their length, a float's 4 bytes."""
    parts = []
    for number, value in fields:
        if isinstance(value, int):
            parts.append(varint(number << 3) + varint(value))
        elif isinstance(value, tuple):
            parts.append(varint(number << 3 | 5) + struct.pack("<I", *value))
        else:
            parts.append(varint(number << 3 | 2) + varint(len(value)) + value)
    return b"".join(parts)


def block(entries: Sequence[tuple[bytes, bytes]]) -> bytes:
    body, previous = b"", b""
    for key, value in entries:
        shared = 0
        while shared < min(len(key), len(previous)) and key[shared] == previous[shared]:
            shared += 1
        body += varint(shared) + varint(len(key) - shared) + varint(len(value))
        body += key[shared:] + value
        previous = key
    body += struct.pack("<II", 0, 1) + b"\0"
    return body + struct.pack("<I", masked_crc32c(body))


def handle(start: int, whole_block: bytes) -> bytes:
    return varint(start) + varint(len(whole_block) - 5)


def write_bundle(
    prefix: Path,
    variables: Mapping[str, NDArray[np.float32]],
    *,
    header: Sequence[tuple[int, int]] = ((1, 1),),
    dtype: int = 1,
) -> tuple[Path, Path]:
    """Write a checkpoint as TensorFlow does, its index in two data blocks."""
    data = b""
    entries = [(b"", message(*header))]
    for name, values in sorted(variables.items()):
        raw = values.tobytes()
        shape = b"".join(message((2, message((1, size)))) for size in values.shape)
        offset = [(4, len(data))] * bool(data)  # a zero is left out
        checksum = (masked_crc32c(raw),)
        entry = message((1, dtype), (2, shape), *offset, (5, len(raw)), (6, checksum))
        entries.append((name.encode(), entry))
        data += raw
    blocks = [block(entries[:2]), block(entries[2:])]
    starts = [0, len(blocks[0])]
    ends = [entries[1][0], entries[-1][0]]
    top = block(
        [(key, handle(start, each)) for key, start, each in zip(ends, starts, blocks, strict=True)]
    )
    empty = block([])
    body = b"".join(blocks)
    handles = handle(len(body), empty) + handle(len(body) + len(empty), top)
    footer = handles.ljust(40, b"\0") + struct.pack("<Q", 0xDB4775248B80FB57)
    index_path = prefix.with_name(prefix.name + ".index")
    data_path = prefix.with_name(prefix.name + ".data-00000-of-00001")
    index_path.write_bytes(body + empty + top + footer)
    data_path.write_bytes(data)
    return index_path, data_path


@pytest.fixture
def bundle(tmp_path: Path) -> tuple[Path, Path, Path]:
    return (tmp_path / "model", *write_bundle(tmp_path / "model", VARIABLES))


class TestReadVariables:
    def test_gives_names_shapes_and_values_without_the_optimizer(
        self, bundle: tuple[Path, Path, Path]
    ):
        variables = read_variables(bundle[0])
        assert list(variables) == ["conv2d/bias", "conv2d/kernel"]
        np.testing.assert_array_equal(variables["conv2d/bias"], BIAS)
        np.testing.assert_array_equal(variables["conv2d/kernel"], KERNEL)
        assert variables["conv2d/kernel"].dtype == np.float32

    def test_takes_a_folder_whose_files_are_only_suffixes(self, tmp_path: Path):
        folder = tmp_path / "MTT_musicnn"
        folder.mkdir()
        index, data = write_bundle(tmp_path / "any", VARIABLES)
        index.rename(folder / ".index")
        data.rename(folder / ".data-00000-of-00001")
        assert list(read_variables(folder)) == ["conv2d/bias", "conv2d/kernel"]

    def test_refuses_a_missing_file(self, tmp_path: Path):
        with pytest.raises(ModelIntegrityError, match="index"):
            read_variables(tmp_path / "model")

    def test_refuses_an_index_cut_anywhere(self, bundle: tuple[Path, Path, Path]):
        prefix, index, _ = bundle
        whole = index.read_bytes()
        for size in range(len(whole)):
            index.write_bytes(whole[:size])
            with pytest.raises(ModelIntegrityError):
                read_variables(prefix)

    def test_a_damaged_index_is_refused_or_harmless(self, bundle: tuple[Path, Path, Path]):
        prefix, index, _ = bundle
        whole = index.read_bytes()
        refused = 0
        for position in range(len(whole)):
            damaged = bytearray(whole)
            damaged[position] ^= 0x55
            index.write_bytes(damaged)
            try:
                variables = read_variables(prefix)
            except ModelIntegrityError:
                refused += 1
            else:
                np.testing.assert_array_equal(variables["conv2d/kernel"], KERNEL)
        footer = 48  # of which the padding and the handle of the empty block mean nothing
        assert refused > len(whole) - footer - len(block([]))

    @pytest.mark.parametrize(
        "position", [pytest.param(0, id="first"), pytest.param(4 * 3 * 3 + 5, id="kernel")]
    )
    def test_refuses_a_changed_weight(self, bundle: tuple[Path, Path, Path], position: int):
        prefix, _, data = bundle
        damaged = bytearray(data.read_bytes())
        damaged[position] ^= 1
        data.write_bytes(damaged)
        with pytest.raises(ModelIntegrityError, match="checksum"):
            read_variables(prefix)

    def test_refuses_a_short_data_file(self, bundle: tuple[Path, Path, Path]):
        prefix, _, data = bundle
        data.write_bytes(data.read_bytes()[:-8])
        with pytest.raises(ModelIntegrityError, match="ends past"):
            read_variables(prefix)

    def test_refuses_other_types_than_float32(self, tmp_path: Path):
        write_bundle(tmp_path / "model", VARIABLES, dtype=2)
        with pytest.raises(ModelIntegrityError, match="float32"):
            read_variables(tmp_path / "model")

    @pytest.mark.parametrize(
        "header", [pytest.param([(1, 2)], id="shards"), pytest.param([(1, 1), (2, 1)], id="endian")]
    )
    def test_refuses_what_it_cannot_read(self, tmp_path: Path, header: list[tuple[int, int]]):
        write_bundle(tmp_path / "model", VARIABLES, header=header)
        with pytest.raises(ModelIntegrityError, match="little-endian"):
            read_variables(tmp_path / "model")

    def test_refuses_a_shape_that_its_bytes_do_not_fill(self, tmp_path: Path):
        write_bundle(tmp_path / "model", {"conv2d/bias": BIAS.astype(np.float64)})
        with pytest.raises(ModelIntegrityError, match=r"24 bytes for the shape \(3,\)"):
            read_variables(tmp_path / "model")


class TestMaskedCrc32c:
    def test_is_the_published_check_value_masked(self):
        """CRC-32C of "123456789" is e3069283 (RFC 3720 family); rotated by 15 and offset."""
        crc = 0xE3069283
        assert masked_crc32c(b"123456789") == ((crc >> 15 | crc << 17) + 0xA282EAD8) & 0xFFFFFFFF

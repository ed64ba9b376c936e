"""What was heard in a track <-> bytes, so that scenes can be imagined anew without its file."""

from __future__ import annotations

import zlib
from typing import Any

import msgspec
import numpy as np

from musiscene.listen import Listening

MAX_FEATURE_BYTES = 64 << 10
"""Features of more are left out: MERT's take a megabyte a track, and a library has many."""
MAX_PACKED_BYTES = 16 << 20
"""Of one track, unpacked; a four-hour recording takes two."""


class PackedArray(msgspec.Struct, frozen=True, array_like=True):
    """A float32 array."""

    shape: tuple[int, ...]
    """Of the array."""
    data: bytes
    """Its numbers, little-endian, in C order."""


def encode_listening(listening: Listening) -> bytes:
    """What was heard as MessagePack, whole.

    Args:
        listening: What was heard.

    Returns:
        For `decode_listening`.
    """
    return msgspec.msgpack.encode(listening, enc_hook=_pack_array)


def decode_listening(data: bytes) -> Listening:
    """Take back what `encode_listening` made.

    Args:
        data: MessagePack.

    Returns:
        The listening, exactly.

    Raises:
        msgspec.DecodeError: If another version wrote it, or it is damaged.
        ValueError: If an array in it is damaged.
    """
    return msgspec.msgpack.decode(data, type=Listening, dec_hook=_unpack_array)


def pack_listening(listening: Listening) -> bytes:
    """Put what was heard into few bytes.

    Args:
        listening: What was heard.

    Returns:
        Compressed MessagePack.
    """
    features = listening.features
    if features.track.nbytes + features.segments.nbytes > MAX_FEATURE_BYTES:
        nothing = np.empty((0, 0), np.float32)
        features = msgspec.structs.replace(features, track=nothing, segments=nothing[None])
        listening = msgspec.structs.replace(listening, features=features)
    return zlib.compress(encode_listening(listening))


def unpack_listening(data: bytes) -> Listening | None:
    """Take what was heard out of what `pack_listening` made.

    Args:
        data: Compressed MessagePack.

    Returns:
        The listening, exactly; `features` are empty where they were too large. None where the
        bytes are damaged or another version wrote them: then the file has to be heard again.
    """
    try:
        inflater = zlib.decompressobj()
        plain = inflater.decompress(data, MAX_PACKED_BYTES)
        if not inflater.eof:
            return None
        return decode_listening(plain)
    except (zlib.error, msgspec.DecodeError, ValueError):
        return None


def has_features(listening: Listening) -> bool:
    """Whether the encoder's features are there, which a model with an ear needs."""
    return listening.features.track.size > 0


def _pack_array(value: object) -> PackedArray:
    if not isinstance(value, np.ndarray):
        raise NotImplementedError(f"{type(value).__name__} is not heard in a track")
    array = np.ascontiguousarray(value, dtype="<f4")
    return PackedArray(array.shape, array.tobytes())


def _unpack_array(_type: type, value: object) -> Any:  # noqa: ANN401  as msgspec declares it
    packed = msgspec.convert(value, PackedArray)
    return np.frombuffer(packed.data, dtype="<f4").reshape(packed.shape).astype(np.float32)

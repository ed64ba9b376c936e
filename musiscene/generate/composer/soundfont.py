"""A SoundFont that symusic plays in tune.

symusic 0.5.8 ignores `overridingRootKey`, which most zones of TimGM6mb have: its finger bass comes
out three semitones low. So each zone gets a sample header of its own whose `byOriginalPitch` says
what the zone says; the sound data stay as they are.

Source: SoundFont Technical Specification 2.04, sections 4 (chunks), 7 (records) and 8.1.2
(generators).
"""

from __future__ import annotations

import os
import struct
import tempfile
from hashlib import sha256
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Final

from musiscene.errors import GenerationError, GeneratorMissingError

if TYPE_CHECKING:
    from collections.abc import Iterator

SAMPLE_ID, OVERRIDING_ROOT_KEY = 53, 58
"""Generators."""
HEADER: Final = struct.Struct("<20sIIIIIBbHH")
"""Of a sample: name, start, end, both ends of its loop, rate, original pitch, correction, link."""
PAIR: Final = struct.Struct("<HH")
INSTRUMENT: Final = struct.Struct("<20sH")
NOT_A_PITCH: Final = 127
"""Highest MIDI number; above it a root key says nothing."""


def tuned_soundfont() -> Path:
    """TimGM6mb with its root keys where symusic reads them, made once.

    Returns:
        Its path, in the cache of the user.

    Raises:
        GeneratorMissingError: If pretty_midi or symusic is not installed.
        GenerationError: If the SoundFont cannot be read, or the cache cannot be written.
    """
    from platformdirs import user_cache_path

    spec = find_spec("pretty_midi")
    source = Path(spec.origin).with_name("TimGM6mb.sf2") if spec and spec.origin else None
    if source is None or not source.exists() or find_spec("symusic") is None:
        raise GeneratorMissingError("the composer needs: pip install 'musiscene[compose]'")
    try:
        data = source.read_bytes()
        folder = user_cache_path("musiscene") / "soundfonts"
        made = folder / f"{source.stem}-{sha256(data).hexdigest()[:12]}.sf2"
        if not made.exists():
            folder.mkdir(parents=True, exist_ok=True)
            with tempfile.NamedTemporaryFile(dir=folder, delete=False) as file:
                file.write(with_own_root_keys(data))
            os.replace(file.name, made)  # noqa: PTH105  whole or not at all
    except (OSError, struct.error, KeyError, IndexError) as error:
        raise GenerationError(f"{source}: the SoundFont cannot be prepared ({error})") from error
    return made


def with_own_root_keys(data: bytes) -> bytes:
    """Move the root keys of zones into sample headers.

    Args:
        data: A SoundFont file.

    Returns:
        The same one, in which no zone needs `overridingRootKey`.
    """
    chunks = chunks_of(data)
    generators = [list(pair) for pair in PAIR.iter_unpack(chunks[b"igen"])]
    headers = list(HEADER.iter_unpack(chunks[b"shdr"]))
    end_mark = headers.pop()
    own: dict[tuple[int, int], int] = {}
    for zone in _zones(chunks, generators):
        root = next((pair[1] for pair in zone if pair[0] == OVERRIDING_ROOT_KEY), NOT_A_PITCH + 1)
        sample = next((pair for pair in zone if pair[0] == SAMPLE_ID), None)
        if sample is None or root > NOT_A_PITCH:
            continue
        key = (sample[1], root)
        if key not in own:
            own[key] = len(headers)
            header = headers[sample[1]]
            headers.append((*header[:6], root, *header[7:]))
        sample[1] = own[key]
    changed = {
        b"igen": b"".join(PAIR.pack(*pair) for pair in generators),
        b"shdr": b"".join(HEADER.pack(*header) for header in (*headers, end_mark)),
    }
    return _rebuilt(data, changed)


def chunks_of(data: bytes) -> dict[bytes, bytes]:
    """Read the records and samples of a SoundFont.

    Args:
        data: The file.

    Returns:
        By the names of their chunks.
    """
    return {name: data[start : start + size] for name, start, size in _leaves(data)}


def _zones(chunks: dict[bytes, bytes], generators: list[list[int]]) -> Iterator[list[list[int]]]:
    """The generators of each zone of each instrument."""
    bags = [bag for bag, _ in PAIR.iter_unpack(chunks[b"ibag"])]
    first = [start for _, start in INSTRUMENT.iter_unpack(chunks[b"inst"])]
    for bag in range(first[0], first[-1]):
        yield generators[bags[bag] : bags[bag + 1]]


def _leaves(data: bytes) -> Iterator[tuple[bytes, int, int]]:
    """Name, start and size of every chunk that holds records or samples."""
    for name, start, size in _chunks(data, 12, len(data)):
        if name == b"LIST":
            yield from _chunks(data, start + 4, start + size)


def _chunks(data: bytes, start: int, end: int) -> Iterator[tuple[bytes, int, int]]:
    while start + 8 <= end:
        name, size = struct.unpack_from("<4sI", data, start)
        yield name, start + 8, size
        start += 8 + size + size % 2


def _rebuilt(data: bytes, changed: dict[bytes, bytes]) -> bytes:
    """The file with some chunks in place of those of the same names."""
    lists = []
    for name, start, size in _chunks(data, 12, len(data)):
        body = data[start : start + size]
        if name == b"LIST":
            parts = [
                _chunk(inner, changed.get(inner, data[at : at + length]))
                for inner, at, length in _chunks(data, start + 4, start + size)
            ]
            body = body[:4] + b"".join(parts)
        lists.append(_chunk(name, body))
    return _chunk(b"RIFF", data[8:12] + b"".join(lists))


def _chunk(name: bytes, body: bytes) -> bytes:
    return struct.pack("<4sI", name, len(body)) + body + b"\0" * (len(body) % 2)

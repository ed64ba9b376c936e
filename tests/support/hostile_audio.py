"""Two hundred and more hostile files: cut and bent at every structure, lying, or endless."""

from __future__ import annotations

import struct
from typing import TYPE_CHECKING, NamedTuple

from tests.support.bad_audio import BAD_FILES, flip_bytes, mutations, whole

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

CONTAINERS = (
    (".wav", None),
    (".flac", None),
    (".mp3", None),
    (".ogg", "vorbis"),
    (".opus", "libopus"),
    (".m4a", "aac"),
    (".aiff", None),
    (".mkv", "flac"),
    (".webm", "libopus"),
    (".wma", "wmav2"),
)
STRUCTURES = {
    ".wav": (b"fmt ", b"data"),
    ".flac": (b"fLaC", b"\xff\xf8"),
    ".mp3": (b"ID3", b"Info", b"Xing", b"\xff\xfb"),
    ".ogg": (b"OggS", b"vorbis"),
    ".opus": (b"OpusHead", b"OpusTags"),
    ".m4a": (b"ftyp", b"mdat", b"moov", b"trak", b"stsd", b"stts", b"stsc", b"stsz", b"stco"),
    ".aiff": (b"COMM", b"SSND"),
    ".mkv": (b"\x1a\x45\xdf\xa3", b"\x18\x53\x80\x67", b"\x16\x54\xae\x6b", b"\x1f\x43\xb6\x75"),
    ".webm": (b"\x1a\x45\xdf\xa3", b"\x16\x54\xae\x6b", b"\x1f\x43\xb6\x75"),
    ".wma": (bytes.fromhex("3026b2758e66cf11"), bytes.fromhex("3626b2758e66cf11")),
}
"""Where a container's parts begin."""
NAMES = (
    "-rf.mp3",
    "'; DROP TABLE track; --.mp3",
    '"quoted" \\ %s {} $(reboot) `id`.mp3',
    "\x1b[31mred\x1b[2J\x07.mp3",
    "line\nfeed\rand\ttab.mp3",
    "\u202egnp.elif\u2066.mp3",
    "%00%2e%2e.mp3",
    "é" * 120 + ".mp3",
    "concat:a|b.mp3",
    "http:__127.0.0.1:9_a.mp3",
    "e\u0301\u200d\U0001f3b5.mp3",
    " .mp3",
)


class Corpus(NamedTuple):
    """Files that nobody promises to be music, and some that are."""

    hostile: list[Path]
    good: list[Path]


def write_corpus(folder: Path) -> Corpus:
    """Make all of them.

    Args:
        folder: For them; must exist.

    Returns:
        Their paths.
    """
    made = folder / "made"
    made.mkdir()
    sources = {suffix: whole(made, suffix, codec).read_bytes() for suffix, codec in CONTAINERS}
    hostile = [*_of_bad_files(folder / "kinds"), *_cut(folder / "cut", sources)]
    for name, data in _bent(sources):
        hostile.append(_put(folder / "bent" / name, data))
    for name, data in _lying(sources):
        hostile.append(_put(folder / "lying" / name, data))
    good = [_put(folder / "names" / name, sources[".mp3"]) for name in NAMES]
    for path in made.iterdir():
        path.rename(folder / path.name)
    good += sorted(folder.glob("whole.*"))
    made.rmdir()
    return Corpus(hostile, good)


def _put(path: Path, data: bytes) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(data)
    return path


def _of_bad_files(folder: Path) -> Iterator[Path]:
    for number, bad in enumerate(BAD_FILES):
        if bad.name in {"missing", "null in name", "long name"}:  # nothing that a folder can hold
            continue
        (folder / f"{number:02}").mkdir(parents=True)
        yield bad.build(folder / f"{number:02}")


def _cut(folder: Path, sources: dict[str, bytes]) -> Iterator[Path]:
    """Ends before, at and within every structure, and in the middle of everything."""
    for suffix, data in sources.items():
        places = {1, 4, 12, len(data) // 2, len(data) - 1}
        for structure in STRUCTURES[suffix]:
            place = data.find(structure)
            if place >= 0:
                places |= {place, place + len(structure), place + len(structure) + 5}
        for place in sorted(places):
            yield _put(folder / f"{suffix[1:]}-at-{place}{suffix}", data[:place])


def _bent(sources: dict[str, bytes]) -> Iterator[tuple[str, bytes]]:
    for number, (suffix, data) in enumerate(sources.items()):
        for which, bent in enumerate(mutations(data, count=6, seed=number)):
            yield f"{suffix[1:]}-{which}{suffix}", bent
        head = flip_bytes(data[:64], share=0.2, seed=number) + data[64:]
        yield f"head{suffix}", head
        others = [other for other in sources if other != suffix]
        yield f"named-{others[number % 9][1:]}{others[number % 9]}", data
        yield f"magic-of{suffix}", sources[others[number % 9]][:16] + data[16:]


def _lying(sources: dict[str, bytes]) -> Iterator[tuple[str, bytes]]:
    """Huge claims, endless and nested structures."""
    wav, mp3, ogg = sources[".wav"], sources[".mp3"], sources[".ogg"]
    place = wav.index(b"fmt ") + 8
    for name, offset, layout, value in (
        ("channels", 2, "<H", 65_535),
        ("rate", 4, "<I", 2**32 - 1),
        ("align", 12, "<H", 65_535),
        ("bits", 14, "<H", 65_535),
        ("codec", 0, "<H", 0xFFFE),
    ):
        data = bytearray(wav)
        struct.pack_into(layout, data, place + offset, value)
        yield f"{name}.wav", bytes(data)
    yield (
        "rf64.wav",
        b"RF64\xff\xff\xff\xffWAVEds64" + struct.pack("<I", 28) + b"\xff" * 28 + wav[12:],
    )
    yield "huge-list.wav", wav[:12] + b"LIST\xff\xff\xff\x7fINFO" + wav[12:]
    yield "riff-in-riff.wav", wav[:12] + wav * 3
    yield "huge-id3.mp3", _id3(b"TXXX", b"\3name\0" + b"x" * (20 << 20)) + mp3
    yield "huge-cover.mp3", _id3(b"APIC", b"\0image/png\0\3\0" + bytes(20 << 20)) + mp3
    yield "cover-with-address.mp3", _id3(b"APIC", b"\0-->\0\3\0http://127.0.0.1:9/a.png") + mp3
    yield "id3-of-256-mb.mp3", b"ID3\4\0\0\x7f\x7f\x7f\x7f" + mp3
    yield "id3-in-id3.mp3", _id3(b"TIT2", b"\3x") * 2_000 + mp3
    chapters = b"".join(
        _frame(b"CHAP", f"c{number}".encode() + b"\0" + bytes(16)) for number in range(100_000)
    )
    yield "chapters.mp3", b"ID3\4\0\0" + _synchsafe(len(chapters)) + chapters + mp3
    page = b"OggS\0\0" + bytes(8) + b"\1\0\0\0" + bytes(8) + b"\0"
    yield "empty-pages.ogg", page * 200_000
    yield "empty-pages-inside.ogg", ogg[: ogg.index(b"OggS", 4)] + page * 100_000
    yield (
        "many-streams.ogg",
        b"".join(ogg[:14] + struct.pack("<I", number) + ogg[18:200] for number in range(2_000)),
    )
    yield from _lying_mp4(sources[".m4a"])
    yield from _lying_matroska(sources[".mkv"])
    flac = sources[".flac"]
    yield "huge-block.flac", flac[:4] + b"\x04\xff\xff\xff" + flac[4:]
    yield "endless-blocks.flac", flac[:42] + b"\x01\0\0\0" * 500_000
    yield "huge-size.aiff", sources[".aiff"].replace(b"SSND", b"SSND\x7f\xff\xff\xff", 1)


def _lying_mp4(data: bytes) -> Iterator[tuple[str, bytes]]:
    ftyp = data[: struct.unpack(">I", data[:4])[0]]
    nested = b""
    for _ in range(5_000):
        nested = struct.pack(">I", len(nested) + 8) + b"moov" + nested
    yield "nested-atoms.m4a", ftyp + nested
    yield "atom-of-no-size.m4a", ftyp + b"\0\0\0\0moov" + bytes(1_000)
    yield "atom-of-2-64.m4a", ftyp + b"\0\0\0\1moov" + b"\xff" * 8 + bytes(1_000)
    for name in (b"stco", b"stsz", b"stts", b"stsc"):
        place = data.index(name)
        many = bytearray(data)
        struct.pack_into(">I", many, place + (12 if name == b"stsz" else 8), 2**32 - 1)
        yield f"many-{name.decode()}.m4a", bytes(many)
    place = data.index(b"stco") + 8
    itself = bytearray(data)
    count = struct.unpack(">I", data[place : place + 4])[0]
    itself[place + 4 : place + 4 + 4 * count] = struct.pack(">I", place) * count
    yield "points-to-itself.m4a", bytes(itself)
    elsewhere = data.replace(b"url ", b"alis", 1)
    yield "data-elsewhere.m4a", elsewhere
    rate = bytearray(data)
    place = data.index(b"mdhd") + 16
    struct.pack_into(">I", rate, place, 1)
    yield "one-tick-a-second.m4a", bytes(rate)


def _lying_matroska(data: bytes) -> Iterator[tuple[str, bytes]]:
    cluster = data.index(b"\x1f\x43\xb6\x75")
    endless = b"\x1f\x43\xb6\x75\x01" + b"\xff" * 7
    yield "unknown-sizes.mkv", data[:cluster] + endless * 50_000
    yield "nested-clusters.mkv", data[:cluster] + endless + data[cluster:] * 3
    yield "huge-element.mkv", data[:cluster] + b"\xec\x01" + b"\x7f" * 7 + data[cluster:]
    yield "many-voids.mkv", data[:cluster] + b"\xec\x80" * 500_000 + data[cluster:]


def _id3(kind: bytes, content: bytes) -> bytes:
    frame = _frame(kind, content)
    return b"ID3\4\0\0" + _synchsafe(len(frame)) + frame


def _frame(kind: bytes, content: bytes) -> bytes:
    return kind + _synchsafe(len(content)) + b"\0\0" + content


def _synchsafe(number: int) -> bytes:
    return bytes(number >> shift & 0x7F for shift in (21, 14, 7, 0))

"""The tags of one file, whatever its container: which kind it is, by its first bytes."""

from __future__ import annotations

import struct
import zlib
from contextlib import contextmanager
from typing import TYPE_CHECKING, Final

from indexer.errors import TagError, TaggerMissingError
from indexer.tagging.sheets.base import OURS, Raw, TagSheet, TextError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

__all__ = ["OURS", "Raw", "TagSheet", "open_sheet", "tag_errors"]

HOSTILE: Final = (
    ArithmeticError, AssertionError, AttributeError, EOFError, LookupError, MemoryError,
    RecursionError, TypeError, ValueError, struct.error, zlib.error,
)  # fmt: skip
"""What damaged tags make of a parser that is not ours."""
HEAD_BYTES: Final = 4096
ID3_HEADER_BYTES: Final = 10
MPEG_CODECS: Final = frozenset({"mp1", "mp2", "mp3"})

# First bytes -> container; of Ogg, what the first packet begins with.
MAGIC: Final = (
    (0, b"fLaC", "flac"), (4, b"ftyp", "mp4"), (4, b"moov", "mp4"), (0, b"wvpk", "wavpack"),
    (0, b"MPCK", "musepack"), (0, b"MP+", "musepack"), (0, b"MAC ", "monkeysaudio"),
    (0, b"OFR ", "optimfrog"), (0, b"tBaK", "tak"), (0, b"TTA1", "trueaudio"),
    (0, b"TTA2", "trueaudio"), (0, b"DSD ", "dsf"), (8, b"WAVE", "wave"), (8, b"AIFF", "aiff"),
    (8, b"AIFC", "aiff"), (28, b"\x01vorbis", "oggvorbis"), (28, b"OpusHead", "oggopus"),
    (28, b"\x7fFLAC", "oggflac"), (28, b"Speex   ", "oggspeex"),
)  # fmt: skip
OUTER: Final = {"wave": b"RIFF", "aiff": b"FORM"} | dict.fromkeys(
    ("oggvorbis", "oggopus", "oggflac", "oggspeex"), b"OggS"
)
FOREIGN: Final = (b"\x1a\x45\xdf\xa3", b"\x30\x26\xb2\x75", b"RIFF", b"RF64", b"OggS", b"FORM")
"""What an MPEG stream never begins with: Matroska, Windows Media, and outer containers."""


def open_sheet(path: Path, *, codec: str) -> TagSheet:
    """Read the tags of a file.

    Args:
        path: The file; its name is not looked at.
        codec: FFmpeg's name for the coding of its sound, which tells bare MPEG audio.

    Returns:
        Its tags; empty ones where it has none.

    Raises:
        TaggerMissingError: If mutagen is not installed.
        TagError: If this kind of file cannot be tagged, or its tags cannot be read.
        OSError: If the file cannot be read.
    """
    try:
        import mutagen  # noqa: F401
    except ImportError as error:
        raise TaggerMissingError from error
    kind = container_of(path, codec=codec)
    if kind is None:
        raise TagError(path, "tags cannot be written into this kind of file; use --to sidecar")
    with tag_errors(path):
        return _READERS.get(kind, _read_apev2)(kind, path)


@contextmanager
def tag_errors(path: Path) -> Iterator[None]:
    """Make a `TagError` of what goes wrong between mutagen and the tags of one file.

    Args:
        path: The file.

    Yields:
        Once.

    Raises:
        TagError: If the tags cannot be read or written.
        OSError: If the file cannot.
    """
    from mutagen import MutagenError

    try:
        yield
    except MutagenError as error:
        cause = error.args[0] if error.args else None
        if isinstance(cause, OSError):  # as mutagen wraps it
            raise cause from error
        said = str(error) or type(error).__name__
        raise TagError(path, f"its tags cannot be kept as they are ({said})") from error
    except TextError as error:
        raise TagError(path, str(error)) from error
    except HOSTILE as error:
        raise TagError(path, f"its tags are damaged ({type(error).__name__}: {error})") from error


def container_of(path: Path, *, codec: str) -> str | None:
    """The name of mutagen's module for a file, None where it cannot be tagged."""
    with path.open("rb") as file:
        head = file.read(HEAD_BYTES)
        if head.startswith(b"ID3") and len(head) >= ID3_HEADER_BYTES:
            size = sum(
                (byte & 0x7F) << shift
                for byte, shift in zip(head[6:10], (21, 14, 7, 0), strict=True)
            )
            file.seek(size + ID3_HEADER_BYTES)
            head = file.read(HEAD_BYTES)
    for offset, magic, kind in MAGIC:
        if head[offset:].startswith(magic) and head.startswith(OUTER.get(kind, b"")):
            return kind
    return "id3" if codec in MPEG_CODECS and not head.startswith(FOREIGN) else None


def _read_id3(kind: str, path: Path) -> TagSheet:
    from mutagen import aiff, dsf, id3, trueaudio, wave

    from indexer.tagging.sheets.id3 import read_id3

    classes = {
        "id3": id3.ID3, "aiff": aiff.AIFF, "wave": wave.WAVE, "dsf": dsf.DSF,
        "trueaudio": trueaudio.TrueAudio,
    }  # fmt: skip
    return read_id3(classes[kind], path)


def _read_vorbis(kind: str, path: Path) -> TagSheet:
    from mutagen import flac, oggflac, oggopus, oggspeex, oggvorbis

    from indexer.tagging.sheets.vorbis import VorbisSheet

    classes = {
        "flac": flac.FLAC, "oggflac": oggflac.OggFLAC, "oggopus": oggopus.OggOpus,
        "oggspeex": oggspeex.OggSpeex, "oggvorbis": oggvorbis.OggVorbis,
    }  # fmt: skip
    return VorbisSheet(classes[kind](path))


def _read_mp4(_kind: str, path: Path) -> TagSheet:
    from mutagen.mp4 import MP4

    from indexer.tagging.sheets.mp4 import Mp4Sheet

    return Mp4Sheet(MP4(path))


def _read_apev2(kind: str, path: Path) -> TagSheet:
    from mutagen import monkeysaudio, musepack, optimfrog, tak, wavpack

    from indexer.tagging.sheets.apev2 import ApeSheet

    classes = {
        "wavpack": wavpack.WavPack, "musepack": musepack.Musepack,
        "monkeysaudio": monkeysaudio.MonkeysAudio, "optimfrog": optimfrog.OptimFROG, "tak": tak.TAK,
    }  # fmt: skip
    return ApeSheet(classes[kind](path))


_READERS: Final[dict[str, Callable[[str, Path], TagSheet]]] = {
    **dict.fromkeys(("id3", "aiff", "wave", "dsf", "trueaudio"), _read_id3),
    **dict.fromkeys(("flac", "oggflac", "oggopus", "oggspeex", "oggvorbis"), _read_vorbis),
    "mp4": _read_mp4,
}

"""What a file is by its first bytes: for the message when it is not audio."""

from __future__ import annotations

import struct

MAGIC_OF_FOREIGN = (
    (b"%PDF", "a PDF document"),
    (b"PK\x03\x04", "a zip archive"),
    (b"\x1f\x8b", "a gzip archive"),
    (b"7z\xbc\xaf\x27\x1c", "a 7z archive"),
    (b"Rar!", "a RAR archive"),
    (b"\x89PNG", "an image"),
    (b"\xff\xd8\xff", "an image"),
    (b"GIF8", "an image"),
    (b"II*\x00", "an image"),
    (b"\x7fELF", "a program"),
    (b"MThd", "a MIDI file"),
    (b"#EXTM3U", "a playlist"),
    (b"ffconcat", "a playlist"),
    (b"[playlist]", "a playlist"),
)
MAGIC_OF_AUDIO = (
    (0, b"RIFF", "WAV or AVI"),
    (0, b"RF64", "WAV"),
    (0, b"riff", "Wave64"),
    (0, b"fLaC", "FLAC"),
    (0, b"OggS", "Ogg"),
    (0, b"ID3", "MP3"),
    (0, b"\xff\xfb", "MP3"),
    (0, b"\xff\xf1", "AAC"),
    (0, b"FORM", "AIFF"),
    (0, b"caff", "CAF"),
    (0, b"wvpk", "WavPack"),
    (0, b"MAC ", "Monkey's Audio"),
    (0, b"\x1a\x45\xdf\xa3", "Matroska or WebM"),
    (0, b"\x30\x26\xb2\x75", "Windows Media"),
    (4, b"ftyp", "MP4"),
    (4, b"moov", "QuickTime"),
    (4, b"mdat", "QuickTime"),
)
ASF_CONTENT_ENCRYPTION = bytes.fromhex("fbb3112223bdd211b4b700a0c955fc6e")
UNKNOWN_SIZES = frozenset({0, 0xFFFFFFFF})
LARGEST_STATED_BYTES = 0x7FFF0000  # beyond it recorders write a placeholder, not a size
FMT_BYTES = 16
CHUNK_HEADER_BYTES = 8


def foreign_kind(head: bytes) -> str | None:
    """What the file surely is instead of audio, None where it may be audio."""
    if head[:4] == b"RIFF" and head[8:12] == b"WEBP":
        return "an image"
    for magic, kind in MAGIC_OF_FOREIGN:
        if head.removeprefix(b"\xef\xbb\xbf").startswith(magic):
            return kind
    return None


def audio_kind(head: bytes) -> str | None:
    """The audio or video format that the file begins as, None for any other."""
    for offset, magic, kind in MAGIC_OF_AUDIO:
        if head[offset:].startswith(magic):
            return kind
    return None


def is_protected_asf(head: bytes) -> bool:
    """Whether the head of a Windows Media file holds a content encryption object."""
    return head.startswith(b"\x30\x26\xb2\x75") and ASF_CONTENT_ENCRYPTION in head


def unknown_kind(head: bytes) -> str:
    """Whether bytes that no decoder knows are text.

    Args:
        head: The first bytes of the file.

    Returns:
        A name for it.

    Example:
        >>> unknown_kind(b"Dear diary"), unknown_kind(bytes(range(9)))
        ('text', 'data of no known format')
    """
    text = head.decode("utf-8", errors="replace").removesuffix("\ufffd")
    is_text = all(
        character.isspace() or (character.isprintable() and character != "\ufffd")
        for character in text
    )
    return "text" if text and is_text else "data of no known format"


def riff_data_seconds(head: bytes) -> float | None:
    """Seconds that the header of a WAV file states, None where it states nothing usable.

    FFmpeg itself reports what the file's size leaves of them.

    Args:
        head: The first bytes of the file, up to the data chunk.

    Returns:
        Data bytes by bytes per second.
    """
    if head[:4] != b"RIFF" or head[8:12] != b"WAVE":
        return None
    bytes_per_second = 0
    offset = 12
    while offset + CHUNK_HEADER_BYTES <= len(head):
        name, size = struct.unpack_from("<4sI", head, offset)
        body = offset + CHUNK_HEADER_BYTES
        if name == b"fmt " and body + FMT_BYTES <= len(head):
            (bytes_per_second,) = struct.unpack_from("<I", head, body + 8)
        if name == b"data":
            is_stated = size not in UNKNOWN_SIZES and size < LARGEST_STATED_BYTES
            return size / bytes_per_second if is_stated and bytes_per_second else None
        offset = body + size + size % 2
    return None

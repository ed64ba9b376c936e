"""What is in an exported library."""

from __future__ import annotations

from typing import Any, Final

import msgspec

FORMAT: Final = 1
MANIFEST: Final = "manifest.json"
TRACKS: Final = "tracks.jsonl"
LONGEST_LINE_BYTES: Final = 64 << 20
"""Of one track: an hour of music takes about half a megabyte."""
LARGEST_MANIFEST_BYTES: Final = 1 << 16

Record = dict[str, Any]


class Manifest(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What an exported library holds."""

    format: int
    """Of the file."""
    tracks: int
    """Lines."""
    size_bytes: int
    """Of `tracks.jsonl`, unpacked."""
    sha256: str
    """Of the same."""
    made_by: str
    """Version of MusiScene."""


class TrackRecord(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One track and all that belongs to it; column -> value in each row."""

    track: Record
    """Of the table `track`."""
    segments: list[Record]
    """In order."""
    captions: list[Record]
    """`segment` is the number of the segment; `vector` a row of the table `vector`, or None."""
    tags: list[Record]
    """Of the whole track."""
    feedback: list[Record]
    """What people said about it."""
    heard: Record | None = None
    """What was heard in it, packed."""

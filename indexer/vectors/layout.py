"""What is in the files of a snapshot, and the manifest that says so."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import msgspec
import numpy as np

from indexer.errors import TornSnapshotError
from indexer.sounds import SOUND_DTYPE, TAG_COUNT

if TYPE_CHECKING:
    from pathlib import Path

LAYOUT: Final = 2
"""Raised when files change their meaning; snapshots of another layout are made again."""
KINDS: Final = ("music", "scene")
ROW_DTYPE: Final = np.dtype(
    [("caption", "<i8"), ("track", "<i4"), ("segment", "<i8"), ("kind", "u1")]
)
PLACE_DTYPE: Final = np.dtype([("part", "<u2"), ("row", "<u4")])
"""Which of the manifest's parts a vector is in, and which of the part's vectors it is."""

CURRENT: Final = "CURRENT"
PARTS: Final = "parts"
MANIFEST: Final = "manifest.json"
INDEX: Final = "index.faiss"
STORED: Final = "vectors.npy"
TABLES: Final = ("rows", "places", "tracks", "sounds", "tags")

FLAT: Final = "flat"


class FileRecord(msgspec.Struct, frozen=True, array_like=True):
    """A file as it was written."""

    size_bytes: int
    sha256: str


class Training(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """How a trained index is searched, and how well that was measured to work when it was made."""

    trained_on: int
    """Vectors that the index held when its lists were laid out."""
    lists: int
    """Cells that the vectors are divided into."""
    probes: int
    """Cells that are looked into for one query."""
    spare: int
    """So many more than twice as many as asked for are compared again by their stored vectors."""
    recall_at_10: float
    """Share of the exact ten nearest that were found, over queries held out of the training."""
    recall_at_200: float
    """Of the exact two hundred nearest, likewise: the matcher asks for so many."""
    queries: int
    """That were asked."""
    median_ms: float
    """Of one search for ten in one thread, in milliseconds, on the machine that made it."""
    exact_ms: float
    """Of the exact search of the same vectors, likewise."""


class PartRecord(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Vectors that were indexed together."""

    name: str
    """Folder below `parts`, after its content."""
    kind: str
    """`flat` is exact; `ivf-rabitq` is not."""
    count: int
    """Vectors in it, with those of tracks that are gone."""
    files: dict[str, FileRecord]
    """By name."""
    training: Training | None = None
    """Of a kind that is not exact."""


class Manifest(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What a snapshot holds, so that nothing else is taken for it."""

    layout: int
    """Of the files."""
    embedder: str
    """Version of the text embedder."""
    dimension: int
    """Of each vector."""
    count: int
    """Rows that can be found."""
    revision: int
    """Of the catalogue that it is true to."""
    parts: tuple[PartRecord, ...]
    """The trained one first, then the exact ones, the oldest first."""
    files: dict[str, FileRecord]
    """Of the snapshot's own folder, by name."""

    @property
    def kind(self) -> str:
        """Of the largest part: `flat` means that every search is exact."""
        return max(self.parts, key=lambda part: part.count).kind if self.parts else FLAT

    @property
    def stored(self) -> int:
        """Vectors in the parts, with those of tracks that are gone."""
        return sum(part.count for part in self.parts)


def current_name(directory: Path) -> str | None:
    """Name of the published snapshot; None where there is none."""
    try:
        return (directory / CURRENT).read_text(encoding="ascii").strip()
    except FileNotFoundError:
        return None


def read_manifest(folder: Path) -> Manifest:
    """The manifest of a snapshot.

    Args:
        folder: The snapshot's.

    Returns:
        What it says.

    Raises:
        TornSnapshotError: If it is missing, damaged or of another layout.
    """
    try:
        encoded = (folder / MANIFEST).read_bytes()
        layout = msgspec.json.decode(encoded, type=dict[str, object]).get("layout", 1)
        if layout != LAYOUT:
            raise TornSnapshotError(
                f"{folder}: its files are laid out as version {layout} of snapshots, not {LAYOUT}"
            )
        return msgspec.json.decode(encoded, type=Manifest)
    except (OSError, msgspec.DecodeError, UnicodeDecodeError) as error:
        raise TornSnapshotError(f"{folder}: its manifest cannot be read ({error})") from error


def check_tables(folder: Path, manifest: Manifest) -> None:
    """Refuse a snapshot that lacks a table.

    Args:
        folder: The snapshot's.
        manifest: Its manifest.

    Raises:
        TornSnapshotError: If a table is not listed.
    """
    for name in TABLES:
        if f"{name}.npy" not in manifest.files:
            raise TornSnapshotError(f"{folder}: made before snapshots held {name}.npy")


def has_present_sounds(sounds: np.ndarray, tags: np.ndarray) -> bool:
    """Whether what was measured is laid out as this version does."""
    return bool(sounds.dtype == SOUND_DTYPE and tags.shape[1:] == (TAG_COUNT,))

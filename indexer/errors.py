"""Every error that indexer raises for what a person or their library did.

IndexerError
├── LibraryPathError          a path to index does not exist or cannot be listed
├── LibraryBusyError          another process is indexing into the same library
├── CatalogueError            the database cannot be opened, read or brought up to date
├── TrackNotFoundError        no track has this id
├── FilterSyntaxError         a filter expression cannot be read; carries the position
├── BriefError                a brief is empty or too long, or a file of briefs cannot be read
└── VectorIndexError          the vectors cannot be searched
    ├── NothingIndexedError   no snapshot was ever published
    ├── TornSnapshotError     files of the snapshot are missing or differ from its manifest
    ├── StaleSnapshotError    the catalogue has changed since the snapshot was made
    └── WrongEmbedderError    the snapshot was made by another text embedder
"""

from __future__ import annotations

from pathlib import Path


class IndexerError(Exception):
    """Something a person or their library did; the message says what, where and the way out."""


class LibraryPathError(IndexerError):
    """A path to index does not exist or cannot be listed."""

    def __init__(self, path: str | Path, reason: str) -> None:
        self.path = Path(path)
        self.reason = reason
        super().__init__(f"{self.path}: {reason}")


class LibraryBusyError(IndexerError):
    """Another process is indexing into the same library."""


class CatalogueError(IndexerError):
    """The database cannot be opened, read or brought up to date."""


class TrackNotFoundError(IndexerError):
    """No track has this id."""

    def __init__(self, track_id: object) -> None:
        self.track_id = track_id
        super().__init__(f"no track has the id {track_id}")


class FilterSyntaxError(IndexerError):
    """A filter expression cannot be read.

    Args:
        expression: The whole filter.
        position: Where in it the trouble starts, counted in characters from 0.
        reason: What is wrong there.

    Attributes:
        expression: As given.
        position: As given.
        reason: As given.
    """

    def __init__(self, expression: str, position: int, reason: str) -> None:
        self.expression = expression
        self.position = position
        self.reason = reason
        super().__init__(f"filter, column {position + 1}: {reason}: {expression!r}")


class BriefError(IndexerError):
    """A brief is empty or too long, or a file of briefs cannot be read."""


class VectorIndexError(IndexerError):
    """The vectors cannot be searched."""


class NothingIndexedError(VectorIndexError):
    """No snapshot was ever published here."""


class TornSnapshotError(VectorIndexError):
    """Files of the snapshot are missing or differ from its manifest."""


class StaleSnapshotError(VectorIndexError):
    """The catalogue has changed since the snapshot was made."""


class WrongEmbedderError(VectorIndexError):
    """The snapshot was made by another text embedder."""

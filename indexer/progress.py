"""How a scan tells what it does."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from indexer.catalogue.rows import Failure


class ScanProgress:
    """Is told how a scan goes on; this one shows nothing."""

    def walked(self, files: int) -> None:
        """So many files have been found so far."""

    def begin(self, total: int) -> None:
        """So many files are to be taken in."""

    def stored(self, path: str) -> None:
        """One file's track is in the catalogue."""

    def failed(self, failure: Failure) -> None:
        """One file could not be taken in."""

"""The runs over a library and what failed in them: the tables `scan` and `scan_failure`."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING

import msgspec
from sqlalchemy import select, update

from indexer.catalogue.database import read_session, write_session
from indexer.catalogue.models import Scan, ScanFailure, utc_now
from indexer.catalogue.rows import Failure

if TYPE_CHECKING:
    from collections.abc import Sequence
    from uuid import UUID

    from sqlalchemy import Engine

    from indexer.catalogue.rows import ScanCounts


class Scans:
    """The scans of one catalogue.

    Args:
        engine: Of the catalogue, which disposes of it.
    """

    def __init__(self, engine: Engine) -> None:
        self._engine = engine

    def start(self, roots: Sequence[str]) -> UUID:
        """Note that a scan has begun; those before it that never ended were killed.

        To be called while no other process is indexing.

        Args:
            roots: The paths asked for.

        Returns:
            The scan's id.
        """
        with write_session(self._engine) as session:
            session.execute(update(Scan).where(Scan.status == "running").values(status="killed"))
            scan = Scan(roots=json.dumps(list(roots)))
            session.add(scan)
            session.flush()
            return scan.id

    def add_failure(self, scan_id: UUID, failure: Failure) -> None:
        """Note one file that could not be taken in."""
        with write_session(self._engine) as session:
            session.add(ScanFailure(scan_id=scan_id, **msgspec.structs.asdict(failure)))

    def finish(self, scan_id: UUID, *, status: str, counts: ScanCounts) -> None:
        """Note that a scan has ended as `finished` or `interrupted`, and what it did."""
        with write_session(self._engine) as session:
            session.execute(
                update(Scan)
                .where(Scan.id == scan_id)
                .values(status=status, finished_at=utc_now(), **msgspec.structs.asdict(counts))
            )

    def status(self, scan_id: UUID) -> str | None:
        """`running`, `finished`, `interrupted` or `killed`; None where there is no such scan."""
        with read_session(self._engine) as session:
            return session.scalar(select(Scan.status).where(Scan.id == scan_id))

    def known_roots(self) -> list[Path]:
        """Every folder and file that was ever asked to be scanned."""
        with read_session(self._engine) as session:
            texts = session.scalars(select(Scan.roots).distinct())
            return sorted({Path(root) for text in texts for root in json.loads(text)})

    def failures(self, scan_id: UUID) -> list[Failure]:
        """The files that one scan could not take in, in the order met."""
        query = (
            select(*(getattr(ScanFailure, name) for name in Failure.__struct_fields__))
            .where(ScanFailure.scan_id == scan_id)
            .order_by(ScanFailure.id)
        )
        with read_session(self._engine) as session:
            return [Failure(*row) for row in session.execute(query)]

    def lasting_failures(self, *, reader: str) -> dict[str, Failure]:
        """The files that would fail again as long as they stay as they are.

        Args:
            reader: Of what would read them now.

        Returns:
            Path -> the last time it failed.
        """
        query = (
            select(*(getattr(ScanFailure, name) for name in Failure.__struct_fields__))
            .where(ScanFailure.reader == reader)
            .order_by(ScanFailure.id)
        )
        with read_session(self._engine) as session:
            return {row.path: Failure(*row) for row in session.execute(query)}

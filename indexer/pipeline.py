"""A library's files -> catalogue and vectors: walk, decode, listen, imagine, embed, store.

An engine (`indexer.engines`) does what needs models and cores; here it is decided what is to be
done, and one thread writes the catalogue.

Invariants:
    - A track is stored whole or not at all; what is stored stays, whatever happens afterwards.
    - A file that cannot be taken in becomes a `Failure` with its reason, and the rest goes on.
    - Nothing is deleted unless asked for: a track whose file is gone is marked `missing`.
    - The vectors are published when the scan ends, also when it is stopped.
    - A scan that was killed is finished by the next one, as if nothing had happened.
"""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING
from uuid import UUID

import msgspec

from indexer.catalogue.rows import Failure, KnownFile, ScanCounts
from indexer.errors import PruneFloorError
from indexer.intake import Intake, Told
from indexer.plan import Plan
from indexer.recordings.grouping import group_recordings
from indexer.walk import Walk

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path
    from threading import Event

    from indexer.engines.jobs import Engine
    from indexer.library import Library
    from indexer.progress import ScanProgress
    from indexer.walk import FoundFile
    from musiscene.writer import ModelVersions

logger = logging.getLogger(__name__)


class ScanOptions(msgspec.Struct, frozen=True, kw_only=True):
    """How a scan goes about it."""

    exclude: tuple[str, ...] = ()
    """Patterns of files to leave out, as in `.gitignore`."""
    retry: bool = False
    """Try again what failed before and has not changed since."""
    prune: bool = False
    """Delete the tracks below the roots whose files are gone."""
    prune_floor: float = 0.5
    """Share of the tracks below the roots that must still have their files, or none is deleted."""


class ScanReport(msgspec.Struct, kw_only=True):
    """What a scan did."""

    scan_id: UUID
    status: str
    """`finished`, or `interrupted` when it was asked to stop."""
    counts: ScanCounts
    tracks_deleted: int
    duplicates_found: int
    """Of the tracks that are new, those that are a recording which another file holds too."""
    failures: list[Failure]

    @property
    def did_something(self) -> bool:
        """Whether anything is otherwise than before."""
        counts = self.counts
        return bool(
            self.failures
            or self.tracks_deleted
            or counts.tracks_indexed + counts.tracks_imagined
            or counts.tracks_moved + counts.tracks_missing
        )


def scan(
    roots: Sequence[str | Path],
    *,
    library: Library,
    engine: Engine,
    versions: ModelVersions,
    progress: ScanProgress,
    stop: Event,
    options: ScanOptions | None = None,
) -> ScanReport:
    """Bring the catalogue and the vectors in step with some folders.

    Args:
        roots: Folders or files.
        library: Where the tracks are kept.
        engine: Listens and imagines.
        versions: Of the engine's models.
        progress: Is told what happens.
        stop: When it is set, no more files are begun; those in flight are finished and stored.
        options: How.

    Returns:
        Counts and failures.

    Raises:
        LibraryBusyError: If another process is indexing into this library.
        LibraryPathError: If one of the roots does not exist; nothing has been changed then.
        PruneFloorError: If too much is gone to be deleted; everything else has been done.
        CatalogueError: If the catalogue cannot be written; what was stored before is whole.
        SpoolError: If there is no room for decoded tracks; what was stored before is whole.
        KeyboardInterrupt: If interrupted at once; what was stored until then is whole.
    """
    with library.indexing():
        return _Scan(library, engine, versions, progress, stop, options or ScanOptions()).run(roots)


class _Scan:
    """One run, with what it has found out so far."""

    def __init__(
        self,
        library: Library,
        engine: Engine,
        versions: ModelVersions,
        progress: ScanProgress,
        stop: Event,
        options: ScanOptions,
    ) -> None:
        self._library = library
        self._catalogue = library.catalogue
        self._engine = engine
        self._versions = versions
        self._progress = progress
        self._stop = stop
        self._options = options
        self._counts = ScanCounts()
        self._failures: list[Failure] = []
        self._deleted = self._duplicates = 0
        self._refused: PruneFloorError | None = None

    def run(self, roots: Sequence[str | Path]) -> ScanReport:
        walk = Walk(roots, exclude=self._options.exclude)
        found: list[FoundFile] = []
        self._progress.walked(0)
        for file in walk.files():
            found.append(file)
            self._progress.walked(len(found))
        self._scan_id = self._catalogue.scans.start([str(root) for root in walk.roots])
        try:
            self._bring_in_step(walk, found)
        except BaseException:
            # Nothing slow: it may be the second Ctrl-C. The vectors are made when next needed.
            self._finish("interrupted")
            raise
        status = "interrupted" if self._stop.is_set() else "finished"
        self._finish(status)
        self._library.publish()
        if self._refused is not None:
            raise self._refused
        return ScanReport(
            scan_id=self._scan_id,
            status=status,
            counts=self._counts,
            tracks_deleted=self._deleted,
            duplicates_found=self._duplicates,
            failures=self._failures,
        )

    def _finish(self, status: str) -> None:
        self._catalogue.scans.finish(self._scan_id, status=status, counts=self._counts)

    def _bring_in_step(self, walk: Walk, found: Sequence[FoundFile]) -> None:
        for path, reason in walk.failures:
            self._fail(Failure(path, "walk", reason))
        renewed = self._library.embed_again()
        if renewed:
            logger.warning("%d captions of another text embedder were embedded anew", renewed)
        known = self._catalogue.known_files()
        plan = self._plan(found, known)
        plan.note_gone(
            known.values(),
            (file.path for file in found),
            roots=walk.roots,
            unlisted=walk.unlisted,
        )
        intake = Intake(
            self._catalogue,
            known,
            versions=self._versions,
            embedder=self._library.embedder.version,
            told=Told(
                counts=self._counts, progress=self._progress, fail=self._fail, stop=self._stop
            ),
        )
        intake.run(plan, self._engine)
        if not self._stop.is_set():
            self._let_go(
                plan, silent=intake.lost.left(intake.broken), gone=intake.lost.left(plan.gone)
            )
            self._duplicates = group_recordings(self._catalogue).duplicates_found

    def _plan(self, found: Sequence[FoundFile], known: dict[str, KnownFile]) -> Plan:
        failed_before = (
            {}
            if self._options.retry
            else self._catalogue.scans.lasting_failures(reader=self._versions.listening)
        )
        plan = Plan(found, known, failed_before=failed_before, versions=self._versions)
        self._counts.files_found = len(found)
        self._counts.tracks_unchanged = len(plan.unchanged)
        for failure in plan.failed:
            self._fail(failure)
        self._catalogue.set_status(
            [track.track_id for track in plan.in_place() if track.status != "ready"], "ready"
        )
        return plan

    def _let_go(
        self, plan: Plan, *, gone: Sequence[KnownFile], silent: Sequence[KnownFile]
    ) -> None:
        """Mark the tracks that have no file, or none that can be read; delete if asked to."""
        newly = [track.track_id for track in (*gone, *silent) if track.status == "ready"]
        self._catalogue.set_status(newly, "missing")
        self._counts.tracks_missing = len(newly)
        if not self._options.prune or not gone:
            return
        below = len(plan.gone) + plan.present
        if below - len(gone) < self._options.prune_floor * below:
            self._refused = PruneFloorError(
                f"{len(gone)} of {below} tracks below these paths have no file: that looks like a "
                "disk that is not there, so none was deleted (they are marked as missing, and come "
                "back with their files); if they are gone for good, add `--prune-floor 0`"
            )
            return
        self._catalogue.delete_tracks([track.track_id for track in gone])
        self._counts.tracks_missing = 0
        self._deleted = len(gone)

    def _fail(self, failure: Failure) -> None:
        self._failures.append(failure)
        self._catalogue.scans.add_failure(self._scan_id, failure)
        self._progress.failed(failure)

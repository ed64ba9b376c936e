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
from typing import TYPE_CHECKING, Final
from uuid import UUID

import msgspec

from indexer.catalogue.rows import Failure, KnownFile, MadeBy, ScanCounts
from indexer.cues import with_songs
from indexer.engines.jobs import Failed, Identified, Imagined, Job
from indexer.errors import PruneFloorError
from indexer.plan import JobQueue, LostTracks, Plan, is_same_file
from indexer.recordings.grouping import group_recordings
from indexer.walk import Walk

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path
    from threading import Event

    from indexer.catalogue.rows import Remembered
    from indexer.engines.jobs import Engine, Outcome
    from indexer.library import Library
    from indexer.progress import ScanProgress
    from indexer.walk import FoundFile
    from musiscene.writer import ModelVersions

logger = logging.getLogger(__name__)

CUT_ANEW: Final = ""
"""Stamp of a cue sheet that no sheet has: a track that is to be heard again has it until it is."""


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
        self._made_by = MadeBy(
            listening=versions.listening,
            model=versions.writing,
            embedder=library.embedder.version,
        )
        self._counts = ScanCounts()
        self._failures: list[Failure] = []
        self._deleted = self._duplicates = 0
        self._refused: PruneFloorError | None = None
        self._queue = JobQueue()
        self._last: list[FoundFile] = []
        """Files at known paths that hold other audio: heard when nobody else wants those tracks."""
        self._in_flight = 0
        self._to_identify = 0
        self._identified: list[Identified] = []
        self._broken: list[KnownFile] = []
        """Tracks whose files cannot be read any more."""

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
        self._known = self._catalogue.known_files()
        plan = self._plan(found, self._known)
        plan.note_gone(
            self._known.values(),
            (file.path for file in found),
            roots=walk.roots,
            unlisted=walk.unlisted,
        )
        self._work(plan)
        if not self._stop.is_set():
            self._let_go(plan)
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

    # ---- what is done ---------------------------------------------------------------------

    def _work(self, plan: Plan) -> None:
        self._lost = LostTracks(self._known.values(), versions=self._versions)
        for track in (*plan.gone, *plan.broken):
            self._lost.add(track)
        self._broken = plan.broken
        self._to_identify = len(plan.changed)
        for file, _ in plan.changed:
            self._queue.add(Job(file=file, kind="identify"))
        for file in (*plan.fresh, *(file for file, _ in plan.stale)):
            self._queue.add(Job(file=file, kind="hear"))
        for file, track in plan.renewed:
            self._queue.add(Job(file=file, kind="imagine", track_id=track.track_id))
        self._progress.begin(len(self._queue))
        if not self._queue:
            return
        for outcome in self._engine.run(self._next_job, self._lost.settled):
            self._take(outcome)

    def _next_job(self) -> Job | None:
        if self._stop.is_set():
            return None
        if self._to_identify and self._in_flight == self._to_identify:
            return None  # which tracks are lost must be known before a file is recognised
        job = self._queue.pop()
        if job is None and self._last and not self._in_flight:
            job = Job(file=self._last.pop(0), kind="hear")
        if job is None:
            return None
        self._in_flight += 1
        if job.kind == "imagine" and job.listening is None:
            return self._from_memory(job)
        return job

    def _from_memory(self, job: Job) -> Job:
        """The same job with what was heard before, or to be heard where that is not kept."""
        before = None if job.track_id is None else self._catalogue.heard(job.track_id)
        if before is None:
            return Job(file=job.file, kind="hear", must_hear=True, track_id=job.track_id)
        return msgspec.structs.replace(job, listening=before.listening)

    def _take(self, outcome: Outcome) -> None:
        """Store what an engine answers; the only place where tracks are written."""
        self._in_flight -= 1
        if isinstance(outcome, Failed):
            self._take_failure(outcome)
        elif isinstance(outcome, Imagined):
            self._store(outcome)
        elif outcome.job.kind == "identify":
            self._identified.append(_with_songs(outcome))
            self._count_identified()
        elif not self._recognise(_with_songs(outcome)):
            self._queue.add(Job(file=outcome.job.file, kind="hear", must_hear=True), first=True)

    def _take_failure(self, failed: Failed) -> None:
        file = failed.job.file
        self._fail(
            Failure(
                path=file.path,
                stage=failed.stage,
                reason=failed.reason,
                size_bytes=file.size_bytes,
                modified_ns=file.modified_ns,
                reader=self._versions.listening if failed.is_lasting else None,
            )
        )
        before = self._known.get(file.path)
        if failed.is_lasting and failed.job.track_id is None and before is not None:
            self._note_broken(file, before)
        if failed.job.kind == "identify":
            self._count_identified()

    def _note_broken(self, file: FoundFile, track: KnownFile) -> None:
        if not is_same_file(file, track):
            self._broken.append(track)
            self._lost.add(track)

    def _count_identified(self) -> None:
        """When all changed files are known by their audio, give each the track that it is."""
        self._to_identify -= 1
        if self._to_identify:
            return
        others = []
        for one in self._identified:
            if self._known[one.job.file.path].audio_hash == one.audio_hash:
                self._follow(self._known[one.job.file.path], one)
            else:
                self._lost.add(self._known[one.job.file.path])
                others.append(one)
        self._last = [one.job.file for one in others if not self._recognise(one)]

    def _recognise(self, found: Identified) -> bool:
        """Whether a file could be given what is known of its audio."""
        lost = self._lost.claim(found.audio_hash)
        if lost is not None:
            self._follow(lost, found)
            return True
        if found.job.kind == "identify":
            return False
        for copy in self._lost.copies(found.audio_hash):
            before = self._catalogue.heard(copy.track_id)
            if before is not None and _is_same_music(before, found):
                self._queue.add(_copied(found, before), first=True)
                return True
        return False

    def _follow(self, track: KnownFile, found: Identified) -> None:
        """Give a track the file that holds its audio now, and do again what is out of date."""
        file = found.job.file
        before = self._catalogue.heard(track.track_id)
        songs = () if before is None else before.listening.info.chapters
        has_other_songs = songs != found.info.chapters
        self._catalogue.follow_file(
            track.track_id,
            found.info,
            path=file.path,
            modified_ns=file.modified_ns,
            cue_stamp=CUT_ANEW if has_other_songs else file.cue_stamp,
        )
        if has_other_songs or track.listening_version != self._versions.listening:
            again = Job(file=file, kind="hear", must_hear=True, track_id=track.track_id)
            self._queue.add(again)
        elif track.model_version != self._versions.writing:
            self._queue.add(Job(file=file, kind="imagine", track_id=track.track_id))
        else:
            self._progress.stored(file.path)
        self._counts.tracks_moved += 1

    def _store(self, done: Imagined) -> None:
        job = done.job
        if job.kind == "imagine" and job.track_id is not None:
            self._catalogue.store_captions(job.track_id, done.captions, made_by=self._made_by)
            self._counts.tracks_imagined += 1
        else:
            if job.track_id is None:
                self._keep_id(done)
            track_id = self._catalogue.store_track(
                done.listening,
                done.captions,
                path=job.file.path,
                modified_ns=job.file.modified_ns,
                made_by=self._made_by,
                fingerprint=done.fingerprint,
                cue_stamp=job.file.cue_stamp,
            )
            self._counts.tracks_indexed += 1
            self._lost.note_stored(
                KnownFile(
                    track_id=track_id,
                    path=job.file.path,
                    size_bytes=job.file.size_bytes,
                    modified_ns=job.file.modified_ns,
                    audio_hash=done.listening.audio_hash,
                    status="ready",
                    listening_version=self._made_by.listening,
                    model_version=self._made_by.model,
                    cue_stamp=job.file.cue_stamp,
                )
            )
        self._progress.stored(job.file.path)

    def _keep_id(self, done: Imagined) -> None:
        """A track that lost its file, and is heard anew in another, moves there first."""
        at_path = self._known.get(done.job.file.path)
        if at_path is not None and at_path.audio_hash == done.listening.audio_hash:
            return
        lost = self._lost.claim(done.listening.audio_hash)
        if lost is not None:
            self._catalogue.follow_file(
                lost.track_id,
                done.listening.info,
                path=done.job.file.path,
                modified_ns=done.job.file.modified_ns,
            )
        elif at_path is not None:
            self._lost.take(at_path)  # what is stored here takes its place

    # ---- what is gone ---------------------------------------------------------------------

    def _let_go(self, plan: Plan) -> None:
        """Mark the tracks whose files are gone, and delete them if that was asked for."""
        gone = self._lost.left(plan.gone)
        silent = [*gone, *self._lost.left(self._broken)]
        newly = [track.track_id for track in silent if track.status == "ready"]
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


def _with_songs(found: Identified) -> Identified:
    return msgspec.structs.replace(found, info=with_songs(found.info, found.job.file.cue))


def _is_same_music(before: Remembered, found: Identified) -> bool:
    """Whether a file holds the audio that was heard, and the same songs in it."""
    heard = before.listening
    return (heard.audio_hash, heard.info.chapters) == (found.audio_hash, found.info.chapters)


def _copied(found: Identified, before: Remembered) -> Job:
    """A new track with the audio of one that was heard."""
    seconds = before.listening.info.duration_seconds
    info = msgspec.structs.replace(found.info, duration_seconds=seconds)
    return Job(
        file=found.job.file,
        kind="imagine",
        listening=msgspec.structs.replace(before.listening, info=info),
        fingerprint=before.fingerprint,
    )

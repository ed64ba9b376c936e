"""Gives an engine the jobs of a scan, and writes what comes back: the catalogue's one writer.

Invariants:
    - A track is stored whole, in one transaction, or not at all.
    - Which tracks have lost their file is known before a file is given to one of them.
"""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

import msgspec

from indexer.catalogue.rows import Failure, KnownFile, MadeBy
from indexer.cues import with_songs
from indexer.engines.jobs import Failed, Identified, Imagined, Job
from indexer.plan import LostTracks, is_same_file

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from threading import Event

    from indexer.catalogue.repository import Catalogue
    from indexer.catalogue.rows import Remembered, ScanCounts
    from indexer.engines.jobs import Engine, Outcome
    from indexer.plan import Plan
    from indexer.progress import ScanProgress
    from indexer.walk import FoundFile
    from musiscene.writer import ModelVersions

CUT_ANEW: Final = ""
"""Stamp of a cue sheet that no sheet has: a track that is to be heard again has it until it is."""


@dataclass(frozen=True, kw_only=True)
class Told:
    """Who hears of what is done."""

    counts: ScanCounts
    """Are raised."""
    progress: ScanProgress
    """Is told of each track."""
    fail: Callable[[Failure], None]
    """Is told of each file that could not be taken in."""
    stop: Event
    """When it is set, no more files are begun."""


class Intake:
    """The files of one scan on their way into the catalogue.

    Args:
        catalogue: Is written.
        known: What it held before, by path.
        versions: Of the engine's models.
        embedder: Version of what makes the vectors.
        told: Who hears of what is done.

    Attributes:
        lost: Tracks whose audio is not where it was.
        broken: Tracks whose files cannot be read any more.
    """

    def __init__(
        self,
        catalogue: Catalogue,
        known: Mapping[str, KnownFile],
        *,
        versions: ModelVersions,
        embedder: str,
        told: Told,
    ) -> None:
        self._catalogue = catalogue
        self._known = known
        self._versions = versions
        self._made_by = MadeBy(
            listening=versions.listening, model=versions.writing, embedder=embedder
        )
        self._told = told
        self.lost = LostTracks(known.values(), versions=versions)
        self.broken: list[KnownFile] = []
        self._queue: deque[Job] = deque()
        self._last: list[FoundFile] = []
        """Files at known paths that hold other audio: heard when nobody else wants those tracks."""
        self._in_flight = 0
        self._to_identify = 0
        self._identified: list[Identified] = []

    def run(self, plan: Plan, engine: Engine) -> None:
        """Do what is to be done.

        Args:
            plan: Of the scan.
            engine: Does the jobs.
        """
        for track in (*plan.gone, *plan.broken):
            self.lost.add(track)
        for track in plan.unseen:
            self.lost.take(track)
        self.broken = plan.broken
        self._to_identify = len(plan.changed)
        for file, _ in plan.changed:
            self._queue.append(Job(file=file, kind="identify"))
        for file in (*plan.fresh, *(file for file, _ in plan.stale)):
            self._queue.append(Job(file=file, kind="hear"))
        for file, track in plan.renewed:
            self._queue.append(Job(file=file, kind="imagine", track_id=track.track_id))
        self._told.progress.begin(len(self._queue))
        if not self._queue:
            return
        for outcome in engine.run(self._next_job, self.lost.settled):
            self._take(outcome)

    def _next_job(self) -> Job | None:
        if self._told.stop.is_set():
            return None
        if self._to_identify and self._in_flight == self._to_identify:
            return None  # which tracks are lost must be known before a file is recognised
        job = self._queue.popleft() if self._queue else None
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
            self._queue.appendleft(Job(file=outcome.job.file, kind="hear", must_hear=True))

    def _take_failure(self, failed: Failed) -> None:
        file = failed.job.file
        self._told.fail(
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
            self.broken.append(track)
            self.lost.add(track)

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
                self.lost.add(self._known[one.job.file.path])
                others.append(one)
        self._last = [one.job.file for one in others if not self._recognise(one)]

    def _recognise(self, found: Identified) -> bool:
        """Whether a file could be given what is known of its audio."""
        lost = self.lost.claim(found.audio_hash)
        if lost is not None:
            self._follow(lost, found)
            return True
        if found.job.kind == "identify":
            return False
        for copy in self.lost.copies(found.audio_hash):
            before = self._catalogue.heard(copy.track_id)
            if before is not None and _is_same_music(before, found):
                self._queue.appendleft(_copied(found, before))
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
            self._queue.append(again)
        elif track.model_version != self._versions.writing:
            self._queue.append(Job(file=file, kind="imagine", track_id=track.track_id))
        else:
            self._told.progress.stored(file.path)
        self._told.counts.tracks_moved += 1

    def _store(self, done: Imagined) -> None:
        job = done.job
        if job.kind == "imagine" and job.track_id is not None:
            self._catalogue.store_captions(job.track_id, done.captions, made_by=self._made_by)
            self._told.counts.tracks_imagined += 1
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
            self._told.counts.tracks_indexed += 1
            self.lost.note_stored(
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
        self._told.progress.stored(job.file.path)

    def _keep_id(self, done: Imagined) -> None:
        """A track that lost its file, and is heard anew in another, moves there first."""
        at_path = self._known.get(done.job.file.path)
        if at_path is not None and at_path.audio_hash == done.listening.audio_hash:
            return
        lost = self.lost.claim(done.listening.audio_hash)
        if lost is not None:
            self._catalogue.follow_file(
                lost.track_id,
                done.listening.info,
                path=done.job.file.path,
                modified_ns=done.job.file.modified_ns,
            )
        elif at_path is not None:
            self.lost.take(at_path)  # what is stored here takes its place


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

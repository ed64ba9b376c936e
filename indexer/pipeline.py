"""A library's files -> catalogue and vectors: walk, read, listen, imagine, embed, store.

Files are read and heard in a few threads that run ahead of the language model by a bounded number
of tracks; captions are imagined in batches; one thread writes.

Invariants:
    - A track is stored whole or not at all; what is stored stays, whatever happens afterwards.
    - A file that cannot be taken in becomes a `ScanFailure` with its reason, and the rest goes on.
    - Nothing is deleted unless asked for: a track whose file is gone is marked `missing`.
    - The vectors are published when the scan ends, also when it is interrupted.
"""

from __future__ import annotations

import logging
import os
from collections import deque
from concurrent.futures import Future, ThreadPoolExecutor
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING, Protocol
from uuid import UUID

import msgspec
import torch

from indexer.catalogue.rows import Failure, KnownFile, MadeBy, NewCaption, ScanCounts
from indexer.walk import FoundFile, find_audio_files
from musiscene.audio.read import AudioInfo
from musiscene.errors import AudioError
from musiscene.listen import Listening

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from indexer.library import Library
    from musiscene.audio.read import Recording
    from musiscene.model import ImaginedSegment, MusiScene

logger = logging.getLogger(__name__)

BATCH_SEGMENTS = 32
"""From so many segments on, the tracks at hand are imagined together and stored."""

MAX_WORKERS = 4
"""Threads that read and listen; each holds one whole track in memory."""


class ScanReport(msgspec.Struct, kw_only=True):
    """What a scan did."""

    scan_id: UUID
    counts: ScanCounts
    tracks_deleted: int
    failures: list[Failure]


class ScanProgress(Protocol):
    """Is told how a scan goes on."""

    def begin(self, total: int) -> None:
        """So many files are to be heard."""

    def heard(self, path: str) -> None:
        """One file has been read and listened to."""

    def stored(self, path: str) -> None:
        """One file's track is in the catalogue."""

    def failed(self, failure: Failure) -> None:
        """One file could not be taken in."""


class Heard(msgspec.Struct, frozen=True):
    """A file that was read: what is heard in it, and the track it turned out to be."""

    file: FoundFile
    info: AudioInfo
    listening: Listening | None
    """None where the known track was heard by the same models before."""
    same_as: KnownFile | None


def scan(
    roots: Sequence[str | Path],
    *,
    library: Library,
    model: MusiScene,
    progress: ScanProgress,
    prune: bool = False,
) -> ScanReport:
    """Bring the catalogue and the vectors in step with some folders.

    Args:
        roots: Folders or files.
        library: Where the tracks are kept.
        model: Listens and imagines.
        progress: Is told what happens.
        prune: Delete the tracks whose files are gone.

    Returns:
        Counts and failures.

    Raises:
        LibraryBusyError: If another process is indexing into this library.
        LibraryPathError: If one of the roots does not exist; nothing has been changed then.
        KeyboardInterrupt: If interrupted; what was heard until then is stored and can be found.
    """
    with library.indexing():
        return _Scan(library, model, progress).run(roots, prune=prune)


class _Scan:
    """One run, with what it has found out so far."""

    def __init__(self, library: Library, model: MusiScene, progress: ScanProgress) -> None:
        self._library = library
        self._catalogue = library.catalogue
        self._model = model
        self._progress = progress
        self._version = model.version
        self._counts = ScanCounts()
        self._failures: list[Failure] = []
        self._known: dict[str, KnownFile] = {}
        self._gone: dict[str, list[KnownFile]] = {}
        """Tracks whose file is not where it was, by the hash of their audio."""

    def run(self, roots: Sequence[str | Path], *, prune: bool) -> ScanReport:
        unlisted: list[Failure] = []
        found = list(
            find_audio_files(
                roots, on_error=lambda path, reason: unlisted.append(Failure(path, "walk", reason))
            )
        )
        self._scan_id = self._catalogue.scans.start([str(Path(root).absolute()) for root in roots])
        for failure in unlisted:
            self._fail(failure)
        status = "interrupted"
        deleted = 0
        try:
            renewed = self._library.embed_again()
            if renewed:
                logger.warning("%d captions of another text embedder were embedded anew", renewed)
            self._hear_and_store(self._plan(found, roots))
            deleted = self._let_go(prune=prune)
            status = "finished"
        finally:
            self._catalogue.scans.finish(self._scan_id, status=status, counts=self._counts)
            self._library.publish()
        return ScanReport(
            scan_id=self._scan_id,
            counts=self._counts,
            tracks_deleted=deleted,
            failures=self._failures,
        )

    def _plan(self, found: Sequence[FoundFile], roots: Sequence[str | Path]) -> list[FoundFile]:
        """The files to be heard; also notes which known tracks have lost their file."""
        known = self._catalogue.known_files()
        self._known = known
        self._counts.files_found = len(found)
        present = {file.path for file in found}
        below = tuple(Path(root).absolute() for root in roots)
        for track in known.values():
            if track.path not in present and _is_below(track.path, below):
                self._gone.setdefault(track.audio_hash, []).append(track)
        fresh: list[FoundFile] = []
        returned: list[UUID] = []
        for file in found:
            at_path = known.get(file.path)
            if at_path is None or not self._is_unchanged(file, at_path):
                fresh.append(file)
                continue
            self._counts.tracks_unchanged += 1
            if at_path.status != "ready":
                returned.append(at_path.track_id)
        self._catalogue.set_status(returned, "ready")
        return fresh

    def _is_unchanged(self, file: FoundFile, track: KnownFile) -> bool:
        return (file.size_bytes, file.modified_ns, self._version) == (
            track.size_bytes,
            track.modified_ns,
            track.model_version,
        )

    def _hear_and_store(self, files: Sequence[FoundFile]) -> None:
        self._progress.begin(len(files))
        if not files:
            return
        cores = os.cpu_count() or 1
        workers = min(MAX_WORKERS, cores, len(files))
        # The listeners and the language model share the cores; threads on top only wait.
        torch.set_num_threads(max(1, cores // (workers + 1)))
        pool = ThreadPoolExecutor(workers, thread_name_prefix="listen")
        try:
            for batch in _batches(self._heard(pool, files, ahead=2 * workers)):
                self._store(batch)
        finally:
            pool.shutdown(cancel_futures=True)

    def _heard(
        self, pool: ThreadPoolExecutor, files: Iterable[FoundFile], *, ahead: int
    ) -> Iterator[Heard]:
        """What is heard in each file, in order, at most `ahead` files in flight."""
        waiting: deque[tuple[FoundFile, Future[Heard]]] = deque()
        coming = iter(files)
        while True:
            for file in islice(coming, ahead - len(waiting)):
                waiting.append((file, pool.submit(self._hear, file)))
            if not waiting:
                torch.set_num_threads(os.cpu_count() or 1)  # the language model is alone now
                return
            file, future = waiting.popleft()
            try:
                heard = future.result()
            except AudioError as error:
                self._fail(Failure(file.path, "read", error.reason))
            except Exception as error:
                logger.exception("unexpected error in %s", file.path)
                self._fail(Failure(file.path, "listen", f"{type(error).__name__}: {error}"))
            else:
                self._progress.heard(file.path)
                yield heard

    def _hear(self, file: FoundFile) -> Heard:
        recording = self._model.listener.read(file.path)
        known = self._same_audio(file, recording)
        if known is not None and known.model_version == self._version:
            return Heard(file, recording.info, None, known)
        return Heard(file, recording.info, self._model.listener.hear(recording), known)

    def _same_audio(self, file: FoundFile, recording: Recording) -> KnownFile | None:
        """The track that this file is, if it was only retagged or moved."""
        at_path = self._known.get(file.path)
        if at_path is not None and at_path.audio_hash == recording.audio_hash:
            return at_path
        try:
            return self._gone[recording.audio_hash].pop()  # atomic: two copies claim two tracks
        except (KeyError, IndexError):
            return None

    def _store(self, batch: Sequence[Heard]) -> None:
        for heard in batch:
            if heard.same_as is not None:
                self._catalogue.follow_file(
                    heard.same_as.track_id,
                    heard.info,
                    path=heard.file.path,
                    modified_ns=heard.file.modified_ns,
                )
            if heard.listening is None:
                self._counts.tracks_moved += 1
                self._progress.stored(heard.file.path)
        fresh = [(heard.file, heard.listening) for heard in batch if heard.listening is not None]
        imagined = self._model.imagine([listening for _, listening in fresh])
        for (file, listening), segments in zip(fresh, imagined, strict=True):
            self._catalogue.store_track(
                listening,
                self._captions(segments),
                path=file.path,
                modified_ns=file.modified_ns,
                made_by=MadeBy(
                    listening=self._version,
                    model=self._version,
                    embedder=self._library.embedder.version,
                ),
            )
            self._counts.tracks_indexed += 1
            self._progress.stored(file.path)

    def _captions(self, segments: Sequence[ImaginedSegment]) -> list[NewCaption]:
        """The captions of one track, each with its vector."""
        texts: list[tuple[int, str, str, str, int]] = []
        for number, segment in enumerate(segments):
            texts.append((number, "music", segment.music_caption, "facts", 0))
            texts.extend(
                (number, "scene", caption.text, caption.origin, rank)
                for rank, caption in enumerate(segment.scene_captions)
            )
        vectors = self._library.embedder.encode([text for _, _, text, _, _ in texts])
        return [
            NewCaption(
                segment=segment,
                kind=kind,
                text=text,
                origin=origin,
                rank=rank,
                vector=vector.astype("<f2").tobytes(),
            )
            for (segment, kind, text, origin, rank), vector in zip(texts, vectors, strict=True)
        ]

    def _let_go(self, *, prune: bool) -> int:
        """Mark or delete the tracks whose files are gone; returns how many were deleted."""
        gone = [track for tracks in self._gone.values() for track in tracks]
        if prune:
            self._catalogue.delete_tracks([track.track_id for track in gone])
            return len(gone)
        newly = [track.track_id for track in gone if track.status == "ready"]
        self._catalogue.set_status(newly, "missing")
        self._counts.tracks_missing = len(newly)
        return 0

    def _fail(self, failure: Failure) -> None:
        self._failures.append(failure)
        self._catalogue.scans.add_failure(self._scan_id, failure)
        self._progress.failed(failure)


def _batches(heard: Iterable[Heard]) -> Iterator[list[Heard]]:
    batch: list[Heard] = []
    segments = 0
    for one in heard:
        batch.append(one)
        segments += len(one.listening.segments) if one.listening is not None else 0
        if segments >= BATCH_SEGMENTS:
            yield batch
            batch, segments = [], 0
    if batch:
        yield batch


def _is_below(path: str, roots: Sequence[Path]) -> bool:
    return any(Path(path).is_relative_to(root) for root in roots)

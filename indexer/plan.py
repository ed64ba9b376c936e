"""What a scan has to do: the files that are there, held against what the catalogue knows.

Invariants:
    - A track is its audio. It keeps its id wherever that audio is found and however it is retagged;
      the file that lies where it was is another one.
    - Only a stage whose models changed is done again, and those after it.
    - What lies below a folder that could not be listed is not gone: nothing is known of it, and no
      other file gets its id.
"""

from __future__ import annotations

import os
from collections import defaultdict
from itertools import chain
from typing import TYPE_CHECKING

from indexer.catalogue.rows import KnownFile
from indexer.walk import below

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence
    from pathlib import Path
    from uuid import UUID

    from indexer.catalogue.rows import Failure
    from indexer.walk import FoundFile
    from musiscene.writer import ModelVersions


class Plan:
    """The files of one scan, sorted by what is to be done with them.

    Args:
        found: The files that are there.
        known: What the catalogue remembers, by path.
        failed_before: Files that would fail again as long as they stay as they are, by path.
        versions: Of the models at hand.

    Attributes:
        unchanged: Known tracks whose file is as it was, and whose captions are up to date.
        renewed: Those whose captions are of another model, and what is heard in them is not.
        changed: Known tracks whose file changed: retagged, or another recording.
        stale: Known tracks whose file is as it was, to be heard by other models.
        present: How many known tracks have a file, the same or another.
        fresh: Files at paths that the catalogue does not know.
        failed: Failures of earlier scans that need not be met again.
        broken: Known tracks at whose paths such a file lies now.
        gone: Known tracks below the roots whose file is not there.
        unseen: Known tracks below what could not be listed or looked at.
    """

    def __init__(
        self,
        found: Sequence[FoundFile],
        known: Mapping[str, KnownFile],
        *,
        failed_before: Mapping[str, Failure],
        versions: ModelVersions,
    ) -> None:
        self.unchanged: list[KnownFile] = []
        self.renewed: list[tuple[FoundFile, KnownFile]] = []
        self.changed: list[tuple[FoundFile, KnownFile]] = []
        self.stale: list[tuple[FoundFile, KnownFile]] = []
        self.fresh: list[FoundFile] = []
        self.failed: list[Failure] = []
        self.broken: list[KnownFile] = []
        self._unheard: list[KnownFile] = []
        self.gone: list[KnownFile] = []
        self.unseen: list[KnownFile] = []
        self.present = 0
        self._versions = versions
        for file in found:
            self._sort(file, known.get(file.path), failed_before.get(file.path))

    def note_gone(
        self,
        known: Iterable[KnownFile],
        present: Iterable[str],
        *,
        roots: Sequence[Path],
        unlisted: Sequence[str],
    ) -> None:
        """Find the tracks whose files are not where they were, or may be.

        Args:
            known: Every track.
            present: Paths of the files that are there.
            roots: The folders that were looked through.
            unlisted: Those below them that could not be, and files that could not be looked at.
        """
        seen = set(present)
        is_hidden, was_looked_for = below(unlisted), below(str(root) for root in roots)
        for track in known:
            if track.path in seen:
                continue
            if is_hidden(track.path):
                self.unseen.append(track)
            elif was_looked_for(track.path):
                self.gone.append(track)

    def in_place(self) -> Iterator[KnownFile]:
        """Known tracks whose file is as it was."""
        yield from self.unchanged
        yield from (track for _, track in (*self.renewed, *self.stale))
        yield from self._unheard

    def _sort(self, file: FoundFile, track: KnownFile | None, failed: Failure | None) -> None:
        self.present += track is not None
        if failed is not None and self._still_fails(file, track, failed):
            self.failed.append(failed)
            if track is not None:
                (self._unheard if is_same_file(file, track) else self.broken).append(track)
        elif track is None:
            self.fresh.append(file)
        elif not is_same_file(file, track):
            self.changed.append((file, track))
        elif track.listening_version != self._versions.listening:
            self.stale.append((file, track))
        elif track.model_version != self._versions.writing:
            self.renewed.append((file, track))
        else:
            self.unchanged.append(track)

    def _still_fails(self, file: FoundFile, track: KnownFile | None, failed: Failure) -> bool:
        """Whether a failure still holds: not if the same models have heard the file since."""
        was_heard = (
            track is not None
            and is_same_file(file, track)
            and track.listening_version == self._versions.listening
        )
        return is_same_file(file, failed) and not was_heard


class LostTracks:
    """Tracks whose audio is not where it was: whoever finds it gets the track.

    Args:
        known: Every track of the catalogue.
        versions: Of the models at hand.

    Attributes:
        settled: Hashes of all audio that the models at hand have heard.
    """

    def __init__(self, known: Iterable[KnownFile], *, versions: ModelVersions) -> None:
        self._versions = versions
        self._of_hash: defaultdict[str, list[KnownFile]] = defaultdict(list)
        self._lost: set[UUID] = set()
        self._taken: set[UUID] = set()
        self.settled: set[str] = set()
        for track in known:
            self._note(track)

    def add(self, track: KnownFile) -> None:
        """Note that a track's audio is not in its file any more."""
        self._lost.add(track.track_id)

    def take(self, track: KnownFile) -> None:
        """Note that nobody may claim a track: it has a file, or may have one."""
        self._taken.add(track.track_id)

    def note_stored(self, track: KnownFile) -> None:
        """Note a track that was stored just now: its copies need not be heard."""
        self._taken.add(track.track_id)
        self._note(track)

    def claim(self, audio_hash: str) -> KnownFile | None:
        """The track that a file with this audio is, wherever it was; each is given away once.

        Args:
            audio_hash: Of the file that was found.

        Returns:
            A lost track, or else one from elsewhere whose file does not exist any more.
        """
        free = [one for one in self._of_hash.get(audio_hash, ()) if one.track_id not in self._taken]
        lost = (one for one in free if one.track_id in self._lost)
        elsewhere = (one for one in free if _is_nowhere(one.path))
        track = next(chain(lost, elsewhere), None)
        if track is not None:
            self.take(track)
        return track

    def copies(self, audio_hash: str) -> list[KnownFile]:
        """Tracks with this audio that were heard by the models at hand."""
        return [
            track
            for track in self._of_hash.get(audio_hash, ())
            if track.listening_version == self._versions.listening
        ]

    def left(self, gone: Iterable[KnownFile]) -> list[KnownFile]:
        """Those of some tracks that nobody claimed."""
        return [track for track in gone if track.track_id not in self._taken]

    def _note(self, track: KnownFile) -> None:
        self._of_hash[track.audio_hash].append(track)
        if track.listening_version == self._versions.listening:
            self.settled.add(track.audio_hash)


def is_same_file(file: FoundFile, before: KnownFile | Failure) -> bool:
    """Whether a file is as it was, by its size and time of change, and so is its cue sheet."""
    is_same = (file.size_bytes, file.modified_ns) == (before.size_bytes, before.modified_ns)
    return is_same and (not isinstance(before, KnownFile) or file.cue_stamp == before.cue_stamp)


def _is_nowhere(path: str) -> bool:
    """Whether there is surely no file: not if it only cannot be looked at."""
    try:
        os.lstat(path)
    except (FileNotFoundError, NotADirectoryError):
        return True
    except OSError:
        return False
    return False

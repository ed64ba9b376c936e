"""Tracks -> recordings.

Invariants:
    - A track joins a recording only if it is the same as every sound in it: A like B and B like C
      make no group of A and C.
    - Tracks with the same encoded audio are one recording, whatever else is known of them.
    - Tracks are taken in the order of their ids, and each is held against those before it, so a
      library indexed at once or bit by bit gets the same groups.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import msgspec

from indexer.catalogue.models import new_id
from indexer.recordings.landmarks import LandmarkIndex
from musiscene.audio.fingerprint import compare, is_same_recording, summary_of

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from uuid import UUID

    from indexer.catalogue.recordings import Recordings, Sound
    from indexer.catalogue.repository import Catalogue

TRACKS_AT_ONCE: Final = 500
"""So many tracks are assigned in one transaction, with their fingerprints in memory."""


class RecordingReport(msgspec.Struct, frozen=True, kw_only=True):
    """What a grouping did."""

    tracks_assigned: int
    """Tracks that had no recording before."""
    pairs_compared: int
    """Fingerprints held against each other."""
    duplicates_found: int
    """Of the tracks assigned, those whose recording another track has too."""


def group_recordings(catalogue: Catalogue) -> RecordingReport:
    """Give a recording to every track that has none.

    May be interrupted, and goes on with what is left.

    Args:
        catalogue: The tracks, with their fingerprints; those without one are known by their audio
            hash alone.

    Returns:
        How much was done.

    Raises:
        CatalogueError: If the catalogue cannot be written.
    """
    recordings = catalogue.recordings
    if not recordings.count_unassigned():
        return RecordingReport(tracks_assigned=0, pairs_compared=0, duplicates_found=0)
    return _Grouping(recordings).run()


class _Grouping:
    """One run: the recordings as they are known so far."""

    def __init__(self, recordings: Recordings) -> None:
        self._recordings = recordings
        self._sounds = list(recordings.sounds())
        self._index = LandmarkIndex([summary_of(sound.header) for sound in self._sounds])
        self._recording_of = {
            sound.track_id: sound.recording_id
            for sound in self._sounds
            if sound.recording_id is not None
        }
        self._members: dict[UUID, list[Sound]] = {}
        self._by_hash: dict[str, UUID] = {}
        for sound in self._sounds:
            if sound.recording_id is not None:
                self._note(sound, sound.recording_id)
        self._fingerprints: dict[UUID, bytes] = {}
        self._pairs = self._duplicates = 0

    def run(self) -> RecordingReport:
        fresh = [number for number, sound in enumerate(self._sounds) if sound.recording_id is None]
        for start in range(0, len(fresh), TRACKS_AT_ONCE):
            batch = fresh[start : start + TRACKS_AT_ONCE]
            wanted = list(self._wanted(batch))
            self._fingerprints = {
                track_id: one.fingerprint
                for track_id, one in self._recordings.prints(wanted).items()
            }
            self._recordings.assign(
                {self._sounds[number].track_id: self._recording(number) for number in batch}
            )
        return RecordingReport(
            tracks_assigned=len(fresh),
            pairs_compared=self._pairs,
            duplicates_found=self._duplicates,
        )

    def _wanted(self, batch: Sequence[int]) -> set[UUID]:
        """The tracks whose fingerprints a batch needs, where there is anything to compare."""
        wanted: set[UUID] = set()
        for number in batch:
            near = [self._sounds[other].track_id for other in self._index.candidates(number)]
            if near:
                wanted.update(near, [self._sounds[number].track_id])
        return wanted

    def _recording(self, number: int) -> UUID:
        """The recording that a track belongs to; its own if to none that is known."""
        sound = self._sounds[number]
        found = self._by_hash.get(sound.audio_hash)
        if found is None:
            found = next(self._same(number), None)
        if found is not None:
            self._duplicates += 1
        elif sound.track_id in self._members:  # the others stay behind a file that has changed
            found = new_id()
        else:
            found = sound.track_id
        self._note(sound, found)
        return found

    def _same(self, number: int) -> Iterator[UUID]:
        """Recordings near a track all of whose members are the same as it, the oldest first."""
        near = {self._sounds[other].track_id for other in self._index.candidates(number)}
        mine = self._fingerprints.get(self._sounds[number].track_id)
        if mine is None:
            return
        seen: set[UUID] = set()
        for track_id in sorted(near):
            recording_id = self._recording_of.get(track_id)
            if recording_id is None or recording_id in seen:
                continue
            seen.add(recording_id)
            members = [one for one in self._members[recording_id] if one.header]
            if members and all(one.track_id in near and self._agrees(mine, one) for one in members):
                yield recording_id

    def _agrees(self, fingerprint: bytes, other: Sound) -> bool:
        self._pairs += 1
        known = self._fingerprints.get(other.track_id)
        return known is not None and is_same_recording(compare(fingerprint, known))

    def _note(self, sound: Sound, recording_id: UUID) -> None:
        self._recording_of[sound.track_id] = recording_id
        self._by_hash.setdefault(sound.audio_hash, recording_id)
        members = self._members.setdefault(recording_id, [])
        # Copies of the same audio have the same fingerprint: one of them stands for all.
        if all((one.audio_hash, one.header) != (sound.audio_hash, sound.header) for one in members):
            members.append(sound)

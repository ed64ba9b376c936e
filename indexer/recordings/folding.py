"""One file for each recording in an answer."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence
    from uuid import UUID

    from indexer.catalogue.recordings import Recordings


def first_files(recordings: Recordings, track_ids: Sequence[UUID], *, top_k: int) -> list[int]:
    """The first tracks of a ranking, without further files of a recording that came before.

    Args:
        recordings: Of the catalogue.
        track_ids: Best first.
        top_k: How many to give at most.

    Returns:
        Positions in `track_ids`, rising; tracks that were not grouped yet are all given.
    """
    found: list[int] = []
    seen: set[UUID] = set()
    start, count = 0, 2 * top_k
    while start < len(track_ids):
        part = track_ids[start : start + count]
        recording_of = recordings.of(part)
        for position, track_id in enumerate(part, start):
            recording = recording_of.get(track_id, track_id)
            if recording not in seen:
                seen.add(recording)
                found.append(position)
            if len(found) == top_k:
                return found
        start, count = start + count, 4 * count  # many files of few recordings: few questions
    return found

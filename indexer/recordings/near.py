"""Recordings that are not the same, but have a long stretch in common: edits and versions."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final
from uuid import UUID

import msgspec

from indexer.recordings.landmarks import LandmarkIndex
from musiscene.audio.fingerprint import compare, summary_of

if TYPE_CHECKING:
    from collections.abc import Iterator, Set

    from indexer.catalogue.recordings import Sound
    from indexer.catalogue.repository import Catalogue

LEAST_SHARE: Final = 0.3
"""Of the longer one, in stretches of 4 s that agree."""
MIN_AGREEING_SECONDS: Final = 10.0
"""Less may be a jingle, or a sample that both use."""
MAX_SECONDS: Final = 1800.0
"""Longer tracks are left out: any shift of one against the other would have to be tried."""


class NearPair(msgspec.Struct, frozen=True, kw_only=True):
    """Two tracks that may be edits or versions of one piece."""

    track_ids: tuple[UUID, UUID]
    paths: tuple[str, str]
    """Of their files."""
    share: float
    """Of the longer one, how much is in the other, 0 to 1."""
    offset_seconds: float
    """By how much the first one is late against the second."""
    seconds: tuple[float, float]
    """How long they are."""


def near_pairs(catalogue: Catalogue, *, among: Set[UUID] | None = None) -> Iterator[NearPair]:
    """Pairs of recordings that have a long stretch in common.

    Args:
        catalogue: Whose tracks have been grouped.
        among: Only pairs with one of these tracks; None for all.

    Yields:
        Pairs as they are found; one track stands for its recording.
    """
    recordings = catalogue.recordings
    first_of: dict[UUID, Sound] = {}
    for sound in recordings.sounds():
        if sound.header and sound.recording_id is not None:
            first_of.setdefault(sound.recording_id, sound)
    sounds = list(first_of.values())
    summaries = [summary_of(sound.header) for sound in sounds]
    seconds = [MAX_SECONDS if one is None else one.seconds for one in summaries]
    index = LandmarkIndex(summaries)
    for number, sound in enumerate(sounds):
        others = [
            other
            for other in index.candidates(number, max_seconds_apart=None)
            if other > number
            and max(seconds[number], seconds[other]) < MAX_SECONDS
            and (among is None or not among.isdisjoint((sound.track_id, sounds[other].track_id)))
        ]
        if not others:
            continue
        known = recordings.prints([sound.track_id, *(sounds[other].track_id for other in others)])
        for other in others:
            pair = sound.track_id, sounds[other].track_id
            likeness = compare(
                known[pair[0]].fingerprint, known[pair[1]].fingerprint, max_offset_seconds=None
            )
            longest = max(seconds[number], seconds[other])
            if likeness.agreeing_share >= max(LEAST_SHARE, MIN_AGREEING_SECONDS / longest):
                yield NearPair(
                    track_ids=pair,
                    paths=(known[pair[0]].path, known[pair[1]].path),
                    share=likeness.agreeing_share,
                    offset_seconds=likeness.offset_seconds,
                    seconds=(seconds[number], seconds[other]),
                )

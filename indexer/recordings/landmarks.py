"""Finds the few fingerprints that are worth comparing among many."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from numpy.typing import NDArray

    from musiscene.audio.fingerprint import Summary

COMMON: Final = 200
"""A landmark in more tracks than this is a stock sound, and tells nothing."""
MAX_SECONDS_APART: Final = 17.0
"""By how much two copies may differ in length: silence before one, and what may be cut off."""

_NONE: Final = np.empty(0, np.uint32)


class LandmarkIndex:
    """An inverted index: landmark -> the tracks that have it.

    Args:
        summaries: Of the tracks; None for one without a fingerprint.
    """

    def __init__(self, summaries: Sequence[Summary | None]) -> None:
        self._summaries = summaries
        marks = [_NONE if one is None else one.landmarks for one in summaries]
        owners = np.repeat(np.arange(len(marks), dtype=np.uint32), [len(one) for one in marks])
        unsorted = np.concatenate([_NONE, *marks])
        order = np.argsort(unsorted, kind="stable")
        self._marks: NDArray[np.uint32] = unsorted[order]
        self._tracks: NDArray[np.uint32] = owners[order]

    def candidates(
        self, number: int, *, max_seconds_apart: float | None = MAX_SECONDS_APART
    ) -> Iterator[int]:
        """Tracks that share a landmark with one, rising.

        Args:
            number: Position of the track.
            max_seconds_apart: Only those of about its length; None for any length.

        Yields:
            Positions, without its own.
        """
        summary = self._summaries[number]
        if summary is None:
            return
        starts = np.searchsorted(self._marks, summary.landmarks, side="left")
        ends = np.searchsorted(self._marks, summary.landmarks, side="right")
        spans = [
            self._tracks[start:end]
            for start, end in zip(starts, ends, strict=True)
            if end - start <= COMMON
        ]
        for found in np.unique(np.concatenate(spans)) if spans else ():
            other = self._summaries[int(found)]
            if int(found) == number or other is None:
                continue
            apart = abs(other.seconds - summary.seconds)
            if max_seconds_apart is None or apart <= max_seconds_apart:
                yield int(found)

"""Choosing tracks that fit without choosing the same thing again and again."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Callable
    from uuid import UUID

    from numpy.typing import NDArray

    from indexer.catalogue.shown import CatalogueTrack


class Spread:
    """Lets each recording in once, and at most some tracks of one artist.

    Args:
        per_artist: How many; None for any number. Tracks without an artist are not one artist's.
    """

    def __init__(self, per_artist: int | None) -> None:
        self._per_artist = per_artist
        self._of_artist: Counter[str] = Counter()
        self._recordings: set[UUID | str] = set()

    def accepts(self, track: CatalogueTrack) -> bool:
        """Whether a track may be chosen too; if so, it is counted."""
        artist = " ".join((track.artist or "").casefold().split())
        is_full = self._per_artist is not None and self._of_artist[artist] >= self._per_artist
        recording = track.recording_id or track.audio_hash
        if recording in self._recordings or (artist and is_full):
            return False
        self._recordings.add(recording)
        self._of_artist[artist] += 1
        return True


def choose_diverse(
    relevance: NDArray[np.floating],
    likeness_to: Callable[[int], NDArray[np.floating]],
    accepts: Callable[[int], bool],
    *,
    diversity: float,
    top_k: int,
) -> list[int]:
    """Choose one by one what is relevant and unlike what was chosen before.

    Maximal marginal relevance: each time the greatest (1 - diversity) * relevance
    - diversity * (greatest likeness to one that was chosen).

    Source: Carbonell and Goldstein 1998, SIGIR, "The use of MMR, diversity-based reranking".

    Args:
        relevance: Of each candidate, on the scale of the likeness, shape (candidates,).
        likeness_to: Position of a candidate -> likeness of all to it, 0 to 1, (candidates,).
        accepts: Whether a candidate may be chosen, after those that it accepted before.
        diversity: 0 for relevance alone, 1 for unlikeness alone.
        top_k: How many to choose at most.

    Returns:
        Positions in the order chosen; of equals the first comes first.
    """
    redundancy = np.zeros(len(relevance))
    left = np.ones(len(relevance), dtype=np.bool_)
    chosen: list[int] = []
    while len(chosen) < top_k and left.any():
        # At diversity 1 the first would be any candidate at all: it is the most relevant.
        values = (1 - diversity) * relevance - diversity * redundancy if chosen else relevance
        best = int(np.where(left, values, -np.inf).argmax())
        left[best] = False
        if not accepts(best):
            continue
        chosen.append(best)
        if diversity > 0:
            redundancy = np.maximum(redundancy, likeness_to(best))
    return chosen
